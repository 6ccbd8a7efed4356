import CalorImage

/// Smooths a plane and keeps its edges.
///
/// *Precision*: sums in double, so that a window's mean does not depend on where the row began to more than rounding.
/// *Source*: K. He, J. Sun, X. Tang, "Guided image filtering", 2013, with the plane as its own guide; windows are cut at the border.
/// *Complexity*: O(pixels), whatever the radius.
public struct GuidedFilter: Sendable {
    public let radius: Int
    /// Variance below which a window is smoothed; in the square of the plane's units.
    public let variance: Float

    public init(radius: Int, variance: Float) {
        precondition(radius >= 1 && variance > 0, "a guided filter needs a window and a threshold")
        self.radius = radius
        self.variance = variance
    }

    public func base(of values: [Float], _ size: Size) -> [Float] {
        let mean = box(values, size)
        let meanSquare = box(values.map { $0 * $0 }, size)
        var gain = [Float](repeating: 0, count: values.count)
        var offset = gain
        for i in values.indices {
            let spread = max(meanSquare[i] - mean[i] * mean[i], 0)
            gain[i] = spread / (spread + variance)
            offset[i] = mean[i] - gain[i] * mean[i]
        }
        let gains = box(gain, size)
        var result = box(offset, size)
        for i in values.indices { result[i] += gains[i] * values[i] }
        return result
    }

    /// Means of windows of 2 · radius + 1, as far as they lie inside.
    func box(_ values: [Float], _ size: Size) -> [Float] {
        let (width, height) = (size.width, size.height)
        var rows = [Float](repeating: 0, count: values.count)
        for y in 0..<height {
            var sum = 0.0
            for x in 0..<min(radius, width) { sum += Double(values[y * width + x]) }
            for x in 0..<width {
                if x + radius < width { sum += Double(values[y * width + x + radius]) }
                if x > radius { sum -= Double(values[y * width + x - radius - 1]) }
                rows[y * width + x] = Float(sum / Double(min(x + radius, width - 1) - max(x - radius, 0) + 1))
            }
        }
        var result = rows
        var sums = [Double](repeating: 0, count: width)
        for y in 0..<min(radius, height) { for x in 0..<width { sums[x] += Double(rows[y * width + x]) } }
        for y in 0..<height {
            if y + radius < height { for x in 0..<width { sums[x] += Double(rows[(y + radius) * width + x]) } }
            if y > radius { for x in 0..<width { sums[x] -= Double(rows[(y - radius - 1) * width + x]) } }
            let count = Double(min(y + radius, height - 1) - max(y - radius, 0) + 1)
            for x in 0..<width { result[y * width + x] = Float(sums[x] / count) }
        }
        return result
    }
}
