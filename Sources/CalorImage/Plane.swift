import CalorBase

/// Width and height in pixels.
public struct Size: Sendable, Hashable, CustomStringConvertible {
    public var width: Int
    public var height: Int

    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    public var pixels: Int { width * height }
    public var description: String { "\(width)×\(height)" }
    public var transposed: Size { Size(width: height, height: width) }

    public func scaled(by factor: Int) -> Size { Size(width: width * factor, height: height * factor) }
}

/// One channel of an image: a rectangle of samples in row-major order.
public struct Plane: Sendable, Equatable {
    public let size: Size
    public var samples: Samples {
        didSet { precondition(samples.count == size.pixels, "a plane of \(size) cannot hold \(samples.count) samples") }
    }

    public init(size: Size, samples: Samples) {
        precondition(samples.count == size.pixels, "a plane of \(size) cannot hold \(samples.count) samples")
        self.size = size
        self.samples = samples
    }

    public init(size: Size, format: SampleFormat, repeating value: Float = 0) {
        self.init(size: size, samples: Samples(repeating: value, format: format, count: size.pixels))
    }

    public var width: Int { size.width }
    public var height: Int { size.height }
    public var format: SampleFormat { samples.format }

    /// The samples as they are, as floating point: counts stay counts, kelvin stays kelvin.
    public func floats() -> [Float] {
        switch samples {
        case .u8(let s): s.map(Float.init)
        case .u16(let s): s.map(Float.init)
        case .f32(let s): s
        }
    }

    /// A plane of `format` from floating-point values in that format's own units; integers are rounded to nearest, ties to even,
    /// and clamped to their range. NaN becomes 0.
    public init(size: Size, floats: [Float], format: SampleFormat) {
        switch format {
        case .u8: self.init(size: size, samples: .u8(floats.map { UInt8(truncatingIfNeeded: Int32(wholeNumber($0, upTo: 255))) }))
        case .u16:
            self.init(size: size, samples: .u16(floats.map { UInt16(truncatingIfNeeded: Int32(wholeNumber($0, upTo: 65_535))) }))
        case .f32: self.init(size: size, samples: .f32(floats))
        }
    }
}

/// The nearest whole number from 0 to `top`, ties to even; 0 for NaN.
///
/// Between 2²³ and 2²⁴ floats are whole numbers: adding 2²³ rounds as the processor does, to nearest and ties to even, and vectors of any
/// instruction set can do it.
@inline(__always)
private func wholeNumber(_ value: Float, upTo top: Float) -> Float {
    // Written so that NaN fails the comparison.
    let clamped = value > 0 ? min(value, top) : 0
    return (clamped + 0x1p23) - 0x1p23
}
