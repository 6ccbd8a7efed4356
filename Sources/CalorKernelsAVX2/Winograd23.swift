import CalorTensor

/// conv3x3s1_winograd23_nchw8c_f32: F(2×2, 3×3) over batches of tiles, for layers with so many weights that reading them costs most.
///
/// Goals, in order: bits that do not depend on the row range, the batch, the neighbours of a tile or the width of a vector; speed. The
/// same course as `Winograd43` with 16 products instead of 36, and so less than half the transformed weights.
///
/// *Precision*: 1e-6 of the largest output (points 0, ±1, ∞).
/// *Source*: Lavin and Gray 2015, section 4.1.
enum Winograd23 {
    private static let planes: Int = 16
    /// Floats of the sums of a tile.
    private static let tileSums: Int = planes * 2 * lanes
    /// Blocks of a vector, and of the output channels that are taken together.
    private static let vectorBlocks: Int = lanes / 8
    private static let groupBlocks: Int = lanes / 4

    /// Tiles in a batch: a multiple of 12, such that the transformed input stays within half of a second cache of 1 MiB.
    @inline(__always)
    private static func batch(_ inBlocks: Int) -> Int { inBlocks <= 20 ? 48 : inBlocks <= 40 ? 24 : 12 }

    @inline(__always)
    private static func groups(_ inBlocks: Int) -> Int { (inBlocks &+ vectorBlocks &- 1) / vectorBlocks }

    /// Floats from one of the 16 planes of the transformed input to the next; the extra 16 keep them off the same cache sets.
    @inline(__always)
    private static func planeStride(_ inBlocks: Int) -> Int { groups(inBlocks) &* batch(inBlocks) &* lanes &+ 16 }

    @inline(__always)
    private static func lineStride(_ inBlocks: Int) -> Int { (batch(inBlocks) &* 2 &+ 2) &* lanes &+ 16 }

    static func scratchFloats(_ g: ConvolutionGeometry) -> Int {
        let transformed = planes * planeStride(g.inBlocks) + 4 * lineStride(g.inBlocks)
        return transformed + batch(g.inBlocks) * tileSums + 4 * lanes
    }

    static func run(_ job: ConvolutionJob) {
        let inBlocks = job.geometry.inBlocks
        let tilesAcross = (job.outputWidth &+ 1) / 2
        let tiles = (job.endRow &- job.firstRow &+ 1) / 2 &* tilesAcross
        let most = batch(inBlocks)
        let transformed = job.scratch.assumingMemoryBound(to: Float.self)
        let lines = transformed + planes &* planeStride(inBlocks)
        let sums = lines + 4 &* lineStride(inBlocks)
        let patch = sums + most &* tileSums
        let finish = Finish(job)
        var first = 0
        while first < tiles {
            let count = min(most, tiles &- first)
            transformInput(job, first, count, tilesAcross, transformed, lines)
            multiply(job, finish, first, count, tilesAcross, Source(transformed), sums, patch)
            first &+= count
        }
    }

    // MARK: - Input

    /// Bᵀ d for four numbers.
    @inline(__always)
    private static func input(_ d0: V, _ d1: V, _ d2: V, _ d3: V) -> (V, V, V, V) { (d0 - d2, d1 + d2, d2 - d1, d1 - d3) }

    @inline(__always)
    private static func transformInput(
        _ job: ConvolutionJob, _ first: Int, _ count: Int, _ tilesAcross: Int, _ transformed: Target, _ lines: Target
    ) {
        var done = 0
        while done < count {
            let tileRow = (first &+ done) / tilesAcross
            let tile = (first &+ done) &- tileRow &* tilesAcross
            let run = min(count &- done, tilesAcross &- tile)
            transformSegment(job, job.firstRow &+ tileRow &* 2, tile, run, done, transformed, lines)
            done &+= run
        }
    }

    /// `run` tiles side by side, from output row `row` and tile `tile` on, into the slots from `slot` on.
    @inline(never)
    private static func transformSegment(
        _ job: ConvolutionJob, _ row: Int, _ tile: Int, _ run: Int, _ slot: Int, _ transformed: Target, _ lines: Target
    ) {
        let inBlocks = job.geometry.inBlocks
        let most = batch(inBlocks)
        let plane = planeStride(inBlocks)
        let line = lineStride(inBlocks)
        let (height, width) = (job.inputHeight, job.inputWidth)
        let top = row &- job.geometry.padTop
        let left = tile &* 2 &- job.geometry.padLeft
        let columns = run &* 2 &+ 2
        let from = min(max(0, 0 &- left), columns)
        let to = max(from, min(columns, width &- left))
        for i in 0..<4 {
            clear(lines + i &* line, from &* lanes)
            clear(lines + (i &* line &+ to &* lanes), (columns &- to) &* lanes)
        }
        let inPlane = job.inputWindow.plane
        /// Where row `i` of the four begins in its plane; -1 for a row of zeros.
        @inline(__always) func offset(_ i: Int) -> Int {
            let y = top &+ i
            return y >= 0 && y < height ? (y % job.inputWindow.rows &* width &+ left &+ from) &* 8 : -1
        }
        let (o0, o1, o2, o3) = (offset(0), offset(1), offset(2), offset(3))
        for group in 0..<groups(inBlocks) {
            let base = job.input + group &* vectorBlocks &* inPlane
            let pair = PlanePair(group &* vectorBlocks, inBlocks, inPlane)
            let out = lines + from &* lanes
            for x in 0..<to &- from {
                @inline(__always) func at(_ o: Int) -> V { o >= 0 ? pair.load(base, o &+ x &* 8) : V() }
                let t = input(at(o0), at(o1), at(o2), at(o3))
                let y = x &* lanes
                store(t.0, out, y)
                store(t.1, out, y &+ line)
                store(t.2, out, y &+ line &* 2)
                store(t.3, out, y &+ line &* 3)
            }
            let slots = transformed + (group &* most &+ slot) &* lanes
            for i in 0..<4 {
                var from = Source(lines + i &* line)
                var to = slots + i &* 4 &* plane
                for _ in 0..<run {
                    let t = input(load(from), load(from, lanes), load(from, lanes &* 2), load(from, lanes &* 3))
                    store(t.0, to)
                    store(t.1, to, plane)
                    store(t.2, to, plane &* 2)
                    store(t.3, to, plane &* 3)
                    from += lanes &* 2
                    to += lanes
                }
            }
        }
    }

    // MARK: - Products and output

    @inline(__always)
    private static func multiply(
        _ job: ConvolutionJob, _ finish: Finish, _ first: Int, _ count: Int, _ tilesAcross: Int, _ transformed: Source,
        _ sums: Target, _ patch: Target
    ) {
        let inBlocks = job.geometry.inBlocks
        let outBlocks = job.geometry.outBlocks
        let stride = batch(inBlocks) &* lanes
        let plane = planeStride(inBlocks)
        var weights = job.weights
        var block = 0
        while block < outBlocks {
            let wide = block &+ vectorBlocks < outBlocks
            for i in 0..<planes {
                let v = transformed + i &* plane
                let m = sums + i &* 2 &* lanes
                var tile = 0
                while tile < count {
                    let (from, to) = (v + tile &* lanes, m + tile &* tileSums)
                    tile &+= winogradProduct(from, stride, weights, inBlocks, wide, to, tileSums, count &- tile)
                }
                weights += inBlocks &* 8 &* (wide ? 2 &* lanes : lanes)
            }
            storeBlocks(job, finish, block, 0, first, count, tilesAcross, Source(sums), patch)
            if wide { storeBlocks(job, finish, block &+ vectorBlocks, lanes, first, count, tilesAcross, Source(sums), patch) }
            block &+= groupBlocks
        }
    }

    /// Aᵀ m for four numbers.
    @inline(__always)
    private static func output(_ m0: V, _ m1: V, _ m2: V, _ m3: V) -> (V, V) { (m0 + m1 + m2, m1 - m2 - m3) }

    /// A vector of output channels, from `block` on, of all tiles of the batch; `lane` is where their sums begin.
    @inline(never)
    private static func storeBlocks(
        _ job: ConvolutionJob, _ finish: Finish, _ block: Int, _ lane: Int, _ first: Int, _ count: Int, _ tilesAcross: Int,
        _ sums: Source, _ patch: Target
    ) {
        let width = job.outputWidth
        let end = finish.lanes(block)
        let line = width &* 8
        let window = job.outputWindow
        let base = block &* window.plane
        let pair = PlanePair(block, job.geometry.outBlocks, window.plane)
        var tileRow = first / tilesAcross
        var tile = first &- tileRow &* tilesAcross
        for slot in 0..<count {
            let m = sums + (slot &* tileSums &+ lane)
            @inline(__always) func row(_ i: Int) -> (V, V) {
                let at = i &* 8 &* lanes
                return output(load(m, at), load(m, at &+ 2 &* lanes), load(m, at &+ 4 &* lanes), load(m, at &+ 6 &* lanes))
            }
            let (a, b, c, d) = (row(0), row(1), row(2), row(3))
            let (left, right) = (output(a.0, b.0, c.0, d.0), output(a.1, b.1, c.1, d.1))
            store(left.0 + end.bias, patch)
            store(right.0 + end.bias, patch, lanes)
            store(left.1 + end.bias, patch, lanes &* 2)
            store(right.1 + end.bias, patch, lanes &* 3)
            if finish.isComplex { unaryFloats(.activation(finish.activation), Source(patch), patch, 4 &* lanes) }
            let y = job.firstRow &+ tileRow &* 2
            let x = tile &* 2
            let at = base &+ y % window.rows &* line &+ x &* 8
            let scale = V(repeating: finish.scale)
            for r in 0..<min(2, job.endRow &- y) {
                for c in 0..<min(2, width &- x) {
                    let o = at &+ r &* line &+ c &* 8
                    var value = load(Source(patch), (r &* 2 &+ c) &* lanes)
                    if !finish.isComplex { value = end.activated(value) }
                    if let residual = finish.residual {
                        value = fused(pair.load(residual, o), value, scale)
                    } else {
                        value *= scale
                    }
                    pair.store(value, job.output, o)
                }
            }
            tile &+= 1
            if tile == tilesAcross { (tile, tileRow) = (0, tileRow &+ 1) }
        }
    }
}
