/// Sorted numbers and what to say about them.
struct Distribution {
    let sorted: [Double]

    init(_ values: [Double]) { sorted = values.filter(\.isFinite).sorted() }

    var count: Int { sorted.count }
    var sum: Double { sorted.reduce(0, +) }
    var mean: Double { sorted.isEmpty ? 0 : sum / Double(count) }

    /// The nearest rank, as in the summary of a run.
    func percentile(_ percent: Int) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return sorted[max((count * percent + 99) / 100, 1) - 1]
    }

    /// Counts in bins of equal width from the least to the greatest value.
    func histogram(bins: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: bins)
        guard let first = sorted.first, let last = sorted.last else { return counts }
        for value in sorted {
            let place = last > first ? (value - first) / (last - first) * Double(bins) : 0
            counts[min(Int(place), bins - 1)] += 1
        }
        return counts
    }
}

/// A number for people: three significant digits, more where the whole part needs them.
func readable(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let size = abs(value)
    if size >= 1e6 || (size < 1e-3 && size > 0) {
        var exponent = 0
        var mantissa = size
        while mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa < 1 {
            mantissa *= 10
            exponent -= 1
        }
        return "\(value < 0 ? "-" : "")\((mantissa * 100).rounded() / 100)e\(exponent)"
    }
    let digits = size >= 100 ? 1.0 : size >= 10 ? 10.0 : size >= 1 ? 100.0 : 1000.0
    let rounded = (value * digits).rounded() / digits
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}

/// Milliseconds as people read them.
func readable(milliseconds: Double) -> String {
    if milliseconds < 1000 { return "\(readable(milliseconds)) ms" }
    return milliseconds < 120_000 ? "\(readable(milliseconds / 1000)) s" : "\(readable(milliseconds / 60_000)) min"
}
