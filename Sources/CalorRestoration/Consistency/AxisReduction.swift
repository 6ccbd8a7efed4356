/// One axis of the reduction by a whole number: its weights, and the factor of (weights · weightsᵀ).
///
/// *Source*: the antialiased bicubic of the Pillow library (a = −1/2): output `i` is centred at `c = (i + ½)s` and sums the samples
/// of the window ⌊c − 2s + ½⌋ ..< ⌊c + 2s + ½⌋, clipped to the image, with weights b((j − c + ½)/s), normalised to sum 1.
/// *Precision*: double.
struct AxisReduction: Sendable {
    let low: Int
    let high: Int
    let starts: [Int]
    let offsets: [Int]
    let weights: [Double]
    let factor: BandedCholesky
    /// The transpose: place `k` of the longer axis takes from the outputs that begin at `backStarts[k]`.
    let backStarts: [Int]
    let backOffsets: [Int]
    let backWeights: [Double]

    init(low: Int, scale: Int) {
        self.low = low
        high = low * scale
        var starts: [Int] = []
        var offsets = [0]
        var weights: [Double] = []
        for i in 0..<low {
            let centre = (Double(i) + 0.5) * Double(scale)
            let first = max(Int(centre - 2 * Double(scale) + 0.5), 0)
            let last = min(Int(centre + 2 * Double(scale) + 0.5), low * scale)
            let raw = (first..<last).map { Self.cubic((Double($0) - centre + 0.5) / Double(scale)) }
            let sum = raw.reduce(0, +)
            starts.append(first)
            weights += raw.map { $0 / sum }
            offsets.append(weights.count)
        }
        self.starts = starts
        self.offsets = offsets
        self.weights = weights
        func count(_ i: Int) -> Int { offsets[i + 1] - offsets[i] }
        var back = [[Double]](repeating: [], count: low * scale)
        var first = [Int](repeating: 0, count: low * scale)
        for i in 0..<low {
            for k in starts[i]..<starts[i] + count(i) {
                if back[k].isEmpty { first[k] = i }
                back[k].append(weights[offsets[i] + k - starts[i]])
            }
        }
        backStarts = first
        backOffsets = back.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        backWeights = back.flatMap { $0 }
        // Windows reach 2s to both sides, so those of outputs four apart no longer meet.
        var halfBand = 0
        for i in 0..<low {
            for j in max(0, i - 4)..<i where starts[i] < starts[j] + count(j) { halfBand = max(halfBand, i - j) }
        }
        factor = BandedCholesky(count: low, halfBand: halfBand) { i, j in
            let from = max(starts[i], starts[j])
            let to = min(starts[i] + count(i), starts[j] + count(j))
            var sum = 0.0
            for k in from..<max(from, to) { sum += weights[offsets[i] + k - starts[i]] * weights[offsets[j] + k - starts[j]] }
            return sum
        }
    }

    func taps(_ i: Int) -> Int { offsets[i + 1] - offsets[i] }

    /// Keys' kernel with a = −1/2.
    static func cubic(_ x: Double) -> Double {
        let x = abs(x)
        if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
        return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    }
}
