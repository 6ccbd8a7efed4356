import CalorTensor

/// conv…_firstLayer_nchw_f32: one to four input channels, read from planes, four output blocks at once.
///
/// Goals, in order: bits that do not depend on the cuts and are those of the AVX2 kernel; speed. Each output sums, after its bias, over
/// channels, kernel rows and kernel columns in order, which is the order of the weights.
enum FirstLayer {
    private static let copyFloats = 32 * 1024
    private static let step = 12

    static func scratchFloats(_ g: ConvolutionGeometry, _ outputWidth: Int) -> Int {
        let patch = Patch(g, groups: g.inChannels, lanes: 1, outputWidth: outputWidth, overhang: step, floats: copyFloats)
        let depth = g.inChannels * g.kernelHeight * g.kernelWidth
        return g.inChannels * patch.inputRows * patch.inputColumns + 32 + 2 * depth + 16 + step * 32
    }

    static func run(_ job: ConvolutionJob) {
        let g = job.geometry
        let patch = Patch(g, groups: g.inChannels, lanes: 1, outputWidth: job.outputWidth, overhang: step, floats: copyFloats)
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
        let sums = UnsafeMutableRawPointer(offsets + (depth &+ 7) / 8 &* 8).assumingMemoryBound(to: Float.self)
        let finish = Finish(job)
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
                for group in 0..<(g.outBlocks &+ 3) / 4 {
                    compute(job, finish, patch, Source(copied), UnsafePointer(offsets), depth, group, y, x, rows, columns, sums)
                }
                x &+= columns
            }
            y &+= rows
        }
    }

    @inline(never)
    private static func compute(
        _ job: ConvolutionJob, _ finish: Finish, _ patch: Patch, _ copied: Source, _ offsets: UnsafePointer<Int>, _ depth: Int,
        _ group: Int, _ y: Int, _ x: Int, _ rows: Int, _ columns: Int, _ sums: Target
    ) {
        let g = job.geometry
        let first = group &* 4
        let wide = first &+ 2 < g.outBlocks
        let outPlane = job.outputWindow.plane
        let weights = job.weights + group &* depth &* 32
        let (low, high) = (finish.lanes(first), finish.lanes(first &+ 2))
        let (lowPair, highPair) = (PlanePair(first, g.outBlocks, outPlane), PlanePair(first &+ 2, g.outBlocks, outPlane))
        for row in 0..<rows {
            let at = first &* outPlane &+ ((y &+ row) % job.outputWindow.rows &* job.outputWidth &+ x) &* 8
            let from = copied + row &* g.strideHeight &* patch.inputColumns
            let residual = finish.directResidual.map { $0 + at }
            let output = job.output + at
            if wide {
                row12x32(
                    from, g.strideWidth, offsets, depth, weights, low, high, lowPair, highPair, output, residual, outPlane, columns,
                    sums)
            } else {
                row12x16(from, g.strideWidth, offsets, depth, weights, low, lowPair, output, residual, columns)
            }
            if finish.isComplex {
                for block in 0..<min(4, g.outBlocks &- first) {
                    let offset = block &* outPlane
                    completeRow(finish, output + offset, finish.residual.map { $0 + at + offset }, columns)
                }
            }
        }
    }

    @inline(__always)
    private static func row12x32(
        _ from: Source, _ stride: Int, _ offsets: UnsafePointer<Int>, _ depth: Int, _ weights: Source, _ low: LaneFinish,
        _ high: LaneFinish, _ lowPair: PlanePair, _ highPair: PlanePair, _ output: Target, _ residual: Source?, _ outPlane: Int,
        _ columns: Int, _ sums: Target
    ) {
        var column = 0
        while column < columns {
            let x = from + column &* stride
            if stride == 1, residual == nil, column &+ step <= columns, low.isLeaky, highPair.stride != 0 {
                leaky12x32(x, offsets, depth, weights, low, high, output + column &* 8, outPlane)
                column &+= step
                continue
            }
            if stride == 1 {
                first12x32(x, offsets, depth, weights, low.bias, high.bias, sums)
            } else {
                first12x32(x, stride, offsets, depth, weights, low.bias, high.bias, sums)
            }
            let at = column &* 8
            putPixels(
                Source(sums), low, high, lowPair, highPair, output + at, residual.map { $0 + at }, outPlane,
                min(step, columns &- column))
            column &+= step
        }
    }

    @inline(__always)
    private static func row12x16(
        _ from: Source, _ stride: Int, _ offsets: UnsafePointer<Int>, _ depth: Int, _ weights: Source, _ end: LaneFinish,
        _ pair: PlanePair, _ output: Target, _ residual: Source?, _ columns: Int
    ) {
        var column = 0
        while column < columns {
            var sums = Sums12x16(end.bias)
            let x = from + column &* stride
            for k in 0..<depth { sums.add(x + offsets[k], stride, weights + k &* 16) }
            sums.forEach(columns &- column) { pixel, a in
                let o = (column &+ pixel) &* 8
                if let residual {
                    pair.store(end.ended(a, adding: pair.load(residual, o)), output, o)
                } else {
                    pair.store(end.ended(a), output, o)
                }
            }
            column &+= step
        }
    }
}

// Kernels of their own, so that their sums have all the registers.

@inline(never)
private func first12x32(
    _ x: Source, _ offsets: UnsafePointer<Int>, _ depth: Int, _ weights: Source, _ low: V, _ high: V, _ to: Target
) {
    var sums = Sums12x32(low, high)
    for k in 0..<depth { sums.add(x + offsets[k], 1, weights + k &* 32) }
    sums.forEach(12) { pixel, a, b in
        store(a, to, pixel &* 32)
        store(b, to, pixel &* 32 &+ 16)
    }
}

@inline(never)
private func first12x32(
    _ x: Source, _ stride: Int, _ offsets: UnsafePointer<Int>, _ depth: Int, _ weights: Source, _ low: V, _ high: V, _ to: Target
) {
    var sums = Sums12x32(low, high)
    for k in 0..<depth { sums.add(x + offsets[k], stride, weights + k &* 32) }
    sums.forEach(12) { pixel, a, b in
        store(a, to, pixel &* 32)
        store(b, to, pixel &* 32 &+ 16)
    }
}

/// The sums go from their registers to the output. The end is `putLeaky`'s, written out: calling one function for both makes the compiler
/// put sums into memory.
@inline(never)
private func leaky12x32(
    _ x: Source, _ offsets: UnsafePointer<Int>, _ depth: Int, _ weights: Source, _ low: LaneFinish, _ high: LaneFinish,
    _ output: Target, _ plane: Int
) {
    prefetchPixels(output, plane)
    var sums = Sums12x32(low.bias, high.bias)
    for k in 0..<depth { sums.add(x + offsets[k], 1, weights + k &* 32) }
    let (s0, s1) = (low.slope, high.slope)
    sums.forEach(12) { pixel, a, b in
        let x = a.replacing(with: a * s0, where: a .< V())
        let y = b.replacing(with: b * s1, where: b .< V())
        let at = pixel &* 8
        storeBlock(lowBlock(x), output, at)
        storeBlock(highBlock(x), output, at &+ plane)
        storeBlock(lowBlock(y), output, at &+ plane &* 2)
        storeBlock(highBlock(y), output, at &+ plane &* 3)
    }
}
