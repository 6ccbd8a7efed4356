import CalorImage

/// A straight line from counts to levels: between the least and the greatest sample, or between two given values.
public struct LinearGain: GainControl, Equatable {
    private let range: ClosedRange<Double>?

    /// From the least to the greatest sample of each image.
    public init() { range = nil }

    /// From `low` to `high`, for series of images that must be comparable.
    public init(low: Double, high: Double) throws(ThermalFault) {
        guard low.isFinite, high.isFinite, low < high else {
            throw .parameter(name: "the range", value: "\(low) to \(high)", allowed: "two finite numbers, the lower one first")
        }
        range = low...high
    }

    public func analyse(_ plane: Plane) throws(ThermalFault) -> GainMapping {
        if let range {
            return GainMapping(
                kind: .line(low: range.lowerBound, high: range.upperBound), low: range.lowerBound, high: range.upperBound)
        }
        let statistics = PlaneStatistics(of: plane)
        guard statistics.nonFinite < statistics.samples else { throw .nothingFinite }
        let (low, high) = (statistics.minimum, statistics.maximum)
        return GainMapping(kind: .line(low: low, high: high), low: low, high: high)
    }

    public func analyse(counts: [Int]) throws(ThermalFault) -> GainMapping? {
        guard let low = counts.firstIndex(where: { $0 > 0 }), let high = counts.lastIndex(where: { $0 > 0 }) else {
            throw .nothingFinite
        }
        let found = range ?? Double(low)...Double(high)
        return GainMapping(
            kind: .line(low: found.lowerBound, high: found.upperBound), low: found.lowerBound, high: found.upperBound)
    }
}

/// A straight line between two percentiles, so that a few hot or dead pixels do not use up the contrast.
public struct PercentileGain: GainControl, Equatable {
    public let lowPercent: Double
    public let highPercent: Double

    public init(lowPercent: Double = 0.5, highPercent: Double = 99.5) throws(ThermalFault) {
        try validate("the low percentile", lowPercent, in: 0...100)
        try validate("the high percentile", highPercent, in: 0...100)
        guard lowPercent < highPercent else {
            throw .parameter(
                name: "the low percentile", value: "\(lowPercent)", allowed: "a number below the high percentile, \(highPercent)")
        }
        self.lowPercent = lowPercent
        self.highPercent = highPercent
    }

    public func analyse(_ plane: Plane) throws(ThermalFault) -> GainMapping { try analyse(OrderStatistics(of: plane)) }

    public func analyse(counts: [Int]) throws(ThermalFault) -> GainMapping? { try analyse(OrderStatistics(counts: counts)) }

    private func analyse(_ order: OrderStatistics) throws(ThermalFault) -> GainMapping {
        guard order.count > 0 else { throw .nothingFinite }
        let low = order.percentile(lowPercent)
        let high = order.percentile(highPercent)
        return GainMapping(kind: .line(low: low, high: high), low: low, high: high)
    }
}
