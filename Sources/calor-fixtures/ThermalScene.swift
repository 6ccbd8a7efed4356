import CalorBase
import CalorImage

/// Streets as an infrared camera sees them: a cold sky, facades with leaking windows, a road, people, cars with hot wheels, poles,
/// wires, a fence and trees. Each seed is another street.
struct ThermalScene {
    let seed: UInt64
    private let chance: CounterNoise

    init(seed: UInt64) {
        self.seed = seed
        chance = CounterNoise(seed: seed, imageKey: CounterNoise.key(of: "thermal scene"))
    }

    /// Temperatures in kelvin: 262 (sky) to about 330 (exhausts).
    func kelvin(size: Size) -> [Float] {
        let sky = Texture(seed: seed &+ 1, cells: 3)
        var canvas = Canvas(size: size) { x, y in 262 + 10 * y + 1.5 * sky(x, y) }
        let width = Float(size.width) / Float(size.height)
        let horizon = 0.42 + 0.1 * number(0)
        paintFacades(&canvas, width: width, horizon: horizon)
        paintRoad(&canvas, width: width, horizon: horizon)
        paintTrees(&canvas, width: width, horizon: horizon)
        paintFence(&canvas, width: width, horizon: horizon)
        for i in 0..<3 { paintCar(&canvas, i, width: width, horizon: horizon) }
        for i in 0..<6 { paintPerson(&canvas, i, width: width, horizon: horizon) }
        paintPolesAndWires(&canvas, width: width, horizon: horizon)
        return canvas.values
    }

    /// The `index`-th number from 0 to 1 of this scene.
    private func number(_ index: Int, _ kind: Int = 0) -> Float { chance.uniform(x: index, y: kind) }

    private func paintFacades(_ canvas: inout Canvas, width: Float, horizon: Float) {
        var left: Float = -0.1
        var house = 0
        while left < width {
            let right = left + 0.25 + 0.25 * number(house, 1)
            let top = horizon - 0.12 - 0.26 * number(house, 2)
            let wall = 277 + 8 * number(house, 3)
            let bricks = Texture(seed: seed &+ UInt64(100 + house), cells: 24)
            canvas.paint(.rectangle(left, top, right - 0.01, horizon + 0.02)) { x, y, _ in
                // Courses of bricks: joints let a little heat through.
                let row = y * 90
                let joint: Float = row - row.rounded(.down) < 0.2 ? 0.6 : 0
                return wall + 0.8 * bricks(x, y) + joint + 2 * (y - top)
            }
            canvas.paint(.rectangle(left - 0.008, top - 0.012, right, top), wall - 5)
            paintWindows(&canvas, house: house, left: left, right: right, top: top, bottom: horizon, wall: wall)
            left = right
            house += 1
        }
    }

    private func paintWindows(
        _ canvas: inout Canvas, house: Int, left: Float, right: Float, top: Float, bottom: Float, wall: Float
    ) {
        var y = top + 0.035
        var index = 0
        while y < bottom - 0.07 {
            var x = left + 0.03
            while x < right - 0.06 {
                let warm = number(house * 64 + index, 4)
                let pane = warm > 0.7 ? wall + 9 * warm : wall - 4
                canvas.paint(.rectangle(x, y, x + 0.032, y + 0.05), wall + 2.5)
                canvas.paint(.rectangle(x + 0.004, y + 0.004, x + 0.028, y + 0.046), pane)
                canvas.paint(.line(x + 0.016, y + 0.004, x + 0.016, y + 0.046, width: 0.003), wall + 2)
                x += 0.058
                index += 1
            }
            y += 0.078
        }
    }

    private func paintRoad(_ canvas: inout Canvas, width: Float, horizon: Float) {
        let asphalt = Texture(seed: seed &+ 2, cells: 40)
        let patches = Texture(seed: seed &+ 3, cells: 5)
        canvas.paint(.rectangle(-1, horizon, width + 1, 1.1)) { x, y, _ in
            281 + 6 * (y - horizon) + 0.6 * asphalt(x, y) + 1.6 * patches(x, y)
        }
        canvas.paint(.rectangle(-1, horizon + 0.03, width + 1, horizon + 0.045), 284.5)
        let vanishing = width * (0.3 + 0.4 * number(1))
        for i in 0..<9 {
            let (near, far) = (1 - 0.09 * Float(i), 1 - 0.09 * Float(i) - 0.045)
            guard far > horizon + 0.06 else { break }
            func middle(_ y: Float) -> Float { vanishing + (width * 0.5 - vanishing) * (y - horizon) / (1 - horizon) }
            canvas.paint(.line(middle(near), near, middle(far), far, width: 0.016 * (near - horizon) + 0.002), 279.5)
        }
    }

    private func paintTrees(_ canvas: inout Canvas, width: Float, horizon: Float) {
        for i in 0..<3 {
            let x = width * number(i, 5)
            let radius = 0.06 + 0.05 * number(i, 6)
            let y = horizon - 0.06 - radius
            let leaves = Texture(seed: seed &+ UInt64(200 + i), cells: 30)
            canvas.paint(.line(x, horizon + 0.05, x, y, width: 0.014), 283)
            canvas.paint(
                Shape(bounds: (x - radius, y - radius, x + radius, y + radius)) { px, py in
                    let (dx, dy) = (px - x, py - y)
                    return (dx * dx + dy * dy).squareRoot() - radius * (0.85 + 0.3 * leaves(px, py))
                }
            ) { px, py, _ in 279 + 3 * leaves(px, py) }
        }
    }

    private func paintFence(_ canvas: inout Canvas, width: Float, horizon: Float) {
        let start = width * 0.6 * number(2)
        let (top, bottom) = (horizon + 0.02, horizon + 0.1)
        for rail in [top + 0.012, bottom - 0.02] {
            canvas.paint(.line(start, rail, start + 0.4, rail, width: 0.004), 286)
        }
        for bar in 0..<34 {
            let x = start + 0.4 * Float(bar) / 33
            canvas.paint(.line(x, top, x, bottom, width: 0.004), 287)
        }
    }

    private func paintCar(_ canvas: inout Canvas, _ i: Int, width: Float, horizon: Float) {
        let y = horizon + 0.14 + 0.16 * Float(i) + 0.05 * number(i, 7)
        let scale = 0.5 + 1.3 * (y - horizon)
        let x = width * number(i, 8)
        func at(_ dx: Float, _ dy: Float) -> (Float, Float) { (x + dx * scale, y + dy * scale) }
        func box(_ x0: Float, _ y0: Float, _ x1: Float, _ y1: Float, _ value: Float) {
            let (a, b) = (at(x0, y0), at(x1, y1))
            canvas.paint(.rectangle(a.0, a.1, b.0, b.1), value)
        }
        box(-0.15, 0.05, 0.16, 0.075, 278)
        box(-0.14, -0.03, 0.15, 0.045, 288)
        let (bodyLeft, bodyTop) = at(0.06, -0.03)
        let (bodyRight, bodyBottom) = at(0.15, 0.02)
        canvas.paint(.rectangle(bodyLeft, bodyTop, bodyRight, bodyBottom)) { px, _, _ in
            290 + 12 * (px - bodyLeft) / (bodyRight - bodyLeft)
        }
        box(-0.09, -0.08, 0.05, -0.03, 285)
        box(-0.08, -0.072, -0.025, -0.034, 274)
        box(-0.015, -0.072, 0.042, -0.034, 274)
        for wheel in [Float(-0.085), 0.095] {
            let centre = at(wheel, 0.045)
            canvas.paint(.disc(centre.0, centre.1, 0.03 * scale), 297)
            canvas.paint(.disc(centre.0, centre.1, 0.013 * scale), 312)
        }
        let exhaust = at(-0.145, 0.04)
        canvas.paint(.disc(exhaust.0, exhaust.1, 0.006 * scale), 330)
    }

    private func paintPerson(_ canvas: inout Canvas, _ i: Int, width: Float, horizon: Float) {
        let foot = horizon + 0.08 + 0.5 * number(i, 9) * (1 - horizon)
        let scale = 0.45 + 1.1 * (foot - horizon)
        let x = width * (Float(i) + number(i, 10)) / 6
        let coat = 291 + 4 * number(i, 11)
        func part(_ x0: Float, _ y0: Float, _ x1: Float, _ y1: Float, _ thick: Float, _ value: Float) {
            canvas.paint(.line(x + x0 * scale, foot + y0 * scale, x + x1 * scale, foot + y1 * scale, width: thick * scale), value)
        }
        let stride = 0.02 + 0.02 * number(i, 12)
        part(0, -0.13, -stride, -0.005, 0.022, 289)
        part(0, -0.13, stride, -0.005, 0.022, 289)
        part(0, -0.21, 0, -0.14, 0.05, coat)
        part(-0.02, -0.22, -0.04, -0.13, 0.014, coat - 1)
        part(0.02, -0.22, 0.036, -0.14, 0.014, coat - 1)
        part(0.036, -0.137, 0.038, -0.13, 0.016, 304)
        canvas.paint(.ellipse(x, foot - 0.265 * scale, 0.02 * scale, 0.026 * scale), 306)
        canvas.paint(.ellipse(x, foot - 0.282 * scale, 0.02 * scale, 0.012 * scale), 297)
    }

    private func paintPolesAndWires(_ canvas: inout Canvas, width: Float, horizon: Float) {
        let poles = (0..<3).map { width * (0.1 + 0.8 * (Float($0) + 0.5 * number($0, 13)) / 3) }
        for x in poles {
            canvas.paint(.line(x, 0.06, x, horizon + 0.09, width: 0.008), 284)
            canvas.paint(.line(x - 0.04, 0.08, x + 0.04, 0.08, width: 0.005), 283)
            canvas.paint(.disc(x + 0.04, 0.09, 0.01), 301)
        }
        for (from, to) in zip(poles, poles.dropFirst()) {
            for wire in [Float(-0.035), 0.035] {
                var last = (from + wire, Float(0.08))
                for step in 1...16 {
                    let t = Float(step) / 16
                    let next = (from + wire + (to - from) * t, 0.08 + 0.09 * t * (1 - t))
                    canvas.paint(.line(last.0, last.1, next.0, next.1, width: 0.0025), 279)
                    last = next
                }
            }
        }
    }
}
