#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Overlapping strips of rows for a network whose every output sees the whole picture: their results differ, so they are blended.
///
/// Each strip counts with a raised cosine over the overlap; the weights of a row sum to 1.
struct BlendedStrips: Equatable {
    let strips: [Range<Int>]
    private let ramp: Int
    private let height: Int

    static let leastOverlap = 16

    /// The fewest strips of at most `maximumRows` rows, their starts on multiples of `multiple`. One strip when the height fits.
    init(height: Int, maximumRows: Int, multiple: Int) {
        self.height = height
        let length = max(maximumRows / multiple * multiple, 2 * Self.leastOverlap / multiple * multiple, multiple)
        guard height > length else {
            strips = [0..<height]
            ramp = 0
            return
        }
        let overlap = max(length / 8, min(Self.leastOverlap, length / 2))
        let count = max(2, (height - overlap + length - overlap - 1) / max(length - overlap, 1))
        strips = (0..<count).map { k in
            let start = k * (height - length) / (count - 1) / multiple * multiple
            // The last strip ends with the picture, whatever its start was rounded to.
            return start..<(k == count - 1 ? height : min(start + length, height))
        }
        ramp = overlap
    }

    /// The weight of every row of a strip.
    func weights(_ index: Int) -> [Float] {
        strips[index].map { row in
            Float(raw(index, row) / strips.indices.reduce(0) { $0 + (strips[$1].contains(row) ? raw($1, row) : 0) })
        }
    }

    /// 1 in the middle of a strip, falling to nearly 0 at those of its ends that lie inside the picture.
    private func raw(_ index: Int, _ row: Int) -> Double {
        let strip = strips[index]
        func rise(_ distance: Int) -> Double {
            distance >= ramp ? 1 : 0.5 - 0.5 * cos(.pi * (Double(distance) + 0.5) / Double(ramp))
        }
        let upper = strip.lowerBound == 0 ? 1 : rise(row - strip.lowerBound)
        let lower = strip.upperBound == height ? 1 : rise(strip.upperBound - 1 - row)
        return upper * lower
    }
}
