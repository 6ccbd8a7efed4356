import CalorTensor

/// Resampling is a matrix along each axis; the gradient goes through its transpose.
enum SamplingGradients {
    static let rules: [String: GradientRule] = ["Resize": resize, "Upsample": resize]

    private static let resize: GradientRule = { b, node, gradients throws(GraphFault) in
        let absent = [ValueID?](repeating: nil, count: node.inputs.count - 1)
        guard var g = gradients[0] else { return [nil] + absent }
        let shape = try b.shape(try b.input(node, 0))
        let plan = try ResizePlan(b.call(node))
        if let blocks = repeated(plan, shape) {
            return [try blockSums(&b, g, height: blocks.height, width: blocks.width)] + absent
        }
        for (axis, line) in plan.axes.enumerated() {
            guard let line else { continue }
            let extent = shape[axis]
            var matrix = [Double](repeating: 0, count: line.output * extent)
            for place in 0..<line.output {
                for (index, weight) in taps(plan, line, place, extent) { matrix[place * extent + index] += weight }
            }
            g = try b.product(g, axis: axis, matrix: matrix, result: extent)
        }
        return [g] + absent
    }

    private static func taps(_ plan: ResizePlan, _ line: ResizePlan.Line, _ place: Int, _ extent: Int) -> [(Int, Double)] {
        let all = Sampler(plan: plan).taps(line, place, extent) ?? []
        if plan.mode == "nearest" { return all.first { $0.weight != 0 }.map { [($0.index, 1)] } ?? [] }
        return all.map { ($0.index, $0.weight) }
    }

    /// The whole factors of a plane that is enlarged by repeating its pixels.
    private static func repeated(_ plan: ResizePlan, _ shape: Shape) -> (height: Int, width: Int)? {
        guard plan.mode == "nearest", shape.rank == 4, plan.axes[0] == nil, plan.axes[1] == nil else { return nil }
        var factors = [1, 1]
        for axis in 2...3 {
            guard let line = plan.axes[axis] else { continue }
            guard line.output % shape[axis] == 0 else { return nil }
            let factor = line.output / shape[axis]
            for place in 0..<line.output {
                guard let tap = taps(plan, line, place, shape[axis]).first, tap.0 == place / factor else { return nil }
            }
            factors[axis - 2] = factor
        }
        return (factors[0], factors[1])
    }

    /// The sum of every block of pixels: a convolution of each channel with ones.
    private static func blockSums(
        _ b: inout GradientBuilder, _ g: ValueID, height: Int, width: Int
    ) throws(GraphFault) -> ValueID {
        if height == 1, width == 1 { return g }
        let type = try b.type(g)
        let channels = type.shape[1]
        let ones = try b.constant(
            [Double](repeating: 1, count: channels * height * width), [channels, 1, height, width], type.dtype)
        let extents = [Int64(height), Int64(width)]
        return try b.emit(
            "Conv", [g, ones], ["kernel_shape": .ints(extents), "strides": .ints(extents), "group": .int(Int64(channels))])
    }
}
