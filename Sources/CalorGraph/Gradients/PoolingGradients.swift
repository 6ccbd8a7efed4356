import CalorTensor

/// Windows over pixels.
enum PoolingGradients {
    static let rules: [String: GradientRule] = [
        "AveragePool": average,
        "MaxPool": greatest,
        "GlobalAveragePool": GradientTable.linear { b, node, g throws(GraphFault) in
            let shape = try b.shape(try b.input(node, 0))
            let pixels = shape.dims.dropFirst(2).reduce(1, *)
            return try b.expand(try b.scale(g, by: 1 / Double(max(pixels, 1))), to: shape)
        },
    ]

    /// A mean is a convolution of every channel with equal weights, divided by how many pixels the window really holds.
    private static let average: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil] }
        let x = try b.input(node, 0)
        let (shape, type) = (try b.shape(x), try b.type(x))
        let window = try Window.sliding(b.call(node), weights: nil)
        var gradient = g
        let ones = Tensor(.f64, Shape([1, 1] + window.input), copying: [Double](repeating: 1, count: window.input.reduce(1, *)))
        // The mean of a picture of ones, over the pixels of the window that exist, is 1 / (what the sum was divided by).
        let own = try mean(b, node, ones)
        let kernel = Double(window.kernel.reduce(1, *))
        var counts = [1.0]
        for axis in 0..<window.rank {
            let along = (0..<window.output[axis]).map { place in
                Double(
                    (0..<window.kernel[axis]).count {
                        let at = place * window.strides[axis] + $0 * window.dilations[axis] - window.before[axis]
                        return at >= 0 && at < window.input[axis]
                    })
            }
            counts = counts.flatMap { outer in along.map { outer * $0 } }
        }
        let factors = zip(own, counts).map { $1 == 0 ? 0 : $0 / $1 * kernel }
        if factors.contains(where: { abs($0 - 1) > 1e-12 }) {
            gradient = try b.multiply(gradient, try b.constant(factors, Shape([1, 1] + window.output), type.dtype))
        }
        let weights = try b.constant(
            [Double](repeating: 1 / kernel, count: shape[1] * Int(kernel)), Shape([shape[1], 1] + window.kernel), type.dtype)
        let spread = try ConvolutionGradients.spread(&b, gradient, strides: window.strides)
        return [
            try ConvolutionGradients.correlate(&b, spread, weights, window: window, extents: window.input, groups: shape[1])
        ]
    }

    private static func mean(_ b: GradientBuilder, _ node: Node, _ ones: Tensor) throws(GraphFault) -> [Double] {
        var single = node
        single.outputs = [ValueID(0)]
        guard let first = try Interpreter.evaluate(node: single, opset: b.opset, inputs: [ones]).first, let tensor = first else {
            throw b.unsupported("its window holds nothing")
        }
        return tensor.doubles
    }

    /// The gradient goes to the place that was the greatest; of equals, to the first, as PyTorch does.
    private static let greatest: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil] }
        let x = try b.input(node, 0)
        let (shape, type) = (try b.shape(x), try b.type(x))
        guard b.opset >= 16 else { throw b.unsupported("opset 16 or newer is needed to scatter its gradient") }
        var attributes = node.attributes
        attributes["storage_order"] = nil
        let places = try b.emit("MaxPool", [x], attributes, outputs: 2)[1]
        let count = try b.shape(g).count
        let flat = try b.emit(
            "ScatterElements",
            [
                b.zeros([shape.count], type.dtype), try b.reshape(places, to: [count]), try b.reshape(g, to: [count]),
            ], ["axis": .int(0), "reduction": .string("add")])
        return [try b.reshape(flat, to: shape)]
    }
}
