import CCalorCPU
import CalorTensor

/// conv3x3s1_winograd43_nchw8c_f32: F(4×4, 3×3) over batches of tiles, sixteen channels a vector.
///
/// Goals, in order: bits that do not depend on the row range, the batch or the neighbours of a tile, and that are those of the AVX2
/// kernel; speed. A batch of consecutive tiles goes through the input transform (into L2), then for each group of four output blocks
/// through 36 products, and through the output transform with the fused end. Each product sums over the input channels in order.
///
/// *Precision*: as the AVX2 kernel, 4e-6 of the largest output at 64 channels, 7e-6 at 128, 1.5e-5 at 320.
/// *Source*: Lavin and Gray 2015.
enum Winograd43 {
    /// Floats of the sums of a tile.
    private static let tileSums: Int = 36 * 32

    /// Tiles in a batch, a multiple of 12, found by timing: few where weights and batch stay in L2 together, more where the weights
    /// come from the next cache for every batch anyway, or are so few that they do not matter.
    @inline(__always)
    static func batch(_ g: ConvolutionGeometry) -> Int {
        if g.inBlocks <= 4 { return 48 }
        return g.inBlocks &* g.outBlocks <= 84 ? 12 : 24
    }

    /// Groups of sixteen input channels.
    @inline(__always)
    static func groups(_ inBlocks: Int) -> Int { (inBlocks &+ 1) / 2 }

    /// Floats from one of the 36 planes of the transformed input to the next; the extra 16 keep them off the same cache sets.
    @inline(__always)
    static func planeStride(_ g: ConvolutionGeometry) -> Int { groups(g.inBlocks) &* batch(g) &* 16 &+ 16 }

    @inline(__always)
    static func lineStride(_ g: ConvolutionGeometry) -> Int { (batch(g) &* 4 &+ 2) &* 16 &+ 16 }

    static func scratchFloats(_ g: ConvolutionGeometry) -> Int {
        36 * planeStride(g) + 6 * lineStride(g) + batch(g) * tileSums + 16 * 16
    }

    static func run(_ job: ConvolutionJob) {
        let grid = TileGrid(job)
        let most = batch(job.geometry)
        let transformed = job.scratch.assumingMemoryBound(to: Float.self)
        let lines = transformed + 36 &* planeStride(job.geometry)
        let sums = lines + 6 &* lineStride(job.geometry)
        let patch = sums + most &* tileSums
        let finish = Finish(job)
        prefetch(job.weights, job.geometry.inBlocks &* 8 &* 32 &* panelsAhead)
        var first = 0
        while first < grid.count {
            let count = min(most, grid.count &- first)
            transformInput(job, grid, first, count, transformed, lines)
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
        _ job: ConvolutionJob, _ grid: TileGrid, _ first: Int, _ count: Int, _ transformed: Target, _ lines: Target
    ) {
        var done = 0
        while done < count {
            let tileRow = (first &+ done) / grid.across
            let tile = (first &+ done) &- tileRow &* grid.across
            let run = min(count &- done, grid.neighbours(tile))
            transformSegment(job, grid.row(tileRow), grid.column(tile), run, done, transformed, lines)
            done &+= run
        }
    }

    /// `run` tiles side by side, from output row `row` and column `column` on, into the slots from `slot` on.
    @inline(never)
    private static func transformSegment(
        _ job: ConvolutionJob, _ row: Int, _ column: Int, _ run: Int, _ slot: Int, _ transformed: Target, _ lines: Target
    ) {
        let inBlocks = job.geometry.inBlocks
        let most = batch(job.geometry)
        let plane = planeStride(job.geometry)
        let line = lineStride(job.geometry)
        let (height, width) = (job.inputHeight, job.inputWidth)
        let top = row &- job.geometry.padTop
        let left = column &- job.geometry.padLeft
        let columns = run &* 4 &+ 2
        let step = job.geometry.dilationWidth
        let from = min(max(0, (step &- 1 &- left) / step), columns)
        let to = max(from, min(columns, (width &- left &+ step &- 1) / step))
        for i in 0..<6 {
            clear(lines + i &* line, from &* 16)
            clear(lines + (i &* line &+ to &* 16), (columns &- to) &* 16)
        }
        let inPlane = job.inputWindow.plane
        /// Where row `i` of the six begins in its plane; -1 for a row of zeros.
        @inline(__always) func offset(_ i: Int) -> Int {
            let y = top &+ i &* step
            return y >= 0 && y < height ? (y % job.inputWindow.rows &* width &+ left &+ from &* step) &* 8 : -1
        }
        let (o0, o1, o2, o3, o4, o5) = (offset(0), offset(1), offset(2), offset(3), offset(4), offset(5))
        for group in 0..<groups(inBlocks) {
            let base = job.input + group &* 2 &* inPlane
            let pair = PlanePair(group &* 2, inBlocks, inPlane)
            let out = lines + from &* 16
            if o0 >= 0 && o5 >= 0 && pair.stride != 0 {
                // All rows inside, both blocks there: the common case without a test in its loop.
                let high = base + pair.stride
                var (x, y) = (0, 0)
                while y < (to &- from) &* 16 {
                    @inline(__always) func at(_ o: Int) -> V { joined(loadBlock(base, o &+ x), loadBlock(high, o &+ x)) }
                    let t = input(at(o0), at(o1), at(o2), at(o3), at(o4), at(o5))
                    store(t.0, out, y)
                    store(t.1, out, y &+ line)
                    store(t.2, out, y &+ line &* 2)
                    store(t.3, out, y &+ line &* 3)
                    store(t.4, out, y &+ line &* 4)
                    store(t.5, out, y &+ line &* 5)
                    x &+= step &* 8
                    y &+= 16
                }
            } else {
                var (x, y) = (0, 0)
                while y < (to &- from) &* 16 {
                    @inline(__always) func at(_ o: Int) -> V { o >= 0 ? pair.load(base, o &+ x) : V() }
                    let t = input(at(o0), at(o1), at(o2), at(o3), at(o4), at(o5))
                    store(t.0, out, y)
                    store(t.1, out, y &+ line)
                    store(t.2, out, y &+ line &* 2)
                    store(t.3, out, y &+ line &* 3)
                    store(t.4, out, y &+ line &* 4)
                    store(t.5, out, y &+ line &* 5)
                    x &+= step &* 8
                    y &+= 16
                }
            }
            let slots = transformed + (group &* most &+ slot) &* 16
            for i in 0..<6 {
                var from = Source(lines + i &* line)
                var to = slots + i &* 6 &* plane
                for _ in 0..<run {
                    let t = input(load(from), load(from, 16), load(from, 32), load(from, 48), load(from, 64), load(from, 80))
                    store(t.0, to)
                    store(t.1, to, plane)
                    store(t.2, to, plane &* 2)
                    store(t.3, to, plane &* 3)
                    store(t.4, to, plane &* 4)
                    store(t.5, to, plane &* 5)
                    from += 64
                    to += 16
                }
            }
        }
    }

    // MARK: - Products and output

    /// While the first batch uses one of the 36 panels of weights, the one that comes so many later is fetched into L2: the layer before
    /// has driven the weights out, and the processor's own prefetch stops at the end of each page.
    private static let panelsAhead = 4

    @inline(__always)
    private static func prefetch(_ weights: Source, _ floats: Int) {
        for line in 0..<floats / 16 { calor_prefetch_read(weights + line &* 16) }
    }

    @inline(__always)
    private static func multiply(
        _ job: ConvolutionJob, _ grid: TileGrid, _ finish: Finish, _ first: Int, _ count: Int, _ transformed: Source,
        _ sums: Target, _ patch: Target
    ) {
        let inBlocks = job.geometry.inBlocks
        let outBlocks = job.geometry.outBlocks
        let most = batch(job.geometry)
        let plane = planeStride(job.geometry)
        let stride = most &* 16
        var weights = job.weights
        var block = 0
        while block < outBlocks {
            let wide = block &+ 2 < outBlocks
            for i in 0..<36 {
                let v = transformed + i &* plane
                let m = sums + i &* 32
                let panel = inBlocks &* 8 &* (wide ? 32 : 16)
                if first == 0 { prefetch(weights + panel &* panelsAhead, panel) }
                var tile = 0
                while tile < count {
                    let (from, to) = (v + tile &* 16, m + tile &* tileSums)
                    tile &+= winogradProduct(from, stride, weights, inBlocks, wide, to, tileSums, count &- tile)
                }
                weights += panel
            }
            storeBlocks(job, grid, finish, block, 0, first, count, Source(sums), patch)
            if wide { storeBlocks(job, grid, finish, block &+ 2, 16, first, count, Source(sums), patch) }
            block &+= 4
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
            let at = i &* 192
            return output(
                load(m, at), load(m, at &+ 32), load(m, at &+ 64), load(m, at &+ 96), load(m, at &+ 128), load(m, at &+ 160))
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

    /// Two output blocks, from `block` on, of all tiles of the batch; `lane` is where their sums begin.
    @inline(never)
    private static func storeBlocks(
        _ job: ConvolutionJob, _ grid: TileGrid, _ finish: Finish, _ block: Int, _ lane: Int, _ first: Int, _ count: Int,
        _ sums: Source, _ patch: Target
    ) {
        let width = job.outputWidth
        let end = finish.lanes(block)
        let line = width &* 8
        let plane = job.outputWindow.plane
        let rows = job.outputWindow.rows
        let base = block &* plane
        let pair = PlanePair(block, job.geometry.outBlocks, plane)
        let simple = grid.step == 1 && !finish.isComplex && (finish.scale == 1 || finish.residual != nil) && pair.stride != 0
        var tileRow = first / grid.across
        var tile = first &- tileRow &* grid.across
        var y = grid.row(tileRow)
        var rowAt = base &+ y % rows &* line
        for slot in 0..<count {
            let m = sums + (slot &* tileSums &+ lane)
            let x = grid.column(tile)
            let at = rowAt &+ x &* 8
            if simple && x &+ 4 <= width && y &+ 4 <= job.endRow {
                let low = job.output + at
                let high = low + plane
                @inline(__always) func put(_ v: V, _ o: Int) {
                    storeBlock(lowBlock(v), low, o)
                    storeBlock(highBlock(v), high, o)
                }
                if let residual = finish.residual {
                    let from = residual + at
                    let next = from + plane
                    let scale = V(repeating: finish.scale)
                    if end.isClip {
                        untransformed(m, end.bias) { r, c, v in
                            let o = r &* line &+ c &* 8
                            put(fused(joined(loadBlock(from, o), loadBlock(next, o)), end.bounded(v), scale), o)
                        }
                    } else {
                        untransformed(m, end.bias) { r, c, v in
                            let o = r &* line &+ c &* 8
                            put(fused(joined(loadBlock(from, o), loadBlock(next, o)), end.leaky(v), scale), o)
                        }
                    }
                } else if end.isClip {
                    untransformed(m, end.bias) { r, c, v in put(end.bounded(v), r &* line &+ c &* 8) }
                } else {
                    untransformed(m, end.bias) { r, c, v in put(end.leaky(v), r &* line &+ c &* 8) }
                }
            } else {
                untransformed(m, end.bias) { r, c, v in store(v, patch, (r &* 4 &+ c) &* 16) }
                storePatch(
                    finish, end, patch, pair, job.output + at, finish.residual.map { $0 + at }, line, grid.step,
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

    /// A tile at the border of the image, of a dilated convolution, or with an end that does not fit in the transform.
    @inline(never)
    private static func storePatch(
        _ finish: Finish, _ end: LaneFinish, _ patch: Target, _ pair: PlanePair, _ output: Target, _ residual: Source?,
        _ line: Int, _ step: Int, _ rows: Int, _ columns: Int
    ) {
        if finish.isComplex { unaryFloats(.activation(finish.activation), Source(patch), patch, 256) }
        let scale = V(repeating: finish.scale)
        for y in 0..<rows {
            for x in 0..<columns {
                var value = load(Source(patch), (y &* 4 &+ x) &* 16)
                let at = (y &* line &+ x &* 8) &* step
                if !finish.isComplex { value = end.activated(value) }
                if let residual {
                    value = fused(pair.load(residual, at), value, scale)
                } else {
                    value *= scale
                }
                pair.store(value, output, at)
            }
        }
    }
}
