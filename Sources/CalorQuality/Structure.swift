import CalorImage

/// Mean similarity of the gradients of two planes: 1 for equal ones, lower where edges are lost, blurred or invented.
///
/// *Precision*: double; the mean over all pixels but the outermost.
/// *Source*: the similarity map of W. Xue and others, "Gradient magnitude similarity deviation", 2014 (Prewitt operator, constant
/// 170 for a peak of 255), at full resolution and averaged.
public func gradientSimilarity(reference: Plane, candidate: Plane, peak: Double? = nil) throws(QualityFault) -> Double {
    try agree(reference, candidate)
    let range = peak ?? Double(reference.format.fullScale)
    guard range > 0, range.isFinite else { throw .peak(range) }
    guard reference.width >= 3, reference.height >= 3 else {
        throw .tooSmall(metric: "the gradient similarity", size: reference.size, least: 3)
    }
    let a = reference.floats()
    let b = candidate.floats()
    let constant = 170 * square(range / 255)
    let width = reference.width
    var sum = 0.0
    func energy(_ s: [Float], _ i: Int) -> Double {
        func value(_ offset: Int) -> Double { Double(s[i + offset]) }
        let right = value(1 - width) + value(1) + value(1 + width)
        let left = value(-1 - width) + value(-1) + value(-1 + width)
        let below = value(width - 1) + value(width) + value(width + 1)
        let above = value(-width - 1) + value(-width) + value(-width + 1)
        return (square(right - left) + square(below - above)) / 9
    }
    for y in 1..<reference.height - 1 {
        for x in 1..<width - 1 {
            let i = y * width + x
            let first = energy(a, i)
            let second = energy(b, i)
            sum += (2 * (first * second).squareRoot() + constant) / (first + second + constant)
        }
    }
    let mean = sum / Double((width - 2) * (reference.height - 2))
    guard mean.isFinite else { throw .nonFinite(samples: a.indices.count { !(a[$0].isFinite && b[$0].isFinite) }) }
    return mean
}

/// How often the candidate turns the order of two neighbouring patches around: what was warmer became colder.
public struct ThermalOrder: Sendable, Equatable {
    /// Pairs of neighbouring patches (along rows, columns and diagonals) whose reference means differ by at least the threshold.
    public let pairs: Int
    /// Those of them that the candidate has the other way round.
    public let violations: Int
    public var rate: Double { pairs == 0 ? 0 : Double(violations) / Double(pairs) }

    /// - Parameters:
    ///   - candidate: as large as the reference or a whole multiple of it; patches grow with it.
    ///   - patchPixels: side of a patch in the reference.
    ///   - threshold: in the units of the planes; 1/255 of full scale when nil.
    /// *Source*: the patches of the thermal-order loss of Real-IISR, counted and not weighted.
    public init(reference: Plane, candidate: Plane, patchPixels: Int = 8, threshold: Double? = nil) throws(QualityFault) {
        precondition(patchPixels > 0, "a patch needs pixels")
        guard reference.format == candidate.format else {
            throw .formats(reference: reference.format, candidate: candidate.format)
        }
        let scale = try wholeScale(from: reference.size, to: candidate.size)
        let columns = reference.width / patchPixels
        let rows = reference.height / patchPixels
        guard columns > 0, rows > 0 else {
            throw .tooSmall(metric: "the thermal order", size: reference.size, least: patchPixels)
        }
        let least = threshold ?? Double(reference.format.fullScale) / 255
        let a = patchMeans(reference, patch: patchPixels, columns: columns, rows: rows)
        let b = patchMeans(candidate, patch: patchPixels * scale, columns: columns, rows: rows)
        var pairs = 0
        var violations = 0
        for y in 0..<rows {
            for x in 0..<columns {
                for (dx, dy) in [(1, 0), (-1, 1), (0, 1), (1, 1)] where (0..<columns).contains(x + dx) && y + dy < rows {
                    let here = y * columns + x
                    let there = (y + dy) * columns + x + dx
                    let expected = a[there] - a[here]
                    guard abs(expected) >= least else { continue }
                    pairs += 1
                    if expected * (b[there] - b[here]) < 0 { violations += 1 }
                }
            }
        }
        self.pairs = pairs
        self.violations = violations
    }
}

private func patchMeans(_ plane: Plane, patch: Int, columns: Int, rows: Int) -> [Double] {
    let values = plane.floats()
    var means = [Double](repeating: 0, count: columns * rows)
    for y in 0..<rows * patch {
        for x in 0..<columns * patch { means[y / patch * columns + x / patch] += Double(values[y * plane.width + x]) }
    }
    return means.map { $0 / Double(patch * patch) }
}
