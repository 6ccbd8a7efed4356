import CalorCodecs
import CalorImage
import Testing

/// Files that other writers made: see `Golden/make_goldens.py`.
@Suite struct GoldenTests {
    static let size = Size(width: 19, height: 13)

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var colour: ColourModel
        var format: SampleFormat
        var bits: Int
        var testDescription: String { name }
    }

    static let cases: [Case] = {
        var out: [Case] = []
        for bits in [1, 2, 4, 8] { out.append(Case(name: "grey\(bits).png", colour: .grey, format: .u8, bits: bits)) }
        out.append(Case(name: "grey16.png", colour: .grey, format: .u16, bits: 16))
        for (bits, format) in [(8, SampleFormat.u8), (16, .u16)] {
            for (kind, colour) in [("grey-alpha", ColourModel.greyAlpha), ("rgb", .rgb), ("rgb-alpha", .rgbAlpha)] {
                for suffix in ["", "-interlaced"] {
                    out.append(Case(name: "\(kind)\(bits)\(suffix).png", colour: colour, format: format, bits: bits))
                }
            }
            for name in ["grey\(bits)", "grey\(bits)-big-endian"] {
                out.append(Case(name: "\(name).tiff", colour: .grey, format: format, bits: bits))
            }
            for name in ["lzw", "tiled", "planar"] {
                out.append(Case(name: "rgb\(bits)-\(name).tiff", colour: .rgb, format: format, bits: bits))
            }
            out.append(Case(name: "rgb-alpha\(bits).tiff", colour: .rgbAlpha, format: format, bits: bits))
            out.append(Case(name: "grey-alpha\(bits).tiff", colour: .greyAlpha, format: format, bits: bits))
        }
        out.append(Case(name: "grey8-packbits.tiff", colour: .grey, format: .u8, bits: 8))
        for name in ["zstd", "bigtiff"] { out.append(Case(name: "grey16-\(name).tiff", colour: .grey, format: .u16, bits: 16)) }
        for bits in [16, 32, 64] { out.append(Case(name: "grey-f\(bits).tiff", colour: .grey, format: .f32, bits: bits)) }
        out.append(Case(name: "rgb-f32-tiled.tiff", colour: .rgb, format: .f32, bits: 32))
        return out
    }()

    @Test(arguments: cases) func everySampleIsTheWriters(_ item: Case) throws {
        let bytes = try Golden.bytes(item.name)
        let decoded = try ImageDecoder.decode(bytes)
        let header = try ImageDecoder.header(of: bytes)
        let expected = Ramp.image(Self.size, item.colour, item.format, bits: min(item.bits, 8))
        #expect(decoded.image.planes == expected.planes, "\(item.name)")
        #expect(decoded.image.colour == item.colour, "\(item.name)")
        #expect(header == decoded.header, "\(item.name)")
        #expect(header.bitsPerSample == item.bits, "\(item.name)")
        #expect(header.size == Self.size && header.colour == item.colour && header.sampleFormat == item.format, "\(item.name)")
    }

    @Test(arguments: ["palette8.png", "palette8-transparent.png"]) func palettesBecomeRGB(_ name: String) throws {
        let image = try ImageDecoder.decode(Golden.bytes(name)).image
        let index = Ramp.plane(Self.size, channel: 0, .u8)
        guard case .u8(let indices) = index.samples else { return }
        let maps: [(UInt8) -> UInt8] = [{ $0 }, { 255 - $0 }, { 3 &* $0 }, { 255 - $0 }]
        #expect(image.colour == (name.contains("transparent") ? .rgbAlpha : .rgb))
        for (plane, map) in zip(image.planes, maps) { #expect(plane.samples == .u8(indices.map(map)), "\(name)") }
    }

    @Test func whiteIsZeroIsTurnedRound() throws {
        let image = try ImageDecoder.decode(Golden.bytes("grey8-white-is-zero.tiff")).image
        guard case .u8(let stored) = Ramp.plane(Self.size, channel: 0, .u8).samples else { return }
        #expect(image.planes[0].samples == .u8(stored.map { 255 - $0 }))
    }

    @Test func signedSamplesKeepTheirValues() throws {
        let decoded = try ImageDecoder.decode(Golden.bytes("grey-i16.tiff"))
        guard case .u16(let shifted) = Ramp.plane(Self.size, channel: 0, .u16).samples else { return }
        #expect(decoded.image.planes[0].samples == .f32(shifted.map { Float($0) - 32_768 }))
        #expect(!decoded.warnings.isEmpty)
    }

    @Test(arguments: 0..<3) func pages(_ page: Int) throws {
        let bytes = try Golden.bytes("pages.tiff")
        let decoded = try ImageDecoder.decode(bytes, options: DecodeOptions(limits: .init(), page: page))
        #expect(decoded.header.pages == 3)
        #expect(decoded.image.size == Size(width: 5 + page, height: 4), "page \(page)")
        #expect(decoded.image.planes[0].samples == .u8([UInt8](repeating: UInt8(page * 10), count: 4 * (5 + page))), "page \(page)")
    }

    @Test(arguments: [-1, 3, Int.max]) func missingPages(_ page: Int) throws {
        let fault = fault(try Golden.bytes("pages.tiff"), DecodeOptions(limits: .init(), page: page))
        #expect(fault?.identifier == "tiff.no-such-page", "page \(page): \(String(describing: fault))")
    }

    @Test(arguments: 1...8, ["jpg", "tiff"]) func orientationIsAppliedAndReset(_ value: Int, _ suffix: String) throws {
        let name = "orientation\(value).\(suffix)"
        let decoded = try ImageDecoder.decode(Golden.bytes(name))
        #expect(decoded.header.orientation == value, "\(name)")
        #expect(decoded.image.size == Size(width: 24, height: 16), "\(name)")
        #expect(decoded.header.size == decoded.image.size, "\(name)")
        let planes = decoded.image.planes.map(\.u8Values)
        for (x, y, colour) in [(4, 4, [0, 0, 0]), (20, 4, [255, 0, 0]), (4, 12, [0, 255, 0]), (20, 12, [0, 0, 255])] {
            for channel in 0..<3 {
                let got = Int(planes[channel][y * 24 + x])
                #expect(abs(got - colour[channel]) <= 2, "\(name) at \(x), \(y), channel \(channel)")
            }
        }
        // Written again, it is upright without a tag.
        let again = try ImageDecoder.decode(ImageEncoder.encode(decoded.image, as: .tiff))
        #expect(again.header.orientation == 1, "\(name)")
        #expect(again.image.planes == decoded.image.planes, "\(name)")
        if suffix == "jpg" {
            #expect(decoded.image.metadata.exif != nil, "\(name)")
            let jpeg = try ImageDecoder.decode(ImageEncoder.encode(decoded.image, as: .jpeg))
            #expect(jpeg.header.orientation == 1, "\(name)")
            #expect(jpeg.image.metadata.exif == decoded.image.metadata.exif, "\(name)")
        }
    }
}

extension Plane {
    var u8Values: [UInt8] {
        if case .u8(let values) = samples { values } else { [] }
    }
}
