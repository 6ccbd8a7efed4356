import CalorImage

/// A palette over one range of 16-bit counts, worked out once for all of them: the colours are those of `Palette.apply`.
public struct PaletteLookup: Sendable {
    private let red: [UInt8]
    private let green: [UInt8]
    private let blue: [UInt8]

    public init(_ palette: Palette, range: ClosedRange<Double>?) {
        let counts = Plane(size: Size(width: 65_536, height: 1), samples: .u16((0...65_535).map { UInt16($0) }))
        let planes = palette.apply(to: counts, range: range).map { plane -> [UInt8] in
            guard case .u8(let samples) = plane.samples else { preconditionFailure("colours are bytes") }
            return samples
        }
        (red, green, blue) = (planes[0], planes[1], planes[2])
    }

    /// Three u8 planes of a u16 plane: red, green, blue.
    public func apply(to plane: Plane) -> [Plane] {
        guard case .u16(let counts) = plane.samples else { preconditionFailure("a table of counts is for u16 planes") }
        return [red, green, blue].map { table in
            table.withUnsafeBufferPointer { table in
                Plane(size: plane.size, samples: .u8(counts.map { table[Int($0)] }))
            }
        }
    }
}
