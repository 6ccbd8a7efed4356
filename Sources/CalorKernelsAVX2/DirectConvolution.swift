import CalorTensor

/// conv…_direct_nchw8c_f32 and conv1x1s1_pointwise_nchw8c_f32: blocked sums over a padded copy of the input.
///
/// Goals, in order: bits that do not depend on the cuts; speed. Each output sums, after its bias, over input blocks, kernel rows,
/// kernel columns and channels of the block, in that order.
enum DirectConvolution {
    /// A quarter of a small second cache.
    private static let copyFloats = 48 * 1024

    static func scratchFloats(_ g: ConvolutionGeometry, _ outputWidth: Int) -> Int {
        let patch = Patch(g, groups: g.inBlocks, lanes: 8, outputWidth: outputWidth, overhang: 8, floats: copyFloats)
        return g.inBlocks * patch.inputRows * patch.inputColumns * 8
    }

    /// 1×1 without padding: the rows are one long row.
    static func runPointwise(_ job: ConvolutionJob) {
        var flat = job
        flat.inputHeight = 1
        flat.outputHeight = 1
        flat.inputWidth = job.inputHeight &* job.inputWidth
        flat.outputWidth = flat.inputWidth
        flat.inputWindow.rows = 1
        flat.outputWindow.rows = 1
        flat.firstRow = 0
        flat.endRow = 1
        // With more blocks their equal offsets would fight for the same cache sets.
        run(flat, job.firstRow &* job.outputWidth, job.endRow &* job.outputWidth, readsInPlace: flat.geometry.inBlocks <= 8)
    }

    static func run(_ job: ConvolutionJob) { run(job, 0, job.outputWidth, readsInPlace: false) }

    private static func run(_ job: ConvolutionJob, _ firstColumn: Int, _ endColumn: Int, readsInPlace direct: Bool) {
        let g = job.geometry
        let patch = Patch(g, groups: g.inBlocks, lanes: 8, outputWidth: job.outputWidth, overhang: 8, floats: copyFloats)
        let copied = job.scratch.assumingMemoryBound(to: Float.self)
        let finish = Finish(job.epilogue)
        let blockStride = patch.inputRows &* patch.inputColumns &* 8
        let plane = job.inputWindow.plane
        var y = job.firstRow
        while y < job.endRow {
            let rows = min(patch.rows, job.endRow &- y)
            var x = firstColumn
            while x < endColumn {
                var columns = min(patch.columns, endColumn &- x)
                var (source, stride) = (Source(copied), blockStride)
                if direct && columns >= 24 {
                    // A multiple of both pixel groups, so that no kernel reads beyond its pixels.
                    columns &-= columns % 24
                    (source, stride) = (job.input + x &* 8, plane)
                } else {
                    for block in 0..<g.inBlocks {
                        let from = job.input + block &* plane
                        patch.copyInput(job, from, y, x, 8, copied + block &* blockStride)
                    }
                }
                for pair in 0..<(g.outBlocks &+ 1) / 2 {
                    compute(job, finish, patch, source, stride, pair, y, x, rows, columns)
                }
                x &+= columns
            }
            y &+= rows
        }
    }

    @inline(never)
    private static func compute(
        _ job: ConvolutionJob, _ finish: Finish, _ patch: Patch, _ copied: Source, _ blockStride: Int, _ pair: Int, _ y: Int,
        _ x: Int,
        _ rows: Int, _ columns: Int
    ) {
        let g = job.geometry
        let pairs = job.pairs.unsafelyUnwrapped + pair &* 3
        let blocks = Int(pairs[1]) &- Int(pairs[0])
        let weights = job.weights + Int(pairs[2])
        let input = copied + Int(pairs[0]) &* blockStride
        let wide = pair &* 2 &+ 1 < g.outBlocks
        let step = wide ? 6 : 8
        let outPlane = job.outputWindow.plane
        let isPointwise = wide && g.kernelHeight &* g.kernelWidth == 1 && g.strideWidth == 1
        for row in 0..<rows {
            let at = pair &* 2 &* outPlane &+ ((y &+ row) % job.outputWindow.rows &* job.outputWidth &+ x) &* 8
            let from = input + row &* g.strideHeight &* patch.inputColumns &* 8
            var column = 0
            if isPointwise {
                pointwise6x16(
                    from, blockStride, weights, blocks, finish.lanes(pair &* 2), finish.lanes(pair &* 2 &+ 1), job.output + at,
                    finish.directResidual.map { $0 + at }, outPlane, columns)
                column = columns
            }
            while column < columns {
                let count = min(step, columns &- column)
                let pixel = at &+ column &* 8
                let source = from + column &* g.strideWidth &* 8
                let residual = finish.directResidual.map { $0 + pixel }
                if wide {
                    direct6x16(
                        g, source, patch.inputColumns &* 8, blockStride, weights, blocks, finish.lanes(pair &* 2),
                        finish.lanes(pair &* 2 &+ 1), job.output + pixel, residual, outPlane, count)
                } else {
                    direct8x8(
                        g, source, patch.inputColumns &* 8, blockStride, weights, blocks, finish.lanes(pair &* 2),
                        job.output + pixel,
                        residual, count)
                }
                column &+= step
            }
            if finish.isComplex {
                completeRow(finish, job.output + at, finish.residual.map { $0 + at }, columns)
                if wide { completeRow(finish, job.output + at + outPlane, finish.residual.map { $0 + at + outPlane }, columns) }
            }
        }
    }
}

/// A row of pixels of a pair of output blocks with one weight per channel, six at a time.
@inline(never)
private func pointwise6x16(
    _ input: Source, _ blockStride: Int, _ weights: Source, _ blocks: Int, _ low: LaneFinish, _ high: LaneFinish, _ output: Target,
    _ residual: Source?, _ outPlane: Int, _ columns: Int
) {
    var column = 0
    while column < columns {
        var sums = Sums6x16(low.bias, high.bias)
        var w = weights
        var x = input + column &* 8
        for _ in 0..<blocks {
            sums.add(x, 8, w)
            sums.add(x + 1, 8, w + 16)
            sums.add(x + 2, 8, w + 32)
            sums.add(x + 3, 8, w + 48)
            sums.add(x + 4, 8, w + 64)
            sums.add(x + 5, 8, w + 80)
            sums.add(x + 6, 8, w + 96)
            sums.add(x + 7, 8, w + 112)
            w += 128
            x += blockStride
        }
        let at = column &* 8
        if low.isPlain {
            if let residual {
                sums.forEach(columns &- column) { pixel, a, b in
                    let to = at &+ pixel &* 8
                    store(load(residual, to) + a, output, to)
                    store(load(residual, outPlane &+ to) + b, output, outPlane &+ to)
                }
            } else {
                sums.forEach(columns &- column) { pixel, a, b in
                    store(a, output, at &+ pixel &* 8)
                    store(b, output, outPlane &+ at &+ pixel &* 8)
                }
            }
        } else {
            sums.forEach(columns &- column) { pixel, a, b in
                let to = at &+ pixel &* 8
                store(low.finished(a, residual.map { $0 + to }), output, to)
                store(high.finished(b, residual.map { $0 + outPlane + to }), output, outPlane &+ to)
            }
        }
        column &+= 6
    }
}

/// Six pixels of a pair of output blocks, from the first sum to the stored result.
@inline(never)
private func direct6x16(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ blocks: Int,
    _ low: LaneFinish,
    _ high: LaneFinish, _ output: Target, _ residual: Source?, _ outPlane: Int, _ count: Int
) {
    var sums = Sums6x16(low.bias, high.bias)
    var w = weights
    let stride = g.strideWidth &* 8
    let rowStep = rowStride &* g.dilationHeight
    let columnStep = g.dilationWidth &* 8
    @inline(__always) func loops(_ stride: Int) {
        for block in 0..<blocks {
            for ky in 0..<g.kernelHeight {
                var x = input + block &* blockStride + ky &* rowStep
                for _ in 0..<g.kernelWidth {
                    sums.add(x, stride, w)
                    sums.add(x + 1, stride, w + 16)
                    sums.add(x + 2, stride, w + 32)
                    sums.add(x + 3, stride, w + 48)
                    sums.add(x + 4, stride, w + 64)
                    sums.add(x + 5, stride, w + 80)
                    sums.add(x + 6, stride, w + 96)
                    sums.add(x + 7, stride, w + 112)
                    w += 128
                    x += columnStep
                }
            }
        }
    }
    if stride == 8 { loops(8) } else if stride == 16 { loops(16) } else { loops(stride) }
    sums.forEach(count) { pixel, a, b in
        store(low.finished(a, residual.map { $0 + pixel &* 8 }), output, pixel &* 8)
        store(high.finished(b, residual.map { $0 + outPlane + pixel &* 8 }), output, outPlane &+ pixel &* 8)
    }
}

/// Eight pixels of the odd last output block.
@inline(never)
private func direct8x8(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ blocks: Int,
    _ end: LaneFinish,
    _ output: Target, _ residual: Source?, _ count: Int
) {
    var sums = Sums8x8(end.bias)
    var w = weights
    let stride = g.strideWidth &* 8
    let rowStep = rowStride &* g.dilationHeight
    let columnStep = g.dilationWidth &* 8
    @inline(__always) func loops(_ stride: Int) {
        for block in 0..<blocks {
            for ky in 0..<g.kernelHeight {
                var x = input + block &* blockStride + ky &* rowStep
                for _ in 0..<g.kernelWidth {
                    for k in 0..<8 { sums.add(x + k, stride, load(w, k &* 8)) }
                    w += 64
                    x += columnStep
                }
            }
        }
    }
    if stride == 8 { loops(8) } else { loops(stride) }
    sums.forEach(count) { pixel, a in store(end.finished(a, residual.map { $0 + pixel &* 8 }), output, pixel &* 8) }
}
