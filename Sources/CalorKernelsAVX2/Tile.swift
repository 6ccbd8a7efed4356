/// Sums of up to twelve rows by two vectors of columns, for every product of matrices of this target.
///
/// `rows` and `isWide` are literals where these functions are called, so that what is not wanted costs nothing: 24 sums and three
/// operands fill 27 of the 32 registers of 512 bits, six rows 15 of the 16 of 256 bits.
struct Tile {
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

    /// Starts every row with what `value` says.
    @inline(__always)
    init(_ rows: Int, _ value: (Int) -> (V, V)) {
        (a0, a1) = value(0)
        if rows > 1 { (b0, b1) = value(1) }
        if rows > 2 { (c0, c1) = value(2) }
        if rows > 3 { (d0, d1) = value(3) }
        if rows > 4 { (e0, e1) = value(4) }
        if rows > 5 { (f0, f1) = value(5) }
        if rows > 6 { (g0, g1) = value(6) }
        if rows > 7 { (h0, h1) = value(7) }
        if rows > 8 { (i0, i1) = value(8) }
        if rows > 9 { (j0, j1) = value(9) }
        if rows > 10 { (k0, k1) = value(10) }
        if rows > 11 { (l0, l1) = value(11) }
    }

    /// Adds the product of `rows` numbers `stride` apart with one or two vectors.
    @inline(__always)
    mutating func add(_ rows: Int, _ isWide: Bool, _ x: Source, _ stride: Int, _ w0: V, _ w1: V) {
        let a = broadcast(x)
        a0 = fused(a0, a, w0)
        if isWide { a1 = fused(a1, a, w1) }
        if rows < 2 { return }
        let b = broadcast(x, stride)
        b0 = fused(b0, b, w0)
        if isWide { b1 = fused(b1, b, w1) }
        if rows < 3 { return }
        let c = broadcast(x, stride &* 2)
        c0 = fused(c0, c, w0)
        if isWide { c1 = fused(c1, c, w1) }
        if rows < 4 { return }
        let d = broadcast(x, stride &* 3)
        d0 = fused(d0, d, w0)
        if isWide { d1 = fused(d1, d, w1) }
        if rows < 5 { return }
        let e = broadcast(x, stride &* 4)
        e0 = fused(e0, e, w0)
        if isWide { e1 = fused(e1, e, w1) }
        if rows < 6 { return }
        let f = broadcast(x, stride &* 5)
        f0 = fused(f0, f, w0)
        if isWide { f1 = fused(f1, f, w1) }
        if rows < 7 { return }
        let g = broadcast(x, stride &* 6)
        g0 = fused(g0, g, w0)
        if isWide { g1 = fused(g1, g, w1) }
        if rows < 8 { return }
        let h = broadcast(x, stride &* 7)
        h0 = fused(h0, h, w0)
        if isWide { h1 = fused(h1, h, w1) }
        if rows < 9 { return }
        let i = broadcast(x, stride &* 8)
        i0 = fused(i0, i, w0)
        if isWide { i1 = fused(i1, i, w1) }
        if rows < 10 { return }
        let j = broadcast(x, stride &* 9)
        j0 = fused(j0, j, w0)
        if isWide { j1 = fused(j1, j, w1) }
        if rows < 11 { return }
        let k = broadcast(x, stride &* 10)
        k0 = fused(k0, k, w0)
        if isWide { k1 = fused(k1, k, w1) }
        if rows < 12 { return }
        let l = broadcast(x, stride &* 11)
        l0 = fused(l0, l, w0)
        if isWide { l1 = fused(l1, l, w1) }
    }

    /// Calls `body` with the row and both halves of each row.
    @inline(__always)
    func forEach(_ rows: Int, _ body: (Int, V, V) -> Void) {
        body(0, a0, a1)
        if rows > 1 { body(1, b0, b1) }
        if rows > 2 { body(2, c0, c1) }
        if rows > 3 { body(3, d0, d1) }
        if rows > 4 { body(4, e0, e1) }
        if rows > 5 { body(5, f0, f1) }
        if rows > 6 { body(6, g0, g1) }
        if rows > 7 { body(7, h0, h1) }
        if rows > 8 { body(8, i0, i1) }
        if rows > 9 { body(9, j0, j1) }
        if rows > 10 { body(10, k0, k1) }
        if rows > 11 { body(11, l0, l1) }
    }
}

extension Tile {
    /// Adds the product of a block of A with a block of B.
    ///
    /// - Parameter x: element 0 of row 0 of A; rows are `rowStride` apart, the numbers that are summed over `step`.
    /// - Parameter low: the first columns of row 0 of B, `stride` floats from row to row; `high` the following columns.
    @inline(__always)
    mutating func addProduct(
        _ rows: Int, _ isWide: Bool, _ x: Source, _ rowStride: Int, _ step: Int, _ low: Source, _ high: Source, _ stride: Int,
        _ depth: Int
    ) {
        var (x, low, high) = (x, low, high)
        for _ in 0..<depth {
            add(rows, isWide, x, rowStride, load(low), isWide ? load(high) : V())
            x += step
            low += stride
            high += stride
        }
    }

    /// Rows of the next tile when `rest` are left.
    @inline(__always)
    static func rows(_ rest: Int) -> Int {
        if lanes == 16 {
            if rest >= 12 && rest != 16 { return 12 }
            if rest >= 8 { return 8 }
        } else if rest >= 6 && rest != 8 {
            return 6
        }
        return rest >= 4 ? 4 : rest >= 2 ? 2 : 1
    }

    /// Columns of a wide tile.
    static var columns: Int { 2 &* lanes }
}
