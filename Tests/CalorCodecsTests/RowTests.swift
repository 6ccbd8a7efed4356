import CalorBase
import CalorCodecs
import CalorImage
import Foundation
import Testing

/// Pictures that are read and written by rows are those that are read and written whole.
@Suite struct RowTests {
    private static func temporary(_ bytes: [UInt8], _ body: (OpenFile) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/calor-rows-\(UUID().uuidString)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(try #require(OpenFile(reading: path)))
    }

    private static func rows(_ decoder: RowDecoder) throws -> [Image] {
        var parts: [Image] = []
        while let part = try decoder.next() { parts.append(part) }
        return parts
    }

    @Test(arguments: GoldenTests.cases.map(\.name) + ["palette8.png", "grey8-white-is-zero.tiff", "grey-i16.tiff", "pages.tiff"])
    func theSameRows(_ name: String) throws {
        let bytes = try Golden.bytes(name)
        let whole = try ImageDecoder.decode(bytes)
        try Self.temporary(bytes) { file in
            #expect(try ImageDecoder.header(of: file) == whole.header, "\(name)")
            guard let decoder = try RowDecoder.open(file, options: DecodeOptions()) else {
                #expect(whole.header.isInterlacedOrProgressive, "\(name) can be read by rows")
                return
            }
            let parts = try Self.rows(decoder)
            #expect(parts.reduce(0) { $0 + $1.height } == whole.image.height, "\(name)")
            var y = 0
            for part in parts {
                let region = Region(x: 0, y: y, width: part.width, height: part.height)
                #expect(part == whole.image.cropped(to: region), "\(name), rows from \(y)")
                y += part.height
            }
            #expect(decoder.warnings == whole.warnings, "\(name)")
        }
    }

    /// A little more than is read at once (`RowBlock.pixels`).
    private static let large = Size(width: 1000, height: 1100)
    private static let largeImages = Dictionary(
        uniqueKeysWithValues: [SampleFormat.u8, .u16, .f32].map { ($0, Ramp.image(large, .rgb, $0)) })

    /// Strips of megabytes are read in parts; the first bytes of the file are enough for the first rows.
    @Test(arguments: [TIFFCompression.none, .lzw, .deflate, .zstd], [SampleFormat.u8, .u16, .f32])
    func oneLargeStrip(_ compression: TIFFCompression, _ format: SampleFormat) throws {
        let image = try #require(Self.largeImages[format])
        var options = EncodeOptions()
        options.tiffCompression = compression
        let bytes = try ImageEncoder.encode(image, as: .tiff, options: options)
        let decoded = try ImageDecoder.decode(bytes)
        #expect(decoded.image.planes == image.planes)
        guard compression == .none else { return }
        // Without compression strips that follow one another are one large strip: its offset is the first, its count their sum.
        let joined = bytes.withOneStrip(rows: image.height, byteCount: image.bytes)
        #expect(try ImageDecoder.decode(joined).image.planes == image.planes)
        try Self.temporary(joined) { file in
            let parts = try Self.rows(try #require(try RowDecoder.open(file, options: DecodeOptions())))
            #expect(parts.count > 1)
            #expect(parts[0] == decoded.image.cropped(to: Region(x: 0, y: 0, width: image.width, height: parts[0].height)))
        }
        let cut = Array(joined.prefix(joined.count / 2))
        #expect(fault(cut) != nil)
    }

    @Test(arguments: FileFormat.allCases, [1, 7, 1000]) func rowsAreWrittenAsTheWhole(_ format: FileFormat, _ rows: Int) throws {
        var image = Ramp.image(Size(width: 333, height: 1000), .rgb, .u8)
        image.metadata = MetadataTests.full("RGB ")
        let whole = try ImageEncoder.encodeReporting(image, as: format)
        let path = FileManager.default.temporaryDirectory.path + "/calor-rows-\(UUID().uuidString)"
        let file = try AtomicFile(replacing: path)
        let encoder = try RowEncoder(
            size: image.size, colour: image.colour, format: image.format, metadata: image.metadata, as: format,
            descriptor: file.openDescriptor)
        for y in stride(from: 0, to: image.height, by: rows) {
            try encoder.write(image.cropped(to: Region(x: 0, y: y, width: 333, height: min(rows, image.height - y))))
        }
        let finished = try encoder.finish()
        #expect(finished.warnings == whole.warnings)
        if format == .jpeg {
            #expect(finished.bytes == whole.bytes)
        } else {
            let written = file.digest()
            #expect(finished.bytes.isEmpty && written.hex == SHA256.hex(of: whole.bytes) && written.bytes == whole.bytes.count)
        }
    }

    @Test func aFullDiskIsSaid() throws {
        guard let full = FileHandle(forUpdatingAtPath: "/dev/full") else { return }
        let image = Ramp.image(Size(width: 2000, height: 2000), .rgb, .u16)
        for format in [FileFormat.png, .tiff] {
            var thrown: CodecFault?
            do throws(CodecFault) {
                let encoder = try RowEncoder(
                    size: image.size, colour: image.colour, format: image.format, metadata: Metadata(), as: format,
                    descriptor: full.fileDescriptor)
                try encoder.write(image)
                _ = try encoder.finish()
            } catch { thrown = error }
            #expect(thrown?.identifier == "file.write" && thrown?.kind == .inputOutput, "\(format): \(String(describing: thrown))")
        }
    }
}

extension [UInt8] {
    /// A little-endian classic TIFF without compression whose strips are one.
    fileprivate func withOneStrip(rows: Int, byteCount: Int) -> [UInt8] {
        func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(self[at + $1]) << (8 * $1) } }
        var out = self
        let directory = word(4)
        func set(_ at: Int, _ value: Int) { for i in 0..<4 { out[at + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) } }
        for index in 0..<(Int(self[directory]) | Int(self[directory + 1]) << 8) {
            let entry = directory + 2 + 12 * index
            switch Int(self[entry]) | Int(self[entry + 1]) << 8 {
            case 273:
                let first = word(word(entry + 8))
                (out[entry + 2], out[entry + 3]) = (4, 0)
                set(entry + 4, 1)
                set(entry + 8, first)
            case 278:
                (out[entry + 2], out[entry + 3]) = (4, 0)
                set(entry + 8, rows)
            case 279:
                (out[entry + 2], out[entry + 3]) = (4, 0)
                set(entry + 4, 1)
                set(entry + 8, byteCount)
            default: break
            }
        }
        return out
    }
}
