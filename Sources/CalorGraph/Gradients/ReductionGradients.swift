import CalorTensor

/// Sums and means over axes: the gradient is repeated along them.
enum ReductionGradients {
    static let rules: [String: GradientRule] = [
        "ReduceSum": rule { b, g, _, _, _ throws(GraphFault) in g },
        "ReduceMean": rule { b, g, _, _, count throws(GraphFault) in try b.scale(g, by: 1 / Double(max(count, 1))) },
        "ReduceSumSquare": rule { b, g, x, _, _ throws(GraphFault) in try b.multiply(g, try b.scale(x, by: 2)) },
        "ReduceL1": rule { b, g, x, _, _ throws(GraphFault) in try b.multiply(g, try b.apply("Sign", x)) },
        "ReduceL2": rule { b, g, x, out, _ throws(GraphFault) in try b.multiply(try b.divide(g, out), x) },
        "ReduceLogSumExp": rule { b, g, x, out, _ throws(GraphFault) in
            try b.multiply(g, try b.apply("Exp", try b.subtract(x, out)))
        },
    ]

    /// From the gradient and the output with their axes kept, the input, and the number of elements in each sum.
    private typealias Body = @Sendable (inout GradientBuilder, ValueID, ValueID, ValueID, Int) throws(GraphFault) -> ValueID

    private static func rule(_ body: @escaping Body) -> GradientRule {
        { b, node, gradients throws(GraphFault) in
            let absent = [ValueID?](repeating: nil, count: node.inputs.count - 1)
            guard let g = gradients[0] else { return [nil] + absent }
            let (x, out) = (try b.input(node, 0), try b.output(node))
            let shape = try b.shape(x)
            let call = b.call(node)
            let named = try call.integers(at: 1, or: "axes") ?? []
            if named.isEmpty, try call.flag("noop_with_empty_axes") { throw b.unsupported("it reduces nothing") }
            let axes = named.isEmpty ? Array(0..<shape.rank) : try call.axes(named, rank: shape.rank)
            var kept = shape.dims
            for axis in axes { kept[axis] = 1 }
            let count = axes.reduce(1) { $0 * shape[$1] }
            let made = try body(
                &b, try b.reshape(g, to: Shape(kept)), x, try b.reshape(out, to: Shape(kept)), count)
            return [try b.expand(made, to: shape)] + absent
        }
    }
}
