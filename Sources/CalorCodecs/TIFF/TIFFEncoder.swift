import CCalorTIFF
import CalorBase
import CalorImage

/// TIFF through libtiff: u8, u16 and f32 in any colour, interleaved, in strips; BigTIFF when the file may pass 4 GB.
enum TIFFEncoder {
    static func encode(_ image: Image, options: EncodeOptions, warnings: inout [String]) throws(CodecFault) -> [UInt8] {
        let message = MessageBuffer(capacity: CALOR_TIFF_MESSAGE)
        let metadata = options.keepsMetadata ? image.metadata : Metadata()
        let rowBytes = image.width * image.planes.count * image.format.bytes
        let rowsPerStrip = min(image.height, max(1, (1 << 18) / rowBytes))
        var raw = try description(of: image, options: options)
        raw.rowsPerStrip = UInt32(rowsPerStrip)
        // The worst case of a codec is a little more than the samples themselves.
        raw.isBigTIFF = image.bytes > 4_000_000_000 ? 1 : 0
        if let resolution = metadata.resolution {
            (raw.xPerCentimetre, raw.yPerCentimetre) = (resolution.x / 100, resolution.y / 100)
        }

        let icc = metadata.profile(for: image.colour) ?? []
        let xmp = metadata.xmp ?? []
        let iptc = (metadata.iptc ?? []).paddedToWords()
        var status: Int32 = 0
        let opened = icc.withUnsafeBufferPointer { iccBytes in
            xmp.withUnsafeBufferPointer { xmpBytes in
                iptc.withUnsafeBufferPointer { iptcBytes in
                    (raw.icc, raw.iccCount) = (iccBytes.baseAddress, UInt32(clamping: iccBytes.count))
                    (raw.xmp, raw.xmpCount) = (xmpBytes.baseAddress, UInt32(clamping: xmpBytes.count))
                    (raw.iptc, raw.iptcCount) = (iptcBytes.baseAddress, UInt32(clamping: iptcBytes.count))
                    return calorTIFFWriterOpen(&raw, &status, message.pointer)
                }
            }
        }
        defer { calorTIFFWriterClose(opened) }
        guard let writer = opened, status == CALOR_TIFF_OK.status else { throw .encoderFailed(.tiff, message.text) }
        // What the picture says itself goes before what its EXIF block repeats.
        let keys = Set(metadata.texts.map { alias($0.key) })
        let repeated = (metadata.exif.map(EXIFBlock.texts) ?? []).filter { !keys.contains($0.key) }
        try writeTexts(metadata.texts + repeated, to: writer, message, warnings: &warnings)
        switch image.format {
        case .u8: try writeStrips(of: image, planes: image.planes.map(\.u8Samples), rowsPerStrip, to: writer, message)
        case .u16: try writeStrips(of: image, planes: image.planes.map(\.u16Samples), rowsPerStrip, to: writer, message)
        case .f32: try writeStrips(of: image, planes: image.planes.map(\.f32Samples), rowsPerStrip, to: writer, message)
        }
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        guard calorTIFFWriterFinish(writer, &bytes, &count, message.pointer) == CALOR_TIFF_OK.status else {
            throw .encoderFailed(.tiff, message.text)
        }
        var file = Array(UnsafeBufferPointer(start: bytes, count: count))
        if let exif = metadata.exif { TIFFAppendix.add(EXIFBlock.directories(of: exif), to: &file, warnings: &warnings) }
        return file
    }

    private static func description(of image: Image, options: EncodeOptions) throws(CodecFault) -> CalorTIFFImage {
        var raw = CalorTIFFImage()
        raw.width = UInt32(image.width)
        raw.height = UInt32(image.height)
        raw.bits = UInt16(image.format.bytes * 8)
        raw.samples = UInt16(image.planes.count)
        raw.sampleFormat = image.format == .f32 ? 3 : 1
        raw.photometric = image.colour.isGrey ? 1 : 2
        raw.hasAlpha = image.colour.hasAlpha ? 1 : 0
        raw.compressionLevel = -1
        raw.compression =
            switch options.tiffCompression {
            case .none: 1
            case .lzw: 5
            case .deflate: 8
            case .zstd: 50_000
            }
        guard calorTIFFHasCodec(raw.compression) != 0 else {
            throw .badOption(
                "this libtiff was built without \(options.tiffCompression.rawValue)", advice: "Use deflate, the default.")
        }
        // Differences of neighbours compress better; floating point has a predictor of its own.
        raw.predictor = options.tiffCompression == .none ? 1 : image.format == .f32 ? 3 : 2
        return raw
    }

    private static func writeTexts(
        _ texts: [Metadata.Text], to writer: OpaquePointer, _ message: borrowing MessageBuffer, warnings: inout [String]
    ) throws(CodecFault) {
        var used: Set<Int> = []
        for text in texts {
            let key = alias(text.key)
            guard let tag = TIFFMetadata.textTags.first(where: { $0.key == key })?.tag, used.insert(tag).inserted else {
                warnings.append("the text \"\(text.key)\" was dropped: TIFF has no tag for it")
                continue
            }
            guard calorTIFFWriteText(writer, UInt32(tag), text.value, message.pointer) == CALOR_TIFF_OK.status else {
                throw .encoderFailed(.tiff, message.text)
            }
        }
    }

    /// The tag's name for a keyword of PNG or JPEG.
    private static func alias(_ key: String) -> String {
        switch key {
        case "Title": "DocumentName"
        case "Author": "Artist"
        case "Description", "Comment": "ImageDescription"
        default: key
        }
    }

    private static func writeStrips<Sample: BitwiseCopyable>(
        of image: Image, planes: [[Sample]], _ rowsPerStrip: Int, to writer: OpaquePointer, _ message: borrowing MessageBuffer
    ) throws(CodecFault) {
        let rowSamples = image.width * planes.count
        let block = UnsafeMutableBufferPointer<Sample>.allocate(capacity: rowSamples * rowsPerStrip)
        defer { block.deallocate() }
        for (index, y) in stride(from: 0, to: image.height, by: rowsPerStrip).enumerated() {
            let rows = y..<min(y + rowsPerStrip, image.height)
            Interleaving.put(planes, width: image.width, rows: rows, to: block)
            let count = rows.count * rowSamples * MemoryLayout<Sample>.stride
            // The encoder works in place, so the block is filled anew for every strip.
            let bytes = UnsafeMutableRawPointer(block.baseAddress!).assumingMemoryBound(to: UInt8.self)
            guard calorTIFFWriteStrip(writer, UInt32(index), bytes, count, message.pointer) == CALOR_TIFF_OK.status else {
                throw .encoderFailed(.tiff, message.text)
            }
        }
    }
}

extension [UInt8] {
    /// Filled with zeros to a multiple of four.
    func paddedToWords() -> [UInt8] { self + [UInt8](repeating: 0, count: (4 - count % 4) % 4) }
}
