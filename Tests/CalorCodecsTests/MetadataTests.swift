import CalorBase
import CalorCodecs
import CalorImage
import Testing

@Suite struct MetadataTests {
    static let size = Size(width: 9, height: 5)

    /// A small profile that passes the checks of libpng: a header, one tag, and noise, because libpng calls a profile that compresses
    /// to fewer than some 90 bytes too short.
    static func profile(space: String, count: Int = 400) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: count)
        func put(_ bytes: [UInt8], at offset: Int) { out.replaceSubrange(offset..<(offset + bytes.count), with: bytes) }
        put([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }, at: 0)
        put([4, 0x30, 0, 0], at: 8)
        put(Array("mntr\(space)XYZ ".utf8), at: 12)
        put(Array("acsp".utf8), at: 36)
        put([0, 0, 0, 1] + Array("desc".utf8) + [0, 0, 0, 144, 0, 0, 0, 16], at: 128)
        var random = SplitMix(state: 1)
        for i in 160..<count { out[i] = UInt8(random.below(256)) }
        // The D50 white point.
        put([0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D], at: 68)
        return out
    }

    /// Big-endian, with Make, Orientation and an Exif directory that holds a rational, a short and opaque bytes.
    static func exif(orientation: UInt8) -> [UInt8] {
        var out: [UInt8] = Array("MM\0*".utf8) + [0, 0, 0, 8]
        out += [0, 3]
        out += [0x01, 0x0F, 0, 2, 0, 0, 0, 4] + Array("Acm\0".utf8)
        out += [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
        out += [0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 50]
        out += [0, 0, 0, 0]
        out += [0, 3]
        out += [0x82, 0x9A, 0, 5, 0, 0, 0, 1, 0, 0, 0, 92]
        out += [0x88, 0x27, 0, 3, 0, 0, 0, 1, 0, 100, 0, 0]
        out += [0x92, 0x7C, 0, 7, 0, 0, 0, 3, 1, 2, 3, 0]
        out += [0, 0, 0, 0]
        out += [0, 0, 0, 1, 0, 0, 0, 60]
        return out
    }

    static func full(_ space: String) -> Metadata {
        var out = Metadata()
        out.icc = profile(space: space)
        out.exif = exif(orientation: 1)
        out.xmp = Array("<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">päckchen</x:xmpmeta>".utf8)
        out.iptc = [0x1C, 2, 5, 0, 3, 0x61, 0x62, 0x63]
        out.resolution = .init(x: 11_800, y: 5_900)
        return out
    }

    /// Found by fuzzing: libpng refuses to write a profile with a fault, which must not take the picture with it.
    @Test func aProfileWithAFaultIsLeftOut() throws {
        var image = Ramp.image(Self.size, .rgb, .u8)
        var profile = Self.profile(space: "RGB ")
        profile[141] = 0xFF
        image.metadata.icc = profile
        let encoded = try ImageEncoder.encodeReporting(image, as: .png)
        #expect(encoded.warnings.contains { $0.hasPrefix("the ICC profile was dropped") }, "\(encoded.warnings)")
        let back = try ImageDecoder.decode(encoded.bytes).image
        #expect(back.planes == image.planes && back.metadata.icc == nil)
    }

    /// As ExifTool and ImageMagick write it: a name of two words, the records in a Photoshop resource.
    @Test func iptcOfOtherProgramsInPNG() throws {
        var image = Ramp.image(Self.size, .grey, .u8)
        image.metadata.texts = [
            .init(
                key: "Raw profile type iptc",
                value: "\nIPTC profile\n      34\n3842494d04040000000000151c02780009412063617074696f6e1c02000002000400\n")
        ]
        let back = try ImageDecoder.decode(ImageEncoder.encode(image, as: .png)).image
        let caption: [UInt8] = [0x1C, 2, 120, 0, 9] + Array("A caption".utf8)
        #expect(back.metadata.iptc?.starts(with: caption) == true && back.metadata.texts.isEmpty)
    }

    @Test(arguments: [ColourModel.grey, .greyAlpha, .rgb, .rgbAlpha]) func pngCarriesEverything(_ colour: ColourModel) throws {
        var image = Ramp.image(Self.size, colour, .u16)
        image.metadata = Self.full(colour.isGrey ? "GRAY" : "RGB ")
        image.metadata.gamma = 45_455
        image.metadata.cicp = [9, 16, 0, 1]
        image.metadata.texts = [
            .init(key: "Title", value: "plain"), .init(key: "Comment", value: "Grüße"), .init(key: "Unicode", value: "温度 🌡"),
            .init(key: "Long", value: String(repeating: "long text ", count: 300)),
        ]
        let encoded = try ImageEncoder.encodeReporting(image, as: .png)
        #expect(encoded.warnings.isEmpty)
        let back = try ImageDecoder.decode(encoded.bytes).image.metadata
        #expect(back.icc == image.metadata.icc)
        #expect(back.exif == image.metadata.exif)
        #expect(back.xmp == image.metadata.xmp)
        #expect(back.iptc == image.metadata.iptc)
        #expect(back.texts == image.metadata.texts)
        #expect(back.cicp == image.metadata.cicp)
        #expect(back.gamma == image.metadata.gamma)
        #expect(back.resolution == image.metadata.resolution)
    }

    @Test func pngRenderingHints() throws {
        var image = Ramp.image(Self.size, .rgb, .u8)
        image.metadata.srgbIntent = 1
        image.metadata.gamma = 45_455
        image.metadata.chromaticities = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000]
        let back = try ImageDecoder.decode(ImageEncoder.encode(image, as: .png)).image.metadata
        #expect(back == image.metadata)
    }

    @Test func jpegCarriesBlocksAndComments() throws {
        var image = Ramp.image(Self.size, .rgb, .u8)
        image.metadata = Self.full("RGB ")
        // Three segments.
        image.metadata.icc = Self.profile(space: "RGB ", count: 150_000)
        image.metadata.texts = [.init(key: "Comment", value: "Grüße 温度")]
        let back = try ImageDecoder.decode(ImageEncoder.encode(image, as: .jpeg)).image.metadata
        #expect(back.icc == image.metadata.icc)
        #expect(back.exif == image.metadata.exif)
        #expect(back.xmp == image.metadata.xmp)
        #expect(back.iptc == image.metadata.iptc)
        #expect(back.texts == image.metadata.texts)
        #expect(back.resolution == image.metadata.resolution)
    }

    @Test(arguments: SampleFormat.allCases) func tiffCarriesBlocksAndTexts(_ format: SampleFormat) throws {
        var image = Ramp.image(Self.size, .rgb, format)
        image.metadata = Self.full("RGB ")
        image.metadata.texts = [
            .init(key: "ImageDescription", value: "plain"), .init(key: "Make", value: "Acme"), .init(key: "Artist", value: "Grüße"),
        ]
        let bytes = try ImageEncoder.encode(image, as: .tiff)
        let decoded = try ImageDecoder.decode(bytes)
        let back = decoded.image.metadata
        #expect(decoded.image.planes == image.planes)
        #expect(back.icc == image.metadata.icc)
        #expect(back.xmp == image.metadata.xmp)
        #expect(back.iptc == image.metadata.iptc)
        #expect(Set(back.texts.map(\.value)) == Set(image.metadata.texts.map(\.value)))
        #expect(back.resolution.map { [$0.x.rounded(), $0.y.rounded()] } == [11_800, 5_900])
        // The Exif directory came through a change of byte order; going round once more changes nothing.
        let exif = try #require(back.exif)
        #expect(exif.starts(with: Array("II*\0".utf8)))
        let reader = ByteReader(exif, order: .little)
        let rational = try #require(
            exif.indices.first { reader.slice(at: $0, count: 8).map(Array.init) == [1, 0, 0, 0, 60, 0, 0, 0] })
        #expect(rational > 8)
        #expect(try ImageDecoder.decode(ImageEncoder.encode(decoded.image, as: .tiff)).image.metadata == back)
    }

    @Test func theMakerInAnEXIFBlockReachesTIFF() throws {
        var image = Ramp.image(Self.size, .grey, .u8)
        image.metadata.exif = Self.exif(orientation: 1)
        let encoded = try ImageEncoder.encodeReporting(image, as: .tiff)
        #expect(encoded.warnings.count == 1)
        #expect(try ImageDecoder.decode(encoded.bytes).image.metadata.texts == [.init(key: "Make", value: "Acm")])
    }

    /// In a TIFF file their offsets would point at other bytes: FLIR's note then shows another emissivity.
    @Test func makerNotesStayWhereTheyAreTrue() throws {
        func hasNote(_ block: [UInt8], _ tag: [UInt8]) -> Bool {
            block.indices.contains { block[$0...].starts(with: tag) }
        }
        var image = Ramp.image(Self.size, .grey, .u8)
        image.metadata.exif = Self.exif(orientation: 1)
        let png = try ImageDecoder.decode(ImageEncoder.encode(image, as: .png)).image.metadata
        let kept = try #require(png.exif)
        #expect(kept == image.metadata.exif && hasNote(kept, [0x92, 0x7C, 0, 7]))
        let tiff = try ImageEncoder.encodeReporting(image, as: .tiff)
        #expect(tiff.warnings.contains { $0.contains("maker note") }, "\(tiff.warnings)")
        let back = try #require(try ImageDecoder.decode(tiff.bytes).image.metadata.exif)
        #expect(!hasNote(back, [0x7C, 0x92, 7, 0]) && hasNote(back, [0x27, 0x88, 3, 0]))
    }

    @Test(arguments: ["ImageJ=1.53t\nimages=3\nslices=3", "{\"shape\": [32, 40]}", "<?xml version=\"1.0\"?><OME xmlns=\"x\"/>"])
    func aRecordOfAStackIsLeftOut(_ description: String) throws {
        var image = Ramp.image(Self.size, .grey, .u16)
        image.metadata = Self.full("GRAY")
        image.metadata.texts = [.init(key: "ImageDescription", value: description), .init(key: "Artist", value: "A")]
        let decoded = try ImageDecoder.decode(ImageEncoder.encode(image, as: .tiff))
        #expect(decoded.warnings.contains { $0.contains("record of the whole file") }, "\(decoded.warnings)")
        // "Make" comes from the EXIF block.
        #expect(Set(decoded.image.metadata.texts.map(\.key)) == ["Artist", "Make"])
        let again = try ImageDecoder.decode(ImageEncoder.encode(decoded.image, as: .tiff))
        #expect(again.image.metadata.texts == decoded.image.metadata.texts)
    }

    @Test func commentsAndTheDescriptionShareATag() throws {
        var image = Ramp.image(Self.size, .grey, .u8)
        image.metadata.texts = ["Comment": "one", "ImageDescription": "described", "Description": "one"].sorted { $0.key < $1.key }
            .map { .init(key: $0.key, value: $0.value) }
        let encoded = try ImageEncoder.encodeReporting(image, as: .tiff)
        #expect(encoded.warnings.isEmpty)
        #expect(
            try ImageDecoder.decode(encoded.bytes).image.metadata.texts == [.init(key: "ImageDescription", value: "described\none")]
        )
    }

    @Test(arguments: FileFormat.allCases) func theSizeInEXIFFollows(_ format: FileFormat) throws {
        // Little-endian: an Exif directory at 26 with both dimensions, a thumbnail's directory at 56.
        var block: [UInt8] = Array("II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 26, 0, 0, 0, 56, 0, 0, 0]
        block += [2, 0, 2, 0xA0, 3, 0, 1, 0, 0, 0, 0x80, 2, 0, 0, 3, 0xA0, 4, 0, 1, 0, 0, 0, 0xE0, 1, 0, 0, 0, 0, 0, 0]
        block += [1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
        var image = Ramp.image(Self.size, .grey, .u8)
        image.metadata.exif = block
        let back = try #require(try ImageDecoder.decode(ImageEncoder.encode(image, as: format)).image.metadata.exif)
        let reader = ByteReader(back, order: .little)
        func value(_ tag: UInt16) -> UInt32? {
            back.indices.first { reader.integer(at: $0) == tag && reader.integer(at: $0 + 2) == UInt16(4) }
                .flatMap { reader.integer(at: $0 + 8) }
        }
        #expect(value(0xA002) == UInt32(Self.size.width) && value(0xA003) == UInt32(Self.size.height))
        if format != .tiff { #expect(reader.integer(at: 22) == UInt32(0), "the thumbnail is linked") }
    }

    @Test func anEndlessDescriptionIsNamed() throws {
        var image = Ramp.image(Self.size, .grey, .u8)
        image.metadata.texts = [.init(key: "ImageDescription", value: String(repeating: "d", count: 200))]
        var options = DecodeOptions()
        options.limits.metadataBytes = 100
        let decoded = try ImageDecoder.decode(ImageEncoder.encode(image, as: .tiff), options: options)
        #expect(decoded.image.metadata.texts.isEmpty && decoded.warnings.contains { $0.contains("ImageDescription of 201 bytes") })
    }

    @Test func whatHasNoRoomIsNamed() throws {
        var image = Ramp.image(Self.size, .grey, .u8)
        image.metadata.icc = Self.profile(space: "RGB ")
        image.metadata.xmp = [UInt8](repeating: 0x20, count: 70_000)
        let jpeg = try ImageEncoder.encodeReporting(image, as: .jpeg)
        #expect(jpeg.warnings.count == 2, "\(jpeg.warnings)")
        #expect(try ImageDecoder.decode(jpeg.bytes).image.metadata.icc == nil)
        image.metadata = Metadata()
        image.metadata.texts = [.init(key: "Unknown", value: "x")]
        #expect(try ImageEncoder.encodeReporting(image, as: .tiff).warnings.count == 1)
    }

    @Test(arguments: FileFormat.allCases) func metadataCanBeLeftOut(_ format: FileFormat) throws {
        var image = Ramp.image(Self.size, .rgb, .u8)
        image.metadata = Self.full("RGB ")
        var options = EncodeOptions()
        options.keepsMetadata = false
        let back = try ImageDecoder.decode(ImageEncoder.encode(image, as: format, options: options)).image.metadata
        #expect(back == Metadata(), "\(format.rawValue)")
    }

    @Test func orientationInPNGAndXMPIsReset() throws {
        var image = Ramp.image(Self.size, .grey, .u8)
        image.metadata.exif = Self.exif(orientation: 6)
        image.metadata.xmp = Array("<a tiff:Orientation=\"6\"/><tiff:Orientation>8</tiff:Orientation>".utf8)
        let decoded = try ImageDecoder.decode(ImageEncoder.encode(image, as: .png))
        #expect(decoded.header.orientation == 6)
        #expect(decoded.image.size == Self.size.transposed)
        #expect(decoded.image.metadata.exif == Self.exif(orientation: 1))
        #expect(decoded.image.metadata.xmp == Array("<a tiff:Orientation=\"1\"/><tiff:Orientation>1</tiff:Orientation>".utf8))
    }
}
