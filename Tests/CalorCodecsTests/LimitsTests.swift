import CalorBase
import CalorCodecs
import CalorImage
import Testing

@Suite struct LimitsTests {
    @Test func everyLimitHasAName() {
        for name in Limits.names {
            var limits = Limits()
            #expect(limits.set(name, to: 17) && limits[name: name] == 17, "\(name)")
            #expect(limits != Limits(), "\(name)")
        }
        var limits = Limits()
        #expect(limits.set("Side-Pixels", to: 3) && limits.sidePixels == 3)
        #expect(!limits.set("colour", to: 3) && limits[name: "colour"] == nil)
    }

    /// A picture that is blank and large: rows of it can be read, the whole is not held.
    @Test func blankPicturesAreNotHeld() throws {
        let image = Image(planes: [Plane(size: Size(width: 9000, height: 9000), format: .u8)], colour: .grey)
        let bytes = try ImageEncoder.encode(image, as: .png)
        #expect(fault(bytes)?.identifier == "limit.heldExpansion")
        #expect(try ImageDecoder.header(of: bytes).size == image.size)
        var options = DecodeOptions()
        options.limits.heldExpansion = 5000
        #expect(fault(bytes, options) == nil)
    }

    @Test func timeEnds() throws {
        var options = DecodeOptions()
        options.limits.seconds = -1
        for format in FileFormat.allCases {
            let bytes = try ImageEncoder.encode(Ramp.image(Size(width: 64, height: 64), .grey, .u8), as: format)
            #expect(fault(bytes, options)?.identifier == "limit.seconds", "\(format)")
        }
    }

    @Test(arguments: [FileFormat.png, .tiff]) func memoryOfTheDecoderHasItsOwnName(_ format: FileFormat) throws {
        var options = DecodeOptions()
        options.limits.decoderBytes = 1024
        let bytes = try ImageEncoder.encode(Ramp.image(Size(width: 64, height: 64), .rgb, .u16), as: format)
        #expect(fault(bytes, options)?.identifier == "limit.decoderBytes")
        #expect(try !ImageDecoder.header(of: bytes).holdsIntegers)
    }

    @Test func integersThatFloatsCannotHoldAreRoundedAndNoted() throws {
        // One pixel of 32 unsigned bits, 4294967295, as the smallest TIFF there is.
        func entry(_ tag: Int, _ type: Int, _ value: Int) -> [UInt8] {
            [tag & 255, tag >> 8, type, 0, 1, 0, 0, 0, value & 255, value >> 8 & 255, 0, 0].map { UInt8($0) }
        }
        let entries = [(256, 1), (257, 1), (258, 32), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 4)]
        for (value, isExact) in [([UInt8](repeating: 255, count: 4), false), ([0, 0, 0, 128], true)] {
            var bytes: [UInt8] = Array("II*\0".utf8) + [12, 0, 0, 0] + value + [UInt8(entries.count), 0]
            for (tag, number) in entries { bytes += entry(tag, tag == 273 || tag == 279 ? 4 : 3, number) }
            bytes += [0, 0, 0, 0]
            let decoded = try ImageDecoder.decode(bytes)
            #expect(decoded.image.planes[0].samples == .f32([isExact ? 2_147_483_648 : 4_294_967_296]))
            #expect(decoded.warnings.contains { $0.contains(isExact ? "kept exactly" : "rounded") }, "\(decoded.warnings)")
            #expect(decoded.header.holdsIntegers)
        }
    }
}
