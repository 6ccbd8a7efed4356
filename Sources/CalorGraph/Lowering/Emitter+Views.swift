import CalorTensor

/// Values that only rearrange another one are not moved: they are views until a kernel needs a certain order.
extension Emitter {
    /// How a value lies in memory now.
    mutating func view(_ value: ValueID) throws(GraphFault) -> StridedView {
        if let view = views[value] { return view }
        let shape = try shape(value)
        if plain[value] == nil, !isConstant(value), let place = blocked[value], shape[1] % 8 == 0 {
            return StridedView(blocked: place, shape)
        }
        return StridedView(try plainPlace(value), shape)
    }

    /// `value` is what `view` shows; nobody may write over it any more.
    mutating func set(_ value: ValueID, _ view: StridedView) {
        if view.isContiguous { plain[value] = view.place } else { views[value] = view }
        share(view.place.base)
    }

    /// A plain copy of a view.
    mutating func plainCopy(_ value: ValueID, of view: StridedView) throws(GraphFault) -> Place {
        let target = try newPlain(value)
        try copy(view, to: StridedView(target, try shape(value)), named: graph.label(value))
        return target
    }

    /// A plain copy of a rolled value.
    mutating func plainCopy(_ value: ValueID, of roll: RolledView) throws(GraphFault) -> Place {
        let target = try newPlain(value)
        try copy(roll, to: StridedView(target, try shape(value)), named: graph.label(value))
        return target
    }

    /// Blocked planes of a rolled value; nil when its channels are not whole blocks.
    mutating func blockedCopy(_ value: ValueID, of roll: RolledView) throws(GraphFault) -> Place? {
        let shape = try shape(value)
        guard canBeBlocked(value), shape[1] % 8 == 0 else { return nil }
        let target = try newBlocked(value)
        try copy(roll, to: StridedView(blocked: target, shape), named: graph.label(value))
        return target
    }

    /// Blocked planes from a view whose channels are whole blocks; nil for any other.
    mutating func blockedCopy(_ value: ValueID, of view: StridedView) throws(GraphFault) -> Place? {
        let shape = try shape(value)
        guard canBeBlocked(value), shape[1] % 8 == 0 else { return nil }
        let target = try newBlocked(value)
        try copy(view, to: StridedView(blocked: target, shape), named: graph.label(value))
        return target
    }

    /// A view with every part in its place: planes whose channels lie side by side become blocked, anything else plain.
    mutating func settled(_ value: ValueID) throws(GraphFault) -> StridedView {
        if plain[value] == nil, blocked[value] == nil, let view = views[value], canBeBlocked(value), view.axes[1].last?.stride == 1,
            let place = try blockedCopy(value, of: view)
        {
            return StridedView(blocked: place, try shape(value))
        }
        if plain[value] == nil, let place = blocked[value], try shape(value)[1] % 8 == 0 {
            return StridedView(blocked: place, try shape(value))
        }
        return StridedView(try plainPlace(value), try shape(value))
    }

    mutating func copy(_ from: StridedView, to: StridedView, named name: String) throws(GraphFault) {
        if let loops = CopyLoops(from: from, to: to) {
            let step = ViewCopyStep(input: from.place, output: to.place, loops: loops)
            return add(step, named: name, flops: 0, reads: [from.place], writes: [to.place])
        }
        // The two cut an axis in different places: a plain copy has no seams.
        let shape = Shape(from.dims)
        let middle = StridedView(arena(bytes: shape.count * 4), shape)
        guard let first = CopyLoops(from: from, to: middle), let second = CopyLoops(from: middle, to: to) else {
            throw .defect(reason: "\(name) has parts that do not fit its shape")
        }
        let steps = [(from, middle, first), (middle, to, second)]
        for (source, target, loops) in steps {
            let step = ViewCopyStep(input: source.place, output: target.place, loops: loops)
            add(step, named: name, flops: 0, reads: [source.place], writes: [target.place])
        }
    }

    // MARK: - Operations that move nothing

    mutating func emitAlias(_ node: LoweredNode) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        let dims = try shape(y).dims
        if let roll = pendingRoll(x)?.reshaped(to: dims) {
            rolls[y] = roll
            return
        }
        if let view = try view(x).reshaped(to: dims) { return set(y, view) }
        let place = try plainPlace(x)
        set(y, StridedView(place, try shape(y)))
    }

    mutating func emitTranspose(_ node: LoweredNode, _ order: [Int]) throws(GraphFault) {
        if let roll = pendingRoll(node.inputs[0]) {
            rolls[try output(node)] = roll.permuted(order)
        } else {
            set(try output(node), try view(node.inputs[0]).permuted(order))
        }
    }

    mutating func emitRoll(_ node: LoweredNode, _ axis: Int, _ shift: Int) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        if let known = pendingRoll(x)?.rolled(axis, by: shift) {
            rolls[y] = known
        } else {
            let source = try view(x)
            rolls[y] = RolledView(source).rolled(axis, by: shift)
            share(source.place.base)
        }
    }

    /// The roll that a value is, as long as nothing has copied it.
    func pendingRoll(_ value: ValueID) -> RolledView? {
        plain[value] == nil && blocked[value] == nil && views[value] == nil ? rolls[value] : nil
    }

    /// The one copy of a rolled value.
    mutating func copy(_ roll: RolledView, to target: StridedView, named name: String) throws(GraphFault) {
        guard let tables = roll.tables(to: target) else {
            // The target cuts an axis elsewhere: first in the order of the shape.
            let shape = Shape(roll.shown.dims)
            let middle = StridedView(arena(bytes: shape.count * 4), shape)
            guard roll.tables(to: middle) != nil else { throw .defect(reason: "\(name) is rolled out of shape") }
            try copy(roll, to: middle, named: name)
            return try copy(middle, to: target, named: name)
        }
        let step = TableCopyStep(input: roll.source.place, output: target.place, tables: tables)
        add(step, named: name, flops: 0, reads: [roll.source.place], writes: [target.place])
    }

    mutating func emitSlice(_ node: LoweredNode, _ ranges: [SliceRange]) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        var sliced = try view(x)
        for range in ranges {
            if let next = sliced.sliced(range.axis, start: range.start, count: range.count) {
                sliced = next
                continue
            }
            // Once more from the start, with every axis in one piece.
            sliced = try settled(x)
            if let all = Self.sliced(sliced, ranges) {
                sliced = all
            } else {
                guard let all = Self.sliced(StridedView(try plainPlace(x), try shape(x)), ranges) else {
                    throw .defect(reason: "\(node.origin.name) slices more than there is")
                }
                sliced = all
            }
            break
        }
        guard let result = sliced.reshaped(to: try shape(y).dims) else {
            throw .defect(reason: "\(node.origin.name) slices to another shape than was inferred")
        }
        set(y, result)
    }

    private static func sliced(_ view: StridedView, _ ranges: [SliceRange]) -> StridedView? {
        var view = view
        for range in ranges {
            guard let next = view.sliced(range.axis, start: range.start, count: range.count) else { return nil }
            view = next
        }
        return view
    }

    /// Every operand is copied into its part of the result, from wherever it is.
    mutating func emitConcatOfViews(_ node: LoweredNode, _ axis: Int) throws(GraphFault) {
        let y = try output(node)
        var sources: [StridedView] = []
        for input in node.inputs { sources.append(try view(input)) }
        let shape = try shape(y)
        let inBlocks =
            axis != 1 && canBeBlocked(y) && shape[1] % 8 == 0
            && sources.allSatisfy { $0.axes[1].last == StridedView.Part(extent: 8, stride: 1) }
        let target = inBlocks ? StridedView(blocked: try newBlocked(y), shape) : StridedView(try newPlain(y), shape)
        var start = 0
        for source in sources {
            let count = source.extent(axis)
            guard let part = target.sliced(axis, start: start, count: count) else {
                throw .defect(reason: "\(node.origin.name) has no room for an operand")
            }
            try copy(source, to: part, named: node.origin.name)
            start += count
        }
    }
}
