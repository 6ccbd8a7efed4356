import CalorBase

extension DataConsistency {
    /// Half a count is the promise, and rounding aims a little lower; a slack near it keeps room for what rounding adds.
    private var limit: Double { max(0.48, slack + 0.23) }
    private static let passes = 6

    /// Rounds to whole numbers so that no low-resolution pixel ends up more than half a count off.
    ///
    /// Nearest rounding leaves an error of 0.06 counts (×4) or 0.12 (×2) after the reduction, so that one pixel in a million would
    /// break the promise; there the sample with the best exchange is rounded to the other side.
    func round(_ values: inout [Float], low: [Float], pool: WorkerPool?) {
        var exact: [Float] = []
        exact = values
        for i in values.indices { values[i] = values[i].rounded(.toNearestOrEven) }
        var residual = self.residual(of: values, low: low, pool: pool)
        for _ in 0..<Self.passes {
            let excess = residual.indices.filter { abs(residual[$0]) > limit }
            guard !excess.isEmpty else { return }
            var moved = false
            for cell in excess where abs(residual[cell]) > limit {
                if repair(cell, values: &values, exact: exact, residual: &residual) { moved = true }
            }
            guard moved else { return }
            // Incremental sums drift by an ulp; each pass starts from the true ones.
            residual = self.residual(of: values, low: low, pool: pool)
        }
    }

    /// Moves one sample of the block under `cell` by one count, the one that lowers the excess of all cells most.
    private func repair(_ cell: Int, values: inout [Float], exact: [Float], residual: inout [Double]) -> Bool {
        let (cx, cy) = (cell % reduction.low.width, cell / reduction.low.width)
        let scale = reduction.scale
        let width = reduction.high.width
        let step: Float = residual[cell] > 0 ? 1 : -1
        var best: (gain: Double, index: Int, x: Int, y: Int)?
        for y in cy * scale..<(cy + 1) * scale {
            for x in cx * scale..<(cx + 1) * scale {
                let i = y * width + x
                let moved = values[i] + step
                guard moved >= 0, moved <= format.fullScale, abs(moved - exact[i]) <= 1 else { continue }
                var gain = 0.0
                visit(x, y) { k, weight in gain += excess(residual[k]) - excess(residual[k] - Double(step) * weight) }
                // Among equals, the sample that was nearest to the other side loses least.
                gain -= 1e-6 * Double(abs(moved - exact[i]))
                if gain > best?.gain ?? 0 { best = (gain, i, x, y) }
            }
        }
        guard let best else { return false }
        values[best.index] += step
        visit(best.x, best.y) { k, weight in residual[k] -= Double(step) * weight }
        return true
    }

    private func excess(_ v: Double) -> Double {
        let over = max(abs(v) - limit, 0)
        return over * over + 1e-4 * v * v
    }

    /// Every low-resolution pixel that sees the sample, with its weight.
    private func visit(_ x: Int, _ y: Int, _ body: (Int, Double) -> Void) {
        let (h, v) = (reduction.horizontal, reduction.vertical)
        let (cx, cy) = (x / reduction.scale, y / reduction.scale)
        for j in max(0, cy - 2)...min(v.low - 1, cy + 2) {
            let tapY = y - v.starts[j]
            guard tapY >= 0, tapY < v.taps(j) else { continue }
            for i in max(0, cx - 2)...min(h.low - 1, cx + 2) {
                let tapX = x - h.starts[i]
                guard tapX >= 0, tapX < h.taps(i) else { continue }
                body(j * h.low + i, h.weights[h.offsets[i] + tapX] * v.weights[v.offsets[j] + tapY])
            }
        }
    }
}
