import CalorBase
import CalorImage

// Goals, in order: the same bits for every number of threads (every sum has one order); exact to double rounding; speed.

/// The reduction A of a picture by a whole number, its pseudo-inverse, and the null space between them.
///
/// A is separable: A(x) = V x Hᵀ. Its pseudo-inverse is A⁺(v) = Vᵀ (V Vᵀ)⁻¹ v (H Hᵀ)⁻¹ H: two solves with banded matrices that
/// were factored once for the size.
///
/// *Shapes*: `high` is `scale` times `low` on both sides; pictures are rows without padding.
/// *Complexity*: O(high width × high height) for each call.
public struct Reduction: Sendable {
    public let low: Size
    public let high: Size
    public let scale: Int
    let horizontal: AxisReduction
    let vertical: AxisReduction

    public init(low: Size, scale: Int) {
        precondition(low.width > 0 && low.height > 0 && scale > 0, "a reduction to \(low) by \(scale) is not one")
        self.low = low
        self.scale = scale
        high = low.scaled(by: scale)
        horizontal = AxisReduction(low: low.width, scale: scale)
        vertical = AxisReduction(low: low.height, scale: scale)
    }

    /// A(x).
    public func reduced(_ x: [Float], pool: WorkerPool? = nil) -> [Double] { reduced(x, pool: pool) { Double($0) } }

    /// A(x).
    public func reduced(_ x: [Double], pool: WorkerPool? = nil) -> [Double] { reduced(x, pool: pool) { $0 } }

    /// x += A⁺(v).
    public func lift(_ v: [Double], onto x: inout [Float], pool: WorkerPool? = nil) {
        lift(v, onto: &x, pool: pool) { $0 = Float(Double($0) + $1) }
    }

    /// x += A⁺(v).
    public func lift(_ v: [Double], onto x: inout [Double], pool: WorkerPool? = nil) {
        lift(v, onto: &x, pool: pool) { $0 += $1 }
    }

    /// g − A⁺A g: the part of `g` that the reduction does not see.
    public func nullSpacePart(of g: [Double], pool: WorkerPool? = nil) -> [Double] {
        var result = g
        lift(reduced(g, pool: pool).map { -$0 }, onto: &result, pool: pool)
        return result
    }

    // MARK: - Passes

    private func reduced<T: Sendable>(_ x: [T], pool: WorkerPool?, value: @Sendable (T) -> Double) -> [Double] {
        precondition(x.count == high.pixels, "\(x.count) values are not a picture of \(high)")
        let width = low.width
        var rows = [Double](repeating: 0, count: width * high.height)
        let fullWidth = high.width
        Self.fill(&rows, parts: high.height, pool: pool) { y, out in
            x.withUnsafeBufferPointer { x in
                horizontal.weights.withUnsafeBufferPointer { weights in
                    for i in 0..<width {
                        let from = y * fullWidth + horizontal.starts[i]
                        let at = horizontal.offsets[i]
                        var sum = 0.0
                        for tap in 0..<horizontal.taps(i) { sum += weights[at &+ tap] * value(x[from &+ tap]) }
                        out[i] = sum
                    }
                }
            }
        }
        let lines = rows
        var result = [Double](repeating: 0, count: low.pixels)
        Self.fill(&result, parts: low.height, pool: pool) { y, out in
            lines.withUnsafeBufferPointer { rows in
                for tap in 0..<vertical.taps(y) {
                    let weight = vertical.weights[vertical.offsets[y] + tap]
                    let from = (vertical.starts[y] + tap) * width
                    for i in 0..<width { out[i] += weight * rows[from + i] }
                }
            }
        }
        return result
    }

    /// (A Aᵀ)⁻¹ v, in place.
    func solve(_ v: inout [Double], pool: WorkerPool? = nil) {
        let (width, height) = (low.width, low.height)
        // Down the columns all systems run side by side; along the rows each row is a system.
        v.withUnsafeMutableBufferPointer { vertical.factor.solve($0.baseAddress!, step: width, lanes: width, laneStep: 1) }
        Self.fill(&v, parts: height, pool: pool) { _, row in
            horizontal.factor.solve(row.baseAddress!, step: 1, lanes: 1, laneStep: 0)
        }
    }

    private func lift<T: Sendable>(
        _ v: [Double], onto x: inout [T], pool: WorkerPool?, add: @Sendable (inout T, Double) -> Void
    ) {
        var solved = v
        solve(&solved, pool: pool)
        spread(solved, onto: &x, pool: pool, add: add)
    }

    /// x ← add(x, Aᵀ v).
    func spread<T: Sendable>(
        _ v: [Double], onto x: inout [T], pool: WorkerPool?, add: @Sendable (inout T, Double) -> Void
    ) {
        precondition(v.count == low.pixels && x.count == high.pixels, "\(v.count) values cannot be lifted to \(high)")
        let width = low.width
        // Vᵀ, then Hᵀ: what sees a place is a short run of outputs, in rising order.
        let fullWidth = high.width
        Self.fill(&x, parts: high.height, pool: pool) { y, out in
            var line = [Double](repeating: 0, count: width)
            v.withUnsafeBufferPointer { v in
                for tap in vertical.backOffsets[y]..<vertical.backOffsets[y + 1] {
                    let weight = vertical.backWeights[tap]
                    let from = (vertical.backStarts[y] + tap - vertical.backOffsets[y]) * width
                    for k in 0..<width { line[k] += weight * v[from &+ k] }
                }
            }
            line.withUnsafeBufferPointer { line in
                horizontal.backWeights.withUnsafeBufferPointer { weights in
                    for k in 0..<fullWidth {
                        let at = horizontal.backOffsets[k]
                        let from = horizontal.backStarts[k]
                        var sum = 0.0
                        for tap in 0..<horizontal.backOffsets[k + 1] - at { sum += weights[at &+ tap] * line[from &+ tap] }
                        add(&out[k], sum)
                    }
                }
            }
        }
    }

    /// Rows of equal length, filled by independent parts.
    private static func fill<T: Sendable>(
        _ values: inout [T], parts: Int, pool: WorkerPool?, body: @Sendable (Int, UnsafeMutableBufferPointer<T>) -> Void
    ) {
        let length = values.count / parts
        values.withUnsafeMutableBufferPointer { all in
            // SAFETY: parts write disjoint rows.
            nonisolated(unsafe) let base = all.baseAddress!
            if let pool {
                pool.parallel(parts) { body($0, UnsafeMutableBufferPointer(start: base + $0 * length, count: length)) }
            } else {
                for part in 0..<parts { body(part, UnsafeMutableBufferPointer(start: base + part * length, count: length)) }
            }
        }
    }
}
