import CalorTensor

/// conv…_depthwise_nchw8c_f32: one input channel per output channel, eight channels a vector.
///
/// Each output sums, after its bias, over kernel rows and kernel columns in order.
enum Depthwise {
    private static let copyFloats = 24 * 1024

    static func scratchFloats(_ g: ConvolutionGeometry, _ outputWidth: Int) -> Int {
        let patch = Patch(g, groups: 1, lanes: 8, outputWidth: outputWidth, overhang: 8, floats: copyFloats)
        return patch.inputRows * patch.inputColumns * 8 + 32 + 2 * g.kernelHeight * g.kernelWidth
    }

    static func run(_ job: ConvolutionJob) {
        let g = job.geometry
        let patch = Patch(g, groups: 1, lanes: 8, outputWidth: job.outputWidth, overhang: 8, floats: copyFloats)
        let taps = g.kernelHeight &* g.kernelWidth
        let copied = job.scratch.assumingMemoryBound(to: Float.self)
        let offsets = UnsafeMutableRawPointer(copied + patch.inputRows &* patch.inputColumns &* 8).assumingMemoryBound(to: Int.self)
        for tap in 0..<taps {
            let (ky, kx) = (tap / g.kernelWidth, tap % g.kernelWidth)
            offsets[tap] = (ky &* g.dilationHeight &* patch.inputColumns &+ kx &* g.dilationWidth) &* 8
        }
        let finish = Finish(job.epilogue)
        let inPlane = job.inputWindow.plane
        let outPlane = job.outputWindow.plane
        for block in 0..<g.outBlocks {
            let end = finish.lanes(block)
            let weights = job.weights + block &* taps &* 8
            var y = job.firstRow
            while y < job.endRow {
                let rows = min(patch.rows, job.endRow &- y)
                var x = 0
                while x < job.outputWidth {
                    let columns = min(patch.columns, job.outputWidth &- x)
                    patch.copyInput(job, job.input + block &* inPlane, y, x, 8, copied)
                    for row in 0..<rows {
                        let at = block &* outPlane &+ ((y &+ row) % job.outputWindow.rows &* job.outputWidth &+ x) &* 8
                        let from = Source(copied) + row &* g.strideHeight &* patch.inputColumns &* 8
                        let residual = finish.directResidual.map { $0 + at }
                        line(
                            from, g.strideWidth &* 8, UnsafePointer(offsets), taps, weights, end, job.output + at, residual, columns
                        )
                        if finish.isComplex { completeRow(finish, job.output + at, finish.residual.map { $0 + at }, columns) }
                    }
                    x &+= columns
                }
                y &+= rows
            }
        }
    }

    @inline(never)
    private static func line(
        _ from: Source, _ stride: Int, _ offsets: UnsafePointer<Int>, _ taps: Int, _ weights: Source, _ end: LaneFinish,
        _ output: Target,
        _ residual: Source?, _ columns: Int
    ) {
        var column = 0
        while column < columns {
            var sums = Sums8x8(end.bias)
            let x = from + column &* stride
            if stride == 8 {
                for tap in 0..<taps { sums.addLanes(x + offsets[tap], 8, load(weights, tap &* 8)) }
            } else {
                for tap in 0..<taps { sums.addLanes(x + offsets[tap], stride, load(weights, tap &* 8)) }
            }
            let at = column &* 8
            sums.forEach(columns &- column) { pixel, a in
                store(end.finished(a, residual.map { $0 + at + pixel &* 8 }), output, at &+ pixel &* 8)
            }
            column &+= 8
        }
    }
}
