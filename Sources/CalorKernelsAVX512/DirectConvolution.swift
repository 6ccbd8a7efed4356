import CalorTensor

/// conv…_direct_nchw8c_f32 and conv1x1s1_pointwise_nchw8c_f32: blocked sums over a padded copy of the input, four output blocks at once.
///
/// Goals, in order: bits that do not depend on the cuts and are those of the AVX2 kernel; speed. Each output sums, after its bias, over
/// input blocks, kernel rows, kernel columns and channels of the block, in that order.
enum DirectConvolution {
    /// A quarter of a second cache of 1 MiB.
    private static let copyFloats = 64 * 1024
    /// Pixels that a kernel computes together.
    static let step = 12

    static func scratchFloats(_ g: ConvolutionGeometry, _ outputWidth: Int) -> Int {
        let patch = Patch(g, groups: g.inBlocks, lanes: 8, outputWidth: outputWidth, overhang: step, floats: copyFloats)
        return g.inBlocks * patch.inputRows * patch.inputColumns * 8 + step * 32
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
        let patch = Patch(g, groups: g.inBlocks, lanes: 8, outputWidth: job.outputWidth, overhang: step, floats: copyFloats)
        let copied = job.scratch.assumingMemoryBound(to: Float.self)
        let finish = Finish(job)
        let blockStride = patch.inputRows &* patch.inputColumns &* 8
        let plane = job.inputWindow.plane
        var y = job.firstRow
        while y < job.endRow {
            let rows = min(patch.rows, job.endRow &- y)
            var x = firstColumn
            while x < endColumn {
                var columns = min(patch.columns, endColumn &- x)
                var (source, stride) = (Source(copied), blockStride)
                if direct && columns >= step {
                    // A multiple of the pixel group, so that no kernel reads beyond its pixels.
                    columns &-= columns % step
                    (source, stride) = (job.input + x &* 8, plane)
                } else {
                    for block in 0..<g.inBlocks {
                        let from = job.input + block &* plane
                        patch.copyInput(job, from, y, x, 8, copied + block &* blockStride)
                    }
                }
                for group in 0..<(g.outBlocks &+ 3) / 4 {
                    compute(job, finish, patch, source, stride, group, y, x, rows, columns)
                }
                x &+= columns
            }
            y &+= rows
        }
    }

    @inline(never)
    private static func compute(
        _ job: ConvolutionJob, _ finish: Finish, _ patch: Patch, _ copied: Source, _ blockStride: Int, _ group: Int, _ y: Int,
        _ x: Int, _ rows: Int, _ columns: Int
    ) {
        let g = job.geometry
        let ranges = job.pairs.unsafelyUnwrapped + group &* 3
        let blocks = Int(ranges[1]) &- Int(ranges[0])
        let weights = job.weights + Int(ranges[2])
        let input = copied + Int(ranges[0]) &* blockStride
        let first = group &* 4
        let wide = first &+ 2 < g.outBlocks
        let outPlane = job.outputWindow.plane
        let (low, high) = (finish.lanes(first), finish.lanes(first &+ 2))
        let (lowPair, highPair) = (PlanePair(first, g.outBlocks, outPlane), PlanePair(first &+ 2, g.outBlocks, outPlane))
        let isPointwise = g.kernelHeight &* g.kernelWidth == 1 && g.strideWidth == 1
        let sums = job.scratch.assumingMemoryBound(to: Float.self) + (scratchFloats(g, job.outputWidth) &- step &* 32)
        for row in 0..<rows {
            let at = first &* outPlane &+ ((y &+ row) % job.outputWindow.rows &* job.outputWidth &+ x) &* 8
            let from = input + row &* g.strideHeight &* patch.inputColumns &* 8
            let residual = finish.directResidual.map { $0 + at }
            let output = job.output + at
            var column = 0
            while column < columns {
                let count = min(step, columns &- column)
                let source = from + column &* g.strideWidth &* 8
                let to = column &* 8
                if wide {
                    if isPointwise {
                        pointwise12x32(source, blockStride, weights, blocks, low.bias, high.bias, sums)
                    } else if count > 8 {
                        direct12x32(
                            g, source, patch.inputColumns &* 8, blockStride, weights, blocks, low.bias, high.bias, sums)
                    } else {
                        direct8x32(
                            g, source, patch.inputColumns &* 8, blockStride, weights, blocks, low.bias, high.bias, sums)
                    }
                    putPixels(
                        Source(sums), low, high, lowPair, highPair, output + to, residual.map { $0 + to }, outPlane, count)
                } else {
                    let sums = direct12x16(g, source, patch.inputColumns &* 8, blockStride, weights, blocks, low.bias)
                    sums.forEach(count) { pixel, a in
                        let o = to &+ pixel &* 8
                        if let residual {
                            lowPair.store(low.ended(a, adding: lowPair.load(residual, o)), output, o)
                        } else {
                            lowPair.store(low.ended(a), output, o)
                        }
                    }
                }
                column &+= step
            }
            if finish.isComplex {
                for block in 0..<min(4, g.outBlocks &- first) {
                    let offset = block &* outPlane
                    completeRow(finish, output + offset, finish.residual.map { $0 + at + offset }, columns)
                }
            }
        }
    }
}

/// Calls `add` with the input, its stride and the weights of each input block, kernel row, kernel column and channel of the block, in the
/// order in which every output sums them. The usual strides are constants to the compiler.
@inline(__always)
private func overTaps(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ blocks: Int, _ lanes: Int,
    _ add: (Source, Int, Source) -> Void
) {
    let rowStep = rowStride &* g.dilationHeight
    let columnStep = g.dilationWidth &* 8
    @inline(__always) func loops(_ stride: Int) {
        var w = weights
        for block in 0..<blocks {
            for ky in 0..<g.kernelHeight {
                var x = input + block &* blockStride + ky &* rowStep
                for _ in 0..<g.kernelWidth {
                    for k in 0..<8 { add(x + k, stride, w + k &* lanes) }
                    w += lanes &* 8
                    x += columnStep
                }
            }
        }
    }
    let stride = g.strideWidth &* 8
    if stride == 8 { loops(8) } else if stride == 16 { loops(16) } else { loops(stride) }
}

/// The sums of twelve pixels of four output blocks, `[pixel][32]`.
@inline(never)
private func direct12x32(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ blocks: Int, _ low: V,
    _ high: V, _ to: Target
) {
    var sums = Sums12x32(low, high)
    overTaps(g, input, rowStride, blockStride, weights, blocks, 32) { sums.add($0, $1, $2) }
    sums.forEach(12) { pixel, a, b in
        store(a, to, pixel &* 32)
        store(b, to, pixel &* 32 &+ 16)
    }
}

/// The same of eight pixels, for the end of a row.
@inline(never)
private func direct8x32(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ blocks: Int, _ low: V,
    _ high: V, _ to: Target
) {
    var sums = Sums8x32(low, high)
    overTaps(g, input, rowStride, blockStride, weights, blocks, 32) { sums.add($0, $1, $2) }
    sums.forEach(8) { pixel, a, b in
        store(a, to, pixel &* 32)
        store(b, to, pixel &* 32 &+ 16)
    }
}

/// Twelve pixels of the last one or two output blocks.
@inline(__always)
private func direct12x16(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ blocks: Int, _ low: V
) -> Sums12x16 {
    var sums = Sums12x16(low)
    overTaps(g, input, rowStride, blockStride, weights, blocks, 16) { sums.add($0, $1, $2) }
    return sums
}

/// The sums of twelve pixels of four output blocks with one weight per channel.
@inline(never)
private func pointwise12x32(
    _ input: Source, _ blockStride: Int, _ weights: Source, _ blocks: Int, _ low: V, _ high: V, _ to: Target
) {
    var sums = Sums12x32(low, high)
    var (x, w) = (input, weights)
    for _ in 0..<blocks {
        for k in 0..<8 { sums.add(x + k, 8, w + k &* 32) }
        w += 256
        x += blockStride
    }
    sums.forEach(12) { pixel, a, b in
        store(a, to, pixel &* 32)
        store(b, to, pixel &* 32 &+ 16)
    }
}
