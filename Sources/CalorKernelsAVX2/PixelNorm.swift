import CalorTensor

/// Means and normalisation over the channels of each pixel of blocked planes.
///
/// A pixel adds its blocks in order and then the lanes in halves, so its bits do not depend on the pixels beside it.
enum PixelNorm {
    /// (x − mean) / √(variance + epsilon) · gamma + beta; may work in place.
    @inline(never)
    static func normalise(_ job: PixelNormJob) {
        let count = job.pixels &* 8
        var i = 0
        while i &+ 4 &* lanes <= count {
            four(job, i)
            i &+= 4 &* lanes
        }
        while i < count {
            one(job, i, min(lanes, count &- i))
            i &+= lanes
        }
    }

    /// The mean of every pixel, one number each.
    @inline(never)
    static func means(_ job: PixelNormJob) {
        let share = V(repeating: 1 / Float(job.channels))
        let count = job.pixels &* 8
        var i = 0
        while i < count {
            let width = min(lanes, count &- i)
            let mean = blockTotals(sum(job, i, width)) * share
            var lane = 0
            while lane < width {
                job.output[(i &+ lane) / 8] = mean[lane]
                lane &+= 8
            }
            i &+= lanes
        }
    }

    @inline(__always)
    private static func sum(_ job: PixelNormJob, _ first: Int, _ width: Int) -> V {
        var (total, from) = (V(), job.input + first)
        for _ in 0..<job.blocks {
            total += width == lanes ? load(from) : partial(from, width)
            from += job.inputPlane
        }
        return total
    }

    /// Ones where the last block has channels.
    @inline(__always)
    private static func mask(_ job: PixelNormJob) -> V {
        var mask = V()
        let used = job.channels &- (job.blocks &- 1) &* 8
        for lane in 0..<lanes where lane % 8 < used { mask[lane] = 1 }
        return mask
    }

    @inline(never)
    private static func four(_ job: PixelNormJob, _ first: Int) {
        let share = V(repeating: 1 / Float(job.channels))
        let (plane, blocks) = (job.inputPlane, job.blocks)
        var from = job.input + first
        var (a, b, c, d) = (V(), V(), V(), V())
        for _ in 0..<blocks {
            a += load(from)
            b += load(from, lanes)
            c += load(from, 2 &* lanes)
            d += load(from, 3 &* lanes)
            from += plane
        }
        let (meanA, meanB) = (blockTotals(a) * share, blockTotals(b) * share)
        let (meanC, meanD) = (blockTotals(c) * share, blockTotals(d) * share)
        (a, b, c, d) = (V(), V(), V(), V())
        from = job.input + first
        for _ in 1..<blocks {
            let (p, q) = (load(from) - meanA, load(from, lanes) - meanB)
            let (r, s) = (load(from, 2 &* lanes) - meanC, load(from, 3 &* lanes) - meanD)
            a = fused(a, p, p)
            b = fused(b, q, q)
            c = fused(c, r, r)
            d = fused(d, s, s)
            from += plane
        }
        let used = mask(job)
        let (p, q) = ((load(from) - meanA) * used, (load(from, lanes) - meanB) * used)
        let (r, s) = ((load(from, 2 &* lanes) - meanC) * used, (load(from, 3 &* lanes) - meanD) * used)
        let epsilon = V(repeating: job.epsilon)
        let one = V(repeating: 1)
        a = one / squareRootLanes(fused(epsilon, blockTotals(fused(a, p, p)), share))
        b = one / squareRootLanes(fused(epsilon, blockTotals(fused(b, q, q)), share))
        c = one / squareRootLanes(fused(epsilon, blockTotals(fused(c, r, r)), share))
        d = one / squareRootLanes(fused(epsilon, blockTotals(fused(d, s, s)), share))
        from = job.input + first
        var to = job.output + first
        for block in 0..<blocks {
            let (gamma, beta) = (repeatedBlock(job.gamma + block &* 8), repeatedBlock(job.beta + block &* 8))
            store(fused(beta, (load(from) - meanA) * a, gamma), to)
            store(fused(beta, (load(from, lanes) - meanB) * b, gamma), to, lanes)
            store(fused(beta, (load(from, 2 &* lanes) - meanC) * c, gamma), to, 2 &* lanes)
            store(fused(beta, (load(from, 3 &* lanes) - meanD) * d, gamma), to, 3 &* lanes)
            from += plane
            to += job.outputPlane
        }
    }

    /// The pixels of one vector, some of which may not exist.
    @inline(never)
    private static func one(_ job: PixelNormJob, _ first: Int, _ width: Int) {
        let share = V(repeating: 1 / Float(job.channels))
        let mean = blockTotals(sum(job, first, width)) * share
        var (squares, from) = (V(), job.input + first)
        for _ in 1..<job.blocks {
            let distance = (width == lanes ? load(from) : partial(from, width)) - mean
            squares = fused(squares, distance, distance)
            from += job.inputPlane
        }
        let last = ((width == lanes ? load(from) : partial(from, width)) - mean) * mask(job)
        squares = blockTotals(fused(squares, last, last))
        let factor = V(repeating: 1) / squareRootLanes(fused(V(repeating: job.epsilon), squares, share))
        from = job.input + first
        var to = job.output + first
        for block in 0..<job.blocks {
            let x = width == lanes ? load(from) : partial(from, width)
            let y = fused(repeatedBlock(job.beta + block &* 8), (x - mean) * factor, repeatedBlock(job.gamma + block &* 8))
            if width == lanes { store(y, to) } else { storePartial(y, to, width) }
            from += job.inputPlane
            to += job.outputPlane
        }
    }
}
