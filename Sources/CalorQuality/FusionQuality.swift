import CalorImage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Figures of a picture that was made from two others.

/// Mutual information of two planes in bits: what one says about the other. 0 for pictures that have nothing to do with each other,
/// the entropy for equal ones.
///
/// Both are sorted into 256 levels: 8-bit samples are their own levels, others go from the least to the greatest value.
public func mutualInformation(_ a: Plane, _ b: Plane) throws(QualityFault) -> Double {
    guard a.size == b.size else { throw .sizes(reference: a.size, candidate: b.size) }
    try holdsPixels(a)
    let (x, y) = (try levels(of: a), try levels(of: b))
    var joint = [Int](repeating: 0, count: 65_536)
    var first = [Int](repeating: 0, count: 256)
    var second = first
    for i in x.indices {
        joint[Int(x[i]) * 256 + Int(y[i])] += 1
        first[Int(x[i])] += 1
        second[Int(y[i])] += 1
    }
    let total = Double(a.size.pixels)
    var sum = 0.0
    for i in 0..<256 where first[i] > 0 {
        for j in 0..<256 where joint[i * 256 + j] > 0 {
            let share = Double(joint[i * 256 + j]) / total
            sum += share * log2(share * total * total / (Double(first[i]) * Double(second[j])))
        }
    }
    return sum
}

private func levels(of plane: Plane) throws(QualityFault) -> [UInt8] {
    if case .u8(let samples) = plane.samples { return samples }
    let statistics = PlaneStatistics(of: plane)
    guard statistics.isFinite else { throw .nonFinite(samples: statistics.nonFinite) }
    let range = statistics.maximum - statistics.minimum
    return plane.floats().map { range > 0 ? UInt8(min(Int((Double($0) - statistics.minimum) / range * 256), 255)) : 0 }
}

/// How much of the edges of two sources is in the picture that was made from them: 1 when all are there as strong and as directed.
///
/// *Precision*: double; over all pixels but the outermost, each weighted with the strength of the source's edge there.
/// *Source*: C. Xydeas, V. Petrović, "Objective image fusion performance measure", 2000: Q of AB/F with Sobel's operator,
/// Γ = 0.9994 and 0.9879, κ = −15 and −22, σ = 0.5 and 0.8, and the weights to the power of 1.
public func gradientTransfer(from a: Plane, and b: Plane, to fused: Plane) throws(QualityFault) -> Double {
    for source in [a, b] where source.size != fused.size { throw .sizes(reference: source.size, candidate: fused.size) }
    guard fused.width >= 3, fused.height >= 3 else { throw .tooSmall(metric: "the gradient transfer", size: fused.size, least: 3) }
    let target = Edges(of: fused)
    var (sum, weight) = (0.0, 0.0)
    for source in [Edges(of: a), Edges(of: b)] {
        for i in source.strength.indices where source.strength[i] > 0 {
            let (s, t) = (source.strength[i], target.strength[i])
            let strength = t > s ? s / t : t / s
            let turn = abs(abs(source.angle[i] - target.angle[i]) - .pi / 2) / (.pi / 2)
            sum += s * 0.9994 / (1 + exp(-15 * (strength - 0.5))) * 0.9879 / (1 + exp(-22 * (turn - 0.8)))
            weight += s
        }
    }
    guard sum.isFinite, weight.isFinite else {
        throw .nonFinite(samples: [a, b, fused].reduce(0) { $0 + PlaneStatistics(of: $1).nonFinite })
    }
    return weight > 0 ? sum / weight : 0
}

/// Sobel's gradients of all pixels but the outermost, in shares of full scale.
private struct Edges {
    private(set) var strength: [Double] = []
    /// From −π/2 to π/2: opposite directions are the same.
    private(set) var angle: [Double] = []

    init(of plane: Plane) {
        let width = plane.width
        let statistics = PlaneStatistics(of: plane)
        // Counts and kelvin have no full scale of their own: their range stands for it.
        let isDisplay = plane.format == .u8
        let range = isDisplay ? 255 : statistics.maximum - statistics.minimum
        let scale = range > 0 ? 1 / range : 0
        let s = plane.floats().map { Double($0) * scale }
        for y in 1..<plane.height - 1 {
            for x in 1..<width - 1 {
                let i = y * width + x
                let dx = s[i + 1 - width] + 2 * s[i + 1] + s[i + 1 + width] - s[i - 1 - width] - 2 * s[i - 1] - s[i - 1 + width]
                let dy =
                    s[i + width - 1] + 2 * s[i + width] + s[i + width + 1] - s[i - width - 1] - 2 * s[i - width] - s[i - width + 1]
                strength.append((dx * dx + dy * dy).squareRoot())
                angle.append(dx == 0 ? (dy == 0 ? 0 : .pi / 2) : atan(dy / dx))
            }
        }
    }
}
