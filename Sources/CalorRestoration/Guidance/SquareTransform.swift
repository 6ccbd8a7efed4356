#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Goals, in order: double precision; speed (every inner loop runs along whole rows, so that it becomes SIMD).

/// The two-dimensional transform of square tiles whose side is a power of two.
///
/// Butterflies combine whole rows; the tile is transposed between the two directions and left transposed, which its users, who look
/// at radii and transform back, do not see.
struct SquareTransform: Sendable {
    let side: Int
    private let cosines: [Double]
    private let sines: [Double]
    private let order: [Int]

    init(side: Int) {
        precondition(side > 0 && side & (side - 1) == 0, "\(side) is not a power of two")
        self.side = side
        cosines = (0..<max(side / 2, 1)).map { cos(2 * .pi * Double($0) / Double(side)) }
        sines = (0..<max(side / 2, 1)).map { -sin(2 * .pi * Double($0) / Double(side)) }
        let bits = side.trailingZeroBitCount
        order = (0..<side).map { i in (0..<bits).reduce(0) { $0 << 1 | (i >> $1 & 1) } }
    }

    /// X[k, l] = Σ x[m, n] exp(−2πi (km + ln) / side), with k and l exchanged, in place.
    func transform(_ real: inout [Double], _ imaginary: inout [Double]) {
        precondition(real.count == side * side && imaginary.count == side * side, "a tile of \(side) got \(real.count) values")
        real.withUnsafeMutableBufferPointer { re in
            imaginary.withUnsafeMutableBufferPointer { im in
                guard let re = re.baseAddress, let im = im.baseAddress else { return }
                downColumns(re, im)
                transpose(re)
                transpose(im)
                downColumns(re, im)
            }
        }
    }

    private func downColumns(_ re: UnsafeMutablePointer<Double>, _ im: UnsafeMutablePointer<Double>) {
        for (i, j) in order.enumerated() where i < j {
            for x in 0..<side {
                (re[i &* side &+ x], re[j &* side &+ x]) = (re[j &* side &+ x], re[i &* side &+ x])
                (im[i &* side &+ x], im[j &* side &+ x]) = (im[j &* side &+ x], im[i &* side &+ x])
            }
        }
        var half = 1
        while half < side {
            for start in stride(from: 0, to: side, by: 2 * half) {
                for k in 0..<half {
                    let (c, s) = (cosines[k * (side / (2 * half))], sines[k * (side / (2 * half))])
                    let (upperRe, upperIm) = (re + (start + k) * side, im + (start + k) * side)
                    let (lowerRe, lowerIm) = (upperRe + half * side, upperIm + half * side)
                    for x in 0..<side {
                        let tr = lowerRe[x] * c - lowerIm[x] * s
                        let ti = lowerRe[x] * s + lowerIm[x] * c
                        lowerRe[x] = upperRe[x] - tr
                        lowerIm[x] = upperIm[x] - ti
                        upperRe[x] += tr
                        upperIm[x] += ti
                    }
                }
            }
            half *= 2
        }
    }

    private func transpose(_ values: UnsafeMutablePointer<Double>) {
        // Blocks of 16 keep both sides of an exchange in the cache.
        let block = min(side, 16)
        for top in stride(from: 0, to: side, by: block) {
            for left in stride(from: top, to: side, by: block) {
                for y in top..<top + block {
                    for x in max(left, y + 1)..<max(left + block, y + 1) {
                        (values[y &* side &+ x], values[x &* side &+ y]) = (values[x &* side &+ y], values[y &* side &+ x])
                    }
                }
            }
        }
    }
}
