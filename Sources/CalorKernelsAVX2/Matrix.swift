import CCalorCPU
import CalorTensor

/// gemm_f32: row-major A times packed B, in tiles of 12 rows by two vectors (6 rows on 16 registers).
///
/// Goals, in order: bits that do not depend on the split of the rows; speed. Each element starts with its bias and sums over k in order,
/// whatever the tile, so neither the cuts of the rows nor those of k show. *Precision*: relative error to the f64 sum under 1e-5 of the
/// largest product sum.
enum Matrix {
    /// Rows of A that stay in the second cache while all panels pass.
    private static let height = 96

    static func run(_ job: MatrixJob) {
        // Runs of a panel and a few rows of A stay in the nearest caches: 32 KiB on eight lanes (64 KiB on sixteen, whose processors have
        // a second cache that feeds them).
        let depth = job.k <= 384 ? job.k : lanes == 16 ? 1024 : 256
        // Rows a multiple of 1 KiB apart (4 KiB where the cache is larger) would meet in a few of its sets: they are copied next to each
        // other.
        let copies = job.lda % (lanes == 16 ? 1024 : 256) == 0 && job.n >= 64 && job.endRow &- job.firstRow >= 4
        let room = copies ? Target.allocate(capacity: height &* (depth &+ 16)) : nil
        defer { room?.deallocate() }
        var row = job.firstRow
        while row < job.endRow {
            let end = min(row &+ height, job.endRow)
            var k = 0
            repeat {
                let run = min(depth, job.k &- k)
                var (a, lda) = (job.a + row &* job.lda + k, job.lda)
                if let room {
                    copyRows(a, lda, room, depth &+ 16, end &- row, run)
                    (a, lda) = (Source(room), depth &+ 16)
                }
                let isFollowed = end < job.endRow && run == job.k && run == job.lda
                block(job, a, lda, row, end, k, run, later: isFollowed ? job.a + end &* job.lda : nil)
                k &+= run
            } while k < job.k
            finish(job, row, end)
            row = end
        }
    }

    /// All columns of a few rows for one run of k.
    ///
    /// On sixteen lanes the tiles together ask for what comes next: where B is narrow, the rows of A from `later` on; where it is too large
    /// for the second cache, the next panels. Each asks for its share, a few lines at a time: many at once would keep its own waiting.
    private static func block(
        _ job: MatrixJob, _ a: Source, _ lda: Int, _ first: Int, _ end: Int, _ k: Int, _ depth: Int, later: Source?
    ) {
        let panel = job.k &* 16
        let across = (job.n &+ Tile.columns &- 1) / Tile.columns
        let asksForRows = lanes == 16 && across < 8 && later != nil
        let asksForPanels = lanes == 16 && across >= 8 && job.k &* job.n > 1 << 18
        // Numbers for each k: `height` of them make the rows, 32 make two panels, and the tiles of the block share them.
        let share = asksForRows ? 12 / across : asksForPanels ? 4 : 0
        var rowsAhead = later ?? a
        var column = 0
        while column < job.n {
            let isWide = job.n &- column > lanes
            let next = column &+ lanes
            var call = Call(
                x: a, rowStride: lda, low: job.packed + (column / 16 &* panel &+ column % 16 &+ k &* 16),
                high: job.packed + ((isWide ? next / 16 &* panel &+ next % 16 : 0) &+ k &* 16), depth: depth,
                c: job.c + (first &* job.ldc &+ column), ldc: job.ldc, columns: min(Tile.columns, job.n &- column),
                bias: job.bias.map { $0 + column }, continues: k > 0, ahead: rowsAhead, aheadStep: share, residual: nil)
            let following = next &+ lanes < job.n ? next &+ lanes : 0
            let panelsAhead = job.packed + (following / 16 &* panel &+ k &* 16)
            var tile = 0
            // An activation comes before the residual, which `finish` then adds.
            if job.activation == .none, k &+ depth == job.k, let residual = job.residual {
                call.residual = residual + (first &* job.ldc &+ column)
            }
            var rest = end &- first
            while rest > 0 {
                let rows = Tile.rows(rest)
                call.ahead = asksForPanels ? panelsAhead + ((tile & 3) &* depth &* 4 &+ (tile & 4 != 0 ? panel : 0)) : rowsAhead
                rowsAhead += share &* depth
                tile &+= 1
                if isWide { wide(rows, call) } else { narrow(rows, call) }
                call.x += rows &* lda
                call.c += rows &* job.ldc
                call.residual = call.residual.map { $0 + rows &* job.ldc }
                rest &-= rows
            }
            column &+= Tile.columns
        }
    }

    /// Activation and residual of finished rows, still in cache.
    private static func finish(_ job: MatrixJob, _ first: Int, _ end: Int) {
        if job.activation == .none { return }
        for row in first..<end {
            let c = job.c + row &* job.ldc
            unaryFloats(.activation(job.activation), Source(c), c, job.n)
            if let residual = job.residual { binaryFloats(.add, Source(c), residual + row &* job.ldc, c, job.n) }
        }
    }

    private static func copyRows(_ from: Source, _ stride: Int, _ to: Target, _ toStride: Int, _ rows: Int, _ count: Int) {
        for row in 0..<rows { (to + row &* toStride).update(from: from + row &* stride, count: count) }
    }

    // MARK: - Tiles

    private struct Call {
        var x: Source
        let rowStride: Int
        let low: Source
        let high: Source
        let depth: Int
        var c: Target
        let ldc: Int
        let columns: Int
        let bias: Source?
        /// Adds to what C holds.
        let continues: Bool
        /// What to ask for, as many numbers for each k.
        var ahead: Source
        let aheadStep: Int
        var residual: Source?

        /// Some columns of the last vector do not exist.
        @inline(__always)
        func values(_ pointer: Source, _ isWide: Bool) -> (V, V) {
            if isWide {
                return (load(pointer), columns == Tile.columns ? load(pointer, lanes) : partial(pointer + lanes, columns &- lanes))
            }
            return (columns == lanes ? load(pointer) : partial(pointer, columns), V())
        }

        @inline(__always)
        func put(_ low: V, _ high: V, _ pointer: Target, _ isWide: Bool) {
            if isWide {
                store(low, pointer)
                if columns == Tile.columns {
                    store(high, pointer, lanes)
                } else {
                    storePartial(high, pointer + lanes, columns &- lanes)
                }
            } else if columns == lanes {
                store(low, pointer)
            } else {
                storePartial(low, pointer, columns)
            }
        }

        @inline(__always)
        func run(_ rows: Int, _ isWide: Bool) {
            var tile: Tile
            if continues {
                tile = Tile(rows) { values(Source(c) + $0 &* ldc, isWide) }
            } else if let bias {
                let (low, high) = values(bias, isWide)
                tile = Tile(low, high)
            } else {
                tile = Tile(V(), V())
            }
            let run = aheadStep == 0 ? depth : 64  // numbers, of which every 16 are a line
            var k = 0
            while k < depth {
                for line in 0..<aheadStep &* 4 { calor_prefetch_read(ahead + (k &* aheadStep &+ line &* 16)) }
                tile.addProduct(rows, isWide, x + k, rowStride, 1, low + k &* 16, high + k &* 16, 16, min(run, depth &- k))
                k &+= run
            }
            if let residual {
                tile.forEach(rows) { row, low, high in
                    let (r0, r1) = values(residual + row &* ldc, isWide)
                    put(low + r0, high + r1, c + row &* ldc, isWide)
                }
            } else {
                tile.forEach(rows) { row, low, high in put(low, high, c + row &* ldc, isWide) }
            }
        }
    }

    @inline(__always)
    private static func wide(_ rows: Int, _ call: Call) {
        switch rows {
        case 12: wide12(call)
        case 8: wide8(call)
        case 6: wide6(call)
        case 4: wide4(call)
        case 2: wide2(call)
        default: wide1(call)
        }
    }

    @inline(__always)
    private static func narrow(_ rows: Int, _ call: Call) {
        switch rows {
        case 12: narrow12(call)
        case 8: narrow8(call)
        case 6: narrow6(call)
        case 4: narrow4(call)
        case 2: narrow2(call)
        default: narrow1(call)
        }
    }

    @inline(never) private static func wide12(_ call: Call) { if lanes == 16 { call.run(12, true) } }
    @inline(never) private static func wide8(_ call: Call) { if lanes == 16 { call.run(8, true) } }
    @inline(never) private static func wide6(_ call: Call) { if lanes == 8 { call.run(6, true) } }
    @inline(never) private static func wide4(_ call: Call) { call.run(4, true) }
    @inline(never) private static func wide2(_ call: Call) { call.run(2, true) }
    @inline(never) private static func wide1(_ call: Call) { call.run(1, true) }
    @inline(never) private static func narrow12(_ call: Call) { if lanes == 16 { call.run(12, false) } }
    @inline(never) private static func narrow8(_ call: Call) { if lanes == 16 { call.run(8, false) } }
    @inline(never) private static func narrow6(_ call: Call) { if lanes == 8 { call.run(6, false) } }
    @inline(never) private static func narrow4(_ call: Call) { call.run(4, false) }
    @inline(never) private static func narrow2(_ call: Call) { call.run(2, false) }
    @inline(never) private static func narrow1(_ call: Call) { call.run(1, false) }
}
