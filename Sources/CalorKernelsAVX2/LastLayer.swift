import CalorTensor

/// conv…_lastLayer_nchw8c_f32: one to four output channels.
///
/// A vector holds input channels, not output channels, so that none of its lanes is idle; the eight partial sums of an output are added
/// up at the end, in a tree, before the bias. Goals, in order: bits that do not depend on the cuts nor on the width of a vector; speed.
/// Each lane sums over input blocks, kernel rows and kernel columns in order.
enum LastLayer {
    private static let copyFloats = 48 * 1024
    /// Pixels in a vector.
    private static let pixels = lanes / 8
    /// No kernel computes more pixels than this beyond the last one.
    private static let overhang = 12 * pixels

    static func scratchFloats(_ g: ConvolutionGeometry, _ outputWidth: Int) -> Int {
        let patch = Patch(g, groups: g.inBlocks, lanes: 8, outputWidth: outputWidth, overhang: overhang, floats: copyFloats)
        return g.inBlocks * patch.inputRows * patch.inputColumns * 8
    }

    static func run(_ job: ConvolutionJob) {
        let g = job.geometry
        let patch = Patch(g, groups: g.inBlocks, lanes: 8, outputWidth: job.outputWidth, overhang: overhang, floats: copyFloats)
        let copied = job.scratch.assumingMemoryBound(to: Float.self)
        let finish = Finish(job)
        let end = finish.block(0)
        let blockStride = patch.inputRows &* patch.inputColumns &* 8
        let plane = job.inputWindow.plane
        var y = job.firstRow
        while y < job.endRow {
            let rows = min(patch.rows, job.endRow &- y)
            var x = 0
            while x < job.outputWidth {
                let columns = min(patch.columns, job.outputWidth &- x)
                for block in 0..<g.inBlocks {
                    let from = job.input + block &* plane
                    patch.copyInput(job, from, y, x, 8, copied + block &* blockStride)
                }
                for row in 0..<rows {
                    let at = ((y &+ row) % job.outputWindow.rows &* job.outputWidth &+ x) &* 8
                    let from = Source(copied) + row &* g.strideHeight &* patch.inputColumns &* 8
                    let residual = finish.directResidual.map { $0 + at }
                    line(job, from, patch.inputColumns &* 8, blockStride, end, job.output + at, residual, columns)
                    if finish.isComplex { completeRow(finish, job.output + at, finish.residual.map { $0 + at }, columns) }
                }
                x &+= columns
            }
            y &+= rows
        }
    }

    /// One row of outputs.
    @inline(__always)
    private static func line(
        _ job: ConvolutionJob, _ from: Source, _ rowStride: Int, _ blockStride: Int, _ end: LaneFinish, _ output: Target,
        _ residual: Source?, _ columns: Int
    ) {
        let g = job.geometry
        let channels = g.outChannels
        let vectors = channels == 1 ? 12 : channels == 2 ? 6 : 3
        var column = 0
        while column < columns {
            let at = column &* 8
            let input = from + column &* g.strideWidth &* 8
            let (to, rest, count) = (output + at, residual.map { $0 + at }, columns &- column)
            switch channels {
            case 1: sums12x1(g, input, rowStride, blockStride, job.weights, end, to, rest, count)
            case 2: sums6x2(g, input, rowStride, blockStride, job.weights, end, to, rest, count)
            case 3: sums3x3(g, input, rowStride, blockStride, job.weights, end, to, rest, count)
            default: sums3x4(g, input, rowStride, blockStride, job.weights, end, to, rest, count)
            }
            column &+= vectors &* pixels
        }
    }

    /// One vector of pixels, of which `count` are inside.
    @inline(__always)
    static func put(_ sum: V, _ end: LaneFinish, _ output: Target, _ residual: Source?, _ count: Int) {
        if count <= 0 { return }
        let x = sum + end.bias
        if count >= pixels {
            if let residual { store(end.ended(x, adding: load(residual)), output) } else { store(end.ended(x), output) }
        } else {
            let value = if let residual { end.ended(x, adding: repeatedBlock(residual)) } else { end.ended(x) }
            for lane in 0..<8 { output[lane] = value[lane] }
        }
    }

    /// A vector of pixels `stride` floats apart.
    @inline(__always)
    static func pixels(_ pointer: Source, _ stride: Int) -> V { stride == 8 ? load(pointer) : spread(pointer, stride) }
}

/// 12 vectors of pixels of 1 output channel.
@inline(never)
private func sums12x1(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ end: LaneFinish,
    _ output: Target, _ residual: Source?, _ count: Int
) {
    var s00 = V()
    var s10 = V()
    var s20 = V()
    var s30 = V()
    var s40 = V()
    var s50 = V()
    var s60 = V()
    var s70 = V()
    var s80 = V()
    var s90 = V()
    var s100 = V()
    var s110 = V()
    var w = weights
    let stride = g.strideWidth &* 8
    let step = stride &* (lanes / 8)
    let rowStep = rowStride &* g.dilationHeight
    let columnStep = g.dilationWidth &* 8
    @inline(__always) func loops(_ stride: Int, _ step: Int) {
        for block in 0..<g.inBlocks {
            for ky in 0..<g.kernelHeight {
                var x = input + block &* blockStride + ky &* rowStep
                for _ in 0..<g.kernelWidth {
                    let w0 = repeatedBlock(w)
                    let x0 = LastLayer.pixels(x, stride)
                    s00 = fused(s00, x0, w0)
                    let x1 = LastLayer.pixels(x + step, stride)
                    s10 = fused(s10, x1, w0)
                    let x2 = LastLayer.pixels(x + step &* 2, stride)
                    s20 = fused(s20, x2, w0)
                    let x3 = LastLayer.pixels(x + step &* 3, stride)
                    s30 = fused(s30, x3, w0)
                    let x4 = LastLayer.pixels(x + step &* 4, stride)
                    s40 = fused(s40, x4, w0)
                    let x5 = LastLayer.pixels(x + step &* 5, stride)
                    s50 = fused(s50, x5, w0)
                    let x6 = LastLayer.pixels(x + step &* 6, stride)
                    s60 = fused(s60, x6, w0)
                    let x7 = LastLayer.pixels(x + step &* 7, stride)
                    s70 = fused(s70, x7, w0)
                    let x8 = LastLayer.pixels(x + step &* 8, stride)
                    s80 = fused(s80, x8, w0)
                    let x9 = LastLayer.pixels(x + step &* 9, stride)
                    s90 = fused(s90, x9, w0)
                    let x10 = LastLayer.pixels(x + step &* 10, stride)
                    s100 = fused(s100, x10, w0)
                    let x11 = LastLayer.pixels(x + step &* 11, stride)
                    s110 = fused(s110, x11, w0)
                    w += 8
                    x += columnStep
                }
            }
        }
    }
    if stride == 8 { loops(8, lanes) } else { loops(stride, step) }
    let zero = V()
    @inline(__always) func put(_ vector: Int, _ sum: V) {
        let at = vector &* lanes
        LastLayer.put(sum, end, output + at, residual.map { $0 + at }, count &- vector &* (lanes / 8))
    }
    put(0, blockSums(s00, zero, zero, zero))
    put(1, blockSums(s10, zero, zero, zero))
    put(2, blockSums(s20, zero, zero, zero))
    put(3, blockSums(s30, zero, zero, zero))
    put(4, blockSums(s40, zero, zero, zero))
    put(5, blockSums(s50, zero, zero, zero))
    put(6, blockSums(s60, zero, zero, zero))
    put(7, blockSums(s70, zero, zero, zero))
    put(8, blockSums(s80, zero, zero, zero))
    put(9, blockSums(s90, zero, zero, zero))
    put(10, blockSums(s100, zero, zero, zero))
    put(11, blockSums(s110, zero, zero, zero))
}

/// 6 vectors of pixels of 2 output channels.
@inline(never)
private func sums6x2(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ end: LaneFinish,
    _ output: Target, _ residual: Source?, _ count: Int
) {
    var (s00, s01) = (V(), V())
    var (s10, s11) = (V(), V())
    var (s20, s21) = (V(), V())
    var (s30, s31) = (V(), V())
    var (s40, s41) = (V(), V())
    var (s50, s51) = (V(), V())
    var w = weights
    let stride = g.strideWidth &* 8
    let step = stride &* (lanes / 8)
    let rowStep = rowStride &* g.dilationHeight
    let columnStep = g.dilationWidth &* 8
    @inline(__always) func loops(_ stride: Int, _ step: Int) {
        for block in 0..<g.inBlocks {
            for ky in 0..<g.kernelHeight {
                var x = input + block &* blockStride + ky &* rowStep
                for _ in 0..<g.kernelWidth {
                    let w0 = repeatedBlock(w)
                    let w1 = repeatedBlock(w + 8)
                    let x0 = LastLayer.pixels(x, stride)
                    s00 = fused(s00, x0, w0)
                    s01 = fused(s01, x0, w1)
                    let x1 = LastLayer.pixels(x + step, stride)
                    s10 = fused(s10, x1, w0)
                    s11 = fused(s11, x1, w1)
                    let x2 = LastLayer.pixels(x + step &* 2, stride)
                    s20 = fused(s20, x2, w0)
                    s21 = fused(s21, x2, w1)
                    let x3 = LastLayer.pixels(x + step &* 3, stride)
                    s30 = fused(s30, x3, w0)
                    s31 = fused(s31, x3, w1)
                    let x4 = LastLayer.pixels(x + step &* 4, stride)
                    s40 = fused(s40, x4, w0)
                    s41 = fused(s41, x4, w1)
                    let x5 = LastLayer.pixels(x + step &* 5, stride)
                    s50 = fused(s50, x5, w0)
                    s51 = fused(s51, x5, w1)
                    w += 16
                    x += columnStep
                }
            }
        }
    }
    if stride == 8 { loops(8, lanes) } else { loops(stride, step) }
    let zero = V()
    @inline(__always) func put(_ vector: Int, _ sum: V) {
        let at = vector &* lanes
        LastLayer.put(sum, end, output + at, residual.map { $0 + at }, count &- vector &* (lanes / 8))
    }
    put(0, blockSums(s00, s01, zero, zero))
    put(1, blockSums(s10, s11, zero, zero))
    put(2, blockSums(s20, s21, zero, zero))
    put(3, blockSums(s30, s31, zero, zero))
    put(4, blockSums(s40, s41, zero, zero))
    put(5, blockSums(s50, s51, zero, zero))
}

/// 3 vectors of pixels of 3 output channels.
@inline(never)
private func sums3x3(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ end: LaneFinish,
    _ output: Target, _ residual: Source?, _ count: Int
) {
    var (s00, s01, s02) = (V(), V(), V())
    var (s10, s11, s12) = (V(), V(), V())
    var (s20, s21, s22) = (V(), V(), V())
    var w = weights
    let stride = g.strideWidth &* 8
    let step = stride &* (lanes / 8)
    let rowStep = rowStride &* g.dilationHeight
    let columnStep = g.dilationWidth &* 8
    @inline(__always) func loops(_ stride: Int, _ step: Int) {
        for block in 0..<g.inBlocks {
            for ky in 0..<g.kernelHeight {
                var x = input + block &* blockStride + ky &* rowStep
                for _ in 0..<g.kernelWidth {
                    let w0 = repeatedBlock(w)
                    let w1 = repeatedBlock(w + 8)
                    let w2 = repeatedBlock(w + 16)
                    let x0 = LastLayer.pixels(x, stride)
                    s00 = fused(s00, x0, w0)
                    s01 = fused(s01, x0, w1)
                    s02 = fused(s02, x0, w2)
                    let x1 = LastLayer.pixels(x + step, stride)
                    s10 = fused(s10, x1, w0)
                    s11 = fused(s11, x1, w1)
                    s12 = fused(s12, x1, w2)
                    let x2 = LastLayer.pixels(x + step &* 2, stride)
                    s20 = fused(s20, x2, w0)
                    s21 = fused(s21, x2, w1)
                    s22 = fused(s22, x2, w2)
                    w += 24
                    x += columnStep
                }
            }
        }
    }
    if stride == 8 { loops(8, lanes) } else { loops(stride, step) }
    let zero = V()
    @inline(__always) func put(_ vector: Int, _ sum: V) {
        let at = vector &* lanes
        LastLayer.put(sum, end, output + at, residual.map { $0 + at }, count &- vector &* (lanes / 8))
    }
    put(0, blockSums(s00, s01, s02, zero))
    put(1, blockSums(s10, s11, s12, zero))
    put(2, blockSums(s20, s21, s22, zero))
}

/// 3 vectors of pixels of 4 output channels.
@inline(never)
private func sums3x4(
    _ g: ConvolutionGeometry, _ input: Source, _ rowStride: Int, _ blockStride: Int, _ weights: Source, _ end: LaneFinish,
    _ output: Target, _ residual: Source?, _ count: Int
) {
    var (s00, s01, s02, s03) = (V(), V(), V(), V())
    var (s10, s11, s12, s13) = (V(), V(), V(), V())
    var (s20, s21, s22, s23) = (V(), V(), V(), V())
    var w = weights
    let stride = g.strideWidth &* 8
    let step = stride &* (lanes / 8)
    let rowStep = rowStride &* g.dilationHeight
    let columnStep = g.dilationWidth &* 8
    @inline(__always) func loops(_ stride: Int, _ step: Int) {
        for block in 0..<g.inBlocks {
            for ky in 0..<g.kernelHeight {
                var x = input + block &* blockStride + ky &* rowStep
                for _ in 0..<g.kernelWidth {
                    let w0 = repeatedBlock(w)
                    let w1 = repeatedBlock(w + 8)
                    let w2 = repeatedBlock(w + 16)
                    let w3 = repeatedBlock(w + 24)
                    let x0 = LastLayer.pixels(x, stride)
                    s00 = fused(s00, x0, w0)
                    s01 = fused(s01, x0, w1)
                    s02 = fused(s02, x0, w2)
                    s03 = fused(s03, x0, w3)
                    let x1 = LastLayer.pixels(x + step, stride)
                    s10 = fused(s10, x1, w0)
                    s11 = fused(s11, x1, w1)
                    s12 = fused(s12, x1, w2)
                    s13 = fused(s13, x1, w3)
                    let x2 = LastLayer.pixels(x + step &* 2, stride)
                    s20 = fused(s20, x2, w0)
                    s21 = fused(s21, x2, w1)
                    s22 = fused(s22, x2, w2)
                    s23 = fused(s23, x2, w3)
                    w += 32
                    x += columnStep
                }
            }
        }
    }
    if stride == 8 { loops(8, lanes) } else { loops(stride, step) }
    @inline(__always) func put(_ vector: Int, _ sum: V) {
        let at = vector &* lanes
        LastLayer.put(sum, end, output + at, residual.map { $0 + at }, count &- vector &* (lanes / 8))
    }
    put(0, blockSums(s00, s01, s02, s03))
    put(1, blockSums(s10, s11, s12, s13))
    put(2, blockSums(s20, s21, s22, s23))
}
