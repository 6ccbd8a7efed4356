import CalorImage
import Testing

@testable import CalorFusion

struct FusionTests {
    static let size = Size(width: 48, height: 40)

    static func plane(_ format: SampleFormat, _ value: (Int, Int) -> Float) -> Plane {
        Plane(size: size, floats: (0..<size.pixels).map { value($0 % size.width, $0 / size.width) }, format: format)
    }

    /// Each mean is taken one by one here.
    @Test(arguments: [1, 3, 30]) func boxesAreMeansOfWindows(_ radius: Int) {
        let values = Self.plane(.f32) { x, y in Float((x * 37 + y * 101) % 53) }.floats()
        let box = GuidedFilter(radius: radius, variance: 1).box(values, Self.size)
        for y in stride(from: 0, to: Self.size.height, by: 7) {
            for x in 0..<Self.size.width {
                var sum = 0.0
                var count = 0.0
                for j in max(y - radius, 0)...min(y + radius, Self.size.height - 1) {
                    for i in max(x - radius, 0)...min(x + radius, Self.size.width - 1) {
                        sum += Double(values[j * Self.size.width + i])
                        count += 1
                    }
                }
                #expect(abs(Double(box[y * Self.size.width + x]) - sum / count) < 1e-4, "\(x), \(y)")
            }
        }
    }

    @Test func theBaseKeepsEdgesAndLosesTexture() {
        let values = Self.plane(.f32) { x, y in (x < 24 ? 0.2 : 0.8) + ((x + y) % 2 == 0 ? 0.01 : -0.01) }.floats()
        let base = GuidedFilter(radius: 4, variance: 0.01).base(of: values, Self.size)
        let row = 20 * Self.size.width
        #expect(base[row + 24] - base[row + 23] > 0.5)
        #expect(abs(base[row + 8] - base[row + 9]) < 0.002)
    }

    @Test func warmthComesFromOneAndTextureFromTheOther() throws {
        // A warm block that light does not show, and a fine pattern that warmth does not show.
        let infrared = Image(planes: [Self.plane(.u16) { x, y in x > 24 && y > 20 ? 9000 : 7000 }], colour: .grey, meaning: .counts)
        let grey = Self.plane(.u8) { x, _ in x % 4 < 2 ? 110 : 130 }
        let visible = Image(planes: [grey, grey, Self.plane(.u8) { x, _ in x % 4 < 2 ? 130 : 150 }], colour: .rgb)
        let fused = try Fusion().fused(infrared: infrared, visible: visible)
        #expect(fused.image.colour == .rgb && fused.image.format == .u8 && fused.low == 7000 && fused.high == 9000)
        let luma = fused.image.fullRangeLuma()
        func at(_ x: Int, _ y: Int) -> Float { luma[y * Self.size.width + x] }
        #expect(at(40, 32) > at(8, 8) + 100)
        #expect(abs(at(10, 8) - at(8, 8)) > 12, "\(at(10, 8)) and \(at(8, 8))")
        // Blue stays ahead of the others.
        let (red, blue) = (fused.image.planes[0].floats(), fused.image.planes[2].floats())
        #expect(abs(blue[8 * Self.size.width + 8] - red[8 * Self.size.width + 8] - 20) < 2)
        var options = FusionOptions()
        options.colour = .grey
        let alone = try Fusion(options).fused(infrared: infrared, visible: visible).image
        #expect(alone.colour == .grey && alone.format == .u8)
    }

    @Test func whatIsFlatOrNotFiniteIsRefused() {
        let visible = Image(planes: [Plane(size: Self.size, format: .u8, repeating: 5)], colour: .grey)
        let flat = Image(planes: [Plane(size: Self.size, format: .u16, repeating: 5)], colour: .grey, meaning: .counts)
        #expect(throws: FusionFault.flat) { try Fusion().fused(infrared: flat, visible: visible) }
        let wrong = Image(planes: [Plane(size: Self.size, format: .f32, repeating: .infinity)], colour: .grey, meaning: .kelvin)
        #expect(throws: FusionFault.nonFinite(samples: Self.size.pixels)) { try Fusion().fused(infrared: wrong, visible: visible) }
    }
}
