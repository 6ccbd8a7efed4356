/// The type of one sample in memory. It comes from the file and is never guessed from the values.
public enum SampleFormat: String, Sendable, CaseIterable {
    case u8, u16, f32

    public var bytes: Int {
        switch self {
        case .u8: 1
        case .u16: 2
        case .f32: 4
        }
    }

    /// The value that stands for full scale: 255, 65535, or 1.
    public var fullScale: Float {
        switch self {
        case .u8: 255
        case .u16: 65_535
        case .f32: 1
        }
    }
}

/// The samples of one plane, row by row without padding.
public enum Samples: Sendable, Equatable {
    case u8([UInt8])
    case u16([UInt16])
    case f32([Float])

    public init(repeating value: Float, format: SampleFormat, count: Int) {
        switch format {
        case .u8: self = .u8([UInt8](repeating: UInt8(min(max(value, 0), 255)), count: count))
        case .u16: self = .u16([UInt16](repeating: UInt16(min(max(value, 0), 65_535)), count: count))
        case .f32: self = .f32([Float](repeating: value, count: count))
        }
    }

    public var format: SampleFormat {
        switch self {
        case .u8: .u8
        case .u16: .u16
        case .f32: .f32
        }
    }

    public var count: Int {
        switch self {
        case .u8(let s): s.count
        case .u16(let s): s.count
        case .f32(let s): s.count
        }
    }
}
