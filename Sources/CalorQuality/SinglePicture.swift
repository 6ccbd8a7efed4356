import CalorImage

// Figures of one picture, without a reference.

/// Shannon entropy of the samples in bits: by exact value for integers, by 256 bins between least and greatest for f32.
public func entropy(of plane: Plane) throws(QualityFault) -> Double {
    try holdsPixels(plane)
    var histogram: [Int]
    switch plane.samples {
    case .u8(let s):
        histogram = [Int](repeating: 0, count: 256)
        for v in s { histogram[Int(v)] += 1 }
    case .u16(let s):
        histogram = [Int](repeating: 0, count: 65_536)
        for v in s { histogram[Int(v)] += 1 }
    case .f32(let s):
        let statistics = PlaneStatistics(of: plane)
        guard statistics.isFinite else { throw .nonFinite(samples: statistics.nonFinite) }
        histogram = [Int](repeating: 0, count: 256)
        let range = statistics.maximum - statistics.minimum
        for v in s {
            histogram[range > 0 ? min(Int((Double(v) - statistics.minimum) / range * 256), 255) : 0] += 1
        }
    }
    let total = Double(plane.size.pixels)
    return histogram.reduce(0) { $1 > 0 ? $0 + Double($1) / total * bits(Double($1) / total) : $0 }
}

/// Standard deviation of the noise, in the plane's own units, from the finest diagonal detail.
///
/// Texture adds to it, so it is an upper estimate for busy pictures; rounding to whole levels hides noise below about 0.3.
/// *Source*: D. Donoho, I. Johnstone, 1994: median absolute value of the Haar diagonal band / 0.6745.
public func noiseEstimate(of plane: Plane) throws(QualityFault) -> Double {
    guard plane.width >= 2, plane.height >= 2 else {
        throw .tooSmall(metric: "the noise estimate", size: plane.size, least: 2)
    }
    let values = plane.floats()
    var details: [Float] = []
    details.reserveCapacity(plane.size.pixels / 4)
    for y in stride(from: 0, to: plane.height - 1, by: 2) {
        for x in stride(from: 0, to: plane.width - 1, by: 2) {
            let i = y * plane.width + x
            let diagonal = (values[i] - values[i + 1] - values[i + plane.width] + values[i + plane.width + 1]) / 2
            if diagonal.isFinite { details.append(abs(diagonal)) }
        }
    }
    guard !details.isEmpty else { throw .nonFinite(samples: plane.size.pixels) }
    let size = Size(width: details.count, height: 1)
    return OrderStatistics(of: Plane(size: size, samples: .f32(details))).percentile(50) / 0.674489750196082
}
