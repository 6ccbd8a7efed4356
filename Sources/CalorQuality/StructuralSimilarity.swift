import CalorImage

/// Mean structural similarity of two planes: 1 for equal ones.
///
/// *Precision*: double; the mean over positions where the whole window lies inside.
/// *Source*: Z. Wang and others, "Image quality assessment: from error visibility to structural similarity", 2004: 11×11 Gaussian of
/// σ = 1.5, K = 0.01 and 0.03.
public func ssim(reference: Plane, candidate: Plane, peak: Double? = nil) throws(QualityFault) -> Double {
    try agree(reference, candidate)
    let range = peak ?? Double(reference.format.fullScale)
    guard range > 0, range.isFinite else { throw .peak(range) }
    let window = 11
    guard reference.width >= window, reference.height >= window else {
        throw .tooSmall(metric: "SSIM", size: reference.size, least: window)
    }
    let x = reference.floats().map(Double.init)
    let y = candidate.floats().map(Double.init)
    let filter = GaussianWindow(size: reference.size, taps: window, sigma: 1.5)
    let meanX = filter.filtered(x)
    let meanY = filter.filtered(y)
    let squareX = filter.filtered(product(x, x))
    let squareY = filter.filtered(product(y, y))
    let cross = filter.filtered(product(x, y))
    let c1 = square(0.01 * range)
    let c2 = square(0.03 * range)
    var sum = 0.0
    for i in meanX.indices {
        let means = meanX[i] * meanY[i]
        let energy = meanX[i] * meanX[i] + meanY[i] * meanY[i]
        let variance = squareX[i] + squareY[i] - energy
        sum += (2 * means + c1) * (2 * (cross[i] - means) + c2) / ((energy + c1) * (variance + c2))
    }
    let mean = sum / Double(meanX.count)
    guard mean.isFinite else { throw .nonFinite(samples: x.indices.count { !(x[$0].isFinite && y[$0].isFinite) }) }
    return mean
}

private func product(_ a: [Double], _ b: [Double]) -> [Double] {
    [Double](unsafeUninitializedCapacity: a.count) { out, count in
        for i in 0..<a.count { out.initializeElement(at: i, to: a[i] * b[i]) }
        count = a.count
    }
}

/// A separable window over the positions where it lies inside the picture.
private struct GaussianWindow {
    let size: Size
    let weights: [Double]

    init(size: Size, taps: Int, sigma: Double) {
        self.size = size
        let raw = (0..<taps).map { exponential(-square(Double($0 - taps / 2)) / (2 * sigma * sigma)) }
        let sum = raw.reduce(0, +)
        weights = raw.map { $0 / sum }
    }

    func filtered(_ values: [Double]) -> [Double] {
        let width = size.width - weights.count + 1
        let height = size.height - weights.count + 1
        var rows = [Double](repeating: 0, count: width * size.height)
        var result = [Double](repeating: 0, count: width * height)
        values.withUnsafeBufferPointer { values in
            rows.withUnsafeMutableBufferPointer { rows in
                for y in 0..<size.height {
                    for tap in weights.indices {
                        let weight = weights[tap]
                        let from = y * size.width + tap
                        let to = y * width
                        for x in 0..<width { rows[to &+ x] += weight * values[from &+ x] }
                    }
                }
                result.withUnsafeMutableBufferPointer { result in
                    for y in 0..<height {
                        for tap in weights.indices {
                            let weight = weights[tap]
                            let from = (y + tap) * width
                            let to = y * width
                            for x in 0..<width { result[to &+ x] += weight * rows[from &+ x] }
                        }
                    }
                }
            }
        }
        return result
    }
}
