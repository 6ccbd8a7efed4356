import CalorTensor

/// Convolutions with constant weights: the gradient of one is the transposed one, written as a plain convolution over the gradient with
/// zeros between its pixels, because plain convolutions are what the kernels do best.
enum ConvolutionGradients {
    static let rules: [String: GradientRule] = ["Conv": convolution, "ConvTranspose": transposed]

    private static let convolution: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        let (x, weights) = (try b.input(node, 0), try constantWeights(b, node))
        let call = b.call(node)
        let plan = try ConvolutionOperators.Plan(call, transposed: false)
        let turned = try turnedAround(&b, weights, groups: plan.groups)
        let made = try spread(&b, g, strides: plan.window.strides)
        let result = try correlate(
            &b, made, turned, window: plan.window, extents: plan.window.input, groups: plan.groups)
        return [result] + (try others(&b, node, g, x))
    }

    private static let transposed: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        let (x, weights) = (try b.input(node, 0), try constantWeights(b, node))
        let plan = try ConvolutionOperators.Plan(b.call(node), transposed: true)
        let window = plan.window
        // Weights [inputs][outputs / groups] of a transposed convolution are those of a convolution that leads back.
        var after: [Int] = []
        for axis in 0..<window.rank {
            let covered = (window.input[axis] - 1) * window.strides[axis] + window.span[axis]
            after.append(covered - window.output[axis] - window.before[axis])
        }
        let (cut, before, behind) = try fitted(&b, g, before: window.before, after: after)
        let result = try b.emit(
            "Conv", [cut, b.constant(weights)],
            attributes(window, strides: window.strides, before: before, after: behind, groups: plan.groups))
        return [result] + (try others(&b, node, g, x))
    }

    /// Weights and bias: only the bias may depend on an input.
    private static func others(
        _ b: inout GradientBuilder, _ node: Node, _ g: ValueID, _ x: ValueID
    ) throws(GraphFault) -> [ValueID?] {
        guard node.inputs.count > 2 else { return [nil] }
        guard let bias = node.inputs[2], b.isActive(bias) else { return [nil, nil] }
        let axes = try b.shape(g).dims.indices.filter { $0 != 1 }
        return [nil, try b.reshape(try b.sum(g, over: Array(axes)), to: try b.shape(bias))]
    }

    private static func constantWeights(_ b: GradientBuilder, _ node: Node) throws(GraphFault) -> Tensor {
        guard node.inputs.count > 1, let weights = b.tensor(node.inputs[1]) else {
            throw b.unsupported("its weights are not constant")
        }
        return weights
    }

    /// Input and output channels exchanged within each group, every kernel turned by half a turn.
    private static func turnedAround(
        _ b: inout GradientBuilder, _ weights: Tensor, groups: Int
    ) throws(GraphFault) -> ValueID {
        let dims = weights.shape.dims
        let kernel = dims.dropFirst(2).reduce(1, *)
        let (outputs, inputs) = (dims[0] / groups, dims[1])
        let source = weights.doubles
        var turned = [Double](repeating: 0, count: source.count)
        for group in 0..<groups {
            for o in 0..<outputs {
                for i in 0..<inputs {
                    let from = ((group * outputs + o) * inputs + i) * kernel
                    let to = ((group * inputs + i) * outputs + o) * kernel
                    for k in 0..<kernel { turned[to + kernel - 1 - k] = source[from + k] }
                }
            }
        }
        return try b.constant(turned, Shape([groups * inputs, outputs] + dims.dropFirst(2)), weights.dtype)
    }

    /// Zeros between the pixels: a gradient of stride s at every s-th place.
    static func spread(_ b: inout GradientBuilder, _ g: ValueID, strides: [Int]) throws(GraphFault) -> ValueID {
        if strides.allSatisfy({ $0 == 1 }) { return g }
        let type = try b.type(g)
        if strides.count == 2, strides[0] == strides[1] {
            // The first of s² planes of sub-pixels: what the kernels for pixel shuffle do at once.
            let block = strides[0]
            var dims = type.shape.dims
            dims[1] *= block * block - 1
            let filled = try b.concatenate([g, b.zeros(Shape(dims), type.dtype)], along: 1)
            return try b.emit("DepthToSpace", [filled], ["blocksize": .int(Int64(block)), "mode": .string("DCR")])
        }
        var result = g
        for (axis, stride) in strides.enumerated() where stride > 1 {
            let extent = type.shape[axis + 2]
            var matrix = [Double](repeating: 0, count: extent * extent * stride)
            for i in 0..<extent { matrix[i * extent * stride + i * stride] = 1 }
            result = try b.product(result, axis: axis + 2, matrix: matrix, result: extent * stride)
        }
        return result
    }

    /// The convolution of a spread gradient that has `extents` pixels.
    static func correlate(
        _ b: inout GradientBuilder, _ spread: ValueID, _ weights: ValueID, window: Window, extents: [Int], groups: Int
    ) throws(GraphFault) -> ValueID {
        let shape = try b.shape(spread)
        var before: [Int] = []
        var after: [Int] = []
        for axis in 0..<window.rank {
            before.append(window.span[axis] - 1 - window.before[axis])
            after.append(extents[axis] - 1 - shape[axis + 2] + window.span[axis] - before[axis])
        }
        let (cut, front, back) = try fitted(&b, spread, before: before, after: after)
        return try b.emit(
            "Conv", [cut, weights],
            attributes(window, strides: [Int](repeating: 1, count: window.rank), before: front, after: back, groups: groups))
    }

    /// Borders below zero become cuts.
    private static func fitted(
        _ b: inout GradientBuilder, _ a: ValueID, before: [Int], after: [Int]
    ) throws(GraphFault) -> (ValueID, [Int], [Int]) {
        var result = a
        for axis in before.indices where before[axis] < 0 || after[axis] < 0 {
            let extent = try b.shape(result)[axis + 2]
            result = try b.slice(result, axis: axis + 2, max(-before[axis], 0)..<extent - max(-after[axis], 0))
        }
        return (result, before.map { max($0, 0) }, after.map { max($0, 0) })
    }

    private static func attributes(
        _ window: Window, strides: [Int], before: [Int], after: [Int], groups: Int
    ) -> [String: Attribute] {
        [
            "kernel_shape": .ints(window.kernel.map(Int64.init)), "strides": .ints(strides.map(Int64.init)),
            "dilations": .ints(window.dilations.map(Int64.init)), "pads": .ints((before + after).map(Int64.init)),
            "group": .int(Int64(groups)),
        ]
    }
}
