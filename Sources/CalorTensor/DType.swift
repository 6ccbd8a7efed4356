/// The type of a tensor's elements.
public enum DType: String, Sendable, CaseIterable {
    case f32, f64, f16, i8, i16, i32, i64, u8, u16, u32, u64, bool

    /// Bytes of one element.
    public var bytes: Int {
        switch self {
        case .i8, .u8, .bool: 1
        case .f16, .i16, .u16: 2
        case .f32, .i32, .u32: 4
        case .f64, .i64, .u64: 8
        }
    }

    public var isFloating: Bool { self == .f32 || self == .f64 || self == .f16 }
}
