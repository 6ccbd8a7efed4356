import CalorKernels
import CalorTensor

/// One function for each kind of operation.
extension Emitter {
    mutating func emit(_ node: LoweredNode) throws(GraphFault) {
        defer { finish(node) }
        let flops = node.flops { types[$0] }
        switch node.kind {
        case .convolution(let part): try emitConvolution(node, part, flops)
        case .unary(let operation, let slopes): try emitUnary(node, operation, slopes, flops)
        case .binary(let operation): try emitBinary(node, operation, flops)
        case .affine(let affine): try emitAffine(node, affine, flops)
        case .normalisation(let part): try emitNormalisation(node, part, flops)
        case .linear(let part): try emitLinear(node, part, flops)
        case .attention(let part): try emitAttention(node, part, flops)
        case .layerNorm, .softmax, .matmul, .rowMean: try emitRows(node, flops)
        case .channelNorm(let scale, let shift, let epsilon): try emitChannelNorm(node, scale, shift, epsilon, flops)
        case .channelMean: try emitChannelMean(node, flops)
        case .transpose(let order): try emitTranspose(node, order)
        case .slice(let ranges): try emitSlice(node, ranges)
        case .roll(let axis, let shift): try emitRoll(node, axis, shift)
        case .concat(let axis): try emitConcat(node, axis)
        case .split(let axis, let sizes): try emitSplit(node, axis, sizes)
        case .shuffle, .unshuffle, .nearest, .resample, .pool, .globalMean: try emitPlanes(node, flops)
        case .alias: try emitAlias(node)
        case .fallback: try emitFallback(node, flops)
        }
    }

    func output(_ node: LoweredNode) throws(GraphFault) -> ValueID {
        guard let output = node.outputs.first.flatMap({ $0 }) else { throw .defect(reason: "\(node.origin.name) has no output") }
        return output
    }

    // MARK: - Convolution

    private mutating func emitConvolution(_ node: LoweredNode, _ part: FusedConvolution, _ flops: Double) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        let shape = try shape(x)
        let convolution = weights.convolution(part, for: twins[y] ?? y)
        let input = convolution.inputLayout == .nchw ? try plainPlace(x) : try blockedPlace(x)
        var residual: Place?
        if part.residual { residual = try blockedPlace(node.inputs[1]) }
        // The residual is read just before its pixel is written, unless a function is applied to the sums that already lie there.
        let reusable = part.residual && node.inputs[1] != x && part.activation.isAppliedInRegisters
        let place = reusable ? try reuse(node.inputs[1], for: y, layout: .nchw8c) : try newBlocked(y)
        let step = ConvolutionStep(
            convolution: convolution, height: shape[2], width: shape[3], input: input, output: place, residual: residual,
            activation: part.activation, slopes: part.slopes.isEmpty ? nil : FloatVector(part.slopes), scale: part.scale,
            isGated: part.isGated)
        add(step, named: node.origin.name, flops: flops, reads: [input] + (residual.map { [$0] } ?? []), writes: [place])
    }

    // MARK: - Element by element

    /// Input and output of an operation that works in whichever layout its input is.
    private mutating func flat(_ x: ValueID, _ y: ValueID, blockedOnly: Bool = false) throws(GraphFault) -> (
        input: Place, output: Place, extent: BlockedExtent?, shape: PlaneShape?, count: Int
    ) {
        if blockedOnly || (canBeBlocked(x) && (isBlocked(x) || isWantedBlocked(y))) {
            let input = try blockedPlace(x)
            let place = try reuse(x, for: y, layout: .nchw8c)
            let extent = try extent(y)
            return (input, place, extent, extent.shape, extent.floats)
        }
        let input = try plainPlace(x)
        let place = try reuse(x, for: y, layout: .nchw)
        return (input, place, nil, try plainShape(y), try shape(y).count)
    }

    /// The picture that a plain value is; nil for values of other ranks.
    private func plainShape(_ value: ValueID) throws(GraphFault) -> PlaneShape? {
        guard canBeBlocked(value) else { return nil }
        let shape = try shape(value)
        return PlaneShape(channels: shape[1], height: shape[2], width: shape[3], layout: .nchw)
    }

    private mutating func emitUnary(
        _ node: LoweredNode, _ operation: UnaryOperation, _ slopes: [Float], _ flops: Double
    ) throws(GraphFault) {
        let prelu = operation == .activation(.prelu)
        let memory = try flat(node.inputs[0], try output(node), blockedOnly: prelu)
        let step: any Step
        if prelu, let extent = memory.extent {
            step = SlopesStep(input: memory.input, output: memory.output, extent: extent, slopes: FloatVector(slopes))
        } else {
            step = UnaryStep(
                operation: operation, input: memory.input, output: memory.output, count: memory.count,
                padding: memory.extent.flatMap { $0.isPadded ? $0 : nil }, shape: memory.shape)
        }
        add(step, named: node.origin.name, flops: flops, reads: [memory.input], writes: [memory.output])
    }

    private mutating func emitAffine(_ node: LoweredNode, _ affine: FusedAffine, _ flops: Double) throws(GraphFault) {
        let single = affine.scale.count == 1 && affine.shift.count == 1
        let y = try output(node)
        let memory = try flat(node.inputs[0], y, blockedOnly: !single)
        let step: any Step
        if single, memory.extent.map({ !$0.isPadded }) ?? true {
            step = AffineStep(
                input: memory.input, output: memory.output, count: memory.count, scale: affine.scale[0], shift: affine.shift[0],
                shape: memory.shape)
        } else if let extent = memory.extent, let scale = affine.scale.spread(extent.channels),
            let shift = affine.shift.spread(extent.channels)
        {
            step = ChannelAffineStep(
                input: memory.input, output: memory.output, extent: extent, scale: FloatVector(scale), shift: FloatVector(shift))
        } else {
            throw .defect(reason: "\(node.origin.name) has \(affine.scale.count) factors")
        }
        add(step, named: node.origin.name, flops: flops, reads: [memory.input], writes: [memory.output])
    }

    private mutating func emitBinary(_ node: LoweredNode, _ operation: BinaryOperation, _ flops: Double) throws(GraphFault) {
        let (a, b, y) = (node.inputs[0], node.inputs[1], try output(node))
        let (left, right, result) = (try shape(a), try shape(b), try shape(y))
        if left == result, right == result {
            let blockedForm = canBeBlocked(y) && (isBlocked(a) || isBlocked(b) || isWantedBlocked(y))
            let places = blockedForm ? (try blockedPlace(a), try blockedPlace(b)) : (try plainPlace(a), try plainPlace(b))
            let layout = blockedForm ? ActivationLayout.nchw8c : .nchw
            let place: Place
            if a != b, let target = inPlace(a, y, layout: layout) {
                place = target
            } else if a != b {
                place = try reuse(b, for: y, layout: layout)
            } else {
                place = blockedForm ? try newBlocked(y) : try newPlain(y)
            }
            let extent = blockedForm ? try extent(y) : nil
            let plainShape = try plainShape(y)
            let step = BinaryStep(
                operation: operation, left: places.0, right: places.1, output: place, count: extent?.floats ?? result.count,
                padding: extent.flatMap { $0.isPadded ? $0 : nil }, shape: extent?.shape ?? plainShape)
            return add(step, named: node.origin.name, flops: flops, reads: [places.0, places.1], writes: [place])
        }
        // One operand is a vector of channels that the run computes, as in squeeze and excitation.
        for (planes, channels) in [(a, b), (b, a)] where canBeBlocked(planes) && canBeBlocked(channels) {
            guard try shape(planes) == result, try shape(channels) == Shape([1, result[1], 1, 1]) else { continue }
            let (input, vector) = (try blockedPlace(planes), try blockedPlace(channels))
            let place = try reuse(planes, for: y, layout: .nchw8c)
            let step = ChannelBinaryStep(
                operation: operation, planes: input, channels: vector, channelsFirst: channels == a, output: place,
                extent: try extent(y))
            return add(step, named: node.origin.name, flops: flops, reads: [input, vector], writes: [place])
        }
        if let loops = BroadcastLoops(result, left, right) {
            let places = (try plainPlace(a), try plainPlace(b))
            let place = try newPlain(y)
            let step = BroadcastStep(operation: operation, left: places.0, right: places.1, output: place, loops: loops)
            return add(step, named: node.origin.name, flops: flops, reads: [places.0, places.1], writes: [place])
        }
        try emitFallback(node, flops)
    }

    private mutating func emitNormalisation(_ node: LoweredNode, _ part: FusedNormalisation, _ flops: Double) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        guard canBeBlocked(x), part.scale.count == (try shape(x))[1] else {
            guard part.activation == .none, !part.isModulated else {
                throw .defect(reason: "\(node.origin.name) was fused without a kernel")
            }
            return try emitFallback(node, flops)
        }
        let memory = try flat(x, y, blockedOnly: true)
        guard let extent = memory.extent else { return }
        var vectors: [Place] = []
        for value in node.inputs.dropFirst() {
            if isBlocked(value) { vectors.append(try blockedPlace(value)) } else { vectors.append(try plainPlace(value)) }
        }
        let step = NormalisationStep(
            input: memory.input, output: memory.output, extent: extent, groups: part.groups, gamma: FloatVector(part.scale),
            beta: FloatVector(part.shift), factor: part.hasFactor ? vectors[0] : nil, addend: part.hasAddend ? vectors.last : nil,
            epsilon: part.epsilon, activation: part.activation)
        add(step, named: node.origin.name, flops: flops, reads: [memory.input] + vectors, writes: [memory.output])
    }

    private mutating func emitChannelNorm(
        _ node: LoweredNode, _ scale: [Float], _ shift: [Float], _ epsilon: Float, _ flops: Double
    ) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        let input = try blockedPlace(x)
        let place = try reuse(x, for: y, layout: .nchw8c)
        let step = ChannelNormStep(
            input: input, output: place, extent: try extent(y), gamma: FloatVector(scale), beta: FloatVector(shift),
            epsilon: epsilon)
        add(step, named: node.origin.name, flops: flops, reads: [input], writes: [place])
    }

    private mutating func emitChannelMean(_ node: LoweredNode, _ flops: Double) throws(GraphFault) {
        let (x, y) = (node.inputs[0], try output(node))
        let input = try blockedPlace(x)
        let place = try newPlain(y)
        add(
            ChannelMeanStep(input: input, output: place, extent: try extent(x)), named: node.origin.name, flops: flops,
            reads: [input], writes: [place])
    }
}
