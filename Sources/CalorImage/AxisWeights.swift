#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The weights of one axis: output `i` is the sum of `weights[offsets[i]...]` times the inputs that begin at `starts[i]`.
///
/// *Source*: the coefficient rule of the Pillow library (window ⌊c − s + ½⌋ … ⌊c + s + ½⌋ clipped to the image, then
/// normalised), which most published infrared and RGB benchmarks use to make their low-resolution images.
/// *Precision*: weights are computed in double and kept as float.
struct AxisWeights: Sendable {
    let starts: [Int]
    let counts: [Int]
    let offsets: [Int]
    let weights: [Float]

    init(from source: Int, to target: Int, using filter: ResamplingFilter) {
        var starts: [Int] = []
        var counts: [Int] = []
        var offsets: [Int] = []
        var weights: [Float] = []
        starts.reserveCapacity(target)
        counts.reserveCapacity(target)
        offsets.reserveCapacity(target)
        let scale = Double(source) / Double(target)
        let stretch = max(scale, 1)
        let support = filter.radius * stretch
        for i in 0..<target {
            offsets.append(weights.count)
            if filter == .nearest || source == target {
                // Whole numbers, so that no rounding can move a sample: floor((i + 1/2) · source / target). An axis that keeps its
                // length is copied, so that it needs no neighbours and NaN stays where it is.
                starts.append(min((2 * i + 1) * source / (2 * target), source - 1))
                counts.append(1)
                weights.append(1)
                continue
            }
            let centre = (Double(i) + 0.5) * scale
            let first = max(Int(centre - support + 0.5), 0)
            let last = min(Int(centre + support + 0.5), source)
            let raw = (first..<last).map { filter.weight((Double($0) - centre + 0.5) / stretch) }
            let sum = raw.reduce(0, +)
            starts.append(first)
            counts.append(last - first)
            weights.append(contentsOf: raw.map { Float(sum == 0 ? $0 : $0 / sum) })
        }
        self.starts = starts
        self.counts = counts
        self.offsets = offsets
        self.weights = weights
    }

    /// The inputs that the outputs in `range` read.
    func inputs(for range: Range<Int>) -> Range<Int> {
        guard !range.isEmpty else { return 0..<0 }
        // Both ends of the window move forward with the output, so the first and the last output decide.
        let last = range.upperBound - 1
        return starts[range.lowerBound]..<starts[last] + counts[last]
    }
}

func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(x * .pi) / (x * .pi)
}
