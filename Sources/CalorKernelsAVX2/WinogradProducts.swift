// The products inside Winograd: six tiles by 16 or 8 output channels, one pass over all input channels.
// Twelve sums, two weights and one broadcast fill 15 of the 16 registers.

/// - Parameters:
///   - v: `[block][tile][8]`, with `stride` floats from block to block.
///   - u: `[8 · blocks][16]`.
///   - m: six results of 16, `tileSums` floats apart.
@inline(never)
func product6x16(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target, _ tileSums: Int) {
    var (a0, a1, b0, b1, c0, c1) = (V(), V(), V(), V(), V(), V())
    var (d0, d1, e0, e1, f0, f1) = (V(), V(), V(), V(), V(), V())
    var v = v
    var u = u
    @inline(__always) func step(_ k: Int) {
        let (w0, w1) = (load(u, k &* 16), load(u, k &* 16 &+ 8))
        let a = broadcast(v, k)
        a0 = fused(a0, a, w0)
        a1 = fused(a1, a, w1)
        let b = broadcast(v, 8 &+ k)
        b0 = fused(b0, b, w0)
        b1 = fused(b1, b, w1)
        let c = broadcast(v, 16 &+ k)
        c0 = fused(c0, c, w0)
        c1 = fused(c1, c, w1)
        let d = broadcast(v, 24 &+ k)
        d0 = fused(d0, d, w0)
        d1 = fused(d1, d, w1)
        let e = broadcast(v, 32 &+ k)
        e0 = fused(e0, e, w0)
        e1 = fused(e1, e, w1)
        let f = broadcast(v, 40 &+ k)
        f0 = fused(f0, f, w0)
        f1 = fused(f1, f, w1)
    }
    for _ in 0..<blocks {
        step(0)
        step(1)
        step(2)
        step(3)
        step(4)
        step(5)
        step(6)
        step(7)
        v += stride
        u += 128
    }
    store(a0, m)
    store(a1, m, 8)
    store(b0, m, tileSums)
    store(b1, m, tileSums &+ 8)
    store(c0, m, tileSums &* 2)
    store(c1, m, tileSums &* 2 &+ 8)
    store(d0, m, tileSums &* 3)
    store(d1, m, tileSums &* 3 &+ 8)
    store(e0, m, tileSums &* 4)
    store(e1, m, tileSums &* 4 &+ 8)
    store(f0, m, tileSums &* 5)
    store(f1, m, tileSums &* 5 &+ 8)
}

/// The same for the eight channels of an odd last block.
@inline(never)
func product6x8(_ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ m: Target, _ tileSums: Int) {
    var (a, b, c, d, e, f) = (V(), V(), V(), V(), V(), V())
    var v = v
    var u = u
    @inline(__always) func step(_ k: Int) {
        let w = load(u, k &* 8)
        a = fused(a, broadcast(v, k), w)
        b = fused(b, broadcast(v, 8 &+ k), w)
        c = fused(c, broadcast(v, 16 &+ k), w)
        d = fused(d, broadcast(v, 24 &+ k), w)
        e = fused(e, broadcast(v, 32 &+ k), w)
        f = fused(f, broadcast(v, 40 &+ k), w)
    }
    for _ in 0..<blocks {
        step(0)
        step(1)
        step(2)
        step(3)
        step(4)
        step(5)
        step(6)
        step(7)
        v += stride
        u += 64
    }
    store(a, m)
    store(b, m, tileSums)
    store(c, m, tileSums &* 2)
    store(d, m, tileSums &* 3)
    store(e, m, tileSums &* 4)
    store(f, m, tileSums &* 5)
}

/// Six tiles from `v` on; returns how many that were. `wide` stands for 16 output channels, else 8.
@inline(__always)
func winogradProduct(
    _ v: Source, _ stride: Int, _ u: Source, _ blocks: Int, _ wide: Bool, _ m: Target, _ tileSums: Int, _ count: Int
) -> Int {
    if wide { product6x16(v, stride, u, blocks, m, tileSums) } else { product6x8(v, stride, u, blocks, m, tileSums) }
    return 6
}
