import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Windows over pixels: means, greatest values, local response.
enum PoolingOperators {
    static let all: [Operator] = [
        Operator(
            "AveragePool", 1...1, "mean over a window",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try result(call).1)]
            }, evaluate: { call throws(GraphFault) in [try average(call)] }),
        Operator(
            "MaxPool", 1...1, outputs: 2, "greatest over a window",
            infer: { call throws(GraphFault) in
                let shape = try result(call).1
                return [ValueType(try call.dtype(0), shape), ValueType(.i64, shape)]
            }, evaluate: { call throws(GraphFault) in try greatest(call) }),
        Operator("LRN", 1...1, "divided by the energy of near channels", infer: Infer.first) { call throws(GraphFault) in
            [try response(call)]
        },
    ]

    private static func result(_ call: OperatorCall) throws(GraphFault) -> (Window, Shape) {
        let window = try Window.sliding(call, weights: nil)
        let shape = try call.shape(0)
        return (window, try call.checked([shape[0], shape[1]] + window.output, .f64))
    }

    /// Calls `body` with the place of every pixel of one result window and its index in one image plane, nil where in the border.
    private static func walk(_ window: Window, _ index: [Int], _ body: (Int?) -> Void) {
        var tap = Odometer(window.kernel, [])
        let strides = Shape(window.input).strides
        for _ in 0..<window.kernel.reduce(1, *) {
            var place = 0
            var inside = true
            var beyond = false
            for axis in 0..<window.rank {
                let at = index[axis] * window.strides[axis] + tap.index[axis] * window.dilations[axis] - window.before[axis]
                if at < 0 || at >= window.input[axis] { inside = false }
                // Rounding the extent up can reach behind the border; such places never count.
                if at >= window.input[axis] + window.after[axis] { beyond = true }
                place += at * strides[axis]
            }
            if inside { body(place) } else if !beyond { body(nil) }
            tap.advance()
        }
    }

    private static func average(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        try call.requireFloating(source.dtype)
        let (window, shape) = try result(call)
        try call.checkWork([shape.count] + window.kernel)
        let border = try call.flag("count_include_pad")
        let values = source.doubles
        var means = [Double](repeating: 0, count: shape.count)
        let (inputPixels, pixels) = (window.input.reduce(1, *), window.output.reduce(1, *))
        for plane in 0..<(pixels == 0 ? 0 : shape.count / pixels) {
            var pixel = Odometer(window.output, [])
            for k in 0..<pixels {
                var (sum, count) = (0.0, 0)
                walk(window, pixel.index) { place in
                    if let place { sum += values[plane * inputPixels + place] }
                    if border || place != nil { count += 1 }
                }
                means[plane * pixels + k] = count == 0 ? 0 : sum / Double(count)
                pixel.advance()
            }
        }
        return try CastOperators.cast(call, Tensor(.f64, shape, copying: means), to: source.dtype)
    }

    private static func greatest(_ call: OperatorCall) throws(GraphFault) -> [Tensor?] {
        let source = try call.tensor(0)
        let (window, shape) = try result(call)
        try call.checkWork([shape.count] + window.kernel)
        let columns = try call.flag("storage_order")
        let values = source.doubles
        var (tops, places) = ([Double](repeating: 0, count: shape.count), [Int64](repeating: 0, count: shape.count))
        let (inputPixels, pixels) = (window.input.reduce(1, *), window.output.reduce(1, *))
        let lowest = source.dtype.isFloating ? -Double.infinity : 0
        for plane in 0..<(pixels == 0 ? 0 : shape.count / pixels) {
            var pixel = Odometer(window.output, [])
            for k in 0..<pixels {
                var best: Int?
                walk(window, pixel.index) { place in
                    guard let place else { return }
                    if best.map({ values[plane * inputPixels + place] > values[plane * inputPixels + $0] }) ?? true { best = place }
                }
                tops[plane * pixels + k] = best.map { values[plane * inputPixels + $0] } ?? lowest
                places[plane * pixels + k] = Int64(
                    plane * inputPixels + (best.map { columns ? columnMajor($0, window.input) : $0 } ?? 0))
                pixel.advance()
            }
        }
        return [
            try CastOperators.cast(call, Tensor(.f64, shape, copying: tops), to: source.dtype),
            Tensor(.i64, shape, copying: places),
        ]
    }

    private static func columnMajor(_ place: Int, _ extents: [Int]) -> Int {
        var (rest, result, step) = (place, 0, extents.reduce(1, *))
        for extent in extents.reversed() {
            step /= extent
            result += rest % extent * step
            rest /= extent
        }
        return result
    }

    private static func response(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        try call.requireFloating(source.dtype)
        try call.require(source.shape.rank >= 2, "needs channels")
        guard let size = try call.int("size"), size > 0, size < 1 << 31 else { throw call.fault("size must be above 0") }
        let (alpha, beta) = (try call.float("alpha") ?? 1e-4, try call.float("beta") ?? 0.75)
        let bias = try call.float("bias") ?? 1
        return Lines.map(source, 1) { line in
            line.indices.map { c in
                let window = max(0, c - (size - 1) / 2)...min(line.count - 1, c + size / 2)
                let energy = line[window].reduce(0) { $0 + $1 * $1 }
                return line[c] / pow(bias + alpha / Double(size) * energy, beta)
            }
        }
    }
}
