import CalorKernels
import CalorTensor

/// Operations that move numbers without arithmetic, and the interpreter's nodes.
extension Emitter {
    // MARK: - Concatenation and splitting

    mutating func emitConcat(_ node: LoweredNode, _ axis: Int) throws(GraphFault) {
        let y = try output(node)
        let name = node.origin.name
        if axis == 1, canBeBlocked(y), isWantedBlocked(y) || node.inputs.contains(where: isBlocked) {
            var sources: [Place] = []
            for input in node.inputs { sources.append(try blockedPlace(input)) }
            let target = try newBlocked(y)
            let extent = try extent(y)
            var channel = 0
            for (input, source) in zip(node.inputs, sources) {
                let count = try shape(input)[1]
                let spot = Place(base: target.base, offset: target.offset + channel * extent.pixels * 4)
                if source != spot || channel % 8 != 0 {
                    let step = ChannelCopyStep(
                        input: source, first: 0, count: count, output: target, at: channel, outputExtent: extent)
                    add(step, named: name, flops: 0, reads: [source], writes: [target])
                }
                channel += count
            }
            return
        }
        try emitConcatOfViews(node, axis)
    }

    mutating func emitSplit(_ node: LoweredNode, _ axis: Int, _ sizes: [Int]) throws(GraphFault) {
        let x = node.inputs[0]
        let shape = try shape(x)
        let inBlocks = axis == 1 && canBeBlocked(x) && (isBlocked(x) || isWantedBlocked(x))
        guard inBlocks else { return try emitSplitOfViews(node, axis, sizes) }
        let source = try blockedPlace(x)
        let inner = shape.dims.dropFirst(axis + 1).reduce(1, *)
        var start = 0
        for (part, size) in zip(node.outputs, sizes) {
            defer { start += size }
            guard let part else { continue }
            let view = Place(base: source.base, offset: source.offset + start * inner * 4)
            // A view costs nothing: whole blocks of channels, or one piece of a plain value.
            if start % 8 == 0, size % 8 == 0 || start + size == shape[1] {
                blocked[part] = view
                share(source.base)
            } else {
                let target = try newBlocked(part)
                let step = ChannelCopyStep(
                    input: source, first: start, count: size, output: target, at: 0, outputExtent: try extent(part))
                add(step, named: node.origin.name, flops: 0, reads: [source], writes: [target])
            }
        }
    }

    /// Parts of a value that is not blocked are views of it.
    private mutating func emitSplitOfViews(_ node: LoweredNode, _ axis: Int, _ sizes: [Int]) throws(GraphFault) {
        let x = node.inputs[0]
        var whole = try view(x)
        var start = 0
        for (part, size) in zip(node.outputs, sizes) {
            defer { start += size }
            guard let part else { continue }
            if let view = whole.sliced(axis, start: start, count: size) {
                set(part, view)
            } else {
                whole = StridedView(try plainPlace(x), try shape(x))
                guard let view = whole.sliced(axis, start: start, count: size) else {
                    throw .defect(reason: "\(node.origin.name) splits more than there is")
                }
                set(part, view)
            }
        }
    }

    // MARK: - Planes

    mutating func emitPlanes(_ node: LoweredNode, _ flops: Double) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        let (from, to) = (try shape(x), try shape(y))
        let name = node.origin.name
        switch node.kind {
        case .shuffle(let order, let block, let added):
            let input = try blockedPlace(x)
            let layout = isWantedBlocked(y) ? ActivationLayout.nchw8c : .nchw
            var addition: Place?
            if added { addition = layout == .nchw ? try plainPlace(node.inputs[1]) : try blockedPlace(node.inputs[1]) }
            let target = layout == .nchw ? try newPlain(y) : try newBlocked(y)
            let step = ShuffleStep(
                input: input, output: target, addition: addition, channels: to[1], height: from[2], width: from[3], factor: block,
                order: order, outputLayout: layout)
            add(step, named: name, flops: flops, reads: [input] + (addition.map { [$0] } ?? []), writes: [target])
        case .unshuffle(let block):
            let input = try blockedPlace(x)
            let target = try newBlocked(y)
            let step = UnshuffleStep(input: input, output: target, channels: from[1], height: to[2], width: to[3], factor: block)
            add(step, named: name, flops: flops, reads: [input], writes: [target])
        case .nearest(let vertical, let horizontal):
            guard vertical == horizontal else { return try emitFallback(node, flops) }
            let inBlocks = isBlocked(x) || isWantedBlocked(y)
            let input = inBlocks ? try blockedPlace(x) : try plainPlace(x)
            let target = inBlocks ? try newBlocked(y) : try newPlain(y)
            let step = NearestStep(
                input: input, output: target, channels: from[1], height: from[2], width: from[3], factor: vertical,
                layout: inBlocks ? .nchw8c : .nchw)
            add(step, named: name, flops: flops, reads: [input], writes: [target])
        case .resample(let vertical, let horizontal):
            let inBlocks = isBlocked(x) || isWantedBlocked(y)
            let input = inBlocks ? try blockedPlace(x) : try plainPlace(x)
            let target = inBlocks ? try newBlocked(y) : try newPlain(y)
            let step = ResampleStep(
                input: input, output: target, channels: from[1], height: from[2], width: from[3], vertical: vertical,
                horizontal: horizontal, layout: inBlocks ? .nchw8c : .nchw)
            add(step, named: name, flops: flops, reads: [input], writes: [target])
        case .pool(let geometry):
            let input = try blockedPlace(x)
            let target = try newBlocked(y)
            let step = PoolStep(
                geometry: geometry, input: input, output: target, channels: from[1], inputHeight: from[2], inputWidth: from[3],
                outputHeight: to[2], outputWidth: to[3])
            add(step, named: name, flops: flops, reads: [input], writes: [target])
        case .globalMean:
            let input = try blockedPlace(x)
            let target = try newBlocked(y)
            add(
                GlobalMeanStep(input: input, output: target, extent: try extent(x)), named: name, flops: flops, reads: [input],
                writes: [target])
        default: throw .defect(reason: "\(name) is not an operation on planes")
        }
    }

    // MARK: - Rows

    mutating func emitRows(_ node: LoweredNode, _ flops: Double) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        let input = try plainPlace(x)
        var reads = [input]
        let step: any Step
        switch node.kind {
        case .layerNorm(let rows, let columns, let scale, let shift, let epsilon):
            step = LayerNormStep(
                input: input, output: try newPlain(y), rows: rows, columns: columns, gamma: FloatVector(scale),
                beta: FloatVector(shift),
                epsilon: epsilon)
        case .softmax(let rows, let columns):
            step = SoftmaxStep(input: input, output: try newPlain(y), rows: rows, columns: columns)
        case .matmul(let product):
            reads.append(try plainPlace(node.inputs[1]))
            step = ProductStep(product: product, left: input, right: reads[1], output: try newPlain(y))
        case .rowMean(let rows, let columns):
            step = RowMeanStep(input: input, output: try newPlain(y), rows: rows, columns: columns)
        default: throw .defect(reason: "\(node.origin.name) is not an operation on rows")
        }
        add(step, named: node.origin.name, flops: flops, reads: reads, writes: [try plainPlace(y)])
    }

    /// Rows of a matrix; a 1×1 convolution of a batch reads and writes channels last.
    mutating func emitLinear(_ node: LoweredNode, _ part: FusedLinear, _ flops: Double) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        guard let packed = weights.matrix(part, for: twins[y] ?? y) else {
            throw .defect(reason: "\(node.origin.name) has no weights")
        }
        let input = try rows(x, part.inner, channelsFirst: part.channelsFirst)
        var residual: Place?
        if part.residual {
            let (place, distance) = try rows(node.inputs[1], part.columns, channelsFirst: part.channelsFirst)
            residual = distance == part.columns ? place : try plainPlace(node.inputs[1])
        }
        let target: Place
        if part.channelsFirst {
            target = arena(bytes: part.rows * part.columns * 4)
            let dims = try shape(y).dims
            let last = StridedView(target, Shape([dims[0]] + dims.dropFirst(2) + [dims[1]]))
            let rank = dims.count
            set(y, last.permuted([0, rank - 1] + Array(1..<rank - 1)))
        } else {
            target = try newPlain(y)
        }
        let step = LinearStep(
            weights: packed, bias: FloatVector(part.bias), rows: part.rows, activation: part.activation, input: input.place,
            inputStride: input.stride, output: target, residual: residual)
        add(step, named: node.origin.name, flops: flops, reads: [input.place] + (residual.map { [$0] } ?? []), writes: [target])
    }

    /// Where the rows of `columns` numbers of a value are and how far apart, copied if need be.
    private mutating func rows(_ x: ValueID, _ columns: Int, channelsFirst: Bool) throws(GraphFault) -> (place: Place, stride: Int)
    {
        let shape = try shape(x)
        let rank = shape.rank
        let order = channelsFirst ? [0] + Array(2..<rank) + [1] : Array(0..<rank)
        let shown = try view(x).permuted(order)
        if let last = shown.joined(rank - 1..<rank), last.stride == 1 || last.extent == 1, let row = shown.joined(0..<rank - 1),
            row.extent == 1 || row.stride >= columns
        {
            return (shown.place, row.extent == 1 ? columns : row.stride)
        }
        if !channelsFirst { return (try plainPlace(x), columns) }
        let dense = StridedView(arena(bytes: shape.count * 4), Shape(shown.dims))
        try copy(shown, to: dense, named: graph.label(x))
        return (dense.place, columns)
    }

    // MARK: - The interpreter

    mutating func emitFallback(_ node: LoweredNode, _ flops: Double) throws(GraphFault) {
        var sources: [InterpreterStep.Source] = []
        var reads: [Place] = []
        for input in node.origin.inputs {
            guard let input else {
                sources.append(.missing)
                continue
            }
            let place = try plainPlace(input)
            reads.append(place)
            let shape = types[input]?.shape
            if place.offset == 0, holdsTensor(place.base, of: shape?.count) {
                sources.append(.tensor(base: place.base, shape: shape))
            } else {
                sources.append(.memory(place, try self.shape(input)))
            }
        }
        var slots: [Int?] = []
        var writes: [Place] = []
        for output in node.origin.outputs {
            guard let output else {
                slots.append(nil)
                continue
            }
            let base = addBase(.slot(last: 0))
            slotTypes[base] = types[output]
            plain[output] = Place(base: base)
            slots.append(base)
            writes.append(Place(base: base))
        }
        let step = InterpreterStep(
            node: node.origin, opset: graph.opset, sources: sources, slots: slots,
            expected: node.origin.outputs.map { $0.flatMap { types[$0] } })
        add(step, named: node.origin.name, flops: flops, reads: reads, writes: writes)
    }

    /// Whether a base is a tensor of `count` elements; an unknown count is the base's own.
    private func holdsTensor(_ base: Int, of count: Int?) -> Bool {
        let whole: Int?
        switch bases[base] {
        case .arena: return false
        case .input(let position): whole = types[graph.inputs[position].value]?.shape.count
        case .output(let type): whole = type.shape.count
        case .constant(let tensor): whole = tensor.count
        case .slot: whole = slotTypes[base]?.shape.count
        }
        return whole == nil || count == nil || whole == count
    }
}
