import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Resampling of any axes: nearest is a choice of elements, linear and cubic are one weighted sum per axis, in `Double`.
enum ResizeOperators {
    static let all: [Operator] = [
        Operator(
            "Resize", 1...4, shapedBy: [1, 2, 3], "resampled to other extents",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try ResizePlan(call).shape)]
            }, evaluate: { call throws(GraphFault) in [try resize(call)] }),
        Operator(
            "Upsample", 1...2, shapedBy: [1], "resampled to greater extents",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try ResizePlan(call).shape)]
            }, evaluate: { call throws(GraphFault) in [try resize(call)] }),
    ]

    private static func resize(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        let plan = try ResizePlan(call)
        _ = try call.checked(plan.shape.dims, .f64)
        try call.require(source.count > 0 || plan.shape.count == 0, "an empty image cannot be resized")
        if plan.shape.count == 0 { return Tensor(source.dtype, plan.shape) }
        let sampler = Sampler(plan: plan)
        if plan.mode == "nearest" {
            let maps = source.shape.dims.enumerated().map { axis, extent in
                plan.axes[axis].map { line in
                    (0..<line.output).map { place in sampler.taps(line, place, extent)?.first { $0.weight != 0 }?.index ?? -1 }
                } ?? Array(0..<extent)
            }
            let fill = try CastOperators.cast(call, Tensor(.f64, [], copying: [plan.extrapolation]), to: source.dtype)
            return source.gathered(maps, fill: fill)
        }
        var image = Tensor(.f64, source.shape, copying: source.doubles)
        var outside: [[Bool]] = []
        for (axis, line) in plan.axes.enumerated() {
            guard let line else {
                outside.append([Bool](repeating: false, count: image.shape.dims[axis]))
                continue
            }
            let extent = image.shape.dims[axis]
            let taps = (0..<line.output).map { sampler.taps(line, $0, extent) }
            outside.append(taps.map { $0 == nil })
            image = blended(image, axis, taps.map { $0 ?? [] })
        }
        if outside.contains(where: { $0.contains(true) }) { replace(&image, outside, plan.extrapolation) }
        return try CastOperators.cast(call, image, to: source.dtype)
    }

    private static func blended(_ image: Tensor, _ axis: Int, _ taps: [[Sampler.Tap]]) -> Tensor {
        var dims = image.shape.dims
        let extent = dims[axis]
        dims[axis] = taps.count
        let (outer, inner) = (image.shape.product(0..<axis), image.shape.product(axis + 1..<image.shape.rank))
        return image.withElements(Double.self) { source in
            Tensor.filled(.f64, Shape(dims), Double.self) { out in
                for block in 0..<outer {
                    for (place, row) in taps.enumerated() {
                        let target = (block * taps.count + place) * inner
                        for tap in row {
                            let origin = (block * extent + tap.index) * inner
                            for i in 0..<inner { out[target + i] += tap.weight * source[origin + i] }
                        }
                    }
                }
            }
        }
    }

    private static func replace(_ image: inout Tensor, _ outside: [[Bool]], _ value: Double) {
        let shape = image.shape
        image.withUnsafeMutableBytes { bytes in
            let elements = bytes.bindMemory(to: Double.self)
            var walk = Odometer(shape.dims, [])
            for place in elements.indices {
                if zip(walk.index, outside).contains(where: { $0.1[$0.0] }) { elements[place] = value }
                walk.advance()
            }
        }
    }
}

/// What a Resize or Upsample node asks for, one entry per axis; nil for an axis that stays.
struct ResizePlan {
    struct Line {
        var scale: Double
        var output: Int
        var start: Double
        var end: Double
    }

    var axes: [Line?]
    let shape: Shape
    let mode: String
    let coordinates: String
    let rounding: String
    let cubic: Double
    let extrapolation: Double
    let excludesOutside: Bool
    let antialias: Bool

    init(_ call: OperatorCall) throws(GraphFault) {
        let source = try call.shape(0)
        let dtype = try call.dtype(0)
        let legacy = call.node.op == "Upsample" || call.opset < 11
        mode = try call.string("mode") ?? "nearest"
        coordinates = try call.string("coordinate_transformation_mode") ?? (legacy ? "asymmetric" : "half_pixel")
        rounding = try call.string("nearest_mode") ?? (legacy ? "floor" : "round_prefer_floor")
        cubic = try call.float("cubic_coeff_a") ?? -0.75
        extrapolation = try call.float("extrapolation_value") ?? 0
        excludesOutside = try call.flag("exclude_outside")
        antialias = try call.flag("antialias")
        try call.require(["nearest", "linear", "bilinear", "cubic"].contains(mode), "mode \(mode) is not known")
        try call.require(
            Sampler.coordinateModes.contains(coordinates), "coordinate_transformation_mode \(coordinates) is not known")
        let places = try call.axes(try call.ints("axes") ?? Array(0..<source.rank), rank: source.rank)
        let scalesAt = legacy ? 1 : 2
        var scales: [Double]?
        if call.has(scalesAt), try call.shape(scalesAt).count > 0 { scales = try call.tensor(scalesAt).doubles }
        if legacy, let list = try call.floats("scales") { scales = list.map(Double.init) }
        let sizes = legacy ? nil : try call.integers(at: 3)
        // Only a crop has a region; other modes ignore what stands there.
        var roi: [Double]?
        if !legacy, coordinates == "tf_crop_and_resize", call.has(1), try call.shape(1).count > 0 {
            roi = try call.tensor(1).doubles
        }
        try call.require(
            scales?.count ?? places.count == places.count && sizes?.count ?? places.count == places.count,
            "scales or sizes do not fit the axes")
        try call.require(
            coordinates != "tf_crop_and_resize" || roi?.count == 2 * places.count, "the region of interest does not fit the axes")

        var factors: [Double] = []
        var outputs: [Int] = []
        if let scales {
            for (k, axis) in places.enumerated() {
                let extent = (Double(source.dims[axis]) * scales[k]).rounded(.down)
                try call.require(scales[k] > 0 && extent < 1e12, "a scale of \(scales[k]) is not allowed")
                factors.append(scales[k])
                outputs.append(Int(extent))
            }
        } else if let sizes {
            for (k, axis) in places.enumerated() {
                try call.require(sizes[k] >= 0 && sizes[k] < 1 << 40, "a size of \(sizes[k]) is not allowed")
                factors.append(Double(sizes[k]) / Double(max(source.dims[axis], 1)))
            }
            outputs = sizes
            let policy = try call.string("keep_aspect_ratio_policy") ?? "stretch"
            if policy != "stretch" {
                let factor = (policy == "not_larger" ? factors.min() : factors.max()) ?? 1
                factors = factors.map { _ in factor }
                try call.require(factor * Double(source.dims.max() ?? 1) < 1e12, "the sizes are too large")
                outputs = places.map { Int((factor * Double(source.dims[$0]) + 0.5).rounded(.down)) }
            }
        } else {
            throw call.fault("scales and sizes are missing")
        }
        var dims = source.dims
        var axes = [Line?](repeating: nil, count: source.rank)
        for (k, axis) in places.enumerated() {
            let (start, end) = (roi.map { $0[k] } ?? 0, roi.map { $0[k + places.count] } ?? 1)
            try call.require(
                start.isFinite && end.isFinite && abs(start) < 1e6 && abs(end) < 1e6, "the region of interest is not allowed")
            dims[axis] = outputs[k]
            if factors[k] != 1 || coordinates == "tf_crop_and_resize" {
                axes[axis] = Line(scale: factors[k], output: outputs[k], start: start, end: end)
            }
        }
        self.axes = axes
        shape = try call.checked(dims, dtype)
    }
}

/// Which elements of a line, with which weights, make one element of the resampled line.
struct Sampler {
    struct Tap {
        var index: Int
        var weight: Double
    }

    static let coordinateModes = [
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize",
        "tf_half_pixel_for_nn",
    ]

    let plan: ResizePlan

    /// nil when the place lies outside of the image and is extrapolated.
    func taps(_ line: ResizePlan.Line, _ place: Int, _ extent: Int) -> [Tap]? {
        let x = origin(line, Double(place), Double(extent))
        if plan.coordinates == "tf_crop_and_resize", x < 0 || x > Double(extent - 1) { return nil }
        // The distance behind the left neighbour is in (0, 1]: a place on an element belongs to the interval before it.
        let floor = x.rounded(.down)
        let left = floor == x ? Int(floor) - 1 : Int(floor)
        let ratio = x - Double(left)
        var (first, weights) = (left, [Double]())
        switch plan.mode {
        case "nearest": weights = nearest(ratio)
        case "cubic":
            let scale = plan.antialias ? min(line.scale, 1) : 1
            let reach = Int((2 / scale).rounded(.up))
            (first, weights) = (left + 1 - reach, (1 - reach..<1 + reach).map { cubic((Double($0) - ratio) * scale) })
        default:
            let scale = plan.antialias ? min(line.scale, 1) : 1
            let reach = Int((1 / scale).rounded(.up))
            (first, weights) = (left + 1 - reach, (1 - reach..<1 + reach).map { max(0, 1 - abs((Double($0) - ratio) * scale)) })
        }
        if plan.excludesOutside {
            for k in weights.indices where first + k < 0 || first + k >= extent { weights[k] = 0 }
        }
        if plan.excludesOutside || plan.antialias {
            let sum = weights.reduce(0, +)
            if sum != 0 { weights = weights.map { $0 / sum } }
        }
        return weights.enumerated().map { Tap(index: min(max(first + $0.offset, 0), extent - 1), weight: $0.element) }
    }

    private func origin(_ line: ResizePlan.Line, _ x: Double, _ input: Double) -> Double {
        let output = line.scale * input
        switch plan.coordinates {
        case "align_corners": return output == 1 ? 0 : x * (input - 1) / (output - 1)
        case "asymmetric": return x / line.scale
        case "tf_half_pixel_for_nn": return (x + 0.5) / line.scale
        case "pytorch_half_pixel" where output == 1: return -0.5
        case "half_pixel_symmetric":
            return input / 2 * (1 - Double(line.output) / output) + (x + 0.5) / line.scale - 0.5
        case "tf_crop_and_resize":
            let span = (line.end - line.start) * (input - 1)
            return line.start * (input - 1) + (output == 1 ? span / 2 : x * span / (output - 1))
        default: return (x + 0.5) / line.scale - 0.5
        }
    }

    private func nearest(_ ratio: Double) -> [Double] {
        let right: Bool =
            switch plan.rounding {
            case _ where ratio == 1: true
            case "floor": false
            case "ceil": true
            case "round_prefer_ceil": ratio >= 0.5
            default: ratio > 0.5
            }
        return right ? [0, 1] : [1, 0]
    }

    /// *Source*: R. Keys, Cubic convolution interpolation for digital image processing, 1981, with the coefficient of the node.
    private func cubic(_ distance: Double) -> Double {
        let (x, a) = (abs(distance), plan.cubic)
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0
    }
}
