import CalorKernels
import CalorTensor

/// Fusion: one operation and the producers that only it reads become one operation.
///
/// A rule returns the merged operation and takes the producers out, or returns nil and changes nothing.
extension Lowering {
    mutating func absorbed(_ node: LoweredNode) -> LoweredNode? {
        switch node.kind {
        case .unary(.activation(let activation), let slopes): absorbActivation(node, activation, slopes)
        case .affine(let affine): absorbAffine(node, affine)
        case .binary(.add): absorbSum(node)
        case .binary(.multiply): absorbProduct(node)
        case .alias: absorbAlias(node)
        case .matmul(let product): absorbAttention(node, product) ?? absorbTransposition(node, product)
        case .binary(.divide): absorbSpelledNorm(node)
        case .concat(let axis): absorbRoll(node, axis)
        default: nil
        }
    }

    // MARK: - Activation

    private mutating func absorbActivation(_ node: LoweredNode, _ activation: Activation, _ slopes: [Float]) -> LoweredNode? {
        guard let x = node.inputs.first, let producer = soleProducer(x) else { return nil }
        var merged = node
        merged.inputs = producer.inputs
        switch producer.kind {
        case .convolution(var part) where part.isLinear:
            part.activation = activation
            part.slopes = slopes
            merged.kind = .convolution(part)
        case .linear(var part) where part.activation == .none && !part.residual && activation != .prelu:
            part.activation = activation
            merged.kind = .linear(part)
        case .normalisation(var part) where part.activation == .none && activation != .prelu && shape(x)?.rank == 4:
            part.activation = activation
            merged.kind = .normalisation(part)
        default: return nil
        }
        merged.origin = producer.origin
        remove(producerOf: x)
        count("fuse activation")
        return merged
    }

    // MARK: - Constants

    private mutating func absorbAffine(_ node: LoweredNode, _ affine: FusedAffine) -> LoweredNode? {
        guard let x = node.inputs.first else { return nil }
        if affine.scale == [0.5], affine.shift == [0], let gelu = absorbGeluHalf(node, x) { return gelu }
        guard let producer = soleProducer(x) else { return nil }
        var merged = node
        merged.inputs = producer.inputs
        switch producer.kind {
        case .convolution(var part) where part.isLinear:
            let count = part.geometry.outChannels
            guard let scale = affine.scale.spread(count), let shift = affine.shift.spread(count) else { return nil }
            let each = part.weights.count / count
            for index in part.weights.indices { part.weights[index] *= scale[index / each] }
            for index in 0..<count { part.bias[index] = part.bias[index] * scale[index] + shift[index] }
            merged.kind = .convolution(part)
        case .convolution(var part) where !part.residual && !part.isGated && affine.scale.count == 1 && affine.shift == [0]:
            part.scale *= affine.scale[0]
            merged.kind = .convolution(part)
        case .normalisation(var part) where part.activation == .none && !part.isModulated && shape(x)?.rank == 4:
            let count = part.scale.count
            guard let scale = affine.scale.spread(count), let shift = affine.shift.spread(count) else { return nil }
            for index in 0..<count {
                part.scale[index] *= scale[index]
                part.shift[index] = part.shift[index] * scale[index] + shift[index]
            }
            merged.kind = .normalisation(part)
        case .channelNorm(let first, let second, let epsilon):
            guard let scale = affine.scale.spread(first.count), let shift = affine.shift.spread(first.count) else { return nil }
            merged.kind = .channelNorm(
                scale: zip(first, scale).map { $0 * $1 }, shift: zip(zip(second, scale), shift).map { $0.0 * $0.1 + $1 },
                epsilon: epsilon)
        case .linear(var part)
        where part.activation == .none && !part.residual && affine.scale.count == 1 && affine.shift.count == 1:
            part.weights = part.weights.map { $0 * affine.scale[0] }
            part.bias = part.bias.map { $0 * affine.scale[0] + affine.shift[0] }
            merged.kind = .linear(part)
        case .affine(let first):
            let count = max(first.scale.count, first.shift.count, affine.scale.count, affine.shift.count)
            guard let a = first.scale.spread(count), let b = first.shift.spread(count), let c = affine.scale.spread(count),
                let d = affine.shift.spread(count)
            else { return nil }
            merged.kind = .affine(
                FusedAffine(scale: (0..<count).map { a[$0] * c[$0] }, shift: (0..<count).map { b[$0] * c[$0] + d[$0] }))
        default: return nil
        }
        merged.origin = producer.origin
        remove(producerOf: x)
        count("fold scale and shift")
        return merged
    }

    // MARK: - Sums

    private mutating func absorbSum(_ node: LoweredNode) -> LoweredNode? {
        guard node.inputs.count == 2, let output = node.outputs.first.flatMap({ $0 }).flatMap(shape) else { return nil }
        if let biased = absorbBias(node) ?? absorbNormShift(node) ?? absorbModulation(node, isFactor: false) { return biased }
        // The later producer takes the sum, so that the other operand exists.
        let (a, b) = (node.inputs[0], node.inputs[1])
        let pairs = order(a) >= order(b) ? [(a, b), (b, a)] : [(b, a), (a, b)]
        for (x, other) in pairs where x != other && shape(x) == output && shape(other) == output {
            guard let producer = soleProducer(x), !producer.inputs.contains(x) else { continue }
            var merged = node
            merged.inputs = producer.inputs + [other]
            merged.origin = producer.origin
            switch producer.kind {
            case .convolution(var part) where !part.residual && !part.isGated:
                part.residual = true
                merged.kind = .convolution(part)
            case .linear(var part) where !part.residual:
                part.residual = true
                merged.kind = .linear(part)
            case .shuffle(let order, let block, false):
                merged.kind = .shuffle(order, block: block, addition: true)
            default: continue
            }
            remove(producerOf: x)
            count("fuse residual")
            return merged
        }
        return nil
    }

    /// A constant row added to a product of matrices.
    private mutating func absorbBias(_ node: LoweredNode) -> LoweredNode? {
        for (x, other) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
            guard let producer = soleProducer(x), case .linear(var part) = producer.kind, part.activation == .none, !part.residual,
                !part.channelsFirst, let tensor = graph.constants[other], tensor.dtype == .f32, tensor.shape.rank > 0,
                tensor.shape.rank <= (shape(x)?.rank ?? 0), tensor.count == part.columns, tensor.shape[-1] == part.columns
            else { continue }
            let row = tensor.floats
            for index in part.bias.indices { part.bias[index] += row[index] }
            var merged = node
            merged.inputs = producer.inputs
            merged.origin = producer.origin
            merged.kind = .linear(part)
            remove(producerOf: x)
            count("fuse bias")
            return merged
        }
        return nil
    }

    // MARK: - Activations that exporters spell out

    private mutating func absorbProduct(_ node: LoweredNode) -> LoweredNode? {
        let (a, b) = (node.inputs[0], node.inputs[1])
        if let gated = absorbGate(node, a, b) ?? absorbModulation(node, isFactor: true) ?? absorbNormScale(node)
            ?? absorbSpelledNorm(node)
        {
            return gated
        }
        if let gelu = absorbGelu(node, a, b) { return gelu }
        for (x, gate) in [(a, b), (b, a)] {
            // x · sigmoid(x): the value is read by the sigmoid and by this product.
            if let producer = soleProducer(gate), case .unary(.activation(.sigmoid), _) = producer.kind, producer.inputs == [x] {
                remove(producerOf: gate)
                count("recognise SiLU")
                return activation(.silu, of: x, node)
            }
        }
        return nil
    }

    /// The product of the two halves of a depthwise convolution.
    private mutating func absorbGate(_ node: LoweredNode, _ a: ValueID, _ b: ValueID) -> LoweredNode? {
        guard a != b, let split = soleProducer(a), useCount(b) == 1, case .split(axis: 1, let sizes) = split.kind, sizes.count == 2,
            sizes[0] == sizes[1], split.outputs == [a, b] || split.outputs == [b, a], let whole = split.inputs.first,
            let producer = soleProducer(whole), case .convolution(var part) = producer.kind, part.isLinear,
            PreparedConvolution.supportsGate(part.geometry)
        else { return nil }
        part.isGated = true
        var merged = node
        merged.kind = .convolution(part)
        merged.inputs = producer.inputs
        merged.origin = producer.origin
        remove(producerOf: a)
        remove(producerOf: whole)
        count("fuse gate")
        return merged
    }

    func activation(_ activation: Activation, of x: ValueID, _ node: LoweredNode) -> LoweredNode {
        LoweredNode(kind: .unary(.activation(activation), slopes: []), inputs: [x], outputs: node.outputs, origin: node.origin)
    }

    // MARK: - Shapes

    /// Reshape → InstanceNormalization → Reshape is a normalisation over groups of channels.
    private mutating func absorbAlias(_ node: LoweredNode) -> LoweredNode? {
        guard let normalised = node.inputs.first, let output = node.outputs.first.flatMap({ $0 }),
            let producer = soleProducer(normalised), case .normalisation(let part) = producer.kind,
            let grouped = producer.inputs.first
        else { return nil }
        guard part.activation == .none, !part.isModulated, let reshape = soleProducer(grouped), case .alias = reshape.kind,
            let x = reshape.inputs.first,
            let shape = shape(x), shape.rank == 4, shape[0] == 1, shape == self.shape(output), shape[1] % part.groups == 0,
            part.scale.count == part.groups, self.shape(grouped)?.dims.prefix(2) == [1, part.groups]
        else { return nil }
        let each = shape[1] / part.groups
        var merged = node
        merged.kind = .normalisation(
            FusedNormalisation(
                groups: part.groups, epsilon: part.epsilon, scale: (0..<shape[1]).map { part.scale[$0 / each] },
                shift: (0..<shape[1]).map { part.shift[$0 / each] }))
        merged.inputs = [x]
        merged.origin = producer.origin
        remove(producerOf: normalised)
        remove(producerOf: grouped)
        count("recognise GroupNorm")
        return merged
    }

    /// A factor or an addend per channel that the run computes, as in conditioned networks.
    private mutating func absorbModulation(_ node: LoweredNode, isFactor: Bool) -> LoweredNode? {
        for (x, other) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] where x != other {
            guard let producer = soleProducer(x), case .normalisation(var part) = producer.kind, part.activation == .none,
                let shape = shape(x), shape.rank == 4, shape[0] == 1, part.scale.count == shape[1], !part.hasAddend,
                !(isFactor && part.hasFactor), self.shape(other)?.dims == [1, shape[1], 1, 1], shape[2] * shape[3] > 1,
                type(other)?.dtype == .f32, graph.constants[other] == nil
            else { continue }
            if isFactor { part.hasFactor = true } else { part.hasAddend = true }
            var merged = node
            merged.kind = .normalisation(part)
            merged.inputs = producer.inputs + [other]
            merged.origin = producer.origin
            remove(producerOf: x)
            count("fuse modulation")
            return merged
        }
        return nil
    }

    /// The end of an axis, then its beginning.
    private mutating func absorbRoll(_ node: LoweredNode, _ axis: Int) -> LoweredNode? {
        guard node.inputs.count == 2, node.inputs[0] != node.inputs[1], let last = soleProducer(node.inputs[0]),
            let first = soleProducer(node.inputs[1]), case .slice(let end) = last.kind, case .slice(let begin) = first.kind,
            end.count == 1, begin.count == 1, end[0].axis == axis, begin[0].axis == axis, last.inputs == first.inputs,
            let x = last.inputs.first, let extent = shape(x)?.dims, axis < extent.count, begin[0].start == 0,
            end[0].start == begin[0].count, begin[0].count + end[0].count == extent[axis],
            node.outputs.first.flatMap({ $0 }).flatMap(shape)?.dims == extent
        else { return nil }
        var merged = node
        merged.kind = .roll(axis: axis, shift: begin[0].count)
        merged.inputs = [x]
        for value in node.inputs { remove(producerOf: value) }
        count("recognise roll")
        return merged
    }

    /// A · transposed(B) reads B as it is stored.
    private mutating func absorbTransposition(_ node: LoweredNode, _ product: BatchedProduct) -> LoweredNode? {
        let y = node.inputs[1]
        guard !product.transposedRight, let producer = soleProducer(y), case .transpose(let order) = producer.kind,
            order.count >= 2,
            order == Array(0..<order.count - 2) + [order.count - 1, order.count - 2]
        else { return nil }
        var product = product
        product.transposedRight = true
        var merged = node
        merged.kind = .matmul(product)
        merged.inputs = [node.inputs[0]] + producer.inputs
        remove(producerOf: y)
        count("fuse transposition")
        return merged
    }
}

extension [Float] {
    /// This vector with `count` elements: itself, or its only element repeated.
    func spread(_ count: Int) -> [Float]? {
        if self.count == count { return self }
        return self.count == 1 ? [Float](repeating: self[0], count: count) : nil
    }
}
