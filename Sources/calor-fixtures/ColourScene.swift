import CalorBase
import CalorImage

/// Still lifes in colour: a lit wall with a shelf, balls, boxes with stripes and checks, leaves and lettering. Each seed is another.
struct ColourScene {
    typealias Colour = SIMD3<Float>

    let seed: UInt64
    private let chance: CounterNoise

    init(seed: UInt64) {
        self.seed = seed
        chance = CounterNoise(seed: seed, imageKey: CounterNoise.key(of: "colour scene"))
    }

    /// Red, green and blue from 0 to 1.
    func planes(size: Size) -> [[Float]] { (0..<3).map { plane(size: size, channel: $0) } }

    private func number(_ index: Int, _ kind: Int = 0) -> Float { chance.uniform(x: index, y: kind) }

    /// A colour of the scene: strong, with one channel ahead of the others.
    private func colour(_ index: Int) -> Colour {
        var result = Colour(number(index, 20), number(index, 21), number(index, 22)) * 0.55 + 0.15
        result[Int(number(index, 23) * 3) % 3] += 0.3
        return result
    }

    private func plane(size: Size, channel: Int) -> [Float] {
        let width = Float(size.width) / Float(size.height)
        let plaster = Texture(seed: seed &+ 1, cells: 14)
        let wood = Texture(seed: seed &+ 2, cells: 6, width: 0.7, height: 7.2)
        let wall = Colour(0.82, 0.78, 0.7)[channel] * (0.8 + 0.2 * number(1))
        var canvas = Canvas(size: size) { x, y in wall * (1.05 - 0.35 * x / width - 0.2 * y) + 0.025 * plaster(x, y) }
        let shelf: Float = 0.72
        let grain = Colour(0.55, 0.36, 0.2)[channel]
        canvas.paint(.rectangle(-1, shelf, width + 1, 1.1)) { x, y, _ in
            grain * (0.9 + 0.2 * wood(x * 0.4, y * 7) - 0.5 * (y - shelf))
        }
        canvas.paint(.rectangle(-1, shelf, width + 1, shelf + 0.012), grain * 1.3)
        paintFrame(&canvas, width: width, channel: channel)
        for i in 0..<4 { paintBox(&canvas, i, width: width, shelf: shelf, channel: channel) }
        for i in 0..<5 { paintBall(&canvas, i, width: width, shelf: shelf, channel: channel) }
        paintPlant(&canvas, width: width, shelf: shelf, channel: channel)
        return canvas.values.map { min(max($0, 0), 1) }
    }

    /// A picture frame with rows of lettering: strokes on a grid, thinner in each row.
    private func paintFrame(_ canvas: inout Canvas, width: Float, channel: Int) {
        let left = width * (0.08 + 0.4 * number(2))
        canvas.paint(.rectangle(left, 0.08, left + 0.5, 0.42), colour(90)[channel] * 0.5)
        canvas.paint(.rectangle(left + 0.015, 0.095, left + 0.485, 0.405), 0.94)
        var y: Float = 0.13
        for row in 0..<5 {
            let height = 0.05 - 0.007 * Float(row)
            var x = left + 0.04
            var letter = row * 40
            while x < left + 0.45 - height {
                for stroke in 0..<3 {
                    let (a, b) = (number(letter, 30 + stroke), number(letter, 40 + stroke))
                    func corner(_ t: Float) -> (Float, Float) {
                        let step = Int(t * 6)
                        return (x + Float(step % 2) * height * 0.55, y + Float(step / 2) * height / 2)
                    }
                    let (from, to) = (corner(a), corner(b))
                    canvas.paint(.line(from.0, from.1, to.0, to.1, width: height * 0.14), Colour(0.1, 0.1, 0.25)[channel])
                }
                x += height * 0.85
                letter += 1
            }
            y += height * 1.35
        }
    }

    private func paintBox(_ canvas: inout Canvas, _ i: Int, width: Float, shelf: Float, channel: Int) {
        let left = width * (Float(i) + 0.5 * number(i, 1)) / 4
        let (side, height) = (0.12 + 0.1 * number(i, 2), 0.12 + 0.18 * number(i, 3))
        let (first, second) = (colour(i * 2)[channel], colour(i * 2 + 1)[channel])
        let period = 14 + 50 * number(i, 4)
        let kind = i % 3
        canvas.paint(.rectangle(left, shelf - height, left + side, shelf + 0.04)) { x, y, _ in
            let (u, v) = ((x - left) * period, (y - shelf) * period)
            let odd: Bool =
                switch kind {
                case 0: Int(u.rounded(.down)) & 1 == 1
                case 1: (Int(u.rounded(.down)) + Int(v.rounded(.down))) & 1 == 1
                default: Int((u + v).rounded(.down)) & 1 == 1
                }
            return (odd ? first : second) * (1 - 0.3 * (x - left) / side)
        }
        canvas.paint(.rectangle(left + side, shelf - height + 0.01, left + side + 0.02, shelf + 0.04)) { _, _, old in old * 0.55 }
    }

    private func paintBall(_ canvas: inout Canvas, _ i: Int, width: Float, shelf: Float, channel: Int) {
        let radius = 0.04 + 0.06 * number(i, 5)
        let x = width * (Float(i) + 0.9 * number(i, 6)) / 5
        let y = shelf + 0.14 + 0.1 * number(i, 7) - radius
        let base = colour(30 + i)[channel]
        canvas.paint(.ellipse(x + radius * 0.35, y + radius * 0.95, radius * 1.1, radius * 0.25)) { _, _, old in old * 0.6 }
        canvas.paint(.disc(x, y, radius)) { px, py, _ in
            let (dx, dy) = ((px - x) / radius, (py - y) / radius)
            let depth = max(1 - dx * dx - dy * dy, 0).squareRoot()
            let light = max(-0.5 * dx - 0.6 * dy + 0.62 * depth, 0)
            let highlight = max(light - 0.93, 0) * 9
            return base * (0.25 + 0.8 * light) + highlight * (1 - base)
        }
    }

    private func paintPlant(_ canvas: inout Canvas, width: Float, shelf: Float, channel: Int) {
        let x = width * (0.75 + 0.15 * number(3))
        let green = Colour(0.16, 0.5, 0.14)
        for leaf in 0..<26 {
            let (side, up) = (number(leaf, 8) - 0.5, number(leaf, 9))
            let tip = (x + side * 0.42, shelf - 0.1 - 0.36 * up)
            let shade = 0.6 + 0.8 * number(leaf, 10)
            canvas.paint(.line(x + side * 0.06, shelf - 0.07, tip.0, tip.1, width: 0.006), green[channel] * 0.8)
            canvas.paint(.ellipse(tip.0, tip.1, 0.016 + 0.014 * up, 0.03), green[channel] * shade)
        }
        canvas.paint(.rectangle(x - 0.06, shelf - 0.08, x + 0.06, shelf + 0.03), Colour(0.7, 0.33, 0.2)[channel])
        canvas.paint(.rectangle(x - 0.07, shelf - 0.09, x + 0.07, shelf - 0.07), Colour(0.78, 0.4, 0.25)[channel])
    }
}
