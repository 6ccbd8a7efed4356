import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Element-wise functions as plain loops over libm.
enum ReferenceElementwise {
    static func value(_ operation: UnaryOperation, _ x: Float) -> Float {
        switch operation {
        case .activation(let activation): value(activation, x, slope: 0)
        case .negate: -x
        case .absolute: abs(x)
        case .squareRoot: x.squareRoot()
        case .reciprocal: 1 / x
        case .exponential: exp(x)
        case .logarithm: log(x)
        case .erf: erff(x)
        case .floor: x.rounded(.down)
        case .ceiling: x.rounded(.up)
        case .roundHalfToEven: x.rounded(.toNearestOrEven)
        case .sign: x > 0 ? 1 : x < 0 ? -1 : x
        case .square: x * x
        case .sine: sin(x)
        case .cosine: cos(x)
        case .reciprocalSquareRoot: 1 / x.squareRoot()
        }
    }

    static func value(_ activation: Activation, _ x: Float, slope: Float) -> Float {
        switch activation {
        case .none: x
        case .relu: x < 0 ? 0 : x
        case .leakyRelu(let slope): x < 0 ? x * slope : x
        case .prelu: x < 0 ? x * slope : x
        case .sigmoid: 1 / (1 + exp(-x))
        case .silu: x / (1 + exp(-x))
        case .gelu: 0.5 * x * (1 + erff(x * 0.707_106_78))
        case .geluTanh: 0.5 * x * (1 + tanhf(0.797_884_56 * (x + 0.044715 * x * x * x)))
        case .tanh: tanhf(x)
        case .clip(let lower, let upper): x < lower ? lower : x > upper ? upper : x
        case .hardSigmoid(let alpha, let beta): clipped(alpha * x + beta)
        case .hardSwish: x * clipped(x / 6 + 0.5)
        case .elu(let alpha): x < 0 ? alpha * expm1f(x) : x
        case .softplus: softplus(x)
        case .mish: x * tanhf(softplus(x))
        case .softsign: x / (1 + abs(x))
        }
    }

    private static func clipped(_ x: Float) -> Float { x < 0 ? 0 : x > 1 ? 1 : x }
    private static func softplus(_ x: Float) -> Float { x > 0 ? x + log1pf(exp(-x)) : log1pf(exp(x)) }

    static func value(_ operation: BinaryOperation, _ x: Float, _ y: Float) -> Float {
        switch operation {
        case .add: x + y
        case .subtract: x - y
        case .multiply: x * y
        case .divide: x / y
        case .minimum: x.isNaN ? x : y < x || y.isNaN ? y : x
        case .maximum: x.isNaN ? x : y > x || y.isNaN ? y : x
        case .power: pow(x, y)
        }
    }

    static func unary(
        _ operation: UnaryOperation, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        for i in 0..<count { output[i] = value(operation, input[i]) }
    }

    static func binary(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        for i in 0..<count { output[i] = value(operation, a[i], b[i]) }
    }

    static func binaryScalar(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ scalar: Float, _ output: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ scalarFirst: Bool
    ) {
        for i in 0..<count { output[i] = scalarFirst ? value(operation, scalar, a[i]) : value(operation, a[i], scalar) }
    }

    static func binaryLanes(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ lanes: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ count: Int, _ lanesFirst: Bool
    ) {
        for i in 0..<count * 8 {
            output[i] = lanesFirst ? value(operation, lanes[i & 7], a[i]) : value(operation, a[i], lanes[i & 7])
        }
    }

    static func multiplyAdd(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        for i in 0..<count { output[i] = a[i] * b[i] + c[i] }
    }

    static func scaleShiftLanes(
        _ input: UnsafePointer<Float>, _ scale: UnsafePointer<Float>, _ shift: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        for i in 0..<count * 8 { output[i] = input[i] * scale[i & 7] + shift[i & 7] }
    }

    static func slopeLanes(
        _ input: UnsafePointer<Float>, _ slopes: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        for i in 0..<count * 8 { output[i] = input[i] < 0 ? input[i] * slopes[i & 7] : input[i] }
    }
}
