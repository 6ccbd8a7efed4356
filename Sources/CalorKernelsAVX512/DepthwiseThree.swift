import CalorTensor

/// conv3x3s1_depthwise_nchw8c_f32 without a copy of the input, with or without the gate a · g; two pixels of a block in a vector.
///
/// Rows are read where they are; a row outside the image is a row of zeros in the scratch. Nine weights stay in registers. Each output
/// sums, after its bias, over kernel rows and columns in order.
enum DepthwiseThree {
    static func supports(_ g: ConvolutionGeometry) -> Bool {
        g.kernelHeight == 3 && g.kernelWidth == 3 && g.strideHeight == 1 && g.strideWidth == 1 && g.dilationHeight == 1
            && g.dilationWidth == 1 && g.padTop == 1 && g.padLeft == 1 && g.padBottom == 1 && g.padRight == 1
    }

    /// A row of zeros as long as a row of the image, and one for the gate.
    static func scratchFloats(_ width: Int) -> Int { width * 16 }

    static func run(_ job: ConvolutionJob) {
        let width = job.inputWidth
        let zeros = job.scratch.assumingMemoryBound(to: Float.self)
        let gate = zeros + width &* 8
        clear(zeros, width &* 8)
        let finish = Finish(job)
        let window = job.outputWindow
        let outBlocks = job.isGated ? job.geometry.outBlocks / 2 : job.geometry.outBlocks
        for block in 0..<outBlocks {
            let end = finish.block(block)
            for y in job.firstRow..<job.endRow {
                let at = block &* window.plane &+ y % window.rows &* width &* 8
                let output = job.output + at
                // The residual may lie where the output does: then the sums must not lie there before it is read.
                let sums = finish.directResidual == nil ? output : gate
                line(Rows(job, block, y, Source(zeros)), job.weights + block &* 72, end.bias, sums)
                if job.isGated {
                    let other = block &+ outBlocks
                    line(Rows(job, other, y, Source(zeros)), job.weights + other &* 72, finish.block(other).bias, gate)
                    binaryFloats(.multiply, Source(output), Source(gate), output, width &* 8)
                } else if finish.isComplex {
                    completeRow(finish, output, finish.residual.map { $0 + at }, width)
                } else if !end.isPlain || finish.residual != nil {
                    endRow(end, Source(sums), output, finish.residual.map { $0 + at }, width)
                }
            }
        }
    }

    /// The three input rows of an output row.
    struct Rows {
        let top: Source
        let middle: Source
        let bottom: Source
        let width: Int

        @inline(__always)
        init(_ job: ConvolutionJob, _ block: Int, _ y: Int, _ zeros: Source) {
            width = job.inputWidth
            let plane = job.input + block &* job.inputWindow.plane
            let (rows, row) = (job.inputWindow.rows, width &* 8)
            middle = plane + y % rows &* row
            top = y > 0 ? plane + (y &- 1) % rows &* row : zeros
            bottom = y &+ 1 < job.inputHeight ? plane + (y &+ 1) % rows &* row : zeros
        }
    }

    /// The sums of one output row. Nothing but sums: the compiler keeps weights in registers only where no call is near.
    @inline(never)
    private static func line(_ rows: Rows, _ weights: Source, _ bias: V, _ output: Target) {
        let (w0, w1, w2) = (repeatedBlock(weights), repeatedBlock(weights + 8), repeatedBlock(weights + 16))
        let (w3, w4, w5) = (repeatedBlock(weights + 24), repeatedBlock(weights + 32), repeatedBlock(weights + 40))
        let (w6, w7, w8) = (repeatedBlock(weights + 48), repeatedBlock(weights + 56), repeatedBlock(weights + 64))
        let width = rows.width
        var x = 0
        if width >= 4 {
            // Two pixels whose left neighbour is outside.
            var sum = bias
            @inline(__always) func add(_ row: Source, _ u: V, _ v: V, _ w: V) {
                sum = fused(fused(fused(sum, joined(Block(), loadBlock(row)), u), load(row), v), load(row, 8), w)
            }
            add(rows.top, w0, w1, w2)
            add(rows.middle, w3, w4, w5)
            add(rows.bottom, w6, w7, w8)
            store(sum, output)
            x = 2
        }
        while x &+ 8 < width {
            var (a, b, c, d) = (bias, bias, bias, bias)
            @inline(__always) func add(_ row: Source, _ u: V, _ v: V, _ w: V) {
                let from = row + (x &- 1) &* 8
                let (x2, x4, x6) = (load(from, 16), load(from, 32), load(from, 48))
                a = fused(fused(fused(a, load(from), u), load(from, 8), v), x2, w)
                b = fused(fused(fused(b, x2, u), load(from, 24), v), x4, w)
                c = fused(fused(fused(c, x4, u), load(from, 40), v), x6, w)
                d = fused(fused(fused(d, x6, u), load(from, 56), v), load(from, 64), w)
            }
            add(rows.top, w0, w1, w2)
            add(rows.middle, w3, w4, w5)
            add(rows.bottom, w6, w7, w8)
            store(a, output, x &* 8)
            store(b, output, x &* 8 &+ 16)
            store(c, output, x &* 8 &+ 32)
            store(d, output, x &* 8 &+ 48)
            x &+= 8
        }
        while x &+ 2 < width && x > 0 {
            var sum = bias
            @inline(__always) func add(_ row: Source, _ u: V, _ v: V, _ w: V) {
                let from = row + (x &- 1) &* 8
                sum = fused(fused(fused(sum, load(from), u), load(from, 8), v), load(from, 16), w)
            }
            add(rows.top, w0, w1, w2)
            add(rows.middle, w3, w4, w5)
            add(rows.bottom, w6, w7, w8)
            store(sum, output, x &* 8)
            x &+= 2
        }
        while x < width {
            // The last one or two pixels, or all of a narrow image.
            var sum = bias
            @inline(__always) func add(_ row: Source, _ u: V, _ v: V, _ w: V) {
                let at = x &* 8
                sum = fused(sum, joined(x > 0 ? loadBlock(row, at &- 8) : Block(), Block()), u)
                sum = fused(sum, joined(loadBlock(row, at), Block()), v)
                sum = fused(sum, joined(x &+ 1 < width ? loadBlock(row, at &+ 8) : Block(), Block()), w)
            }
            add(rows.top, w0, w1, w2)
            add(rows.middle, w3, w4, w5)
            add(rows.bottom, w6, w7, w8)
            storeBlock(lowBlock(sum), output, x &* 8)
            x &+= 1
        }
    }
}
