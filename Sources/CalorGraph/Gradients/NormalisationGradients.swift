import CalorTensor

/// Normalisations: with x̂ = (x − μ)/σ and a = g · γ, the gradient is (a − mean(a) − x̂ · mean(a x̂))/σ, means over what was normalised.
enum NormalisationGradients {
    static let rules: [String: GradientRule] = [
        "BatchNormalization": batch, "InstanceNormalization": instance, "GroupNormalization": group,
        "LayerNormalization": layer, "RMSNormalization": meanSquare, "Softmax": softmax, "LogSoftmax": logSoftmax,
    ]

    private static func normalised(
        _ b: inout GradientBuilder, _ x: ValueID, _ a: ValueID, axes: [Int], epsilon: Double
    ) throws(GraphFault) -> ValueID {
        let centred = try b.subtract(x, try b.mean(x, over: axes))
        let variance = try b.mean(try b.square(centred), over: axes)
        let inverse = try b.apply("Reciprocal", try b.apply("Sqrt", try b.shift(variance, by: epsilon)))
        let unit = try b.multiply(centred, inverse)
        let first = try b.subtract(a, try b.mean(a, over: axes))
        let along = try b.multiply(unit, try b.mean(try b.multiply(a, unit), over: axes))
        return try b.multiply(try b.subtract(first, along), inverse)
    }

    private static func constants(_ b: GradientBuilder, _ node: Node, from index: Int) throws(GraphFault) {
        for input in node.inputs.dropFirst(index) where b.isActive(input) {
            throw b.unsupported("its scale and shift must not depend on the input")
        }
    }

    /// A vector of one number for each channel, as `1×C×1×…`.
    private static func perChannel(_ b: inout GradientBuilder, _ vector: ValueID, rank: Int) throws(GraphFault) -> ValueID {
        let count = try b.shape(vector).count
        return try b.reshape(vector, to: Shape([1, count] + [Int](repeating: 1, count: max(rank - 2, 0))))
    }

    private static func absent(_ node: Node) -> [ValueID?] { [ValueID?](repeating: nil, count: node.inputs.count - 1) }

    private static let batch: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        try constants(b, node, from: 1)
        let x = try b.input(node, 0)
        guard try b.call(node).int("training_mode") ?? 0 == 0, let scale = b.tensor(try b.input(node, 1)),
            let variance = b.tensor(try b.input(node, 4))
        else { throw b.unsupported("only its inference form has a rule") }
        let epsilon = try b.call(node).float("epsilon") ?? 1e-5
        let factors = zip(scale.doubles, variance.doubles).map { $0 / ($1 + epsilon).squareRoot() }
        let type = try b.type(x)
        let shape = Shape([1, factors.count] + [Int](repeating: 1, count: max(type.shape.rank - 2, 0)))
        return [try b.multiply(g, try b.constant(factors, shape, type.dtype))] + absent(node)
    }

    private static let instance: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        try constants(b, node, from: 1)
        let x = try b.input(node, 0)
        let rank = try b.shape(x).rank
        let a = try b.multiply(g, try perChannel(&b, try b.input(node, 1), rank: rank))
        let epsilon = try b.call(node).float("epsilon") ?? 1e-5
        return [try normalised(&b, x, a, axes: Array(2..<rank), epsilon: epsilon)] + absent(node)
    }

    private static let group: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        try constants(b, node, from: 1)
        let x = try b.input(node, 0)
        let shape = try b.shape(x)
        guard let groups = try b.call(node).int("num_groups"), groups > 0, shape[1] % groups == 0 else {
            throw b.unsupported("num_groups does not divide the channels")
        }
        var scale = try b.input(node, 1)
        // Before opset 21 there is one scale for each group.
        if try b.shape(scale).count == groups, groups != shape[1] {
            scale = try b.reshape(
                try b.expand(try b.reshape(scale, to: [groups, 1]), to: [groups, shape[1] / groups]), to: [shape[1]])
        }
        let a = try b.multiply(g, try perChannel(&b, scale, rank: shape.rank))
        let grouped = Shape([shape[0], groups, shape.count / max(shape[0] * groups, 1)])
        let epsilon = try b.call(node).float("epsilon") ?? 1e-5
        let made = try normalised(
            &b, try b.reshape(x, to: grouped), try b.reshape(a, to: grouped), axes: [2], epsilon: epsilon)
        return [try b.reshape(made, to: shape)] + absent(node)
    }

    private static let layer: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        try constants(b, node, from: 1)
        let x = try b.input(node, 0)
        let rank = try b.shape(x).rank
        let axis = try b.call(node).axis(try b.call(node).int("axis") ?? -1, rank: rank)
        let a = try b.multiply(g, try b.input(node, 1))
        let epsilon = try b.call(node).float("epsilon") ?? 1e-5
        return [try normalised(&b, x, a, axes: Array(axis..<rank), epsilon: epsilon)] + absent(node)
    }

    /// x/r with r = √(mean x² + ε): (a − x̂ · mean(a x̂))/r.
    private static let meanSquare: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        try constants(b, node, from: 1)
        let x = try b.input(node, 0)
        let rank = try b.shape(x).rank
        let axis = try b.call(node).axis(try b.call(node).int("axis") ?? -1, rank: rank)
        let axes = Array(axis..<rank)
        let a = try b.multiply(g, try b.input(node, 1))
        let power = try b.mean(try b.square(x), over: axes)
        let inverse = try b.apply(
            "Reciprocal", try b.apply("Sqrt", try b.shift(power, by: try b.call(node).float("epsilon") ?? 1e-5)))
        let unit = try b.multiply(x, inverse)
        let along = try b.multiply(unit, try b.mean(try b.multiply(a, unit), over: axes))
        return [try b.multiply(try b.subtract(a, along), inverse)] + absent(node)
    }

    // MARK: - Softmax

    /// Before opset 13 the tensor is flattened to a matrix at the axis; after it only the axis counts.
    private static func overAxis(
        _ b: inout GradientBuilder, _ node: Node, _ values: [ValueID],
        _ body: (inout GradientBuilder, [ValueID], Int) throws(GraphFault) -> ValueID
    ) throws(GraphFault) -> ValueID {
        let shape = try b.shape(values[0])
        let axis = try b.call(node).axis(try b.call(node).int("axis") ?? (b.opset >= 13 ? -1 : 1), rank: shape.rank)
        if b.opset >= 13 { return try body(&b, values, axis) }
        let rows = shape.dims.prefix(axis).reduce(1, *)
        let flat: Shape = [rows, shape.count / max(rows, 1)]
        var reshaped: [ValueID] = []
        for value in values { reshaped.append(try b.reshape(value, to: flat)) }
        return try b.reshape(try body(&b, reshaped, 1), to: shape)
    }

    private static let softmax: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil] }
        let made = try overAxis(&b, node, [g, try b.output(node)]) { b, v, axis throws(GraphFault) in
            let total = try b.sum(try b.multiply(v[0], v[1]), over: [axis])
            return try b.multiply(v[1], try b.subtract(v[0], total))
        }
        return [made]
    }

    private static let logSoftmax: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil] }
        let made = try overAxis(&b, node, [g, try b.output(node)]) { b, v, axis throws(GraphFault) in
            try b.subtract(v[0], try b.multiply(try b.apply("Exp", v[1]), try b.sum(v[0], over: [axis])))
        }
        return [made]
    }
}
