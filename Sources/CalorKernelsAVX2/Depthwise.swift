import CalorTensor

/// conv…_depthwise_nchw8c_f32: one input channel per output channel, one or two pixels of eight channels a vector.
///
/// The rows of the input that a row of the output needs are kept in a ring, padded with zeros, so that each is copied once and a column at
/// the border is summed as any other. Each output sums, after its bias, over kernel rows and kernel columns in order.
enum Depthwise {
    /// Outputs of a row that are computed from one ring, a multiple of `lanes`.
    private static let longest = 256

    /// How the scratch is shared out, in floats.
    private struct Layout {
        let columns: Int
        /// Rows of the ring, and floats in each.
        let rows: Int
        let row: Int
        let sums: Int

        @inline(__always)
        init(_ g: ConvolutionGeometry, _ outputWidth: Int) {
            columns = min(longest, (outputWidth &+ lanes &- 1) / lanes &* lanes)
            rows = (g.kernelHeight &- 1) &* g.dilationHeight &+ 1
            row = ((columns &- 1) &* g.strideWidth &+ (g.kernelWidth &- 1) &* g.dilationWidth &+ 1) &* 8
            sums = columns &* 8
        }
    }

    static func scratchFloats(_ g: ConvolutionGeometry, _ outputWidth: Int) -> Int {
        let layout = Layout(g, outputWidth)
        return layout.sums + (layout.rows + 1) * layout.row + 2 * g.kernelHeight
    }

    static func run(_ job: ConvolutionJob) {
        let g = job.geometry
        let layout = Layout(g, job.outputWidth)
        let sums = job.scratch.assumingMemoryBound(to: Float.self)
        let zeros = sums + layout.sums
        let ring = zeros + layout.row
        let lines = UnsafeMutableRawPointer(ring + layout.rows &* layout.row).assumingMemoryBound(to: Source.self)
        clear(zeros, layout.row)
        let finish = Finish(job)
        let window = job.outputWindow
        let taps = g.kernelHeight &* g.kernelWidth
        for block in 0..<g.outBlocks {
            let end = finish.block(block)
            let plane = job.input + block &* job.inputWindow.plane
            var x = 0
            while x < job.outputWidth {
                let columns = min(layout.columns, job.outputWidth &- x)
                let left = x &* g.strideWidth &- g.padLeft
                var copied = 0
                for y in job.firstRow..<job.endRow {
                    let top = y &* g.strideHeight &- g.padTop
                    copied = max(copied, top)
                    while copied < min(top &+ layout.rows, job.inputHeight) {
                        let from = plane + copied % job.inputWindow.rows &* job.inputWidth &* 8
                        copyRow(from, job.inputWidth, left, ring + copied % layout.rows &* layout.row, layout.row / 8)
                        copied &+= 1
                    }
                    for ky in 0..<g.kernelHeight {
                        let row = top &+ ky &* g.dilationHeight
                        lines[ky] = Source(row < 0 || row >= job.inputHeight ? zeros : ring + row % layout.rows &* layout.row)
                    }
                    let call = Call(
                        lines: lines, height: g.kernelHeight, width: g.kernelWidth, step: g.dilationWidth &* 8,
                        stride: g.strideWidth &* 8, weights: job.weights + block &* taps &* 8, sums: sums, columns: columns)
                    if g.strideWidth == 1 { dense(call, end.bias) } else { strided(call, end.bias) }
                    let at = block &* window.plane &+ (y % window.rows &* job.outputWidth &+ x) &* 8
                    endRow(end, Source(sums), job.output + at, finish.directResidual.map { $0 + at }, columns)
                    if finish.isComplex { completeRow(finish, job.output + at, finish.residual.map { $0 + at }, columns) }
                }
                x &+= columns
            }
        }
    }

    /// `count` pixels of a row of `width` from column `left` on, zeros outside.
    private static func copyRow(_ from: Source, _ width: Int, _ left: Int, _ to: Target, _ count: Int) {
        let first = min(max(0, 0 &- left), count)
        let end = max(first, min(count, width &- left))
        clear(to, first &* 8)
        copy(from + (left &+ first) &* 8, to + first &* 8, (end &- first) &* 8)
        clear(to + end &* 8, (count &- end) &* 8)
    }

    // MARK: - Sums

    private struct Call {
        /// Where each row of the kernel begins to read.
        let lines: UnsafeMutablePointer<Source>
        let height: Int
        let width: Int
        /// Floats from a column of the kernel to the next, and from an output to the next.
        let step: Int
        let stride: Int
        let weights: Source
        let sums: Target
        let columns: Int

        /// The sums of a row, in groups of eight vectors.
        @inline(__always)
        func run(_ bias: V, isDense: Bool) {
            let between = isDense ? lanes : lanes / 8 &* stride
            var column = 0
            while column < columns {
                var (a, b, c, d) = (bias, bias, bias, bias)
                var (e, f, g, h) = (bias, bias, bias, bias)
                var w = weights
                for ky in 0..<height {
                    var x = lines[ky] + column &* stride
                    for _ in 0..<width {
                        @inline(__always) func pixels(_ index: Int) -> V {
                            isDense ? load(x, index &* between) : spread(x + index &* between, stride)
                        }
                        let weight = repeatedBlock(w)
                        a = fused(a, pixels(0), weight)
                        b = fused(b, pixels(1), weight)
                        c = fused(c, pixels(2), weight)
                        d = fused(d, pixels(3), weight)
                        e = fused(e, pixels(4), weight)
                        f = fused(f, pixels(5), weight)
                        g = fused(g, pixels(6), weight)
                        h = fused(h, pixels(7), weight)
                        x += step
                        w += 8
                    }
                }
                let to = sums + column &* 8
                store(a, to)
                store(b, to, lanes)
                store(c, to, 2 &* lanes)
                store(d, to, 3 &* lanes)
                store(e, to, 4 &* lanes)
                store(f, to, 5 &* lanes)
                store(g, to, 6 &* lanes)
                store(h, to, 7 &* lanes)
                column &+= lanes
            }
        }
    }

    @inline(never) private static func dense(_ call: Call, _ bias: V) { call.run(bias, isDense: true) }
    @inline(never) private static func strided(_ call: Call, _ bias: V) { call.run(bias, isDense: false) }
}
