import CalorTensor

/// gemm6x16_f32: row-major A times packed B.
///
/// Goals, in order: bits that do not depend on the split of the rows; speed. Each element sums over k in order, in runs of 256 that are
/// added one after the other; the bias comes last. *Precision*: relative error to the f64 sum under 1e-5 of the largest product sum.
enum Matrix {
    /// A run of a panel (16 KiB) and six rows of A stay in the first cache.
    private static let depth = 256
    /// Rows of A that stay in the second cache while all panels pass.
    private static let height = 96

    static func run(_ job: MatrixJob) {
        if job.k == 0 { return finish(job, job.firstRow, job.endRow, true) }
        var row = job.firstRow
        while row < job.endRow {
            let end = min(row &+ height, job.endRow)
            var k = 0
            while k < job.k {
                let run = min(depth, job.k &- k)
                for panel in 0..<(job.n &+ 15) / 16 {
                    let b = job.packed + panel &* job.k &* 16 + k &* 16
                    let columns = min(16, job.n &- panel &* 16)
                    var r = row
                    while r < end {
                        let a = job.a + r &* job.lda + k
                        let c = job.c + r &* job.ldc + panel &* 16
                        if end &- r >= 6 {
                            product6(a, job.lda, b, run, c, job.ldc, columns, k > 0)
                            r &+= 6
                        } else {
                            product1(a, b, run, c, columns, k > 0)
                            r &+= 1
                        }
                    }
                }
                k &+= run
            }
            finish(job, row, end, false)
            row = end
        }
    }

    /// Bias and activation of finished rows, still in cache.
    private static func finish(_ job: MatrixJob, _ first: Int, _ end: Int, _ empty: Bool) {
        for row in first..<end {
            let c = job.c + row &* job.ldc
            if empty { c.update(repeating: 0, count: job.n) }
            if let bias = job.bias { binaryFloats(.add, Source(c), bias, c, job.n) }
            if job.activation != .none { unaryFloats(.activation(job.activation), Source(c), c, job.n) }
        }
    }

    @inline(__always)
    private static func put(_ low: V, _ high: V, _ c: Target, _ columns: Int, _ adds: Bool) {
        if columns == 16 {
            if adds {
                store(load(Source(c)) + low, c)
                store(load(Source(c), 8) + high, c, 8)
            } else {
                store(low, c)
                store(high, c, 8)
            }
        } else {
            for lane in 0..<columns {
                let value = lane < 8 ? low[lane] : high[lane &- 8]
                c[lane] = adds ? c[lane] + value : value
            }
        }
    }

    @inline(never)
    private static func product6(
        _ a: Source, _ lda: Int, _ b: Source, _ depth: Int, _ c: Target, _ ldc: Int, _ columns: Int, _ adds: Bool
    ) {
        var sums = Sums6x16(V(), V())
        for k in 0..<depth { sums.add(a + k, lda, b + k &* 16) }
        sums.forEach(6) { row, low, high in put(low, high, c + row &* ldc, columns, adds) }
    }

    @inline(never)
    private static func product1(_ a: Source, _ b: Source, _ depth: Int, _ c: Target, _ columns: Int, _ adds: Bool) {
        var (low, high) = (V(), V())
        for k in 0..<depth {
            let x = broadcast(a, k)
            low = fused(low, x, load(b, k &* 16))
            high = fused(high, x, load(b, k &* 16 &+ 8))
        }
        put(low, high, c, columns, adds)
    }
}
