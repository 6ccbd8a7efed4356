import CalorImage

/// The extremes of a plane and where they are, and how much of it lies beyond a threshold.
///
/// *Units*: the plane's own. NaN and infinities are left out.
/// *Precision*: of several equal extremes the first in reading order is named.
public struct SpotStatistics: Sendable, Equatable {
    public struct Spot: Sendable, Equatable {
        public var value: Double
        public var x: Int
        public var y: Int
    }

    public let hottest: Spot
    public let coldest: Spot
    public let mean: Double
    /// By percent: 1, 5, 25, 50, 75, 95, 99.
    public let percentiles: [(percent: Double, value: Double)]
    /// Finite samples.
    public let count: Int

    static let percents: [Double] = [1, 5, 25, 50, 75, 95, 99]

    /// *Throws*: `thermal.nothing-finite`.
    public init(of plane: Plane) throws(ThermalFault) {
        let order = OrderStatistics(of: plane)
        guard order.count > 0 else { throw .nothingFinite }
        let statistics = PlaneStatistics(of: plane)
        count = order.count
        mean = statistics.mean
        percentiles = Self.percents.map { ($0, order.percentile($0)) }
        func first(_ value: Double) -> Spot {
            let index: Int? =
                switch plane.samples {
                case .u8(let s): s.firstIndex { Double($0) == value }
                case .u16(let s): s.firstIndex { Double($0) == value }
                case .f32(let s): s.firstIndex { Double($0) == value }
                }
            let at = index ?? 0
            return Spot(value: value, x: at % max(plane.width, 1), y: at / max(plane.width, 1))
        }
        hottest = first(statistics.maximum)
        coldest = first(statistics.minimum)
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.hottest == b.hottest && a.coldest == b.coldest && a.mean == b.mean && a.count == b.count
            && a.percentiles.map(\.value) == b.percentiles.map(\.value)
    }

    /// Finite samples above `threshold`.
    public static func pixels(of plane: Plane, above threshold: Double) -> Int { pixels(of: plane) { $0 > threshold } }
    /// Finite samples below `threshold`.
    public static func pixels(of plane: Plane, below threshold: Double) -> Int { pixels(of: plane) { $0 < threshold } }

    private static func pixels(of plane: Plane, where isCounted: (Double) -> Bool) -> Int {
        switch plane.samples {
        case .u8(let s): s.count { isCounted(Double($0)) }
        case .u16(let s): s.count { isCounted(Double($0)) }
        case .f32(let s): s.count { $0.isFinite && isCounted(Double($0)) }
        }
    }
}
