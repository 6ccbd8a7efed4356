import CCalorCPU

// The ends of kernels that leave the sums of twelve pixels by four blocks in memory, `[pixel][32]`, and the asking for the lines that the
// next twelve pixels will write. Apart from the sums, or the compiler would have too few registers for either.

/// Up to twelve pixels of three or four blocks, `plane` floats apart.
@inline(__always)
func putPixels(
    _ sums: Source, _ low: LaneFinish, _ high: LaneFinish, _ lowPair: PlanePair, _ highPair: PlanePair, _ output: Target,
    _ residual: Source?, _ plane: Int, _ count: Int
) {
    if count == 12 && highPair.stride != 0 && low.scale == 1 {
        if let residual {
            if low.isPlain { return putSums(sums, output, residual, plane) }
        } else if low.isClip {
            return putBounded(sums, low, output, plane)
        } else {
            return putLeaky(sums, low.slope, high.slope, output, plane)
        }
    }
    putOthers(sums, low, high, lowPair, highPair, output, residual, plane, count)
}

@inline(__always)
func prefetchPixels(_ output: Target, _ plane: Int) {
    for block in 0..<4 {
        for line in 0..<6 { calor_prefetch_write(output + (block &* plane &+ 96 &+ line &* 16)) }
    }
}

/// Twelve pixels with a leaky end.
@inline(never)
private func putLeaky(_ sums: Source, _ low: V, _ high: V, _ output: Target, _ plane: Int) {
    prefetchPixels(output, plane)
    for pixel in 0..<12 {
        let (a, b) = (load(sums, pixel &* 32), load(sums, pixel &* 32 &+ 16))
        let x = a.replacing(with: a * low, where: a .< V())
        let y = b.replacing(with: b * high, where: b .< V())
        let at = pixel &* 8
        storeBlock(lowBlock(x), output, at)
        storeBlock(highBlock(x), output, at &+ plane)
        storeBlock(lowBlock(y), output, at &+ plane &* 2)
        storeBlock(highBlock(y), output, at &+ plane &* 3)
    }
}

/// Twelve pixels within bounds.
@inline(never)
private func putBounded(_ sums: Source, _ end: LaneFinish, _ output: Target, _ plane: Int) {
    prefetchPixels(output, plane)
    for pixel in 0..<12 {
        let x = end.bounded(load(sums, pixel &* 32))
        let y = end.bounded(load(sums, pixel &* 32 &+ 16))
        let at = pixel &* 8
        storeBlock(lowBlock(x), output, at)
        storeBlock(highBlock(x), output, at &+ plane)
        storeBlock(lowBlock(y), output, at &+ plane &* 2)
        storeBlock(highBlock(y), output, at &+ plane &* 3)
    }
}

/// Twelve pixels plus a residual.
@inline(never)
private func putSums(_ sums: Source, _ output: Target, _ residual: Source, _ plane: Int) {
    prefetchPixels(output, plane)
    for pixel in 0..<12 {
        for block in 0..<4 {
            let at = pixel &* 8 &+ block &* plane
            storeBlock(loadBlock(residual, at) + loadBlock(sums, pixel &* 32 &+ block &* 8), output, at)
        }
    }
}

@inline(never)
private func putOthers(
    _ sums: Source, _ low: LaneFinish, _ high: LaneFinish, _ lowPair: PlanePair, _ highPair: PlanePair, _ output: Target,
    _ residual: Source?, _ plane: Int, _ count: Int
) {
    let upper = plane &* 2
    for pixel in 0..<count {
        let at = pixel &* 8
        let (a, b) = (load(sums, pixel &* 32), load(sums, pixel &* 32 &+ 16))
        if let residual {
            lowPair.store(low.ended(a, adding: lowPair.load(residual, at)), output, at)
            highPair.store(high.ended(b, adding: highPair.load(residual, at &+ upper)), output, at &+ upper)
        } else {
            lowPair.store(low.ended(a), output, at)
            highPair.store(high.ended(b), output, at &+ upper)
        }
    }
}
