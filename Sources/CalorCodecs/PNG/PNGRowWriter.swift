import CCalorPNG
import CalorBase
import CalorImage

/// PNG through libpng: 8 and 16 bits, grey or RGB, with or without alpha, row by row; the same picture gives the same bytes.
final class PNGRowWriter: RowWriter {
    private let writer: OpaquePointer
    private let message = MessageBuffer(capacity: CALOR_PNG_MESSAGE)
    private let isInFile: Bool

    init(_ form: PictureForm, options: EncodeOptions, descriptor: Int32) throws(CodecFault) {
        var raw = CalorPNGImage()
        raw.width = UInt32(form.size.width)
        raw.height = UInt32(form.size.height)
        raw.bitDepth = form.format == .u16 ? 16 : 8
        raw.colourType = Self.colourType(form.colour)
        raw.compressionLevel = Int32(options.pngCompressionLevel)
        Self.describe(form.metadata, in: &raw)
        let icc = form.metadata.profile(for: form.colour) ?? []
        let exif = form.metadata.exif ?? []
        let text = message.pointer
        var status: Int32 = 0
        let opened = icc.withUnsafeBufferPointer { iccBytes in
            exif.withUnsafeBufferPointer { exifBytes in
                if !iccBytes.isEmpty { (raw.icc, raw.iccCount) = (iccBytes.baseAddress, UInt32(clamping: iccBytes.count)) }
                if !exifBytes.isEmpty { (raw.exif, raw.exifCount) = (exifBytes.baseAddress, UInt32(clamping: exifBytes.count)) }
                return calorPNGWriterOpen(&raw, descriptor, &status, text)
            }
        }
        guard let opened, status == CALOR_PNG_OK.status else {
            calorPNGWriterClose(opened)
            throw Self.fault(status, message.text)
        }
        writer = opened
        isInFile = descriptor >= 0
        for text in Self.texts(of: form.metadata) {
            try check(calorPNGWriteText(writer, text.key, text.value, text.isUTF8 ? 1 : 0, message.pointer))
        }
    }

    deinit { calorPNGWriterClose(writer) }

    func write(_ part: Image) throws(CodecFault) {
        try part.interleavedBlocks(of: (1 << 18) / max(part.width * part.planes.count * part.format.bytes, 1)) {
            (bytes, rowBytes, rows) throws(CodecFault) in
            try check(calorPNGWriteRows(writer, bytes, rowBytes, UInt32(rows), message.pointer))
        }
    }

    func finish(warnings: inout [String]) throws(CodecFault) -> [UInt8] {
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        try check(calorPNGWriterFinish(writer, &bytes, &count, message.pointer))
        let warning = String(cString: calorPNGWriterWarning(writer))
        if !warning.isEmpty {
            warnings.append(warning.hasPrefix("profile") ? "the ICC profile was dropped: \(warning)" : "libpng: \(warning)")
        }
        return isInFile ? [] : Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    private func check(_ status: Int32) throws(CodecFault) {
        if status != CALOR_PNG_OK.status { throw Self.fault(status, message.text) }
    }

    private static func fault(_ status: Int32, _ text: String) -> CodecFault {
        status == CALOR_PNG_WRITE.status ? .cannotWrite(text) : .encoderFailed(.png, text)
    }

    // MARK: - What stands in front of the pixels

    private static func colourType(_ colour: ColourModel) -> UInt8 {
        switch colour {
        case .grey: 0
        case .greyAlpha: 4
        case .rgb: 2
        case .rgbAlpha: 6
        }
    }

    private static func describe(_ metadata: Metadata, in raw: inout CalorPNGImage) {
        if let gamma = metadata.gamma { (raw.hasGamma, raw.gamma) = (1, gamma) }
        if let intent = metadata.srgbIntent, intent < 4 { (raw.hasIntent, raw.intent) = (1, intent) }
        if let points = metadata.chromaticities, points.count == 8 {
            raw.hasChromaticities = 1
            withUnsafeMutableBytes(of: &raw.chromaticities) { $0.copyBytes(from: points.withUnsafeBytes(Array.init)) }
        }
        if let cicp = metadata.cicp, cicp.count == 4 {
            raw.hasCICP = 1
            withUnsafeMutableBytes(of: &raw.cicp) { $0.copyBytes(from: cicp) }
        }
        if let resolution = metadata.resolution, let x = UInt32(exactly: resolution.x.rounded()),
            let y = UInt32(exactly: resolution.y.rounded()), x > 0, y > 0, x < 1 << 31, y < 1 << 31
        {
            (raw.hasResolution, raw.xPerMetre, raw.yPerMetre) = (1, x, y)
        }
    }

    // MARK: - Text

    /// The chunks to write, NUL-terminated as libpng wants them. What cannot be a PNG keyword is shortened to one.
    private static func texts(of metadata: Metadata) -> [(key: [CChar], value: [CChar], isUTF8: Bool)] {
        var out = metadata.texts.compactMap { text -> (key: [CChar], value: [CChar], isUTF8: Bool)? in
            let latin = Latin1.bytes(text.value)
            let value = latin ?? Array(text.value.utf8)
            return keyword(text.key).map { ($0, terminated(value), latin == nil) }
        }
        if let xmp = metadata.xmp { out.append((terminated(Array("XML:com.adobe.xmp".utf8)), terminated(xmp), true)) }
        if let iptc = metadata.iptc {
            out.append(
                (terminated(Array(RawProfile.iptcKey.utf8)), terminated(Array(RawProfile.encode(iptc, name: "iptc").utf8)), false))
        }
        return out
    }

    /// *Source*: PNG 3rd edition, 11.3.3: 1–79 printable Latin-1 characters, single spaces, none at the ends.
    private static func keyword(_ key: String) -> [CChar]? {
        let printable = key.unicodeScalars.map { scalar -> UInt8 in
            switch scalar.value {
            case 0x21...0x7E, 0xA1...0xFF: UInt8(scalar.value)
            default: 0x20
            }
        }
        let joined = printable.split(separator: 0x20).joined(separator: [0x20])
        var word = Array(Array(joined).prefix(79))
        if word.last == 0x20 { word.removeLast() }
        return word.isEmpty ? nil : terminated(word)
    }

    private static func terminated(_ bytes: [UInt8]) -> [CChar] {
        bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
    }
}
