/// 24 independent chains of fused multiply-adds, eight steps a round; `seed` has 16 numbers and receives the sum.
@inline(never)
func multiplyAddRounds(_ rounds: Int, _ seed: Target) -> Int {
    var sums = Sums12x32(V(), V())
    let (x, w) = (load(Source(seed)), load(Source(seed)))
    for _ in 0..<rounds {
        for _ in 0..<8 { sums.addProducts(x, w) }
    }
    var total = V()
    sums.forEach(12) { _, low, high in total += low + high }
    store(total, seed)
    return rounds &* 192 &* 32
}

extension Sums12x32 {
    /// Adds x · w to every sum.
    @inline(__always)
    fileprivate mutating func addProducts(_ x: V, _ w: V) {
        a0 = fused(a0, x, w)
        a1 = fused(a1, x, w)
        b0 = fused(b0, x, w)
        b1 = fused(b1, x, w)
        c0 = fused(c0, x, w)
        c1 = fused(c1, x, w)
        d0 = fused(d0, x, w)
        d1 = fused(d1, x, w)
        e0 = fused(e0, x, w)
        e1 = fused(e1, x, w)
        f0 = fused(f0, x, w)
        f1 = fused(f1, x, w)
        g0 = fused(g0, x, w)
        g1 = fused(g1, x, w)
        h0 = fused(h0, x, w)
        h1 = fused(h1, x, w)
        i0 = fused(i0, x, w)
        i1 = fused(i1, x, w)
        j0 = fused(j0, x, w)
        j1 = fused(j1, x, w)
        k0 = fused(k0, x, w)
        k1 = fused(k1, x, w)
        l0 = fused(l0, x, w)
        l1 = fused(l1, x, w)
    }
}
