import CalorImage

/// Whether what is warmer in the input is still warmer in the enlarged picture: means of patches of 8×8 samples and those of the same
/// places in the input, compared with their neighbours to the right and below.
///
/// *Source*: the order term of Real-IISR (arXiv 2603.04745), with the input in place of the true picture; used as a check only.
public struct ThermalOrder: Sendable, Equatable {
    /// Pairs that differ by at least `threshold` in the input.
    public let pairs: Int
    /// Pairs whose order is turned around.
    public let violations: Int

    public static let threshold = 0.05
    static let patch = 8

    public var rate: Double { pairs == 0 ? 0 : Double(violations) / Double(pairs) }

    /// *Units*: both in 0...1 for full scale.
    public init(high: [Float], low: [Float], lowSize: Size, scale: Int) {
        let cell = max(1, Self.patch / scale)
        let columns = lowSize.width / cell
        let rows = lowSize.height / cell
        let width = lowSize.width * scale
        var given = [Double](repeating: 0, count: columns * rows)
        var found = given
        for j in 0..<rows {
            for i in 0..<columns {
                var sum = 0.0
                for y in j * cell..<(j + 1) * cell {
                    for x in i * cell..<(i + 1) * cell { sum += Double(low[y * lowSize.width + x]) }
                }
                given[j * columns + i] = sum / Double(cell * cell)
                sum = 0
                let step = cell * scale
                for y in j * step..<(j + 1) * step { for x in i * step..<(i + 1) * step { sum += Double(high[y * width + x]) } }
                found[j * columns + i] = sum / Double(step * step)
            }
        }
        var pairs = 0
        var violations = 0
        func compare(_ a: Int, _ b: Int) {
            let d = given[a] - given[b]
            guard abs(d) >= Self.threshold else { return }
            pairs += 1
            if d * (found[a] - found[b]) < 0 { violations += 1 }
        }
        for j in 0..<rows {
            for i in 0..<columns {
                if i + 1 < columns { compare(j * columns + i, j * columns + i + 1) }
                if j + 1 < rows { compare(j * columns + i, (j + 1) * columns + i) }
            }
        }
        self.pairs = pairs
        self.violations = violations
    }
}
