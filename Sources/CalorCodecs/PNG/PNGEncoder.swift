import CCalorPNG
import CalorBase
import CalorImage

/// PNG through libpng: 8 and 16 bits, grey or RGB, with or without alpha; the same picture gives the same bytes.
enum PNGEncoder {
    static func encode(_ image: Image, options: EncodeOptions, warnings: inout [String]) throws(CodecFault) -> [UInt8] {
        let message = MessageBuffer(capacity: CALOR_PNG_MESSAGE)
        var raw = CalorPNGImage()
        raw.width = UInt32(image.width)
        raw.height = UInt32(image.height)
        raw.bitDepth = image.format == .u16 ? 16 : 8
        raw.colourType = colourType(image.colour)
        raw.compressionLevel = Int32(options.pngCompressionLevel)
        let metadata = options.keepsMetadata ? image.metadata : Metadata()
        describe(metadata, in: &raw)
        let icc = metadata.profile(for: image.colour) ?? []
        let exif = metadata.exif ?? []

        var status: Int32 = 0
        let opened = icc.withUnsafeBufferPointer { iccBytes in
            exif.withUnsafeBufferPointer { exifBytes in
                if !iccBytes.isEmpty { (raw.icc, raw.iccCount) = (iccBytes.baseAddress, UInt32(clamping: iccBytes.count)) }
                if !exifBytes.isEmpty { (raw.exif, raw.exifCount) = (exifBytes.baseAddress, UInt32(clamping: exifBytes.count)) }
                return calorPNGWriterOpen(&raw, &status, message.pointer)
            }
        }
        defer { calorPNGWriterClose(opened) }
        guard let writer = opened, status == CALOR_PNG_OK.status else { throw .encoderFailed(.png, message.text) }
        for text in texts(of: metadata) {
            let status = calorPNGWriteText(writer, text.key, text.value, text.isUTF8 ? 1 : 0, message.pointer)
            guard status == CALOR_PNG_OK.status else { throw .encoderFailed(.png, message.text) }
        }
        switch image.format {
        case .u16: try writeRows(of: image, planes: image.planes.map(\.u16Samples), to: writer, message)
        default: try writeRows(of: image, planes: image.planes.map(\.u8Samples), to: writer, message)
        }
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        guard calorPNGWriterFinish(writer, &bytes, &count, message.pointer) == CALOR_PNG_OK.status else {
            throw .encoderFailed(.png, message.text)
        }
        let warning = String(cString: calorPNGWriterWarning(writer))
        if !warning.isEmpty { warnings.append("libpng: \(warning)") }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

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

    // MARK: - Pixels

    private static func writeRows<Sample: BitwiseCopyable & FixedWidthInteger>(
        of image: Image, planes: [[Sample]], to writer: OpaquePointer, _ message: borrowing MessageBuffer
    ) throws(CodecFault) {
        let rowSamples = image.width * planes.count
        let rowBytes = rowSamples * MemoryLayout<Sample>.stride
        let blockRows = min(image.height, max(1, (1 << 18) / rowBytes))
        let block = UnsafeMutableBufferPointer<Sample>.allocate(capacity: rowSamples * blockRows)
        defer { block.deallocate() }
        for y in stride(from: 0, to: image.height, by: blockRows) {
            let rows = y..<min(y + blockRows, image.height)
            Interleaving.put(planes, width: image.width, rows: rows, to: block)
            let pixels = UnsafeRawPointer(block.baseAddress!).assumingMemoryBound(to: UInt8.self)
            let status = calorPNGWriteRows(writer, pixels, rowBytes, UInt32(rows.count), message.pointer)
            guard status == CALOR_PNG_OK.status else { throw .encoderFailed(.png, message.text) }
        }
    }
}

extension Plane {
    /// The samples of a plane that is known to be u8.
    var u8Samples: [UInt8] {
        guard case .u8(let samples) = samples else { preconditionFailure("the plane is \(format), not u8") }
        return samples
    }

    /// The samples of a plane that is known to be u16.
    var u16Samples: [UInt16] {
        guard case .u16(let samples) = samples else { preconditionFailure("the plane is \(format), not u16") }
        return samples
    }

    /// The samples of a plane that is known to be f32.
    var f32Samples: [Float] {
        guard case .f32(let samples) = samples else { preconditionFailure("the plane is \(format), not f32") }
        return samples
    }
}
