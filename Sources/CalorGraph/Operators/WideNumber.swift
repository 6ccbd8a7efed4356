import CalorTensor

/// The four types that operators compute in. Narrow integers are widened to `Int64` and cut again, which wraps as C does;
/// f16 is computed in `Float` and rounded once; `Bool` is `UInt64` 0 or 1.
protocol WideNumber: BitwiseCopyable, Comparable, Sendable {
    static var dtype: DType { get }
    static var zero: Self { get }
    static var one: Self { get }
    static var lowest: Self { get }
    static var highest: Self { get }
    init(number: Double)
    var number: Double { get }
    var isNotANumber: Bool { get }
    static func plus(_ a: Self, _ b: Self) -> Self
    static func minus(_ a: Self, _ b: Self) -> Self
    static func times(_ a: Self, _ b: Self) -> Self
    /// The quotient; integers are cut towards zero, and `b` must not be zero.
    static func over(_ a: Self, _ b: Self) -> Self
}

extension Float: WideNumber {
    static var dtype: DType { .f32 }
    static var one: Float { 1 }
    static var lowest: Float { -.infinity }
    static var highest: Float { .infinity }
    init(number: Double) { self = Float(number) }
    var number: Double { Double(self) }
    var isNotANumber: Bool { isNaN }
    @inline(__always) static func plus(_ a: Float, _ b: Float) -> Float { a + b }
    @inline(__always) static func minus(_ a: Float, _ b: Float) -> Float { a - b }
    @inline(__always) static func times(_ a: Float, _ b: Float) -> Float { a * b }
    @inline(__always) static func over(_ a: Float, _ b: Float) -> Float { a / b }
}

extension Double: WideNumber {
    static var dtype: DType { .f64 }
    static var one: Double { 1 }
    static var lowest: Double { -.infinity }
    static var highest: Double { .infinity }
    init(number: Double) { self = number }
    var number: Double { self }
    var isNotANumber: Bool { isNaN }
    @inline(__always) static func plus(_ a: Double, _ b: Double) -> Double { a + b }
    @inline(__always) static func minus(_ a: Double, _ b: Double) -> Double { a - b }
    @inline(__always) static func times(_ a: Double, _ b: Double) -> Double { a * b }
    @inline(__always) static func over(_ a: Double, _ b: Double) -> Double { a / b }
}

extension Int64: WideNumber {
    static var dtype: DType { .i64 }
    static var one: Int64 { 1 }
    static var lowest: Int64 { .min }
    static var highest: Int64 { .max }
    init(number: Double) { self = Int64(saturating: number) }
    var number: Double { Double(self) }
    var isNotANumber: Bool { false }
    @inline(__always) static func plus(_ a: Int64, _ b: Int64) -> Int64 { a &+ b }
    @inline(__always) static func minus(_ a: Int64, _ b: Int64) -> Int64 { a &- b }
    @inline(__always) static func times(_ a: Int64, _ b: Int64) -> Int64 { a &* b }
    @inline(__always) static func over(_ a: Int64, _ b: Int64) -> Int64 { a.dividedReportingOverflow(by: b).partialValue }

    /// Cut towards zero; what is out of range becomes the nearest end, not-a-number becomes 0.
    init(saturating value: Double) {
        if value.isNaN { self = 0 } else { self = Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max) }
    }
}

extension UInt64: WideNumber {
    static var dtype: DType { .u64 }
    static var one: UInt64 { 1 }
    static var lowest: UInt64 { .min }
    static var highest: UInt64 { .max }
    /// Negative numbers wrap, as a conversion in C through a signed type does.
    init(number: Double) {
        if number < 0 {
            self = UInt64(bitPattern: Int64(saturating: number))
        } else {
            self = number.isNaN ? 0 : UInt64(exactly: number.rounded(.towardZero)) ?? .max
        }
    }
    var number: Double { Double(self) }
    var isNotANumber: Bool { false }
    @inline(__always) static func plus(_ a: UInt64, _ b: UInt64) -> UInt64 { a &+ b }
    @inline(__always) static func minus(_ a: UInt64, _ b: UInt64) -> UInt64 { a &- b }
    @inline(__always) static func times(_ a: UInt64, _ b: UInt64) -> UInt64 { a &* b }
    @inline(__always) static func over(_ a: UInt64, _ b: UInt64) -> UInt64 { a / b }
}

/// Work that is written once for all four computing types.
protocol WideVisitor {
    associatedtype Result
    func visit<Number: WideNumber>(_: Number.Type) throws(GraphFault) -> Result
}

/// Work for the two floating computing types.
protocol FloatingVisitor {
    associatedtype Result
    func visit<Number: WideNumber & BinaryFloatingPoint>(_: Number.Type) throws(GraphFault) -> Result
}

extension DType {
    /// The computing type.
    var wide: DType {
        switch self {
        case .f16, .f32: .f32
        case .f64: .f64
        case .i8, .i16, .i32, .i64: .i64
        case .bool, .u8, .u16, .u32, .u64: .u64
        }
    }

    func visitWide<V: WideVisitor>(_ visitor: V) throws(GraphFault) -> V.Result {
        switch wide {
        case .f32: try visitor.visit(Float.self)
        case .f64: try visitor.visit(Double.self)
        case .i64: try visitor.visit(Int64.self)
        default: try visitor.visit(UInt64.self)
        }
    }
}

extension OperatorCall {
    /// Runs `visitor` in the floating computing type of `dtype`; integers are a fault.
    func visitFloating<V: FloatingVisitor>(_ dtype: DType, _ visitor: V) throws(GraphFault) -> V.Result {
        switch dtype {
        case .f32, .f16: try visitor.visit(Float.self)
        case .f64: try visitor.visit(Double.self)
        default: throw fault("needs a floating type, not \(dtype)")
        }
    }
}
