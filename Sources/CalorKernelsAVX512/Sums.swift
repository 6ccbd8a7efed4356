// Sums that stay in registers: rows (pixels, tiles) by 32 or 16 columns (channels). 24 sums, two weights and a broadcast fill 27 of
// the 32 registers.

struct Sums12x32 {
    var a0 = V(), a1 = V()
    var b0 = V(), b1 = V()
    var c0 = V(), c1 = V()
    var d0 = V(), d1 = V()
    var e0 = V(), e1 = V()
    var f0 = V(), f1 = V()
    var g0 = V(), g1 = V()
    var h0 = V(), h1 = V()
    var i0 = V(), i1 = V()
    var j0 = V(), j1 = V()
    var k0 = V(), k1 = V()
    var l0 = V(), l1 = V()

    @inline(__always)
    init(_ low: V, _ high: V) {
        (a0, a1) = (low, high)
        (b0, b1) = (low, high)
        (c0, c1) = (low, high)
        (d0, d1) = (low, high)
        (e0, e1) = (low, high)
        (f0, f1) = (low, high)
        (g0, g1) = (low, high)
        (h0, h1) = (low, high)
        (i0, i1) = (low, high)
        (j0, j1) = (low, high)
        (k0, k1) = (low, high)
        (l0, l1) = (low, high)
    }

    /// Adds the product of 12 numbers `stride` apart with 32 weights.
    @inline(__always)
    mutating func add(_ x: Source, _ stride: Int, _ weights: Source) {
        let (w0, w1) = (load(weights), load(weights, 16))
        let x0 = broadcast(x)
        a0 = fused(a0, x0, w0)
        a1 = fused(a1, x0, w1)
        let x1 = broadcast(x, stride)
        b0 = fused(b0, x1, w0)
        b1 = fused(b1, x1, w1)
        let x2 = broadcast(x, stride &* 2)
        c0 = fused(c0, x2, w0)
        c1 = fused(c1, x2, w1)
        let x3 = broadcast(x, stride &* 3)
        d0 = fused(d0, x3, w0)
        d1 = fused(d1, x3, w1)
        let x4 = broadcast(x, stride &* 4)
        e0 = fused(e0, x4, w0)
        e1 = fused(e1, x4, w1)
        let x5 = broadcast(x, stride &* 5)
        f0 = fused(f0, x5, w0)
        f1 = fused(f1, x5, w1)
        let x6 = broadcast(x, stride &* 6)
        g0 = fused(g0, x6, w0)
        g1 = fused(g1, x6, w1)
        let x7 = broadcast(x, stride &* 7)
        h0 = fused(h0, x7, w0)
        h1 = fused(h1, x7, w1)
        let x8 = broadcast(x, stride &* 8)
        i0 = fused(i0, x8, w0)
        i1 = fused(i1, x8, w1)
        let x9 = broadcast(x, stride &* 9)
        j0 = fused(j0, x9, w0)
        j1 = fused(j1, x9, w1)
        let x10 = broadcast(x, stride &* 10)
        k0 = fused(k0, x10, w0)
        k1 = fused(k1, x10, w1)
        let x11 = broadcast(x, stride &* 11)
        l0 = fused(l0, x11, w0)
        l1 = fused(l1, x11, w1)
    }

    /// Calls `body` with the row and its sums for each of the first `count` rows.
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
        if count < 7 { return }
        body(6, g0, g1)
        if count < 8 { return }
        body(7, h0, h1)
        if count < 9 { return }
        body(8, i0, i1)
        if count < 10 { return }
        body(9, j0, j1)
        if count < 11 { return }
        body(10, k0, k1)
        if count < 12 { return }
        body(11, l0, l1)
    }
}

struct Sums8x32 {
    var a0 = V(), a1 = V()
    var b0 = V(), b1 = V()
    var c0 = V(), c1 = V()
    var d0 = V(), d1 = V()
    var e0 = V(), e1 = V()
    var f0 = V(), f1 = V()
    var g0 = V(), g1 = V()
    var h0 = V(), h1 = V()

    @inline(__always)
    init(_ low: V, _ high: V) {
        (a0, a1) = (low, high)
        (b0, b1) = (low, high)
        (c0, c1) = (low, high)
        (d0, d1) = (low, high)
        (e0, e1) = (low, high)
        (f0, f1) = (low, high)
        (g0, g1) = (low, high)
        (h0, h1) = (low, high)
    }

    /// Adds the product of 8 numbers `stride` apart with 32 weights.
    @inline(__always)
    mutating func add(_ x: Source, _ stride: Int, _ weights: Source) {
        let (w0, w1) = (load(weights), load(weights, 16))
        let x0 = broadcast(x)
        a0 = fused(a0, x0, w0)
        a1 = fused(a1, x0, w1)
        let x1 = broadcast(x, stride)
        b0 = fused(b0, x1, w0)
        b1 = fused(b1, x1, w1)
        let x2 = broadcast(x, stride &* 2)
        c0 = fused(c0, x2, w0)
        c1 = fused(c1, x2, w1)
        let x3 = broadcast(x, stride &* 3)
        d0 = fused(d0, x3, w0)
        d1 = fused(d1, x3, w1)
        let x4 = broadcast(x, stride &* 4)
        e0 = fused(e0, x4, w0)
        e1 = fused(e1, x4, w1)
        let x5 = broadcast(x, stride &* 5)
        f0 = fused(f0, x5, w0)
        f1 = fused(f1, x5, w1)
        let x6 = broadcast(x, stride &* 6)
        g0 = fused(g0, x6, w0)
        g1 = fused(g1, x6, w1)
        let x7 = broadcast(x, stride &* 7)
        h0 = fused(h0, x7, w0)
        h1 = fused(h1, x7, w1)
    }

    /// Calls `body` with the row and its sums for each of the first `count` rows.
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
        if count < 7 { return }
        body(6, g0, g1)
        if count < 8 { return }
        body(7, h0, h1)
    }
}

struct Sums4x32 {
    var a0 = V(), a1 = V()
    var b0 = V(), b1 = V()
    var c0 = V(), c1 = V()
    var d0 = V(), d1 = V()

    @inline(__always)
    init(_ low: V, _ high: V) {
        (a0, a1) = (low, high)
        (b0, b1) = (low, high)
        (c0, c1) = (low, high)
        (d0, d1) = (low, high)
    }

    /// Adds the product of 4 numbers `stride` apart with 32 weights.
    @inline(__always)
    mutating func add(_ x: Source, _ stride: Int, _ weights: Source) {
        let (w0, w1) = (load(weights), load(weights, 16))
        let x0 = broadcast(x)
        a0 = fused(a0, x0, w0)
        a1 = fused(a1, x0, w1)
        let x1 = broadcast(x, stride)
        b0 = fused(b0, x1, w0)
        b1 = fused(b1, x1, w1)
        let x2 = broadcast(x, stride &* 2)
        c0 = fused(c0, x2, w0)
        c1 = fused(c1, x2, w1)
        let x3 = broadcast(x, stride &* 3)
        d0 = fused(d0, x3, w0)
        d1 = fused(d1, x3, w1)
    }

    /// Calls `body` with the row and its sums for each of the first `count` rows.
    @inline(__always)
    func forEach(_ count: Int, _ body: (Int, V, V) -> Void) {
        body(0, a0, a1)
        if count < 2 { return }
        body(1, b0, b1)
        if count < 3 { return }
        body(2, c0, c1)
        if count < 4 { return }
        body(3, d0, d1)
    }
}

struct Sums12x16 {
    var a = V()
    var b = V()
    var c = V()
    var d = V()
    var e = V()
    var f = V()
    var g = V()
    var h = V()
    var i = V()
    var j = V()
    var k = V()
    var l = V()

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
        i = start
        j = start
        k = start
        l = start
    }

    /// Adds the product of 12 numbers `stride` apart with 16 weights.
    @inline(__always)
    mutating func add(_ x: Source, _ stride: Int, _ weights: Source) {
        let w = load(weights)
        a = fused(a, broadcast(x), w)
        b = fused(b, broadcast(x, stride), w)
        c = fused(c, broadcast(x, stride &* 2), w)
        d = fused(d, broadcast(x, stride &* 3), w)
        e = fused(e, broadcast(x, stride &* 4), w)
        f = fused(f, broadcast(x, stride &* 5), w)
        g = fused(g, broadcast(x, stride &* 6), w)
        h = fused(h, broadcast(x, stride &* 7), w)
        i = fused(i, broadcast(x, stride &* 8), w)
        j = fused(j, broadcast(x, stride &* 9), w)
        k = fused(k, broadcast(x, stride &* 10), w)
        l = fused(l, broadcast(x, stride &* 11), w)
    }

    /// Calls `body` with the row and its sums for each of the first `count` rows.
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
        if count < 9 { return }
        body(8, i)
        if count < 10 { return }
        body(9, j)
        if count < 11 { return }
        body(10, k)
        if count < 12 { return }
        body(11, l)
    }
}
