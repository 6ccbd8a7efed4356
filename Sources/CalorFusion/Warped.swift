import CalorBase
import CalorImage

/// An edge field seen through a map, on the grid of another one.
struct Warped {
    let size: Size
    let channels: [[Float]]
    /// Columns of each row that the moving picture covers, without the outermost pixels.
    let covered: [Range<Int>]
    private let pool: WorkerPool?

    init(_ moving: EdgeField, by map: AffineMap, onto fixed: EdgeField, pool: WorkerPool?) {
        size = fixed.size
        self.pool = pool
        let (width, height) = (size.width, size.height)
        covered = (0..<height).map { y in
            guard y >= 1, y < height - 1 else { return 0..<0 }
            return Self.covered(y, width: width, map, moving.size)
        }
        let target = covered
        channels = rowsInParallel(height, pool: pool, planes: EdgeField.directions, width: width) { y, out in
            // One column more on both sides than is summed: gradients reach there.
            let columns = target[y].isEmpty ? 0..<width : max(target[y].lowerBound - 1, 0)..<min(target[y].upperBound + 1, width)
            Self.warpRow(y, columns: columns, moving, map, out)
        }
    }

    /// The columns of row `y` whose source lies inside a picture of `size`, one pixel away from its border.
    private static func covered(_ y: Int, width: Int, _ map: AffineMap, _ size: Size) -> Range<Int> {
        func isInside(_ x: Int) -> Bool {
            let (sx, sy) = map(Double(x), Double(y))
            return sx >= 1 && sx <= Double(size.width - 2) && sy >= 1 && sy <= Double(size.height - 2)
        }
        // The source of a row is a straight line, and the picture is convex: what is inside is one run.
        guard let first = (1..<max(width - 1, 1)).first(where: isInside), let last = (first..<width - 1).last(where: isInside)
        else {
            return 0..<0
        }
        return first..<last + 1
    }

    private static func warpRow(
        _ y: Int, columns: Range<Int>, _ field: EdgeField, _ map: AffineMap, _ out: [UnsafeMutableBufferPointer<Float>]
    ) {
        let (width, height) = (field.size.width, field.size.height)
        for x in columns {
            let (sx, sy) = map(Double(x), Double(y))
            let cx = Float(min(max(sx, 0), Double(width - 1)))
            let cy = Float(min(max(sy, 0), Double(height - 1)))
            let left = min(Int(cx), max(width - 2, 0))
            let top = min(Int(cy), max(height - 2, 0))
            let (u, v) = (cx - Float(left), cy - Float(top))
            let i = top * width + left
            let right = width > 1 ? 1 : 0
            let below = height > 1 ? width : 0
            for k in 0..<EdgeField.directions {
                field.channels[k].withUnsafeBufferPointer { s in
                    let upper = s[i] + (s[i + right] - s[i]) * u
                    let lower = s[i + below] + (s[i + below + right] - s[i + below]) * u
                    out[k][x] = upper + (lower - upper) * v
                }
            }
        }
    }

    // MARK: - Sums

    func sums(_ fixed: EdgeField) -> Sums {
        let rows = inParallel(size.height, pool: pool) { y in rowSums(y, fixed) }
        return rows.reduce(into: Sums()) { total, row in
            total.count += row.count
            total.pixels += row.pixels
            total.fixedSquare += row.fixedSquare
            total.movingSquare += row.movingSquare
            total.product += row.product
            for k in total.fixed.indices {
                total.fixed[k] += row.fixed[k]
                total.moving[k] += row.moving[k]
            }
        }
    }

    private func rowSums(_ y: Int, _ fixed: EdgeField) -> Sums {
        var sums = Sums()
        sums.count = covered[y].count
        sums.pixels = size.width
        let range = y * size.width + covered[y].lowerBound..<y * size.width + covered[y].upperBound
        for k in channels.indices {
            var (f, g, ff, gg, fg) = (Float(0), Float(0), Float(0), Float(0), Float(0))
            fixed.channels[k].withUnsafeBufferPointer { a in
                channels[k].withUnsafeBufferPointer { b in
                    for i in range {
                        f += a[i]
                        g += b[i]
                        ff += a[i] * a[i]
                        gg += b[i] * b[i]
                        fg += a[i] * b[i]
                    }
                }
            }
            sums.fixed[k] = Double(f)
            sums.moving[k] = Double(g)
            sums.fixedSquare += Double(ff)
            sums.movingSquare += Double(gg)
            sums.product += Double(fg)
        }
        return sums
    }

    /// The matrix and right side of Gauss–Newton for [a, b, c, d, e, f] with x + (a u + b v) + e, y + (c u + d v) + f, where (u, v) is
    /// the place relative to `centre` in `unit`s.
    func normalEquations(
        _ fixed: EdgeField, _ sums: Sums, centre: (x: Float, y: Float), unit: Float
    ) -> (matrix: [[Double]], right: [Double]) {
        let gain = Float(1 / sums.gain)
        let count = Double(max(sums.count, 1))
        let fixedMeans = sums.fixed.map { Float($0 / count) }
        let movingMeans = sums.moving.map { Float($0 / count) }
        let rows = inParallel(size.height, pool: pool) { y -> [Double] in
            rowTerms(y, fixed, gain: gain, fixedMeans, movingMeans, centre: centre, unit: unit)
        }
        var total = [Double](repeating: 0, count: 24)
        for row in rows { for i in row.indices { total[i] += row[i] } }
        // Per pair of gradients: uu, uv, vv, u, v, 1.
        func block(_ s: Int) -> [[Double]] {
            let t = Array(total[s * 6..<s * 6 + 6])
            return [[t[0], t[1], t[3]], [t[1], t[2], t[4]], [t[3], t[4], t[5]]]
        }
        let (xx, xy, yy) = (block(0), block(1), block(2))
        // Places of the x and the y group in [a, b, c, d, e, f].
        let (gx, gy) = ([0, 1, 4], [2, 3, 5])
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: 6), count: 6)
        var right = [Double](repeating: 0, count: 6)
        for i in 0..<3 {
            for j in 0..<3 {
                matrix[gx[i]][gx[j]] = xx[i][j]
                matrix[gx[i]][gy[j]] = xy[i][j]
                matrix[gy[i]][gx[j]] = xy[i][j]
                matrix[gy[i]][gy[j]] = yy[i][j]
            }
            right[gx[i]] = total[18 + i]
            right[gy[i]] = total[21 + i]
        }
        return (matrix, right)
    }

    private func rowTerms(
        _ y: Int, _ fixed: EdgeField, gain: Float, _ fixedMeans: [Float], _ movingMeans: [Float], centre: (x: Float, y: Float),
        unit: Float
    ) -> [Double] {
        let columns = covered[y]
        guard !columns.isEmpty else { return [] }
        let width = size.width
        // For each pixel, over all channels: gx gx, gx gy, gy gy, gx r, gy r.
        var terms = [[Float]](repeating: [Float](repeating: 0, count: columns.count), count: 5)
        for k in channels.indices {
            let (mf, mg) = (fixedMeans[k], movingMeans[k])
            fixed.channels[k].withUnsafeBufferPointer { a in
                channels[k].withUnsafeBufferPointer { b in
                    for (n, x) in columns.enumerated() {
                        let i = y * width + x
                        let dx = (b[i + 1] - b[i - 1]) / 2
                        let dy = (b[i + width] - b[i - width]) / 2
                        let r = (a[i] - mf) * gain - (b[i] - mg)
                        terms[0][n] += dx * dx
                        terms[1][n] += dx * dy
                        terms[2][n] += dy * dy
                        terms[3][n] += dx * r
                        terms[4][n] += dy * r
                    }
                }
            }
        }
        var total = [Double](repeating: 0, count: 24)
        let v = Double((Float(y) - centre.y) / unit)
        for (n, x) in columns.enumerated() {
            let u = Double((Float(x) - centre.x) / unit)
            for s in 0..<3 {
                let value = Double(terms[s][n])
                total[s * 6] += value * u * u
                total[s * 6 + 1] += value * u * v
                total[s * 6 + 2] += value * v * v
                total[s * 6 + 3] += value * u
                total[s * 6 + 4] += value * v
                total[s * 6 + 5] += value
            }
            for s in 0..<2 {
                let value = Double(terms[3 + s][n])
                total[18 + 3 * s] += value * u
                total[19 + 3 * s] += value * v
                total[20 + 3 * s] += value
            }
        }
        return total
    }
}
