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
        var sources: [Place] = []
        for input in node.inputs { sources.append(try plainPlace(input)) }
        let target = try newPlain(y)
        let shape = try shape(y)
        let rows = shape.dims.prefix(axis).reduce(1, *)
        let stride = shape.dims.dropFirst(axis).reduce(1, *)
        var offset = 0
        for (input, source) in zip(node.inputs, sources) {
            let count = try self.shape(input).dims.dropFirst(axis).reduce(1, *)
            let step = StridedCopyStep(
                input: source, inputStride: count, output: Place(base: target.base, offset: target.offset + offset * 4),
                outputStride: stride, rows: rows, count: count)
            add(step, named: name, flops: 0, reads: [source], writes: [target])
            offset += count
        }
    }

    mutating func emitSplit(_ node: LoweredNode, _ axis: Int, _ sizes: [Int]) throws(GraphFault) {
        let x = node.inputs[0]
        let shape = try shape(x)
        let inBlocks = axis == 1 && canBeBlocked(x) && (isBlocked(x) || isWantedBlocked(x))
        let source = inBlocks ? try blockedPlace(x) : try plainPlace(x)
        let rows = shape.dims.prefix(axis).reduce(1, *)
        let inner = shape.dims.dropFirst(axis + 1).reduce(1, *)
        var start = 0
        for (part, size) in zip(node.outputs, sizes) {
            defer { start += size }
            guard let part else { continue }
            let view = Place(base: source.base, offset: source.offset + start * inner * 4)
            // A view costs nothing: whole blocks of channels, or one piece of a plain value.
            if inBlocks, start % 8 == 0, size % 8 == 0 || start + size == shape[1] {
                blocked[part] = view
                share(source.base)
            } else if inBlocks {
                let target = try newBlocked(part)
                let step = ChannelCopyStep(
                    input: source, first: start, count: size, output: target, at: 0, outputExtent: try extent(part))
                add(step, named: node.origin.name, flops: 0, reads: [source], writes: [target])
            } else if rows == 1 {
                plain[part] = view
                share(source.base)
            } else {
                let target = try newPlain(part)
                let step = StridedCopyStep(
                    input: view, inputStride: shape[axis] * inner, output: target, outputStride: size * inner, rows: rows,
                    count: size * inner)
                add(step, named: node.origin.name, flops: 0, reads: [source], writes: [target])
            }
        }
    }

    mutating func emitAlias(_ node: LoweredNode) throws(GraphFault) {
        let place = try plainPlace(node.inputs[0])
        plain[try output(node)] = place
        share(place.base)
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
        case .linear(let part):
            guard let packed = weights.matrix(part, for: y) else { throw .defect(reason: "\(node.origin.name) has no weights") }
            if part.residual { reads.append(try plainPlace(node.inputs[1])) }
            step = LinearStep(
                weights: packed, bias: FloatVector(part.bias), rows: part.rows, activation: part.activation, input: input,
                output: try newPlain(y), residual: part.residual ? reads[1] : nil)
        case .matmul(let product):
            reads.append(try plainPlace(node.inputs[1]))
            step = ProductStep(product: product, left: input, right: reads[1], output: try newPlain(y))
        case .transpose(let order): step = TransposeStep(input: input, output: try newPlain(y), shape: try shape(x), order: order)
        default: throw .defect(reason: "\(node.origin.name) is not an operation on rows")
        }
        add(step, named: node.origin.name, flops: flops, reads: reads, writes: [try plainPlace(y)])
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
