import CCalorTIFF
import CalorBase
import CalorImage

/// TIFF through libtiff: u8, u16 and f32 in any colour, interleaved, strip by strip; BigTIFF when the file may pass 4 GB.
final class TIFFRowWriter: RowWriter {
    private let writer: OpaquePointer
    private let message = MessageBuffer(capacity: CALOR_TIFF_MESSAGE)
    private let isInFile: Bool
    private let isBig: Bool
    private let additions: EXIFBlock.Directory
    /// Rows of the next strip, interleaved, and how many bytes of it are filled.
    private let strip: UnsafeMutableRawBufferPointer
    private var filled = 0
    private var nextStrip: UInt32 = 0

    /// The worst case of a codec is a little more than the samples themselves.
    static let classicBytes = 4_000_000_000

    init(_ form: PictureForm, options: EncodeOptions, descriptor: Int32, warnings: inout [String]) throws(CodecFault) {
        let metadata = form.metadata
        let rowsPerStrip = min(form.size.height, max(1, (1 << 18) / form.rowBytes))
        var raw = try Self.description(of: form, options: options)
        raw.rowsPerStrip = UInt32(rowsPerStrip)
        isBig = options.tiffIsBig || form.rowBytes * form.size.height > Self.classicBytes
        raw.isBigTIFF = isBig ? 1 : 0
        if let resolution = metadata.resolution ?? metadata.exif.flatMap(EXIFBlock.resolution) {
            (raw.xPerCentimetre, raw.yPerCentimetre) = (resolution.x / 100, resolution.y / 100)
        }
        let icc = metadata.profile(for: form.colour) ?? []
        let xmp = metadata.xmp ?? []
        let iptc = (metadata.iptc ?? []).paddedToWords()
        var status: Int32 = 0
        let text = message.pointer
        let opened = icc.withUnsafeBufferPointer { iccBytes in
            xmp.withUnsafeBufferPointer { xmpBytes in
                iptc.withUnsafeBufferPointer { iptcBytes in
                    (raw.icc, raw.iccCount) = (iccBytes.baseAddress, UInt32(clamping: iccBytes.count))
                    (raw.xmp, raw.xmpCount) = (xmpBytes.baseAddress, UInt32(clamping: xmpBytes.count))
                    (raw.iptc, raw.iptcCount) = (iptcBytes.baseAddress, UInt32(clamping: iptcBytes.count))
                    return calorTIFFWriterOpen(&raw, descriptor, &status, text)
                }
            }
        }
        guard let opened, status == CALOR_TIFF_OK.status else {
            calorTIFFWriterClose(opened)
            throw Self.fault(status, message.text)
        }
        writer = opened
        isInFile = descriptor >= 0
        strip = .allocate(byteCount: form.rowBytes * rowsPerStrip, alignment: 16)
        additions = EXIFBlock.Directory(
            values: metadata.georeference?.entries ?? [], children: metadata.exif.map { EXIFBlock.directories(of: $0) } ?? [])
        if let exif = metadata.exif, EXIFBlock.hasMakerNote(exif) { warnings.append(EXIFBlock.makerNoteWarning) }
        // What the picture says itself goes before what its EXIF block repeats; a comment is no repetition of a description.
        let keys = Set(metadata.texts.map { Self.isRemark($0.key) ? $0.key : Self.alias($0.key) })
        let repeated = (metadata.exif.map(EXIFBlock.texts) ?? []).filter { !keys.contains($0.key) }
        try writeTexts(metadata.texts + repeated, warnings: &warnings)
    }

    deinit {
        calorTIFFWriterClose(writer)
        strip.deallocate()
    }

    func write(_ part: Image) throws(CodecFault) {
        let rowBytes = part.width * part.planes.count * part.format.bytes
        try part.interleavedBlocks(of: max(1, strip.count / rowBytes)) { (bytes, rowBytes, rows) throws(CodecFault) in
            var source = UnsafeRawBufferPointer(start: bytes, count: rowBytes * rows)
            while !source.isEmpty {
                let taken = min(source.count, strip.count - filled)
                UnsafeMutableRawBufferPointer(rebasing: strip[filled..<(filled + taken)])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<taken]))
                filled += taken
                source = UnsafeRawBufferPointer(rebasing: source[taken...])
                if filled == strip.count { try flush() }
            }
        }
    }

    func finish(warnings: inout [String]) throws(CodecFault) -> [UInt8] {
        if filled > 0 { try flush() }
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        try Self.check(calorTIFFWriterFinish(writer, &bytes, &count, message.pointer), message)
        try TIFFAppendix.add(additions, to: writer, isBig: isBig)
        try Self.check(calorTIFFWriterFinish(writer, &bytes, &count, message.pointer), message)
        return isInFile ? [] : Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    /// The encoder works in place, so the strip is filled anew every time.
    private func flush() throws(CodecFault) {
        try Self.check(
            calorTIFFWriteStrip(
                writer, nextStrip, strip.baseAddress?.assumingMemoryBound(to: UInt8.self), filled, message.pointer), message)
        nextStrip += 1
        filled = 0
    }

    static func check(_ status: Int32, _ message: borrowing MessageBuffer) throws(CodecFault) {
        if status != CALOR_TIFF_OK.status { throw fault(status, message.text) }
    }

    private static func fault(_ status: Int32, _ text: String) -> CodecFault {
        status == CALOR_TIFF_WRITE.status ? .cannotWrite(text) : .encoderFailed(.tiff, text)
    }

    // MARK: - What stands in the directory

    private static func description(of form: PictureForm, options: EncodeOptions) throws(CodecFault) -> CalorTIFFImage {
        var raw = CalorTIFFImage()
        raw.width = UInt32(form.size.width)
        raw.height = UInt32(form.size.height)
        raw.bits = UInt16(form.format.bytes * 8)
        raw.samples = UInt16(form.colour.planes)
        raw.sampleFormat = form.format == .f32 ? 3 : 1
        raw.photometric = form.colour.isGrey ? 1 : 2
        raw.hasAlpha = form.colour.hasAlpha ? 1 : 0
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
        raw.predictor = options.tiffCompression == .none ? 1 : form.format == .f32 ? 3 : 2
        return raw
    }

    private func writeTexts(
        _ texts: [Metadata.Text], warnings: inout [String]
    ) throws(CodecFault) {
        var used: Set<Int> = []
        // The one tag for a description takes the comments of a JPEG or PNG as well.
        let descriptions = (texts.filter { $0.key == "ImageDescription" } + texts.filter { Self.isRemark($0.key) }).map(\.value)
        let distinct = descriptions.indices.filter { !descriptions[..<$0].contains(descriptions[$0]) }.map { descriptions[$0] }
        if !distinct.isEmpty {
            used.insert(TIFFMetadata.descriptionTag)
            let joined = distinct.joined(separator: "\n")
            try Self.check(calorTIFFWriteText(writer, UInt32(TIFFMetadata.descriptionTag), joined, message.pointer), message)
        }
        for text in texts where Self.alias(text.key) != "ImageDescription" {
            let key = Self.alias(text.key)
            guard let tag = TIFFMetadata.textTags.first(where: { $0.key == key })?.tag, used.insert(tag).inserted else {
                warnings.append("the text \"\(text.key)\" was dropped: TIFF has no tag for it")
                continue
            }
            try Self.check(calorTIFFWriteText(writer, UInt32(tag), text.value, message.pointer), message)
        }
    }

    private static func isRemark(_ key: String) -> Bool { key == "Description" || key == "Comment" }

    /// The tag's name for a keyword of PNG or JPEG.
    private static func alias(_ key: String) -> String {
        switch key {
        case "Title": "DocumentName"
        case "Author": "Artist"
        case _ where isRemark(key): "ImageDescription"
        default: key
        }
    }
}

extension [UInt8] {
    /// Filled with zeros to a multiple of four.
    func paddedToWords() -> [UInt8] { self + [UInt8](repeating: 0, count: (4 - count % 4) % 4) }
}
