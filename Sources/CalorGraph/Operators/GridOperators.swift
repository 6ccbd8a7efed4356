import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Sampling of an image at the places that a grid names.
enum GridOperators {
    static let all: [Operator] = [
        Operator(
            "GridSample", 2...2, "the image at the places of a grid",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try result(call))]
            }, evaluate: { call throws(GraphFault) in [try sample(call)] })
    ]

    private static func result(_ call: OperatorCall) throws(GraphFault) -> Shape {
        let (image, grid) = (try call.shape(0), try call.shape(1))
        try call.require(
            image.rank >= 3 && grid.rank == image.rank && grid[0] == image[0] && grid[-1] == image.rank - 2,
            "the grid \(grid) does not fit the image \(image)")
        // A cubic sample reads 4 pixels along every axis.
        guard image.rank <= 7 else { throw call.unsupported("images of \(image.rank - 2) pixel axes") }
        return try call.checked([image[0], image[1]] + grid.dims[1..<grid.rank - 1], .f64)
    }

    private static func sample(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        let shape = try result(call)
        let sampler = try GridSampler(call, Array(source.shape.dims.dropFirst(2)))
        let (values, grid) = (source.doubles, try call.tensor(1).doubles)
        let planes = sampler.extents.reduce(1, *)
        let pixels = shape.product(2..<shape.rank)
        var out = [Double](repeating: 0, count: shape.count)
        for batch in 0..<shape[0] {
            for pixel in 0..<pixels {
                let start = (batch * pixels + pixel) * sampler.rank
                // A grid names x first, the image's last axis.
                let taps = sampler.taps(at: (0..<sampler.rank).map { grid[start + sampler.rank - 1 - $0] })
                for channel in 0..<shape[1] {
                    let origin = (batch * shape[1] + channel) * planes
                    out[(batch * shape[1] + channel) * pixels + pixel] = taps.reduce(0) {
                        $0 + $1.weight * values[origin + $1.index]
                    }
                }
            }
        }
        return try CastOperators.cast(call, Tensor(.f64, shape, copying: out), to: source.dtype)
    }
}

/// Which pixels, with which weights, make the image at one place of the grid.
private struct GridSampler {
    let extents: [Int]
    private let mode: String
    private let padding: String
    private let aligned: Bool

    var rank: Int { extents.count }

    init(_ call: OperatorCall, _ extents: [Int]) throws(GraphFault) {
        self.extents = extents
        let mode = try call.string("mode") ?? "linear"
        self.mode = ["bilinear": "linear", "bicubic": "cubic"][mode] ?? mode
        padding = try call.string("padding_mode") ?? "zeros"
        aligned = try call.flag("align_corners")
        try call.require(["linear", "cubic", "nearest"].contains(self.mode), "mode \(mode) is not known")
        try call.require(["zeros", "border", "reflection"].contains(padding), "padding_mode \(padding) is not known")
        try call.require(!extents.contains(0), "the image is empty")
    }

    /// `place` is one normalised coordinate per axis, −1 to 1.
    func taps(at place: [Double]) -> [Sampler.Tap] {
        var taps = [Sampler.Tap(index: 0, weight: 1)]
        for (axis, extent) in extents.enumerated() {
            let line = lineTaps(coordinate(place[axis], extent), extent)
            taps = taps.flatMap { tap in
                line.map { Sampler.Tap(index: tap.index * extent + $0.index, weight: tap.weight * $0.weight) }
            }
        }
        return taps
    }

    private func coordinate(_ normal: Double, _ extent: Int) -> Double {
        let size = Double(extent)
        var x = aligned ? (normal + 1) / 2 * (size - 1) : ((normal + 1) * size - 1) / 2
        // The grid comes from outside: far and undefined places are kept where indices do not overflow.
        x = x.isNaN ? -1e9 : min(max(x, -1e9), 1e9)
        if mode == "nearest" { x = x.rounded(.toNearestOrEven) }
        let (low, high) = borders(extent)
        if x >= low, x <= high { return x }
        switch padding {
        case "border": return min(max(x, 0), size - 1)
        case "reflection": return reflected(x, low, high)
        default: return x
        }
    }

    private func borders(_ extent: Int) -> (Double, Double) { aligned ? (0, Double(extent) - 1) : (-0.5, Double(extent) - 0.5) }

    private func reflected(_ x: Double, _ low: Double, _ high: Double) -> Double {
        let span = high - low
        if span <= 0 { return low }
        if x >= low, x <= high { return x }
        let beyond = x < low ? low - x : x - high
        let turns = (beyond / span).rounded(.down)
        let rest = beyond - turns * span
        let fromNear = turns.truncatingRemainder(dividingBy: 2) == 0
        return (x < low) == fromNear ? low + rest : high - rest
    }

    private func lineTaps(_ x: Double, _ extent: Int) -> [Sampler.Tap] {
        let base = Int(x.rounded(.down))
        let t = x - Double(base)
        let (first, weights): (Int, [Double]) =
            switch mode {
            case "nearest": (base, [1])
            case "linear": (base, [1 - t, t])
            default: (base - 1, [Self.far(1 + t), Self.near(t), Self.near(1 - t), Self.far(2 - t)])
            }
        return weights.enumerated().compactMap { offset, weight in
            let index = first + offset
            switch padding {
            case "zeros": return index >= 0 && index < extent ? .init(index: index, weight: weight) : nil
            case "border": return .init(index: min(max(index, 0), extent - 1), weight: weight)
            default:
                let (low, high) = borders(extent)
                return .init(index: min(max(Int(reflected(Double(index), low, high)), 0), extent - 1), weight: weight)
            }
        }
    }

    /// *Source*: R. Keys, 1981, with the coefficient −0.75.
    private static func near(_ x: Double) -> Double { (1.25 * x - 2.25) * x * x + 1 }
    private static func far(_ x: Double) -> Double { -0.75 * (((x - 5) * x + 8) * x - 4) }
}
