import CalorBase
import CalorCodecs
import CalorImage
import Testing

@Suite struct HostileTests {
    static func seeds() throws -> [(name: String, bytes: [UInt8])] {
        let size = Size(width: 37, height: 29)
        var out: [(String, [UInt8])] = []
        var rgb = Ramp.image(size, .rgb, .u8)
        rgb.metadata = MetadataTests.full("RGB ")
        rgb.metadata.texts = [.init(key: "Comment", value: "text")]
        out.append(("png", try ImageEncoder.encode(rgb, as: .png)))
        out.append(("jpeg", try ImageEncoder.encode(rgb, as: .jpeg)))
        var progressive = EncodeOptions()
        progressive.jpegIsProgressive = true
        out.append(("progressive", try ImageEncoder.encode(rgb, as: .jpeg, options: progressive)))
        for compression in TIFFCompression.allCases {
            var options = EncodeOptions()
            options.tiffCompression = compression
            out.append(("tiff \(compression.rawValue)", try ImageEncoder.encode(rgb, as: .tiff, options: options)))
        }
        out.append(("tiff f32", try ImageEncoder.encode(Ramp.image(size, .greyAlpha, .f32), as: .tiff)))
        for name in ["rgb8-tiled.tiff", "rgb16-planar.tiff", "palette8-transparent.png", "rgb16-interlaced.png", "pages.tiff"] {
            out.append((name, try Golden.bytes(name)))
        }
        return out
    }

    /// No crash; a fault, if any, is one of the input or of a limit.
    @Test func mutatedFilesNeverCrash() throws {
        var random = SplitMix(state: 2)
        var tolerant = DecodeOptions()
        tolerant.toleratesTruncation = true
        for (name, seed) in try Self.seeds() {
            for round in 0..<150 {
                var bytes = seed
                for _ in 0...random.below(4) {
                    switch random.below(4) {
                    case 0: bytes[random.below(bytes.count)] = UInt8(random.below(256))
                    case 1: bytes[random.below(min(bytes.count, 200))] ^= 1 << UInt8(random.below(8))
                    case 2: bytes.removeLast(random.below(bytes.count))
                    default:
                        let from = random.below(bytes.count)
                        let to = random.below(bytes.count)
                        for i in 0..<min(8, bytes.count - max(from, to)) { bytes[to + i] = bytes[from + i] }
                    }
                    if bytes.isEmpty { break }
                }
                for options in [DecodeOptions(), tolerant] {
                    guard let fault = fault(bytes, options) else { continue }
                    #expect(fault.kind == .damagedInput || fault.kind == .limit, "\(name) round \(round): \(fault)")
                }
            }
        }
    }

    @Test(arguments: ["png", "jpeg", "tiff deflate"]) func everyTruncationIsRefused(_ name: String) throws {
        let seed = try #require(Self.seeds().first { $0.name == name }?.bytes)
        for count in stride(from: 0, to: seed.count - 1, by: 7) {
            #expect(fault(Array(seed.prefix(count))) != nil, "\(name) cut to \(count) of \(seed.count)")
        }
    }

    @Test(arguments: ["png", "jpeg", "tiff none"]) func truncationCanBeTolerated(_ name: String) throws {
        let image = Ramp.image(Size(width: 400, height: 300), .rgb, .u8)
        let format: FileFormat = name == "png" ? .png : name == "jpeg" ? .jpeg : .tiff
        var options = EncodeOptions()
        options.tiffCompression = .none
        let whole = try ImageEncoder.encode(image, as: format, options: options)
        // libtiff writes the directory last: a TIFF that is cut has none, so its strips are pointed outside instead.
        var cut = Array(whole.prefix(whole.count * 3 / 4))
        if format == .tiff { cut = whole.pointingLastStripOutside() }
        #expect(fault(cut)?.identifier == "\(format.rawValue).truncated", "\(String(describing: fault(cut)))")
        var tolerant = DecodeOptions()
        tolerant.toleratesTruncation = true
        let decoded = try ImageDecoder.decode(cut, options: tolerant)
        #expect(decoded.image.size == image.size)
        #expect(!decoded.warnings.isEmpty)
        let rows = 400 * 10
        if format != .jpeg { #expect(decoded.image.planes[0].u8Values.prefix(rows) == image.planes[0].u8Values.prefix(rows)) }
    }

    /// The scans of a progressive file after the first ones only add detail: where a marker follows, the file goes on and is whole but
    /// for that. Where none follows, the file is cut.
    @Test func progressiveDetailMayBeMissing() throws {
        var options = EncodeOptions()
        options.jpegIsProgressive = true
        let image = Ramp.image(Size(width: 64, height: 48), .rgb, .u8)
        let whole = try ImageEncoder.encode(image, as: .jpeg, options: options)
        #expect(try ImageDecoder.decode(whole).warnings.isEmpty)
        let scans = whole.indices.dropLast().filter { whole[$0] == 0xFF && whole[$0 + 1] == 0xDA }
        let last = try #require(scans.last)
        let middle = (last + whole.count) / 2
        for (what, end) in [("the last scan is short", middle), ("the last scan is not there", last)] {
            let short = Array(whole[..<end])
            #expect(fault(short)?.identifier == "jpeg.truncated", "\(what): \(String(describing: fault(short)))")
            let decoded = try ImageDecoder.decode(short + [0xFF, 0xD9])
            #expect(decoded.warnings == ["the progressive scans are not complete: fine detail is missing"], "\(what)")
            #expect(decoded.image.size == image.size, "\(what)")
        }
        // Before the detail comes the picture itself: without all of it the file is damaged.
        let first = Array(whole[..<(scans[0] + (scans[1] - scans[0]) / 2)]) + [0xFF, 0xD9]
        #expect(fault(first)?.identifier == "jpeg.truncated", "\(String(describing: fault(first)))")
    }

    // MARK: - One fault each

    @Test func nothingAndNonsense() {
        #expect(fault([])?.identifier == "image.empty")
        #expect(fault([1, 2, 3])?.identifier == "image.unknown-format")
        #expect(fault(Array("GIF89a".utf8))?.identifier == "image.unknown-format")
        #expect(fault([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])?.identifier == "png.truncated")
        #expect(fault([0xFF, 0xD8, 0xFF])?.identifier.hasPrefix("jpeg.") == true)
        #expect(fault([0x49, 0x49, 42, 0])?.identifier.hasPrefix("tiff.") == true)
    }

    @Test func checksumsAreVerified() throws {
        var image = Ramp.image(Size(width: 8, height: 8), .grey, .u8)
        image.metadata.texts = [.init(key: "Comment", value: "findme")]
        var bytes = try ImageEncoder.encode(image, as: .png)
        let text = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("findme".utf8)) })
        bytes[text] ^= 1
        #expect(fault(bytes)?.identifier == "png.crc", "an ancillary chunk")
        bytes[text] ^= 1
        bytes[bytes.count - 1] ^= 1
        #expect(fault(bytes)?.identifier == "png.crc", "the end chunk")
    }

    @Test func headersAreMeasuredBeforeMemory() throws {
        func png(_ width: UInt32, _ height: UInt32) throws -> [UInt8] {
            // A real header with another size; the checksum is that of the changed bytes.
            var bytes = try ImageEncoder.encode(Ramp.image(Size(width: 1, height: 1), .rgb, .u16), as: .png)
            for (offset, value) in [(16, width), (20, height)] {
                for i in 0..<4 { bytes[offset + i] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * i)) }
            }
            let crc = crc32(bytes[12..<29])
            for i in 0..<4 { bytes[29 + i] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * i)) }
            return bytes
        }
        #expect(fault(try png(65_500, 65_500))?.identifier == "limit.pixels")
        #expect(fault(try png(1_000_001, 1))?.identifier == "limit.sidePixels")
        #expect(fault(try png(20_000, 20_000))?.identifier == "limit.expansion")
        #expect(fault(try png(0, 5))?.identifier == "png.zero-size")
        #expect(fault(try png(65_500, 65_500))?.kind == .limit)
    }

    @Test func scansOverAHugePictureAreRefusedBeforeTheyAreRead() throws {
        var options = EncodeOptions()
        options.jpegIsProgressive = true
        var bytes = try ImageEncoder.encode(Ramp.image(Size(width: 64, height: 64), .grey, .u8), as: .jpeg, options: options)
        let frame = try #require((1..<bytes.count).first { bytes[$0 - 1] == 0xFF && bytes[$0] == 0xC2 })
        // 11,500 × 11,500 pixels, and every scan sixteen times.
        for (offset, byte) in [(4, 0x2C), (5, 0xEC), (6, 0x2C), (7, 0xEC)] { bytes[frame + offset] = UInt8(byte) }
        let start = try #require((1..<bytes.count).first { bytes[$0 - 1] == 0xFF && bytes[$0] == 0xDA }) - 1
        let scans = Array(bytes[start..<(bytes.count - 2)])
        bytes.insert(contentsOf: [0xFF, 0xFE, 0x40, 0] + [UInt8](repeating: 0, count: 0x3FFE), at: start)
        for _ in 0..<15 { bytes.insert(contentsOf: scans, at: bytes.count - 2) }
        #expect(fault(bytes)?.identifier == "limit.expansion", "\(String(describing: fault(bytes)))")
    }

    @Test func limitsAreObeyed() throws {
        let seeds = try Dictionary(uniqueKeysWithValues: Self.seeds().map { ($0.name, $0.bytes) })
        func refused(_ name: String, _ change: (inout Limits) -> Void) throws -> String? {
            var options = DecodeOptions()
            change(&options.limits)
            return fault(try #require(seeds[name]), options)?.identifier
        }
        for name in ["png", "jpeg", "tiff deflate"] {
            #expect(try refused(name) { $0.fileBytes = 100 } == "limit.fileBytes", "\(name)")
            #expect(try refused(name) { $0.sidePixels = 36 } == "limit.sidePixels", "\(name)")
            #expect(try refused(name) { $0.pixels = 1000 } == "limit.pixels", "\(name)")
            #expect(try refused(name) { $0.decodedBytes = 3000 } == "limit.decodedBytes", "\(name)")
            #expect(
                try refused(name) {
                    $0.bombFloorBytes = 10; $0.expansion = 0
                } == "limit.expansion", "\(name)")
        }
        #expect(try refused("progressive") { $0.scans = 2 } == "limit.scans")
        #expect(try refused("progressive") { $0.decoderBytes = 1000 } == "limit.decoderBytes")
        #expect(try refused("tiff deflate") { $0.decoderBytes = 3000 } == "limit.decoderBytes")
        #expect(try refused("jpeg") { $0.metadataItems = 2 } == "limit.metadataItems")
        #expect(try refused("pages.tiff") { $0.pages = 2 } == "limit.pages")
    }
}

extension [UInt8] {
    /// A little-endian classic TIFF whose last strip starts behind the end of the file.
    func pointingLastStripOutside() -> [UInt8] {
        func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(self[at + $1]) << (8 * $1) } }
        var out = self
        let directory = word(4)
        for index in 0..<(Int(self[directory]) | Int(self[directory + 1]) << 8) {
            let entry = directory + 2 + 12 * index
            guard self[entry] == 0x11, self[entry + 1] == 1 else { continue }
            // StripOffsets: LONG or SHORT, more than one of them.
            let size = self[entry + 2] == 3 ? 2 : 4
            let last = word(entry + 8) + (word(entry + 4) - 1) * size
            for i in 0..<size { out[last + i] = size == 4 && i == 3 ? 0x7F : 0xFF }
        }
        return out
    }
}

private func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
}
