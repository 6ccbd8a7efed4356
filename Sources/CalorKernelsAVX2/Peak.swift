/// Twelve independent chains of fused multiply-adds, eight steps a round; `seed` has 8 numbers and receives the sum.
@inline(never)
func multiplyAddRounds(_ rounds: Int, _ seed: Target) -> Int {
    var sums = Sums6x16(V(), V())
    let (x, w) = (load(Source(seed)), load(Source(seed)))
    @inline(__always) func step() {
        sums.a0 = fused(sums.a0, x, w)
        sums.a1 = fused(sums.a1, x, w)
        sums.b0 = fused(sums.b0, x, w)
        sums.b1 = fused(sums.b1, x, w)
        sums.c0 = fused(sums.c0, x, w)
        sums.c1 = fused(sums.c1, x, w)
        sums.d0 = fused(sums.d0, x, w)
        sums.d1 = fused(sums.d1, x, w)
        sums.e0 = fused(sums.e0, x, w)
        sums.e1 = fused(sums.e1, x, w)
        sums.f0 = fused(sums.f0, x, w)
        sums.f1 = fused(sums.f1, x, w)
    }
    for _ in 0..<rounds {
        step()
        step()
        step()
        step()
        step()
        step()
        step()
        step()
    }
    var total = V()
    sums.forEach(6) { _, low, high in total += low + high }
    store(total, seed)
    return rounds &* 96 &* 16
}
