import CalorImage

/// The affine map between an image's own unit and the network's range, and its exact inverse.
///
/// Display samples map by their full scale, floats beyond 0...1 (radiance, or another unit altogether) by their own range. Counts and kelvin map the 0.1 and 99.9 percentiles of the whole image to 0 and 1
/// without clipping, so that a hot spot keeps its height and the network sees the contrast that it was trained on.
public struct CountRange: Sendable, Equatable {
    public let low: Float
    public let high: Float

    public init(low: Float, high: Float) {
        self.low = low
        self.high = high > low ? high : low + 1
    }

    /// *Complexity*: one pass over the samples for u16, a sort of at most a million samples for f32.
    public init(of image: Image) {
        guard image.meaning != .display else {
            self = Self.display(image)
            return
        }
        let (low, high) = Self.percentiles(image.planes[0])
        self.init(low: low, high: high)
    }

    private static func display(_ image: Image) -> CountRange {
        guard image.format == .f32 else { return CountRange(low: 0, high: image.format.fullScale) }
        let ranges = image.colourPlanes.map(percentiles)
        return CountRange(low: min(0, ranges.map(\.0).min() ?? 0), high: max(1, ranges.map(\.1).max() ?? 1))
    }

    private static func percentiles(_ plane: Plane) -> (Float, Float) {
        switch plane.samples {
        case .u8(let s): return histogram(s.map(UInt16.init))
        case .u16(let s): return histogram(s)
        case .f32(let s):
            let step = max(1, s.count / 1_000_000)
            let finite = stride(from: 0, to: s.count, by: step).map { s[$0] }.filter(\.isFinite).sorted()
            guard let last = finite.last else { return (0, 1) }
            let cut = finite.count / 1000
            return (finite[cut], finite.count - 1 - cut >= cut ? finite[finite.count - 1 - cut] : last)
        }
    }

    private static func histogram(_ samples: [UInt16]) -> (Float, Float) {
        var counts = [Int](repeating: 0, count: 65_536)
        for s in samples { counts[Int(s)] += 1 }
        let cut = samples.count / 1000
        func rank(_ order: some Sequence<Int>) -> Int {
            var seen = 0
            for value in order {
                seen += counts[value]
                if seen > cut { return value }
            }
            return 0
        }
        return (Float(rank(0..<65_536)), Float(rank((0..<65_536).reversed())))
    }
}
