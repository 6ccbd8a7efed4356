import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Normalisations. Means and variances are taken in `Double`, in two passes.
enum NormalisationOperators {
    static let all: [Operator] = [
        Operator(
            "LayerNormalization", 2...3, outputs: 3, "mean 0 and variance 1 over the last axes, scaled",
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                let axis = try call.axis(try call.int("axis") ?? -1, rank: type.shape.rank)
                let kept = ReductionOperators.shape(type.shape, without: Array(axis..<type.shape.rank), keeping: true)
                return [type, ValueType(type.dtype, kept), ValueType(type.dtype, kept)]
            }, evaluate: { call throws(GraphFault) in try layer(call) }),
        Operator("RMSNormalization", 2...2, "root mean square 1 over the last axes, scaled", infer: Infer.first) {
            call throws(GraphFault) in
            let source = try call.tensor(0)
            let axis = try call.axis(try call.int("axis") ?? -1, rank: source.shape.rank)
            let (normal, _, _) = try normalised(call, source, from: axis, epsilon: call.float("epsilon") ?? 1e-5, centred: false)
            let result = try ArithmeticOperators.combine(call, .mul, normal, call.tensor(1))
            try call.require(result.type == source.type, "the scale does not fit \(source.type)")
            return [result]
        },
        Operator("InstanceNormalization", 3...3, "mean 0 and variance 1 over the pixels of each channel", infer: Infer.first) {
            call throws(GraphFault) in
            let source = try call.tensor(0)
            try call.require(source.shape.rank >= 3, "needs a batch, channels and pixels, not \(source.shape)")
            let (normal, _, _) = try normalised(call, source, from: 2, epsilon: call.float("epsilon") ?? 1e-5, centred: true)
            return [try scaled(call, normal, by: 1, plus: 2)]
        },
        Operator("GroupNormalization", 3...3, "mean 0 and variance 1 over groups of channels", infer: Infer.first) {
            call throws(GraphFault) in
            [try group(call)]
        },
        Operator(
            "BatchNormalization", 5...5, outputs: 5, "with the mean and variance of training",
            infer: { call throws(GraphFault) in
                [try call.type(0), try call.type(3), try call.type(4)]
            }, evaluate: { call throws(GraphFault) in try batch(call) }),
        Operator("MeanVarianceNormalization", 1...1, "mean 0 and variance 1 over chosen axes", infer: Infer.first) {
            call throws(GraphFault) in
            let source = try call.tensor(0)
            let rank = source.shape.rank
            let axes = try call.axes(try call.ints("axes") ?? [0, 2, 3], rank: rank).sorted()
            let order = (0..<rank).filter { !axes.contains($0) } + axes
            let (normal, _, _) = try normalised(
                call, source.transposed(order), from: rank - axes.count, epsilon: 1e-9, centred: true)
            return [normal.transposed((0..<rank).map { order.firstIndex(of: $0) ?? 0 })]
        },
    ]

    /// Every block behind `axis` with mean 0 (when centred) and variance 1; the mean and 1 / deviation of each.
    private static func normalised(
        _ call: OperatorCall, _ source: Tensor, from axis: Int, epsilon: Double, centred: Bool
    ) throws(GraphFault) -> (Tensor, mean: [Double], inverse: [Double]) {
        try call.requireFloating(source.dtype)
        let rows = source.shape.product(0..<axis)
        let width = source.shape.product(axis..<source.shape.rank)
        var means: [Double] = []
        var inverses: [Double] = []
        let flat = source.reshaped(to: [rows, width])
        let result = Lines.map(flat, 1) { line in
            let mean = centred ? line.reduce(0, +) / Double(line.count) : 0
            let variance = line.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(line.count)
            let inverse = 1 / sqrt(variance + epsilon)
            means.append(mean)
            inverses.append(inverse)
            return line.map { ($0 - mean) * inverse }
        }
        return (result.reshaped(to: source.shape), means, inverses)
    }

    /// `source` × input `factor` + input `offset`, both one value per channel.
    private static func scaled(_ call: OperatorCall, _ source: Tensor, by factor: Int, plus offset: Int) throws(GraphFault)
        -> Tensor
    {
        var result = source
        for (index, kind) in [(factor, ArithmeticOperators.Kind.mul), (offset, .add)] {
            result = try ArithmeticOperators.combine(call, kind, result, perChannel(call, index, source))
        }
        return result
    }

    private static func perChannel(_ call: OperatorCall, _ index: Int, _ source: Tensor) throws(GraphFault) -> Tensor {
        let values = try call.tensor(index)
        let channels = source.shape.rank > 1 ? source.shape[1] : 1
        try call.require(values.count == channels, "input \(index) has \(values.count) values for \(channels) channels")
        let shaped = values.reshaped(to: Shape([channels] + [Int](repeating: 1, count: max(source.shape.rank - 2, 0))))
        return try CastOperators.cast(call, shaped, to: source.dtype)
    }

    private static func layer(_ call: OperatorCall) throws(GraphFault) -> [Tensor?] {
        let source = try call.tensor(0)
        let axis = try call.axis(try call.int("axis") ?? -1, rank: source.shape.rank)
        let (normal, mean, inverse) = try normalised(
            call, source, from: axis, epsilon: call.float("epsilon") ?? 1e-5, centred: true)
        var result = try ArithmeticOperators.combine(call, .mul, normal, call.tensor(1))
        if let bias = call.optionalTensor(2) { result = try ArithmeticOperators.combine(call, .add, result, bias) }
        try call.require(result.type == source.type, "scale or shift do not fit \(source.type)")
        let kept = ReductionOperators.shape(source.shape, without: Array(axis..<source.shape.rank), keeping: true)
        guard mean.count == kept.count else { return [result] }
        return [
            result, try CastOperators.cast(call, Tensor(.f64, kept, copying: mean), to: source.dtype),
            try CastOperators.cast(call, Tensor(.f64, kept, copying: inverse), to: source.dtype),
        ]
    }

    private static func group(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        let shape = source.shape
        guard let groups = try call.int("num_groups") else { throw call.fault("num_groups is missing") }
        // Every number divides no channels; one beyond them would only overflow.
        try call.require(
            shape.rank >= 3 && groups > 0 && groups <= max(shape[1], 1) && shape[1] % groups == 0,
            "\(groups) groups do not divide \(shape)")
        let split = source.reshaped(to: Shape([shape[0], groups, shape[1] / groups] + shape.dims.dropFirst(2)))
        let (normal, _, _) = try normalised(call, split, from: 2, epsilon: call.float("epsilon") ?? 1e-5, centred: true)
        if call.opset >= 21 { return try scaled(call, normal.reshaped(to: shape), by: 1, plus: 2) }
        // Operator set 18 scaled by group.
        let byGroup = normal.reshaped(to: Shape([shape[0], groups, split.count / max(shape[0] * groups, 1)]))
        return try scaled(call, byGroup, by: 1, plus: 2).reshaped(to: shape)
    }

    private static func batch(_ call: OperatorCall) throws(GraphFault) -> [Tensor?] {
        let source = try call.tensor(0)
        try call.requireFloating(source.dtype)
        try call.require(source.shape.rank > 0, "needs a batch, not a scalar")
        let epsilon = try call.float("epsilon") ?? 1e-5
        let training = try call.flag("training_mode")
        var (mean, variance) = (try perChannel(call, 3, source), try perChannel(call, 4, source))
        var running: [Tensor?] = []
        if training {
            for index in 3...4 { try call.requireFloating(try call.tensor(index).dtype) }
            let momentum = try call.float("momentum") ?? 0.9
            let axes = (0..<source.shape.rank).filter { $0 != 1 }
            let now = try ReductionOperators.reduce(.mean, source, axes: axes, keep: false).reshaped(to: mean.shape)
            let offset = try ArithmeticOperators.combine(call, .sub, source, now)
            let spread = try ReductionOperators.reduce(
                .mean, ArithmeticOperators.combine(call, .mul, offset, offset), axes: axes, keep: false
            )
            .reshaped(to: mean.shape)
            for (old, new, index) in [(mean, now, 3), (variance, spread, 4)] {
                let kept = Elementwise.mapDoubles(old) { $0 * momentum }
                let added = Elementwise.mapDoubles(new) { $0 * (1 - momentum) }
                let sum = try ArithmeticOperators.combine(call, .add, kept, added).reshaped(to: call.shape(index))
                running.append(try CastOperators.cast(call, sum, to: call.tensor(index).dtype))
            }
            (mean, variance) = (now, spread)
        }
        let inverse = Elementwise.mapDoubles(variance) { 1 / sqrt($0 + epsilon) }
        let centred = try ArithmeticOperators.combine(call, .sub, source, mean)
        let normal = try ArithmeticOperators.combine(call, .mul, centred, inverse)
        return [try scaled(call, normal, by: 1, plus: 2)] + running
    }
}
