import CalorImage

/// The standard deviation of the noise of a picture, from its finest diagonal details.
///
/// *Source*: D. Donoho and I. Johnstone, 1994: median of the absolute Haar HH coefficients / 0.6745. Scenes put little into that
/// band; texture that reaches it makes the estimate too high, never too low.
public func noiseDeviation(of values: [Float], size: Size) -> Double {
    let (columns, rows) = (size.width / 2, size.height / 2)
    guard columns > 0, rows > 0 else { return 0 }
    var details: [Float] = []
    details.reserveCapacity(columns * rows)
    for y in 0..<rows {
        let top = 2 * y * size.width
        let bottom = top + size.width
        for x in 0..<columns {
            details.append(
                abs(values[top + 2 * x] - values[top + 2 * x + 1] - values[bottom + 2 * x] + values[bottom + 2 * x + 1]) / 2)
        }
    }
    details.sort()
    let middle = details.count / 2
    let median = details.count % 2 == 1 ? details[middle] : (details[middle - 1] + details[middle]) / 2
    return Double(median) / 0.6745
}
