import CalorImage

/// Histogram equalisation with a ceiling, the usual gain control of thermal cameras: levels are shared out by how many pixels have
/// a count, but no count claims more than the plateau, so a large even background cannot take all the contrast.
///
/// A plateau of 1 is plain equalisation; towards 0 every count that occurs gets an equal share.
///
/// *Source*: V. Vickers, "Plateau equalization algorithm for real-time display of high-quality infrared imagery", 1996.
public struct PlateauGain: GainControl, Equatable {
    /// The most pixels that one bin may claim, as a share of all pixels.
    public let plateau: Double

    /// - Parameter plateau: the default, 0.0005, is 164 pixels of a 640×512 sensor, near the 150 that camera makers ship.
    public init(plateau: Double = 0.0005) throws(ThermalFault) {
        guard plateau > 0, plateau <= 1 else {
            throw .parameter(name: "the plateau", value: "\(plateau)", allowed: "a share of the pixels above 0 and at most 1")
        }
        self.plateau = plateau
    }

    public func analyse(_ plane: Plane) throws(ThermalFault) -> GainMapping {
        let bins = try fineBins(of: plane)
        let histogram = bins.histogram(of: plane)
        let ceiling = max(1, plateau * Double(histogram.reduce(0, +)))
        var claims = histogram.map { min(Double($0), ceiling) }
        let total = claims.reduce(0, +)
        // The first bin that occurs becomes 0 and the last one 255: a bin's level counts what lies below it.
        let last = claims[claims.lastIndex { $0 > 0 } ?? 0]
        let scale = total > last ? 255 / (total - last) : 0
        let base = total > last ? 0 : 127.5
        var below = 0.0
        for i in claims.indices {
            let claim = claims[i]
            claims[i] = below * scale + base
            below += claim
        }
        return GainMapping(kind: .table(bins, claims.map { Float(min($0, 255)) }), low: bins.low, high: bins.high)
    }
}

/// One bin per count for integers; 65,536 bins for floating point, between the least and the greatest sample after the outermost
/// 0.05 % on both sides, which may be defective pixels far away from everything else.
func fineBins(of plane: Plane) throws(ThermalFault) -> Bins {
    if plane.format == .f32 {
        let order = OrderStatistics(of: plane)
        guard order.count > 0 else { throw .nothingFinite }
        let low = order.percentile(0.05)
        let high = order.percentile(99.95)
        return high > low ? Bins(low: low, high: high, count: 65_536) : Bins(low: low, high: low + 1, count: 1)
    }
    let statistics = PlaneStatistics(of: plane)
    guard statistics.samples > 0 else { throw .nothingFinite }
    return .whole(Int(statistics.minimum), Int(statistics.maximum))
}
