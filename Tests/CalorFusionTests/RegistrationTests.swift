import CalorBase
import CalorImage
import Testing

@testable import CalorFusion

struct RegistrationTests {
    /// A scene without end: `value` at any place, so that a moved picture is drawn and not interpolated.
    struct Scene {
        let noise = CounterNoise(seed: 7)

        func value(_ x: Double, _ y: Double) -> Float {
            var sum: Float = 0.35
            // Boxes of many sizes, some bright, some dark, with edges of a pixel.
            for i in 0..<60 {
                let (u, v) = (Double(noise.uniform(x: i, y: 0)) * 200 - 20, Double(noise.uniform(x: i, y: 1)) * 160 - 20)
                let (w, h) = (5 + 25 * Double(noise.uniform(x: i, y: 2)), 5 + 25 * Double(noise.uniform(x: i, y: 3)))
                let inside = min(min(x - u, u + w - x), min(y - v, v + h - y))
                sum += Float(min(max(inside + 0.5, 0), 1)) * (noise.uniform(x: i, y: 4) - 0.5) * 0.5
            }
            return min(max(sum, 0), 1)
        }
    }

    static func plane(_ size: Size, _ map: AffineMap, inverted: Bool = false, seed: UInt64 = 1) -> Plane {
        let scene = Scene()
        let noise = CounterNoise(seed: seed)
        var values = [Float](repeating: 0, count: size.pixels)
        for y in 0..<size.height {
            for x in 0..<size.width {
                let place = map(Double(x), Double(y))
                var value = scene.value(place.x, place.y)
                // Other light: the contrast is turned around and bent.
                if inverted { value = 1 - value * value }
                values[y * size.width + x] = 255 * value + 2 * noise.normal(x: x, y: y)
            }
        }
        return Plane(size: size, floats: values, format: .u8)
    }

    /// Mean distance between two maps over a picture.
    static func error(_ a: AffineMap, _ b: AffineMap, _ size: Size) -> Double {
        var sum = 0.0
        var count = 0.0
        for y in stride(from: 0.0, to: Double(size.height), by: 16) {
            for x in stride(from: 0.0, to: Double(size.width), by: 16) {
                let (p, q) = (a(x, y), b(x, y))
                sum += ((p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y)).squareRoot()
                count += 1
            }
        }
        return sum / count
    }

    /// Small, and with a narrow search: this build is not optimised. The fixtures are registered by the built program elsewhere.
    static let size = Size(width: 160, height: 120)
    static let narrow: RegistrationOptions = {
        var options = RegistrationOptions()
        options.maximumScale = 1.05
        options.maximumDegrees = 2
        return options
    }()

    @Test(
        arguments: [
            (1.0, 0.0, 12.3, -9.6, RegistrationModel.shift), (0.96, 0, 6, 8.5, .scale), (1.03, 1.6, 5, -7, .affine),
        ] as [(Double, Double, Double, Double, RegistrationModel)])
    func aKnownMoveIsFoundAcrossContrastReversal(
        _ scale: Double, _ degrees: Double, _ dx: Double, _ dy: Double, _ model: RegistrationModel
    ) throws {
        let truth = AffineMap(scale: scale, degrees: degrees, dx: dx, dy: dy, around: (79.5, 59.5))
        let inverse = try #require(truth.inverse)
        var options = Self.narrow
        options.model = model
        let result = try Registration(options).align(
            fixed: Self.plane(Self.size, .identity), moving: Self.plane(Self.size, inverse, inverted: true, seed: 2))
        let error = Self.error(result.map, truth, Self.size)
        #expect(error < 0.25, "\(error) pixels: \(result)")
        #expect(result.confidence > 0.4, "\(result)")
    }

    @Test func anotherSizeIsNoObstacle() throws {
        let moving = Size(width: 240, height: 180)
        let truth = AffineMap(resizing: Self.size, to: moving).after(AffineMap(scale: 1.02, dx: 5, dy: -3, around: (79.5, 59.5)))
        let result = try Registration(Self.narrow).align(
            fixed: Self.plane(Self.size, .identity), moving: Self.plane(moving, try #require(truth.inverse), inverted: true))
        let error = Self.error(result.map, truth, Self.size)
        #expect(error < 0.4, "\(error) pixels of the larger picture: \(result)")
    }

    @Test func picturesOfDifferentThingsAreNotTrusted() throws {
        let noise = CounterNoise(seed: 3)
        let grass = (0..<Self.size.pixels).map { 128 + 40 * noise.normal(x: $0 % Self.size.width, y: $0 / Self.size.width) }
        let result = try Registration(Self.narrow).align(
            fixed: Self.plane(Self.size, .identity), moving: Plane(size: Self.size, floats: grass, format: .u8))
        #expect(result.confidence < RegistrationOptions().leastConfidence, "\(result)")
    }

    @Test func threadsDoNotChangeTheAnswer() throws {
        let moving = Self.plane(Self.size, AffineMap(scale: 1.04, dx: 4, dy: 3, around: (79.5, 59.5)), inverted: true)
        let fixed = Self.plane(Self.size, .identity)
        let one = try Registration(Self.narrow).align(fixed: fixed, moving: moving)
        #expect(try Registration(Self.narrow).align(fixed: fixed, moving: moving, pool: WorkerPool(threads: 3)) == one)
    }

    @Test func whatCannotBeAlignedIsRefused() {
        let small = Plane(size: Size(width: 20, height: 200), format: .u8)
        #expect(throws: FusionFault.tooSmall(small.size, least: 32)) { try Registration().align(fixed: small, moving: small) }
        let (wide, tall) = (
            Plane(size: Size(width: 400, height: 40), format: .u8), Plane(size: Size(width: 40, height: 40), format: .u8)
        )
        #expect(throws: FusionFault.shapes(fixed: wide.size, moving: tall.size)) {
            try Registration().align(fixed: wide, moving: tall)
        }
        let wrong = Plane(size: Size(width: 40, height: 40), samples: .f32([Float](repeating: .nan, count: 1600)))
        #expect(throws: FusionFault.nonFinite(samples: 1600)) { try Registration().align(fixed: wrong, moving: wrong) }
        let flat = Plane(size: Size(width: 64, height: 64), format: .u8, repeating: 9)
        #expect(throws: Never.self) {
            let result = try Registration(Self.narrow).align(fixed: flat, moving: flat)
            #expect(result.confidence == 0)
        }
    }
}
