import CalorTensor

/// conv3x3s1_winograd43_nchw8c_f32: F(4×4, 3×3) over batches of tiles.
///
/// Goals, in order: bits that do not depend on the row range, the batch or the neighbours of a tile; speed. A batch of consecutive tiles
/// goes through the input transform (into L2), then for each pair of output blocks through 36 products whose sums stay close to L1,
/// and through the output transform with the fused end. Each product sums over the input channels in order.
///
/// *Precision*: error against the f64 sum, measured, in units of the largest output: 4e-6 at 64 channels, 7e-6 at 128, 1.5e-5 at 320
/// (points 0, ±1, ±2, ∞).
/// *Source*: Lavin and Gray 2015.
enum Winograd43 {
    /// Tiles in a batch: a multiple of 6, such that the transformed input stays within about 256 KiB. Found by timing.
    @inline(__always)
    static func batch(_ inBlocks: Int) -> Int { inBlocks <= 8 ? 24 : inBlocks <= 16 ? 18 : 12 }

    /// Floats from one of the 36 planes of the transformed input to the next; the extra 16 keep them off the same cache sets.
    @inline(__always)
    static func planeStride(_ inBlocks: Int) -> Int { inBlocks &* batch(inBlocks) &* 8 &+ 16 }

    @inline(__always)
    static func lineStride(_ inBlocks: Int) -> Int { (batch(inBlocks) &* 4 &+ 2) &* 8 &+ 16 }

    static func scratchFloats(_ g: ConvolutionGeometry) -> Int {
        let line = lineStride(g.inBlocks)
        return 36 * planeStride(g.inBlocks) + (6 + g.dilationWidth) * line + batch(g.inBlocks) * 36 * 16 + 2 * 16 * 8
    }

    static func run(_ job: ConvolutionJob) {
        let g = job.geometry
        let inBlocks = g.inBlocks
        let grid = TileGrid(job)
        let most = batch(inBlocks)
        let transformed = job.scratch.assumingMemoryBound(to: Float.self)
        let lines = transformed + 36 &* planeStride(inBlocks)
        let zeros = lines + 6 &* lineStride(inBlocks)
        let sums = zeros + lineStride(inBlocks) &* g.dilationWidth
        let patch = sums + most &* 36 &* 16
        clear(zeros, lineStride(inBlocks) &* g.dilationWidth)
        let finish = Finish(job.epilogue)
        var first = 0
        while first < grid.count {
            let count = min(most, grid.count &- first)
            transformInput(job, grid, first, count, transformed, lines, Source(zeros))
            multiply(job, grid, finish, first, count, Source(transformed), sums, patch)
            first &+= count
        }
    }

    // MARK: - Input

    /// Bᵀ d for six numbers.
    @inline(__always)
    private static func input(_ d0: V, _ d1: V, _ d2: V, _ d3: V, _ d4: V, _ d5: V) -> (V, V, V, V, V, V) {
        let four = V(repeating: 4)
        let minusFour = V(repeating: -4)
        let minusFive = V(repeating: -5)
        let two = V(repeating: 2)
        let even = fused(d4, minusFour, d2)
        let odd = fused(d3, minusFour, d1)
        let wide = d4 - d2
        let step = d3 - d1
        return (
            fused(fused(d4, minusFive, d2), four, d0), even + odd, even - odd, fused(wide, two, step), fused(wide, -two, step),
            fused(fused(d5, minusFive, d3), four, d1)
        )
    }

    @inline(__always)
    private static func transformInput(
        _ job: ConvolutionJob, _ grid: TileGrid, _ first: Int, _ count: Int, _ transformed: Target, _ lines: Target, _ zeros: Source
    ) {
        var done = 0
        while done < count {
            let tileRow = (first &+ done) / grid.across
            let tile = (first &+ done) &- tileRow &* grid.across
            let run = min(count &- done, grid.neighbours(tile))
            transformSegment(job, grid.row(tileRow), grid.column(tile), run, done, transformed, lines, zeros)
            done &+= run
        }
    }

    /// `run` tiles side by side, from output row `row` and column `column` on, into the slots from `slot` on.
    @inline(never)
    private static func transformSegment(
        _ job: ConvolutionJob, _ row: Int, _ column: Int, _ run: Int, _ slot: Int, _ transformed: Target, _ lines: Target,
        _ zeros: Source
    ) {
        let inBlocks = job.geometry.inBlocks
        let most = batch(inBlocks)
        let plane = planeStride(inBlocks)
        let line = lineStride(inBlocks)
        let (height, width) = (job.inputHeight, job.inputWidth)
        let top = row &- job.geometry.padTop
        let left = column &- job.geometry.padLeft
        let columns = run &* 4 &+ 2
        let step = job.geometry.dilationWidth
        let from = min(max(0, (step &- 1 &- left) / step), columns)
        let to = max(from, min(columns, (width &- left &+ step &- 1) / step))
        for i in 0..<6 {
            clear(lines + i &* line, from &* 8)
            clear(lines + (i &* line &+ to &* 8), (columns &- to) &* 8)
        }
        /// Where row `i` of the six begins in its plane; -1 for a row of zeros.
        @inline(__always) func offset(_ i: Int) -> Int {
            let y = top &+ i &* step
            return y >= 0 && y < height ? (y % job.inputWindow.rows &* width &+ left &+ from &* step) &* 8 : -1
        }
        let (o0, o1, o2, o3, o4, o5) = (offset(0), offset(1), offset(2), offset(3), offset(4), offset(5))
        for block in 0..<inBlocks {
            let base = job.input + block &* job.inputWindow.plane
            @inline(__always) func source(_ offset: Int) -> Source { offset >= 0 ? base + offset : zeros }
            let (r0, r1, r2, r3, r4, r5) = (source(o0), source(o1), source(o2), source(o3), source(o4), source(o5))
            let out = lines + from &* 8
            var (x, y) = (0, 0)
            while y < (to &- from) &* 8 {
                let t = input(load(r0, x), load(r1, x), load(r2, x), load(r3, x), load(r4, x), load(r5, x))
                store(t.0, out, y)
                store(t.1, out, y &+ line)
                store(t.2, out, y &+ line &* 2)
                store(t.3, out, y &+ line &* 3)
                store(t.4, out, y &+ line &* 4)
                store(t.5, out, y &+ line &* 5)
                x &+= step &* 8
                y &+= 8
            }
            let slots = transformed + (block &* most &+ slot) &* 8
            for i in 0..<6 {
                var from = Source(lines + i &* line)
                var to = slots + i &* 6 &* plane
                for _ in 0..<run {
                    let t = input(load(from), load(from, 8), load(from, 16), load(from, 24), load(from, 32), load(from, 40))
                    store(t.0, to)
                    store(t.1, to, plane)
                    store(t.2, to, plane &* 2)
                    store(t.3, to, plane &* 3)
                    store(t.4, to, plane &* 4)
                    store(t.5, to, plane &* 5)
                    from += 32
                    to += 8
                }
            }
        }
    }

    // MARK: - Products and output

    @inline(__always)
    private static func multiply(
        _ job: ConvolutionJob, _ grid: TileGrid, _ finish: Finish, _ first: Int, _ count: Int, _ transformed: Source,
        _ sums: Target, _ patch: Target
    ) {
        let inBlocks = job.geometry.inBlocks
        let outBlocks = job.geometry.outBlocks
        let most = batch(inBlocks)
        let plane = planeStride(inBlocks)
        var weights = job.weights
        var block = 0
        while block < outBlocks {
            let wide = block &+ 1 < outBlocks
            for i in 0..<36 {
                var tile = 0
                while tile < count {
                    let v = transformed + (i &* plane &+ tile &* 8)
                    let m = sums + (tile &* 36 &+ i) &* 16
                    tile &+= winogradProduct(v, most &* 8, weights, inBlocks, wide, m, 576, count &- tile)
                }
                weights += inBlocks &* (wide ? 128 : 64)
            }
            storeBlock(job, grid, finish, block, 0, first, count, Source(sums), patch)
            if wide { storeBlock(job, grid, finish, block &+ 1, 8, first, count, Source(sums), patch) }
            block &+= 2
        }
    }

    /// Aᵀ m for six numbers.
    @inline(__always)
    private static func output(_ m0: V, _ m1: V, _ m2: V, _ m3: V, _ m4: V, _ m5: V) -> (V, V, V, V) {
        let (s12, d12, s34, d34) = (m1 + m2, m1 - m2, m3 + m4, m3 - m4)
        return (
            m0 + s12 + s34, fused(d12, V(repeating: 2), d34), fused(s12, V(repeating: 4), s34),
            fused(d12, V(repeating: 8), d34) + m5
        )
    }

    /// The 16 outputs of a tile with their bias, before the activation; `emit` gets row, column and value.
    @inline(__always)
    private static func untransformed(_ m: Source, _ bias: V, _ emit: (Int, Int, V) -> Void) {
        @inline(__always) func row(_ i: Int) -> (V, V, V, V) {
            let at = i &* 96
            return output(
                load(m, at), load(m, at &+ 16), load(m, at &+ 32), load(m, at &+ 48), load(m, at &+ 64), load(m, at &+ 80))
        }
        let (a, b, c, d, e, f) = (row(0), row(1), row(2), row(3), row(4), row(5))
        @inline(__always) func column(_ x: Int, _ y: (V, V, V, V)) {
            emit(0, x, y.0 + bias)
            emit(1, x, y.1 + bias)
            emit(2, x, y.2 + bias)
            emit(3, x, y.3 + bias)
        }
        column(0, output(a.0, b.0, c.0, d.0, e.0, f.0))
        column(1, output(a.1, b.1, c.1, d.1, e.1, f.1))
        column(2, output(a.2, b.2, c.2, d.2, e.2, f.2))
        column(3, output(a.3, b.3, c.3, d.3, e.3, f.3))
    }

    @inline(never)
    private static func storeBlock(
        _ job: ConvolutionJob, _ grid: TileGrid, _ finish: Finish, _ block: Int, _ lane: Int, _ first: Int, _ count: Int,
        _ sums: Source, _ patch: Target
    ) {
        let width = job.outputWidth
        let end = finish.lanes(block)
        let line = width &* 8
        let base = block &* job.outputWindow.plane
        let rows = job.outputWindow.rows
        let simple = grid.step == 1 && !finish.isComplex && (finish.scale == 1 || finish.residual != nil)
        var tileRow = first / grid.across
        var tile = first &- tileRow &* grid.across
        var y = grid.row(tileRow)
        var rowAt = base &+ y % rows &* line
        for slot in 0..<count {
            let m = sums + (slot &* 576 &+ lane)
            let x = grid.column(tile)
            let at = rowAt &+ x &* 8
            if simple && x &+ 4 <= width && y &+ 4 <= job.endRow {
                let to = job.output + at
                if let residual = finish.residual {
                    let from = residual + at
                    let scale = V(repeating: finish.scale)
                    if end.isClip {
                        untransformed(m, end.bias) { r, c, v in
                            store(fused(load(from, r &* line &+ c &* 8), end.bounded(v), scale), to, r &* line &+ c &* 8)
                        }
                    } else {
                        untransformed(m, end.bias) { r, c, v in
                            store(fused(load(from, r &* line &+ c &* 8), end.leaky(v), scale), to, r &* line &+ c &* 8)
                        }
                    }
                } else if end.isClip {
                    untransformed(m, end.bias) { r, c, v in store(end.bounded(v), to, r &* line &+ c &* 8) }
                } else {
                    untransformed(m, end.bias) { r, c, v in store(end.leaky(v), to, r &* line &+ c &* 8) }
                }
            } else {
                untransformed(m, end.bias) { r, c, v in store(v, patch, r &* 32 &+ c &* 8) }
                storePatch(
                    finish, end, patch, job.output + at, finish.residual.map { $0 + at }, line, grid.step,
                    grid.within(y, job.endRow), grid.within(x, width))
            }
            tile &+= 1
            if tile == grid.across {
                (tile, tileRow) = (0, tileRow &+ 1)
                y = grid.row(tileRow)
                rowAt = base &+ y % rows &* line
            }
        }
    }

    /// A tile at the border of the image, of a dilated convolution, or with an activation that does not fit in the transform.
    @inline(never)
    private static func storePatch(
        _ finish: Finish, _ end: LaneFinish, _ patch: Target, _ output: Target, _ residual: Source?, _ line: Int, _ step: Int,
        _ rows: Int, _ columns: Int
    ) {
        if finish.isComplex { unaryFloats(.activation(finish.activation), Source(patch), patch, 128) }
        let scale = V(repeating: finish.scale)
        for y in 0..<rows {
            for x in 0..<columns {
                var value = load(Source(patch), y &* 32 &+ x &* 8)
                let at = (y &* line &+ x &* 8) &* step
                if !finish.isComplex { value = end.activated(value) }
                if let residual {
                    value = fused(load(residual, at), value, scale)
                } else {
                    value *= scale
                }
                store(value, output, at)
            }
        }
    }
}
