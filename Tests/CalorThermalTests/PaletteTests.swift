import CalorImage
import Testing

@testable import CalorThermal

@Suite struct PaletteTests {
    @Test("there are at least ten, with different names, found in any case of letters")
    func names() throws {
        #expect(Palette.allNames.count >= 10 && Set(Palette.allNames).count == Palette.allNames.count)
        for name in Palette.allNames { #expect(try Palette.named(name.uppercased()).name == name) }
        #expect(throws: ThermalFault.unknownPalette("no-such")) { try Palette.named("no-such") }
    }

    @Test(
        "u8 picks entries; 16 bits and floating point agree with it at the entries",
        arguments: Palette.allNames)
    func entries(name: String) throws {
        let palette = try Palette.named(name)
        let size = Size(width: 256, height: 1)
        let u8 = palette.apply(to: Plane(size: size, samples: .u8((0...255).map { UInt8($0) })))
        let u16 = palette.apply(
            to: Plane(size: size, samples: .u16((0...255).map { UInt16($0 * 257) })))
        let f32 = palette.apply(
            to: Plane(size: size, samples: .f32((0...255).map { Float($0) + 273 })), range: 273...528)
        #expect(u8 == f32)
        for channel in 0..<3 {
            let difference =
                zip(u8[channel].floats(), u16[channel].floats()).map { abs($0 - $1) }.max() ?? 9
            #expect(difference <= 1, "\(name), channel \(channel)")
        }
        for entry in [0, 1, 127, 255] {
            let colour = palette.colour(at: UInt8(entry))
            #expect(
                [colour.red, colour.green, colour.blue].map(Float.init) == u8.map { $0.floats()[entry] },
                "\(name) at \(entry)")
        }
    }

    @Test("neighbouring entries differ by little, so that pictures show no false edges")
    func smooth() throws {
        for palette in Palette.all where !["grey-red", "isotherm-green"].contains(palette.name) {
            for table in [palette.red, palette.green, palette.blue] {
                let step = zip(table, table.dropFirst()).map { abs($0 - $1) }.max() ?? 255
                #expect(step < 13, "\(palette.name): \(step)")
            }
        }
    }

    @Test("white-hot is the picture itself, and 16 bits have no steps of eight")
    func sixteenBits() throws {
        let samples = (0..<65_536).map { UInt16($0) }
        let plane = Plane(size: Size(width: 256, height: 256), samples: .u16(samples))
        let red = try Palette.named("ironbow").apply(to: plane)[0].floats()
        #expect(zip(red, red.dropFirst()).allSatisfy { abs($0 - $1) <= 1 })
        let grey = Plane(size: Size(width: 3, height: 1), samples: .u8([0, 99, 255]))
        #expect(try Palette.named("white-hot").apply(to: grey).allSatisfy { $0 == grey })
    }

    @Test("colouring an image keeps alpha and metadata; NaN takes the first colour")
    func image() throws {
        let size = Size(width: 2, height: 1)
        var image = Image(
            planes: [
                Plane(size: size, samples: .u16([0, 65_535])),
                Plane(size: size, samples: .u16([65_535, 0])),
            ],
            colour: .greyAlpha)
        image.metadata.texts = [.init(key: "Title", value: "kept")]
        let result = try Palette.named("black-hot").apply(to: image)
        #expect(result.colour == .rgbAlpha && result.metadata == image.metadata)
        #expect(
            result.planes[0].samples == .u8([255, 0]) && result.planes[3].samples == .u8([255, 0]))
        let odd = Plane(size: Size(width: 3, height: 1), samples: .f32([.nan, -.infinity, .infinity]))
        #expect(try Palette.named("white-hot").apply(to: odd)[0].samples == .u8([0, 0, 255]))
    }
}
