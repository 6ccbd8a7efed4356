import CalorBase
import CalorImage

// Goals, in order: the same samples for any number of threads (every pixel is a sum of its own); 16 bits stay 16 bits; speed.

/// How samples between samples are found.
public enum WarpFilter: String, Sendable, CaseIterable {
    case bilinear
    /// Cubic convolution with a = −0.5. *Source*: R. Keys, 1981.
    case bicubic
}

/// What stands where the moving picture does not reach.
public enum WarpBorder: String, Sendable, CaseIterable {
    /// Its edge goes on.
    case edge
    /// Zero: black, and transparent where there is alpha.
    case black
}

extension Image {
    /// The picture on another grid: the pixel (x, y) of the result is the place `map(x, y)` of this one.
    ///
    /// Colour is weighted with alpha, as in `resampled`. *Precision*: f32 sums, integers rounded once and clamped.
    public func warped(
        by map: AffineMap, to target: Size, filter: WarpFilter = .bicubic, border: WarpBorder = .edge, pool: WorkerPool? = nil
    ) -> Image {
        precondition(size.pixels > 0, "an empty picture cannot be warped")
        let opacity = alpha?.floats()
        var planes = colourPlanes.map { plane -> [Float] in
            guard let opacity else { return plane.floats() }
            return zip(plane.floats(), opacity).map { $0 * $1 }
        }
        if let opacity { planes.append(opacity) }
        let sources = planes
        let size = size
        var result = rowsInParallel(target.height, pool: pool, planes: planes.count, width: target.width) { y, rows in
            for x in 0..<target.width {
                let (sx, sy) = map(Double(x), Double(y))
                // Half a pixel beyond the centres of the outermost pixels, the picture ends.
                let inside =
                    sx >= -0.5 && sx <= Double(size.width) - 0.5 && sy >= -0.5 && sy <= Double(size.height) - 0.5
                guard inside || border == .edge else { continue }
                let taps = Taps(sx, sy, size, filter)
                for k in sources.indices { rows[k][x] = taps.sum(sources[k], size.width) }
            }
        }
        if opacity != nil, let last = result.popLast() {
            for k in result.indices { for i in last.indices { result[k][i] = last[i] > 0 ? result[k][i] / last[i] : 0 } }
            result.append(last)
        }
        return replacing(planes: result.map { Plane(size: target, floats: $0, format: format) })
    }
}

/// The neighbours of one place and their weights.
private struct Taps {
    private var columns = SIMD4<Int32>()
    private var rows = SIMD4<Int32>()
    private var across = SIMD4<Float>()
    private var down = SIMD4<Float>()

    init(_ x: Double, _ y: Double, _ size: Size, _ filter: WarpFilter) {
        (columns, across) = Self.axis(x, size.width, filter)
        (rows, down) = Self.axis(y, size.height, filter)
    }

    private static func axis(_ place: Double, _ count: Int, _ filter: WarpFilter) -> (SIMD4<Int32>, SIMD4<Float>) {
        let place = min(max(place, 0), Double(count - 1))
        let low = Int32(place.rounded(.down))
        let t = Float(place - Double(low))
        let places = (SIMD4<Int32>(-1, 0, 1, 2) &+ low).clamped(
            lowerBound: SIMD4(repeating: 0), upperBound: SIMD4(repeating: Int32(count - 1)))
        switch filter {
        case .bilinear: return (places, SIMD4(0, 1 - t, t, 0))
        case .bicubic:
            let (s, u) = (1 - t, t)
            return (
                places,
                SIMD4(
                    -0.5 * u * s * s, 1 + u * u * (1.5 * u - 2.5), 1 + s * s * (1.5 * s - 2.5), -0.5 * s * u * u)
            )
        }
    }

    func sum(_ plane: [Float], _ width: Int) -> Float {
        plane.withUnsafeBufferPointer { plane in
            var sum: Float = 0
            for j in 0..<4 where down[j] != 0 {
                let row = Int(rows[j]) * width
                var part: Float = 0
                for i in 0..<4 where across[i] != 0 { part += across[i] * plane[row + Int(columns[i])] }
                sum += down[j] * part
            }
            return sum
        }
    }
}
