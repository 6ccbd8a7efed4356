import CalorBase
import CalorImage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Goals, in order: the same bits for every number of threads (tiles are summed in their order); the same numbers for pictures of
// every size and shape; speed (transforms of a power of two only).

/// The tiles of a picture over which its power spectrum is averaged: square, half overlapping, under a separable Hann window.
///
/// A picture smaller than a tile gets one tile whose window is as long as the picture and which is filled up with zeros.
///
/// *Source*: P. Welch, 1967.
struct WelchTiles: Sendable {
    let size: Size
    /// Length of the transform, a power of two.
    let side: Int
    let columns: [Int]
    let rows: [Int]
    let horizontal: [Double]
    let vertical: [Double]
    private let transform: SquareTransform

    init(size: Size, side: Int) {
        self.size = size
        self.side = side
        columns = Self.starts(size.width, side)
        rows = Self.starts(size.height, side)
        horizontal = Self.hann(min(size.width, side))
        vertical = Self.hann(min(size.height, side))
        transform = SquareTransform(side: side)
    }

    var count: Int { columns.count * rows.count }
    var window: Size { Size(width: horizontal.count, height: vertical.count) }
    /// Σ w², by which power is divided so that white noise of variance v has power v.
    var energy: Double { horizontal.reduce(0) { $0 + $1 * $1 } * vertical.reduce(0) { $0 + $1 * $1 } }

    func origin(_ tile: Int) -> (x: Int, y: Int) { (columns[tile % columns.count], rows[tile / columns.count]) }

    /// The transform of a tile plus i times that of another one, both without their mean, under the window; rows and columns
    /// exchanged.
    ///
    /// Tiles are real, so that the sum of |·|² over a set of places that holds −k with every k is that of both tiles.
    func spectrum(of tile: Int, and other: Int?, in x: UnsafeBufferPointer<Double>) -> (real: [Double], imaginary: [Double]) {
        var real = windowed(tile, in: x)
        var imaginary = other.map { windowed($0, in: x) } ?? [Double](repeating: 0, count: side * side)
        transform.transform(&real, &imaginary)
        return (real, imaginary)
    }

    private func windowed(_ tile: Int, in x: UnsafeBufferPointer<Double>) -> [Double] {
        let at = origin(tile)
        let (width, height) = (horizontal.count, vertical.count)
        var mean = 0.0
        for v in 0..<height {
            let from = (at.y + v) * size.width + at.x
            for u in 0..<width { mean += x[from + u] }
        }
        mean /= Double(width * height)
        return [Double](unsafeUninitializedCapacity: side * side) { values, count in
            horizontal.withUnsafeBufferPointer { horizontal in
                for v in 0..<height {
                    let from = (at.y + v) * size.width + at.x
                    let weight = vertical[v]
                    for u in 0..<width { values[v &* side &+ u] = (x[from &+ u] - mean) * horizontal[u] * weight }
                    for u in width..<side { values[v &* side &+ u] = 0 }
                }
            }
            for i in height * side..<side * side { values[i] = 0 }
            count = side * side
        }
    }

    /// The gradients with respect to the samples of two tiles of a sum of functions of |X|², whose derivatives with respect to |X_k|²
    /// are in `factors`, the same for k and −k. `real` and `imaginary` are what `spectrum` gives, and are used up.
    func gradients(
        real: inout [Double], imaginary: inout [Double], factors: [Double]
    ) -> (first: [Double], second: [Double]) {
        // 2 Re Σ_k c_k X_k exp(+iωkj): an inverse transform without its 1/N, by the forward one of the conjugate.
        real.withUnsafeMutableBufferPointer { re in
            imaginary.withUnsafeMutableBufferPointer { im in
                factors.withUnsafeBufferPointer { factors in
                    for i in 0..<re.count {
                        re[i] *= factors[i]
                        im[i] *= -factors[i]
                    }
                }
            }
        }
        transform.transform(&real, &imaginary)
        return (unwindowed(real, gain: 2), unwindowed(imaginary, gain: -2))
    }

    private func unwindowed(_ values: [Double], gain: Double) -> [Double] {
        let (width, height) = (horizontal.count, vertical.count)
        var result = [Double](repeating: 0, count: width * height)
        var mean = 0.0
        for v in 0..<height {
            for u in 0..<width {
                let g = gain * values[v * side + u] * horizontal[u] * vertical[v]
                result[v * width + u] = g
                mean += g
            }
        }
        // The mean was taken away before the window; so is that of the gradient.
        mean /= Double(width * height)
        for i in result.indices { result[i] -= mean }
        return result
    }

    /// The radial frequency of each place of a transform, in bands of 1/(2 · bands) cycles per sample; `bands` beyond the circle.
    func bandMap(bands: Int) -> [Int] {
        (0..<side * side).map { i in
            let fx = Double(min(i % side, side - i % side)) / Double(side)
            let fy = Double(min(i / side, side - i / side)) / Double(side)
            return min(Int((fx * fx + fy * fy).squareRoot() * 2 * Double(bands)), bands)
        }
    }

    private static func starts(_ length: Int, _ side: Int) -> [Int] {
        guard length > side else { return [0] }
        var starts = Array(stride(from: 0, to: length - side, by: side / 2))
        starts.append(length - side)
        return starts
    }

    private static func hann(_ count: Int) -> [Double] {
        (0..<count).map { 0.5 - 0.5 * cos(2 * .pi * (Double($0) + 0.5) / Double(count)) }
    }
}
