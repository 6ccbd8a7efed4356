import CalorBase
import CalorImage

/// Squares of a town as two cameras see them at once: one the warmth, the other the light. Some things show in both, some in one only,
/// and what is warm may be dark or bright. Each seed is another square.
struct PairScene {
    /// Where a camera looks: places of the scene are scaled around its middle, then shifted, in units of the picture's height.
    struct View {
        var scale: Float = 1
        var dx: Float = 0
        var dy: Float = 0

        /// The view of a camera whose picture of `size` shows the pixel (x, y) of the first camera's at scale · (x − middle) + middle +
        /// shift, as far as both have the same height.
        init(scale: Float = 1, shift: (x: Float, y: Float) = (0, 0), size: Size) {
            self.scale = scale
            dx = shift.x / Float(size.height)
            dy = shift.y / Float(size.height)
        }
    }

    /// What a thing is in kelvin and in red, green and blue; nil: it cannot be seen there.
    private struct Look {
        var kelvin: Float?
        var colour: SIMD3<Float>?
    }

    private enum Form {
        case rectangle(Float, Float, Float, Float)
        case ellipse(Float, Float, Float, Float)
        case line(Float, Float, Float, Float, Float)
    }

    /// Width of the scene in heights.
    private static let width: Float = 1.25

    private let seed: UInt64
    private var things: [(form: Form, look: Look)] = []

    init(seed: UInt64) {
        self.seed = seed
        let chance = CounterNoise(seed: seed, imageKey: CounterNoise.key(of: "pair scene"))
        func number(_ index: Int, _ kind: Int) -> Float { chance.uniform(x: index, y: kind) }
        func add(_ form: Form, _ kelvin: Float?, _ colour: SIMD3<Float>?) {
            things.append((form, Look(kelvin: kelvin, colour: colour)))
        }
        add(.rectangle(-2, 0.4, 4, 3), 285, SIMD3(0.42, 0.42, 0.4))
        for i in 0..<7 {
            let left = -0.3 + 0.27 * Float(i) + 0.06 * number(i, 0)
            let top = 0.1 + 0.2 * number(i, 1)
            let wall = SIMD3(number(i, 2), number(i, 3), number(i, 4)) * 0.5 + 0.25
            add(.rectangle(left, top, left + 0.23, 0.46), 276 + 9 * number(i, 5), wall)
            for row in 0..<3 {
                for column in 0..<3 where top + 0.04 + 0.09 * Float(row) < 0.38 {
                    let (x, y) = (left + 0.03 + 0.065 * Float(column), top + 0.04 + 0.09 * Float(row))
                    // Panes are cold and dark, or lit and warm.
                    let lit = number(i * 9 + row * 3 + column, 6) > 0.7
                    add(
                        .rectangle(x, y, x + 0.038, y + 0.055), lit ? 290 : 272,
                        lit ? SIMD3(0.95, 0.85, 0.5) : SIMD3(0.12, 0.15, 0.2))
                }
            }
            // Lettering that only light shows, and a leak that only warmth shows.
            add(.rectangle(left + 0.02, 0.405, left + 0.2, 0.43), nil, SIMD3(0.95, 0.95, 0.9))
            for letter in 0..<7 {
                let x = left + 0.03 + 0.024 * Float(letter)
                add(.line(x, 0.409, x + 0.012 * number(i * 7 + letter, 7), 0.426, 0.004), nil, SIMD3(0.1, 0.1, 0.3))
            }
            add(.ellipse(left + 0.19, 0.44, 0.012, 0.02), 296, nil)
        }
        for stone in 0..<9 {
            let y = 0.5 + 0.055 * Float(stone)
            add(.line(-2, y, 4, y + 0.03, 0.004), nil, SIMD3(0.3, 0.3, 0.3))
            add(.line(0.05 + 0.14 * Float(stone), 0.46, -0.4 + 0.24 * Float(stone), 1.1, 0.004), 283.5, SIMD3(0.32, 0.32, 0.33))
        }
        for i in 0..<9 {
            let (x, y) = (Self.width * (Float(i) + number(i, 8)) / 9, 0.55 + 0.33 * number(i, 9))
            let size = 0.5 + 0.9 * (y - 0.4)
            // People: warm, in dark or light coats.
            let coat = SIMD3(number(i, 10), number(i, 11), number(i, 12)) * 0.8
            add(.ellipse(x, y, 0.028 * size, 0.09 * size), 299 + 3 * number(i, 13), coat)
            add(.ellipse(x, y - 0.11 * size, 0.017 * size, 0.024 * size), 306, SIMD3(0.75, 0.58, 0.48))
            add(.line(x - 0.01, y + 0.08 * size, x - 0.02, y + 0.16 * size, 0.016 * size), 295, coat * 0.5)
            add(.line(x + 0.01, y + 0.08 * size, x + 0.02, y + 0.16 * size, 0.016 * size), 295, coat * 0.5)
        }
        for i in 0..<4 {
            let x = Self.width * (0.1 + 0.8 * (Float(i) + 0.6 * number(i, 14)) / 4)
            add(.line(x, 0.05, x, 0.56, 0.009), 280, SIMD3(0.15, 0.16, 0.17))
            add(.ellipse(x, 0.05, 0.02, 0.014), 312, SIMD3(1, 0.97, 0.85))
        }
    }

    /// Temperatures in kelvin.
    func kelvin(_ size: Size, _ view: View) -> [Float] {
        let air = Texture(seed: seed &+ 1, cells: 4)
        return painted(size, view, { x, y in 262 + 9 * y + 1.2 * air(x, y) }) { $0.kelvin }
    }

    /// Red, green and blue from 0 to 1.
    func colours(_ size: Size, _ view: View) -> [[Float]] {
        let plaster = Texture(seed: seed &+ 2, cells: 30)
        return (0..<3).map { channel in
            let sky = SIMD3<Float>(0.55, 0.68, 0.85)[channel]
            return painted(size, view, { x, y in sky - 0.1 * y + 0.02 * plaster(x, y) }) { $0.colour?[channel] }
                .map { min(max($0, 0), 1) }
        }
    }

    private func painted(
        _ size: Size, _ view: View, _ background: (Float, Float) -> Float, _ value: (Look) -> Float?
    ) -> [Float] {
        var canvas = Canvas(size: size, background: background)
        let middle = (x: Float(size.width) / Float(size.height) / 2, y: Float(0.5))
        func at(_ x: Float, _ y: Float) -> (Float, Float) {
            (middle.x + view.scale * (x - middle.x) + view.dx, middle.y + view.scale * (y - middle.y) + view.dy)
        }
        for thing in things {
            guard let value = value(thing.look) else { continue }
            switch thing.form {
            case .rectangle(let left, let top, let right, let bottom):
                let (a, b) = (at(left, top), at(right, bottom))
                canvas.paint(.rectangle(a.0, a.1, b.0, b.1), value)
            case .ellipse(let x, let y, let rx, let ry):
                let centre = at(x, y)
                canvas.paint(.ellipse(centre.0, centre.1, rx * view.scale, ry * view.scale), value)
            case .line(let x0, let y0, let x1, let y1, let width):
                let (a, b) = (at(x0, y0), at(x1, y1))
                canvas.paint(.line(a.0, a.1, b.0, b.1, width: width * view.scale), value)
            }
        }
        return canvas.values
    }
}
