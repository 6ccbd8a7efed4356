import CalorImage

// Rows are contiguous in memory: cutting and joining them are plain copies.

extension Image {
    /// The full width of `rows`, where this image holds the rows `covered` of a larger one.
    func rows(_ rows: Range<Int>, of covered: Range<Int>) -> Image {
        if rows == covered { return self }
        let first = rows.lowerBound - covered.lowerBound
        return replacing(planes: planes.map { $0.rows(first..<first + rows.count) })
    }
}

extension Plane {
    func rows(_ rows: Range<Int>) -> Plane {
        let range = rows.lowerBound * width..<rows.upperBound * width
        let size = Size(width: width, height: rows.count)
        return switch samples {
        case .u8(let s): Plane(size: size, samples: .u8(Array(s[range])))
        case .u16(let s): Plane(size: size, samples: .u16(Array(s[range])))
        case .f32(let s): Plane(size: size, samples: .f32(Array(s[range])))
        }
    }
}

/// Joins strips of rows, given from top to bottom, into one image. Every plane grows in place: nothing is held twice.
struct RowAssembler {
    private let size: Size
    private var first: Image?
    private var bytes: [[UInt8]] = []
    private var words: [[UInt16]] = []
    private var floats: [[Float]] = []

    init(size: Size) { self.size = size }

    mutating func append(_ strip: Image) {
        if first == nil {
            // Colour model, meaning and metadata are those of every strip; its samples are not kept.
            first = strip.replacing(planes: strip.planes.map { Plane(size: Size(width: $0.width, height: 0), format: $0.format) })
            let count = strip.planes.count
            bytes = strip.format == .u8 ? Self.reserving(count, size.pixels) : []
            words = strip.format == .u16 ? Self.reserving(count, size.pixels) : []
            floats = strip.format == .f32 ? Self.reserving(count, size.pixels) : []
        }
        for (i, plane) in strip.planes.enumerated() {
            switch plane.samples {
            case .u8(let s): bytes[i].append(contentsOf: s)
            case .u16(let s): words[i].append(contentsOf: s)
            case .f32(let s): floats[i].append(contentsOf: s)
            }
        }
    }

    func finished() -> Image {
        guard let first else { preconditionFailure("an image has at least one strip") }
        let samples =
            switch first.format {
            case .u8: bytes.map { Samples.u8($0) }
            case .u16: words.map { Samples.u16($0) }
            case .f32: floats.map { Samples.f32($0) }
            }
        return first.replacing(planes: samples.map { Plane(size: size, samples: $0) })
    }

    private static func reserving<T>(_ planes: Int, _ count: Int) -> [[T]] {
        (0..<planes).map { _ in
            var array: [T] = []
            array.reserveCapacity(count)
            return array
        }
    }
}
