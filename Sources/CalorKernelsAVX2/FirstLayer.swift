import CalorTensor

/// conv…_firstLayer_nchw_f32: one to four input channels, read from planes.
///
/// Goals, in order: bits that do not depend on the cuts; speed. Each output sums, after its bias, over channels, kernel rows and kernel
/// columns in order, which is the order of the weights.
enum FirstLayer {
    private static let copyFloats = 32 * 1024

    static func scratchFloats(_ g: ConvolutionGeometry, _ outputWidth: Int) -> Int {
        let patch = Patch(g, groups: g.inChannels, lanes: 1, outputWidth: outputWidth, overhang: 8, floats: copyFloats)
        let depth = g.inChannels * g.kernelHeight * g.kernelWidth
        return g.inChannels * patch.inputRows * patch.inputColumns + 32 + 2 * depth
    }

    static func run(_ job: ConvolutionJob) {
        let g = job.geometry
        let patch = Patch(g, groups: g.inChannels, lanes: 1, outputWidth: job.outputWidth, overhang: 8, floats: copyFloats)
        let planeStride = patch.inputRows &* patch.inputColumns
        let depth = g.inChannels &* g.kernelHeight &* g.kernelWidth
        let copied = job.scratch.assumingMemoryBound(to: Float.self)
        let offsets = UnsafeMutableRawPointer(copied + (g.inChannels &* planeStride &+ 31) / 32 &* 32).assumingMemoryBound(
            to: Int.self)
        var next = offsets
        for channel in 0..<g.inChannels {
            for ky in 0..<g.kernelHeight {
                for kx in 0..<g.kernelWidth {
                    next.pointee = channel &* planeStride &+ ky &* g.dilationHeight &* patch.inputColumns &+ kx &* g.dilationWidth
                    next += 1
                }
            }
        }
        let finish = Finish(job.epilogue)
        let plane = job.inputWindow.plane
        var y = job.firstRow
        while y < job.endRow {
            let rows = min(patch.rows, job.endRow &- y)
            var x = 0
            while x < job.outputWidth {
                let columns = min(patch.columns, job.outputWidth &- x)
                for channel in 0..<g.inChannels {
                    patch.copyInput(job, job.input + channel &* plane, y, x, 1, copied + channel &* planeStride)
                }
                for pair in 0..<(g.outBlocks &+ 1) / 2 {
                    compute(job, finish, patch, Source(copied), UnsafePointer(offsets), depth, pair, y, x, rows, columns)
                }
                x &+= columns
            }
            y &+= rows
        }
    }

    @inline(never)
    private static func compute(
        _ job: ConvolutionJob, _ finish: Finish, _ patch: Patch, _ copied: Source, _ offsets: UnsafePointer<Int>, _ depth: Int,
        _ pair: Int,
        _ y: Int, _ x: Int, _ rows: Int, _ columns: Int
    ) {
        let g = job.geometry
        let wide = pair &* 2 &+ 1 < g.outBlocks
        let outPlane = job.outputWindow.plane
        let weights = job.weights + pair &* depth &* 16
        let low = finish.lanes(pair &* 2)
        let high = wide ? finish.lanes(pair &* 2 &+ 1) : low
        for row in 0..<rows {
            let at = pair &* 2 &* outPlane &+ ((y &+ row) % job.outputWindow.rows &* job.outputWidth &+ x) &* 8
            let from = copied + row &* g.strideHeight &* patch.inputColumns
            let residual = finish.directResidual.map { $0 + at }
            if wide {
                if g.strideWidth == 1 {
                    row6x16(from, 1, offsets, depth, weights, low, high, job.output + at, residual, outPlane, columns)
                } else {
                    row6x16(from, g.strideWidth, offsets, depth, weights, low, high, job.output + at, residual, outPlane, columns)
                }
            } else {
                row8x8(from, g.strideWidth, offsets, depth, weights, low, job.output + at, residual, columns)
            }
            if finish.isComplex {
                completeRow(finish, job.output + at, finish.residual.map { $0 + at }, columns)
                if wide { completeRow(finish, job.output + at + outPlane, finish.residual.map { $0 + at + outPlane }, columns) }
            }
        }
    }

    @inline(__always)
    private static func row6x16(
        _ from: Source, _ stride: Int, _ offsets: UnsafePointer<Int>, _ depth: Int, _ weights: Source, _ low: LaneFinish,
        _ high: LaneFinish, _ output: Target, _ residual: Source?, _ outPlane: Int, _ columns: Int
    ) {
        let plain = !low.isClip && low.scale == 1 && residual == nil
        var column = 0
        while column < columns {
            var sums = Sums6x16(low.bias, high.bias)
            let x = from + column &* stride
            for k in 0..<depth { sums.add(x + offsets[k], stride, weights + k &* 16) }
            let to = output + column &* 8
            if plain && column &+ 6 <= columns {
                sums.forEach(6) { pixel, a, b in
                    store(low.leaky(a), to, pixel &* 8)
                    store(high.leaky(b), to, outPlane &+ pixel &* 8)
                }
            } else {
                let rest = residual.map { $0 + column &* 8 }
                sums.forEach(columns &- column) { pixel, a, b in
                    store(low.finished(a, rest.map { $0 + pixel &* 8 }), to, pixel &* 8)
                    store(high.finished(b, rest.map { $0 + outPlane + pixel &* 8 }), to, outPlane &+ pixel &* 8)
                }
            }
            column &+= 6
        }
    }

    @inline(__always)
    private static func row8x8(
        _ from: Source, _ stride: Int, _ offsets: UnsafePointer<Int>, _ depth: Int, _ weights: Source, _ end: LaneFinish,
        _ output: Target,
        _ residual: Source?, _ columns: Int
    ) {
        var column = 0
        while column < columns {
            var sums = Sums8x8(end.bias)
            let x = from + column &* stride
            for k in 0..<depth { sums.add(x + offsets[k], stride, load(weights, k &* 8)) }
            let at = column &* 8
            sums.forEach(columns &- column) { pixel, a in
                store(end.finished(a, residual.map { $0 + at + pixel &* 8 }), output, at &+ pixel &* 8)
            }
            column &+= 8
        }
    }
}
