import CalorBase
import CalorImage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Holds a picture to the edges and textures of another one, strongly where that one is flat: L = mean(W · Σ_f |φ_f(x) − φ_f(base)|²).
///
/// The features φ are eleven fixed filters: Sobel in both directions, Laplacian, and Gabor filters of four directions at two scales, each
/// with a sum of absolute weights of 1. They are linear, so the loss depends on x − base alone and its gradient is two passes of
/// filters. W = 1 − tanh(Sobel magnitude of the base in a 2×2 block): what is flat stays flat, edges are free.
///
/// *Precision*: double; samples beyond the border count as no difference.
/// *Source*: the mask is that of DiffBIR's guidance (repository XPixelGroup/DiffBIR).
public struct FeatureBank: Sendable {
    struct Filter: Sendable {
        var radius: Int
        /// Row by row, (2 · radius + 1)².
        var weights: [Double]
    }

    static let filters: [Filter] = {
        let sobel: [Double] = [-1, 0, 1, -2, 0, 2, -1, 0, 1]
        let turned = (0..<9).map { sobel[$0 % 3 * 3 + $0 / 3] }
        var list = [sobel, turned, [0, 1, 0, 1, -4, 1, 0, 1, 0]].map { Filter(radius: 1, weights: $0) }
        for (radius, wavelength) in [(2, 3.0), (3, 5.0)] {
            for direction in 0..<4 {
                list.append(gabor(radius: radius, wavelength: wavelength, angle: Double(direction) * .pi / 4))
            }
        }
        return list.map { filter in
            let sum = filter.weights.reduce(0) { $0 + abs($1) }
            return Filter(radius: filter.radius, weights: filter.weights.map { $0 / sum })
        }
    }()

    /// An odd Gabor filter has no response to flat areas by symmetry.
    private static func gabor(radius: Int, wavelength: Double, angle: Double) -> Filter {
        let side = 2 * radius + 1
        let sigma = wavelength / 2
        return Filter(
            radius: radius,
            weights: (0..<side * side).map { i in
                let (x, y) = (Double(i % side - radius), Double(i / side - radius))
                let along = x * cos(angle) + y * sin(angle)
                return exp(-(x * x + y * y) / (2 * sigma * sigma)) * sin(2 * .pi * along / wavelength)
            })
    }

    let size: Size
    private let base: [Double]
    /// W, divided by the number of samples.
    private let mask: [Double]

    /// *Units*: `base` is in 0...1 for full scale.
    public init(base: [Double], size: Size) {
        self.size = size
        self.base = base
        let (width, height) = (size.width, size.height)
        var magnitude = [Double](repeating: 0, count: base.count)
        for y in 0..<height {
            for x in 0..<width {
                func at(_ dx: Int, _ dy: Int) -> Double {
                    base[min(max(y + dy, 0), height - 1) * width + min(max(x + dx, 0), width - 1)]
                }
                let gx = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1)
                let gy = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1)
                // The source works on pictures in −1...1.
                magnitude[y * width + x] = 2 * (gx * gx + gy * gy).squareRoot()
            }
        }
        let count = Double(base.count)
        mask = (0..<base.count).map { i in
            let (x, y) = (i % width, i / width)
            let (right, below) = (min(x + 1, width - 1), min(y + 1, height - 1))
            let block =
                magnitude[i] + magnitude[y * width + right] + magnitude[below * width + x] + magnitude[below * width + right]
            return (1 - tanh(block)) / count
        }
    }

    public func value(_ x: [Double], pool: WorkerPool? = nil) -> Double { evaluate(x, pool: pool, wantsGradient: false).value }

    public func gradient(_ x: [Double], pool: WorkerPool? = nil) -> (value: Double, gradient: [Double]) {
        evaluate(x, pool: pool, wantsGradient: true)
    }

    private func evaluate(_ x: [Double], pool: WorkerPool?, wantsGradient: Bool) -> (value: Double, gradient: [Double]) {
        let difference = zip(x, base).map { $0 - $1 }
        var gradient = [Double](repeating: 0, count: wantsGradient ? x.count : 0)
        var value = 0.0
        for filter in Self.filters {
            var response = correlated(difference, filter, isAdjoint: false, pool: pool)
            for i in response.indices {
                let r = response[i]
                response[i] = mask[i] * r
                value += response[i] * r
            }
            guard wantsGradient else { continue }
            let back = correlated(response, filter, isAdjoint: true, pool: pool)
            for i in gradient.indices { gradient[i] += 2 * back[i] }
        }
        return (value, gradient)
    }

    /// Σ w(u, v) x(i + u, j + v), or its adjoint with the filter turned around; zero beyond the border.
    private func correlated(_ x: [Double], _ filter: Filter, isAdjoint: Bool, pool: WorkerPool?) -> [Double] {
        let (width, height) = (size.width, size.height)
        let (radius, side) = (filter.radius, 2 * filter.radius + 1)
        let weights = isAdjoint ? filter.weights.reversed() : filter.weights
        var result = [Double](repeating: 0, count: x.count)
        result.withUnsafeMutableBufferPointer { out in
            // SAFETY: each part writes one row of its own.
            nonisolated(unsafe) let base = out.baseAddress!
            let row: @Sendable (Int) -> Void = { y in
                let rows = max(-radius, -y)...min(radius, height - 1 - y)
                x.withUnsafeBufferPointer { x in
                    weights.withUnsafeBufferPointer { weights in
                        guard let source = x.baseAddress else { return }
                        let to = base + y &* width
                        func sum(_ i: Int) -> Double {
                            var sum = 0.0
                            for v in rows {
                                for u in max(-radius, -i)...min(radius, width - 1 - i) {
                                    sum += weights[(v &+ radius) &* side &+ u &+ radius] * source[(y &+ v) &* width &+ i &+ u]
                                }
                            }
                            return sum
                        }
                        // Eight sums at a time stay in registers while the filter passes.
                        var i = 0
                        while i < min(radius, width) {
                            to[i] = sum(i)
                            i += 1
                        }
                        while i + 8 + radius <= width {
                            var sums = SIMD8<Double>.zero
                            for v in rows {
                                let line = UnsafeRawPointer(source + ((y &+ v) &* width &+ i &- radius))
                                let taps = weights.baseAddress! + (v &+ radius) &* side
                                for u in 0..<side {
                                    sums += taps[u] * line.loadUnaligned(fromByteOffset: 8 &* u, as: SIMD8<Double>.self)
                                }
                            }
                            UnsafeMutableRawPointer(to + i).storeBytes(of: sums, as: SIMD8<Double>.self)
                            i += 8
                        }
                        while i < width {
                            to[i] = sum(i)
                            i += 1
                        }
                    }
                }
            }
            if let pool { pool.parallel(height, row) } else { for y in 0..<height { row(y) } }
        }
        return result
    }
}
