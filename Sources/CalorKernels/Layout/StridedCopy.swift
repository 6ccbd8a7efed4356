/// Copies of two-dimensional pieces between orders in memory.
public enum StridedCopy {
    /// `output[r · rowTo + i · to] = input[r · rowFrom + i · from]`.
    public static func run(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, rows: Int, rowFrom: Int, rowTo: Int, count: Int,
        from: Int, to: Int
    ) {
        precondition(rows >= 0 && count >= 0, "\(rows) rows of \(count)")
        if from == 1, to == 1 {
            copyRows(input, rowFrom, output, rowTo, rows: rows, count: count)
        } else if to == 1, rowFrom == 1 {
            transpose(input, from, output, rowTo, rows: rows, count: count)
        } else {
            for row in 0..<rows {
                let (x, y) = (input + row * rowFrom, output + row * rowTo)
                for i in 0..<count { y[i * to] = x[i * from] }
            }
        }
    }

    /// Short rows cost more in the call of a copy than in the copy.
    private static func copyRows(
        _ input: UnsafePointer<Float>, _ rowFrom: Int, _ output: UnsafeMutablePointer<Float>, _ rowTo: Int, rows: Int, count: Int
    ) {
        if count % 8 == 0, count <= 256 {
            for row in 0..<rows {
                let x = UnsafeRawPointer(input + row * rowFrom)
                let y = UnsafeMutableRawPointer(output + row * rowTo)
                var at = 0
                while at < count * 4 {
                    y.storeBytes(
                        of: x.loadUnaligned(fromByteOffset: at, as: SIMD8<Float>.self), toByteOffset: at, as: SIMD8<Float>.self)
                    at += 32
                }
            }
        } else {
            for row in 0..<rows { (output + row * rowTo).update(from: input + row * rowFrom, count: count) }
        }
    }

    /// Rows of the input become columns, in tiles of 4×4: `output[r · rowTo + i] = input[r + i · from]`.
    private static func transpose(
        _ input: UnsafePointer<Float>, _ from: Int, _ output: UnsafeMutablePointer<Float>, _ rowTo: Int, rows: Int, count: Int
    ) {
        let (wholeRows, whole) = (rows / 4 * 4, count / 4 * 4)
        // Sixteen lines at a time, so that a cache line that is begun is finished while it is there.
        var first = 0
        while first < wholeRows {
            let end = min(first + 16, wholeRows)
            for i in stride(from: 0, to: whole, by: 4) {
                for row in stride(from: first, to: end, by: 4) {
                    let x = input + row + i * from
                    let a = quad(x), b = quad(x + from), c = quad(x + 2 * from), d = quad(x + 3 * from)
                    let (ac0, ac1) = (zip(a.lowHalf, c.lowHalf), zip(a.highHalf, c.highHalf))
                    let (bd0, bd1) = (zip(b.lowHalf, d.lowHalf), zip(b.highHalf, d.highHalf))
                    let y = output + row * rowTo + i
                    put(zip(ac0.lowHalf, bd0.lowHalf), y)
                    put(zip(ac0.highHalf, bd0.highHalf), y + rowTo)
                    put(zip(ac1.lowHalf, bd1.lowHalf), y + 2 * rowTo)
                    put(zip(ac1.highHalf, bd1.highHalf), y + 3 * rowTo)
                }
            }
            for row in first..<end { for i in whole..<count { output[row * rowTo + i] = input[row + i * from] } }
            first = end
        }
        for row in wholeRows..<rows { for i in 0..<count { output[row * rowTo + i] = input[row + i * from] } }
    }

    @inline(__always)
    private static func quad(_ pointer: UnsafePointer<Float>) -> SIMD4<Float> {
        UnsafeRawPointer(pointer).loadUnaligned(as: SIMD4<Float>.self)
    }

    @inline(__always)
    private static func put(_ value: SIMD4<Float>, _ pointer: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: SIMD4<Float>.self)
    }

    @inline(__always)
    private static func zip(_ a: SIMD2<Float>, _ b: SIMD2<Float>) -> SIMD4<Float> { SIMD4(a[0], b[0], a[1], b[1]) }
}
