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

    /// A row of zeros as long as a row of the image.
    static func scratchFloats(_ width: Int) -> Int { width * 8 }

    static func run(_ job: ConvolutionJob) {
        let width = job.inputWidth
        let zeros = job.scratch.assumingMemoryBound(to: Float.self)
        clear(zeros, width &* 8)
        let finish = Finish(job)
        let window = job.outputWindow
        let outBlocks = job.isGated ? job.geometry.outBlocks / 2 : job.geometry.outBlocks
        for block in 0..<outBlocks {
            for y in job.firstRow..<job.endRow {
                let at = block &* window.plane &+ y % window.rows &* width &* 8
                let residual = finish.directResidual.map { $0 + at }
                let rows = Rows(job, block, y, Source(zeros))
                line(rows, job.weights + block &* 72, finish.block(block), job.output + at, residual, false)
                if job.isGated {
                    let gate = block &+ outBlocks
                    let rows = Rows(job, gate, y, Source(zeros))
                    line(rows, job.weights + gate &* 72, finish.block(gate), job.output + at, nil, true)
                } else if finish.isComplex {
                    completeRow(finish, job.output + at, finish.residual.map { $0 + at }, width)
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

    /// One output row; `multiplies` takes what is there as the other factor of a gate.
    @inline(never)
    private static func line(
        _ rows: Rows, _ weights: Source, _ end: LaneFinish, _ output: Target, _ residual: Source?, _ multiplies: Bool
    ) {
        let (w0, w1, w2) = (repeatedBlock(weights), repeatedBlock(weights + 8), repeatedBlock(weights + 16))
        let (w3, w4, w5) = (repeatedBlock(weights + 24), repeatedBlock(weights + 32), repeatedBlock(weights + 40))
        let (w6, w7, w8) = (repeatedBlock(weights + 48), repeatedBlock(weights + 56), repeatedBlock(weights + 64))
        let width = rows.width
        @inline(__always) func put(_ sum: V, _ at: Int) {
            if multiplies {
                store(load(Source(output), at) * end.finished(sum, nil), output, at)
            } else {
                store(end.finished(sum, residual.map { load($0, at) }), output, at)
            }
        }
        /// An output at the left or right end, where columns outside the image are zeros.
        @inline(__always) func edge(_ x: Int) {
            var sum = end.bias
            @inline(__always) func pixel(_ row: Source, _ x: Int) -> V {
                x >= 0 && x < width ? joined(loadBlock(row, x &* 8), Block()) : V()
            }
            @inline(__always) func add(_ row: Source, _ a: V, _ b: V, _ c: V) {
                sum = fused(sum, pixel(row, x &- 1), a)
                sum = fused(sum, pixel(row, x), b)
                sum = fused(sum, pixel(row, x &+ 1), c)
            }
            add(rows.top, w0, w1, w2)
            add(rows.middle, w3, w4, w5)
            add(rows.bottom, w6, w7, w8)
            let at = x &* 8
            if multiplies {
                let other = joined(loadBlock(Source(output), at), Block())
                storeBlock(lowBlock(other * end.finished(sum, nil)), output, at)
            } else {
                storeBlock(lowBlock(end.finished(sum, residual.map { joined(loadBlock($0, at), Block()) })), output, at)
            }
        }
        edge(0)
        var x = 1
        while x &+ 8 < width {
            var (a, b, c, d) = (end.bias, end.bias, end.bias, end.bias)
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
            put(a, x &* 8)
            put(b, x &* 8 &+ 16)
            put(c, x &* 8 &+ 32)
            put(d, x &* 8 &+ 48)
            x &+= 8
        }
        while x &+ 2 < width {
            var sum = end.bias
            @inline(__always) func add(_ row: Source, _ u: V, _ v: V, _ w: V) {
                let from = row + (x &- 1) &* 8
                sum = fused(fused(fused(sum, load(from), u), load(from, 8), v), load(from, 16), w)
            }
            add(rows.top, w0, w1, w2)
            add(rows.middle, w3, w4, w5)
            add(rows.bottom, w6, w7, w8)
            put(sum, x &* 8)
            x &+= 2
        }
        while x < width {
            edge(x)
            x &+= 1
        }
    }
}
