import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Operators on one operand, element by element.
enum ActivationOperators {
    typealias Function = @Sendable (Double) -> Double

    static let all: [Operator] = [
        function("Ceil", "rounded up", { ceil($0) }), function("Floor", "rounded down", { floor($0) }),
        function("Round", "rounded to the nearest even", { $0.rounded(.toNearestOrEven) }),
        function("Sqrt", "square root", { sqrt($0) }), function("Reciprocal", "1 / x", { 1 / $0 }),
        function("Exp", "e to the power of x", { exp($0) }), function("Log", "natural logarithm", { log($0) }),
        function("Sin", "sine", { sin($0) }), function("Cos", "cosine", { cos($0) }),
        function("Tanh", "hyperbolic tangent", { tanh($0) }),
        function("Erf", "error function", { erf($0) }), function("Sigmoid", "1 / (1 + e^−x)", sigmoid),
        function("Softplus", "ln(1 + e^x)", softplus), function("Softsign", "x / (1 + |x|)", { $0 / (1 + abs($0)) }),
        function("HardSwish", "x × clamp(x / 6 + 1/2)", { $0 * max(0, min(1, $0 / 6 + 0.5)) }),
        function("Mish", "x × tanh(ln(1 + e^x))", { $0 * tanh(softplus($0)) }),
        parametric("Elu", "x, or α(e^x − 1) below zero") { call throws(GraphFault) in
            let alpha = try call.float("alpha") ?? 1
            return { $0 < 0 ? alpha * (exp($0) - 1) : $0 }
        },
        parametric("Celu", "x, or α(e^(x/α) − 1) below zero") { call throws(GraphFault) in
            let alpha = try call.float("alpha") ?? 1
            return { max(0, $0) + min(0, alpha * (exp($0 / alpha) - 1)) }
        },
        parametric("Selu", "scaled Elu") { call throws(GraphFault) in
            let alpha = try call.float("alpha") ?? 1.673_263_192_176_818_8
            let gamma = try call.float("gamma") ?? 1.050_701_022_148_132_3
            return { gamma * ($0 <= 0 ? alpha * (exp($0) - 1) : $0) }
        },
        parametric("LeakyRelu", "x, or α x below zero") { call throws(GraphFault) in
            let alpha = try call.float("alpha") ?? 0.01
            return { $0 < 0 ? alpha * $0 : $0 }
        },
        parametric("ThresholdedRelu", "x above α, else 0") { call throws(GraphFault) in
            let alpha = try call.float("alpha") ?? 1
            return { $0 > alpha ? $0 : 0 }
        },
        parametric("HardSigmoid", "clamp(α x + β)") { call throws(GraphFault) in
            let alpha = try call.float("alpha") ?? 0.2
            let beta = try call.float("beta") ?? 0.5
            return { max(0, min(1, alpha * $0 + beta)) }
        },
        parametric("Gelu", "x × the normal distribution up to x") { call throws(GraphFault) in
            if try call.string("approximate") == "tanh" {
                return { 0.5 * $0 * (1 + tanh(0.797_884_560_802_865_4 * ($0 + 0.044_715 * $0 * $0 * $0))) }
            }
            return { 0.5 * $0 * (1 + erf($0 * 0.707_106_781_186_547_5)) }
        },
        parametric("Swish", "x × sigmoid(α x)") { call throws(GraphFault) in
            let alpha = try call.float("alpha") ?? 1
            return { $0 * sigmoid(alpha * $0) }
        },
        signed("Abs", "magnitude", .abs), signed("Neg", "−x", .neg), signed("Sign", "−1, 0 or 1", .sign),
        signed("Relu", "x, or 0 below zero", .relu),
        test("IsNaN", "not a number") { _ throws(GraphFault) in { $0.isNaN } },
        test("IsInf", "infinite") { call throws(GraphFault) in
            let negative = try call.flag("detect_negative", default: true)
            let positive = try call.flag("detect_positive", default: true)
            return { $0.isInfinite && ($0 < 0 ? negative : positive) }
        },
        Operator("Not", 1...1, "the opposite", infer: Infer.first) { call throws(GraphFault) in
            let source = try call.tensor(0)
            try call.require(source.dtype == .bool, "needs bool, not \(source.dtype)")
            return [source.converted(UInt8.self, .bool) { $0 == 0 ? 1 : 0 as UInt8 }]
        },
        Operator("Clip", 1...3, "clamped between two ends", infer: Infer.first) { call throws(GraphFault) in [try clip(call)] },
    ]

    @Sendable static func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
    @Sendable static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

    private static func function(_ name: String, _ summary: String, _ function: @escaping Function) -> Operator {
        parametric(name, summary) { _ throws(GraphFault) in function }
    }

    private static func parametric(
        _ name: String, _ summary: String, _ make: @escaping @Sendable (OperatorCall) throws(GraphFault) -> Function
    ) -> Operator {
        Operator(name, 1...1, summary, infer: Infer.first) { call throws(GraphFault) in
            try call.requireFloating(call.dtype(0))
            return [Elementwise.mapDoubles(try call.tensor(0), try make(call))]
        }
    }

    private static func test(
        _ name: String, _ summary: String,
        _ make: @escaping @Sendable (OperatorCall) throws(GraphFault) -> @Sendable (Double) -> Bool
    ) -> Operator {
        Operator(name, 1...1, summary, infer: { call throws(GraphFault) in [ValueType(.bool, try call.shape(0))] }) {
            call throws(GraphFault) in
            let source = try call.tensor(0)
            let test = try make(call)
            try call.requireFloating(source.dtype)
            return [Tensor(.bool, source.shape, copying: source.doubles.map { test($0) ? 1 : 0 as UInt8 })]
        }
    }

    // MARK: - Any number type

    enum Kind: Sendable { case abs, neg, sign, relu }

    private static func signed(_ name: String, _ summary: String, _ kind: Kind) -> Operator {
        Operator(name, 1...1, summary, infer: Infer.first) { call throws(GraphFault) in
            let source = try call.tensor(0)
            let wide = source.widened()
            return [try wide.dtype.visitWide(Signed(kind: kind, source: wide)).narrowed(to: source.dtype)]
        }
    }

    private struct Signed: WideVisitor {
        let kind: Kind
        let source: Tensor

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            switch kind {
            case .abs: Elementwise.map(source, N.self, N.dtype) { $0 < N.zero ? N.minus(N.zero, $0) : $0 }
            case .neg: Elementwise.map(source, N.self, N.dtype) { N.times($0, N.minus(N.zero, N.one)) }
            case .sign: Elementwise.map(source, N.self, N.dtype) { $0 > N.zero ? N.one : $0 < N.zero ? N.minus(N.zero, N.one) : $0 }
            case .relu: Elementwise.map(source, N.self, N.dtype) { $0 < N.zero ? N.zero : $0 }
            }
        }
    }

    private static func clip(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        var ends: [Tensor?] = [nil, nil]
        for (k, name) in ["min", "max"].enumerated() {
            if let end = call.optionalTensor(k + 1) {
                try call.require(end.count == 1 && end.dtype == source.dtype, "\(name) must be one \(source.dtype)")
                ends[k] = end.reshaped(to: []).widened()
            } else if let end = try call.float(name) {
                ends[k] = try CastOperators.cast(call, Tensor([], [Float(end)]), to: source.dtype).widened()
            }
        }
        let wide = source.widened()
        return try wide.dtype.visitWide(Clip(source: wide, low: ends[0], high: ends[1])).narrowed(to: source.dtype)
    }

    private struct Clip: WideVisitor {
        let source: Tensor
        let low: Tensor?
        let high: Tensor?

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            let low = low?.array(of: N.self).first ?? N.lowest
            let high = high?.array(of: N.self).first ?? N.highest
            return Elementwise.map(source, N.self, N.dtype) { (x: N) in
                let raised = x < low ? low : x
                return raised > high ? high : raised
            }
        }
    }
}
