/// Twelve sums: six pixels (or rows) by 16 output channels (or columns). With two weights and one broadcast they fill 15 registers.
struct Sums6x16 {
    var a0 = V(), a1 = V()
    var b0 = V(), b1 = V()
    var c0 = V(), c1 = V()
    var d0 = V(), d1 = V()
    var e0 = V(), e1 = V()
    var f0 = V(), f1 = V()

    @inline(__always)
    init(_ low: V, _ high: V) {
        (a0, a1) = (low, high)
        (b0, b1) = (low, high)
        (c0, c1) = (low, high)
        (d0, d1) = (low, high)
        (e0, e1) = (low, high)
        (f0, f1) = (low, high)
    }

    /// Adds the product of six numbers `stride` apart with 16 weights.
    @inline(__always)
    mutating func add(_ x: Source, _ stride: Int, _ w: Source) {
        let (w0, w1) = (load(w), load(w, 8))
        let a = broadcast(x)
        a0 = fused(a0, a, w0)
        a1 = fused(a1, a, w1)
        let b = broadcast(x, stride)
        b0 = fused(b0, b, w0)
        b1 = fused(b1, b, w1)
        let c = broadcast(x, stride &* 2)
        c0 = fused(c0, c, w0)
        c1 = fused(c1, c, w1)
        let d = broadcast(x, stride &* 3)
        d0 = fused(d0, d, w0)
        d1 = fused(d1, d, w1)
        let e = broadcast(x, stride &* 4)
        e0 = fused(e0, e, w0)
        e1 = fused(e1, e, w1)
        let f = broadcast(x, stride &* 5)
        f0 = fused(f0, f, w0)
        f1 = fused(f1, f, w1)
    }

    /// Calls `body` with the row and both halves of each of the first `count` rows.
    @inline(__always)
    func forEach(_ count: Int, _ body: (Int, V, V) -> Void) {
        body(0, a0, a1)
        if count < 2 { return }
        body(1, b0, b1)
        if count < 3 { return }
        body(2, c0, c1)
        if count < 4 { return }
        body(3, d0, d1)
        if count < 5 { return }
        body(4, e0, e1)
        if count < 6 { return }
        body(5, f0, f1)
    }
}

/// Eight sums: eight pixels by one block of 8 output channels.
struct Sums8x8 {
    var a = V()
    var b = V()
    var c = V()
    var d = V()
    var e = V()
    var f = V()
    var g = V()
    var h = V()

    @inline(__always)
    init(_ start: V) {
        a = start
        b = start
        c = start
        d = start
        e = start
        f = start
        g = start
        h = start
    }

    /// Adds the product of eight numbers `stride` apart with 8 weights.
    @inline(__always)
    mutating func add(_ x: Source, _ stride: Int, _ w: V) {
        a = fused(a, broadcast(x), w)
        b = fused(b, broadcast(x, stride), w)
        c = fused(c, broadcast(x, stride &* 2), w)
        d = fused(d, broadcast(x, stride &* 3), w)
        e = fused(e, broadcast(x, stride &* 4), w)
        f = fused(f, broadcast(x, stride &* 5), w)
        g = fused(g, broadcast(x, stride &* 6), w)
        h = fused(h, broadcast(x, stride &* 7), w)
    }

    /// Calls `body` with the pixel and the sum of each of the first `count` pixels.
    @inline(__always)
    func forEach(_ count: Int, _ body: (Int, V) -> Void) {
        body(0, a)
        if count < 2 { return }
        body(1, b)
        if count < 3 { return }
        body(2, c)
        if count < 4 { return }
        body(3, d)
        if count < 5 { return }
        body(4, e)
        if count < 6 { return }
        body(5, f)
        if count < 7 { return }
        body(6, g)
        if count < 8 { return }
        body(7, h)
    }
}
