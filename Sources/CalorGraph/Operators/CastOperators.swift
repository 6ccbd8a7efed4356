import CalorTensor

/// Conversions between element types.
enum CastOperators {
    static let all: [Operator] = [
        Operator(
            "Cast", 1...1, "as another type",
            infer: { call throws(GraphFault) in
                [ValueType(try target(call), try call.shape(0))]
            }, evaluate: { call throws(GraphFault) in [try cast(call, call.tensor(0), to: target(call))] }),
        Operator(
            "CastLike", 2...2, "as the type of another tensor",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(1), try call.shape(0))]
            }, evaluate: { call throws(GraphFault) in [try cast(call, call.tensor(0), to: call.dtype(1))] }),
    ]

    private static func target(_ call: OperatorCall) throws(GraphFault) -> DType {
        if let name = call.node.attributes["to"], case .string(let text) = name {
            guard let dtype = names[text] else { throw call.unsupported("type \(text)") }
            return dtype
        }
        guard let code = try call.int("to") else { throw call.fault("attribute to is missing") }
        guard let dtype = DType(onnxCode: code) else { throw call.unsupported("element type \(code)") }
        return dtype
    }

    /// Operator sets before 6 named the type.
    private static let names: [String: DType] = [
        "FLOAT": .f32, "DOUBLE": .f64, "FLOAT16": .f16, "INT8": .i8, "INT16": .i16, "INT32": .i32, "INT64": .i64, "UINT8": .u8,
        "UINT16": .u16, "UINT32": .u32, "UINT64": .u64, "BOOL": .bool,
    ]

    /// Floating to integer cuts towards zero, then wraps; anything but zero is true.
    static func cast(_ call: OperatorCall, _ source: Tensor, to target: DType) throws(GraphFault) -> Tensor {
        if source.dtype == target { return source }
        _ = try call.checked(source.shape.dims, target.wide)
        let wide = source.widened()
        if target == .bool { return try wide.dtype.visitWide(Truth(source: wide)) }
        let destination = target.wide
        if wide.dtype == destination { return wide.narrowed(to: target) }
        let converted: Tensor =
            switch (wide.dtype, destination) {
            case (.f32, .f64): wide.converted(Float.self, .f64) { Double($0) }
            case (.f64, .f32):
                // One rounding only: through Float an f16 would be rounded twice.
                target == .f16
                    ? wide.converted(Double.self, .f16) { Float16($0).bitPattern } : wide.converted(Double.self, .f32) { Float($0) }
            case (.i64, .u64): wide.converted(Int64.self, .u64) { UInt64(bitPattern: $0) }
            case (.u64, .i64): wide.converted(UInt64.self, .i64) { Int64(bitPattern: $0) }
            case (.i64, .f32): wide.converted(Int64.self, .f32) { Float($0) }
            case (.i64, .f64): wide.converted(Int64.self, .f64) { Double($0) }
            case (.u64, .f32): wide.converted(UInt64.self, .f32) { Float($0) }
            case (.u64, .f64): wide.converted(UInt64.self, .f64) { Double($0) }
            case (.f32, .i64): wide.converted(Float.self, .i64) { Int64(saturating: Double($0)) }
            case (.f64, .i64): wide.converted(Double.self, .i64) { Int64(saturating: $0) }
            case (.f32, .u64): wide.converted(Float.self, .u64) { UInt64(number: Double($0)) }
            default: wide.converted(Double.self, .u64) { UInt64(number: $0) }
            }
        return converted.dtype == target ? converted : converted.narrowed(to: target)
    }

    private struct Truth: WideVisitor {
        let source: Tensor
        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            source.converted(N.self, .bool) { $0 == N.zero ? 0 : 1 as UInt8 }
        }
    }
}

extension DType {
    /// The number of a type in ONNX files; nil for the types that Calor does not compute with.
    public init?(onnxCode: Int) {
        switch onnxCode {
        case 1: self = .f32
        case 2: self = .u8
        case 3: self = .i8
        case 4: self = .u16
        case 5: self = .i16
        case 6: self = .i32
        case 7: self = .i64
        case 9: self = .bool
        case 10: self = .f16
        case 11: self = .f64
        case 12: self = .u32
        case 13: self = .u64
        default: return nil
        }
    }
}
