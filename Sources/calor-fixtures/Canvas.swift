import CalorBase
import CalorImage

/// A plane of floats that shapes are painted on, with soft edges one pixel wide.
///
/// Places are in units of the picture's height from the upper left corner, so a scene looks the same at every size.
struct Canvas {
    let size: Size
    private(set) var values: [Float]
    private let pixel: Float

    init(size: Size, background: (Float, Float) -> Float) {
        self.size = size
        let pixel = 1 / Float(size.height)
        self.pixel = pixel
        values = (0..<size.pixels).map { i in
            background((Float(i % size.width) + 0.5) * pixel, (Float(i / size.width) + 0.5) * pixel)
        }
    }

    /// Paints where `distance` (negative inside, in units of the height) says so, with what `value` gives for a place and for
    /// what is there already.
    mutating func paint(_ shape: Shape, value: (Float, Float, Float) -> Float) {
        let box = shape.bounds
        let left = max(Int((box.left / pixel).rounded(.down)) - 1, 0)
        let right = min(Int((box.right / pixel).rounded(.up)) + 1, size.width)
        let top = max(Int((box.top / pixel).rounded(.down)) - 1, 0)
        let bottom = min(Int((box.bottom / pixel).rounded(.up)) + 1, size.height)
        guard left < right, top < bottom else { return }
        for row in top..<bottom {
            for column in left..<right {
                let x = (Float(column) + 0.5) * pixel
                let y = (Float(row) + 0.5) * pixel
                let coverage = min(max(0.5 - shape.distance(x, y) / pixel, 0), 1)
                guard coverage > 0 else { continue }
                let i = row * size.width + column
                values[i] += coverage * (value(x, y, values[i]) - values[i])
            }
        }
    }

    mutating func paint(_ shape: Shape, _ value: Float) { paint(shape) { _, _, _ in value } }
}

/// Something to paint: a signed distance to its edge and the box that holds it.
struct Shape {
    var bounds: (left: Float, top: Float, right: Float, bottom: Float)
    var distance: (Float, Float) -> Float

    static func rectangle(_ left: Float, _ top: Float, _ right: Float, _ bottom: Float) -> Shape {
        Shape(bounds: (left, top, right, bottom)) { x, y in max(max(left - x, x - right), max(top - y, y - bottom)) }
    }

    static func disc(_ x: Float, _ y: Float, _ radius: Float) -> Shape { ellipse(x, y, radius, radius) }

    /// The distance is exact on the axes and close to it near the edge, which is where it counts.
    static func ellipse(_ cx: Float, _ cy: Float, _ rx: Float, _ ry: Float) -> Shape {
        Shape(bounds: (cx - rx, cy - ry, cx + rx, cy + ry)) { x, y in
            let dx = (x - cx) / rx
            let dy = (y - cy) / ry
            return ((dx * dx + dy * dy).squareRoot() - 1) * min(rx, ry)
        }
    }

    /// A line with round ends.
    static func line(_ x0: Float, _ y0: Float, _ x1: Float, _ y1: Float, width: Float) -> Shape {
        let half = width / 2
        return Shape(bounds: (min(x0, x1) - half, min(y0, y1) - half, max(x0, x1) + half, max(y0, y1) + half)) { x, y in
            let (dx, dy) = (x1 - x0, y1 - y0)
            let length = dx * dx + dy * dy
            let along = length > 0 ? min(max(((x - x0) * dx + (y - y0) * dy) / length, 0), 1) : 0
            let (ex, ey) = (x - x0 - along * dx, y - y0 - along * dy)
            return (ex * ex + ey * ey).squareRoot() - half
        }
    }
}

/// Smooth noise without direction: four octaves between random numbers on a grid.
struct Texture {
    /// One octave: random numbers at the corners of its cells.
    private struct Octave {
        let scale: Float
        let columns: Int
        let rows: Int
        let corners: [Float]
    }

    private let octaves: [Octave]

    /// - Parameters:
    ///   - cells: of the coarsest octave, per height of the picture.
    ///   - width, height: how far places reach; beyond, the last cell goes on.
    init(seed: UInt64, cells: Float, width: Float = 1.5, height: Float = 1.05) {
        let noise = CounterNoise(seed: seed)
        octaves = (0..<4).map { octave in
            let scale = cells * Float(1 << octave)
            let (columns, rows) = (Int(width * scale) + 2, Int(height * scale) + 2)
            var corners = [Float](repeating: 0, count: columns * rows)
            corners.withUnsafeMutableBufferPointer { corners in
                for row in 0..<rows {
                    let line = UnsafeMutableBufferPointer(rebasing: corners[row * columns..<(row + 1) * columns])
                    noise.fillUniform(line, x: 0, y: row, channel: octave)
                }
            }
            return Octave(scale: scale, columns: columns, rows: rows, corners: corners)
        }
    }

    /// From −1 to 1.
    func callAsFunction(_ x: Float, _ y: Float) -> Float {
        var sum: Float = 0
        var weight: Float = 1
        for octave in octaves {
            sum += weight * Self.mixed(octave, x * octave.scale, y * octave.scale)
            weight /= 2
        }
        return sum
    }

    private static func mixed(_ octave: Octave, _ x: Float, _ y: Float) -> Float {
        let left = min(max(Int(x), 0), octave.columns - 2)
        let top = min(max(Int(y), 0), octave.rows - 2)
        let (u, v) = (fade(x - Float(left)), fade(y - Float(top)))
        let i = top * octave.columns + left
        let corners = octave.corners
        let above = corners[i] + (corners[i + 1] - corners[i]) * u
        let below = corners[i + octave.columns] + (corners[i + octave.columns + 1] - corners[i + octave.columns]) * u
        return above + (below - above) * v - 0.5
    }

    private static func fade(_ t: Float) -> Float {
        let t = min(max(t, 0), 1)
        return t * t * (3 - 2 * t)
    }
}
