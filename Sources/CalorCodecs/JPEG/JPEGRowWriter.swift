import CCalorJPEG
import CalorBase
import CalorImage

/// Baseline or progressive JPEG of 8-bit grey or RGB, row by row into memory; the same picture gives the same bytes.
final class JPEGRowWriter: RowWriter {
    /// The body of one segment, after its length.
    private static let segmentBytes = 65_533

    private let writer: OpaquePointer
    private let message = MessageBuffer(capacity: CALOR_JPEG_MESSAGE)

    init(_ form: PictureForm, options: EncodeOptions, warnings: inout [String]) throws(CodecFault) {
        var raw = CalorJPEGImage()
        raw.width = UInt32(form.size.width)
        raw.height = UInt32(form.size.height)
        raw.channels = UInt8(form.colour.planes)
        raw.quality = Int32(options.jpegQuality)
        raw.horizontalSampling = options.jpegSubsampling == .full ? 1 : 2
        raw.verticalSampling = options.jpegSubsampling == .quarter ? 2 : 1
        raw.isProgressive = options.jpegIsProgressive ? 1 : 0
        Self.setDensity(form.metadata.resolution, in: &raw)
        var status: Int32 = 0
        let opened = calorJPEGWriterOpen(&raw, &status, message.pointer)
        guard let opened, status == CALOR_JPEG_OK.status else {
            calorJPEGWriterClose(opened)
            throw .encoderFailed(.jpeg, message.text)
        }
        writer = opened
        for (marker, body) in Self.segments(of: form.metadata, colour: form.colour, warnings: &warnings) {
            try check(calorJPEGWriteMarker(writer, Int32(marker), body, UInt32(body.count), message.pointer))
        }
    }

    deinit { calorJPEGWriterClose(writer) }

    func write(_ part: Image) throws(CodecFault) {
        try part.interleavedBlocks(of: (1 << 18) / max(part.width * part.planes.count, 1)) {
            (bytes, rowBytes, rows) throws(CodecFault) in
            try check(calorJPEGWriteRows(writer, bytes, rowBytes, UInt32(rows), message.pointer))
        }
    }

    func finish(warnings: inout [String]) throws(CodecFault) -> [UInt8] {
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        try check(calorJPEGWriterFinish(writer, &bytes, &count, message.pointer))
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    private func check(_ status: Int32) throws(CodecFault) {
        if status != CALOR_JPEG_OK.status { throw .encoderFailed(.jpeg, message.text) }
    }

    // MARK: - What stands in front of the pixels

    /// JFIF has room for whole numbers per inch or per centimetre; the closer one is taken.
    private static func setDensity(_ resolution: Metadata.Resolution?, in raw: inout CalorJPEGImage) {
        guard let resolution else { return }
        let candidates = [(UInt8(1), 0.0254), (UInt8(2), 0.01)].compactMap { unit, metres -> (UInt8, UInt16, UInt16, Double)? in
            let x = resolution.x * metres
            let y = resolution.y * metres
            guard let wholeX = UInt16(exactly: x.rounded()), let wholeY = UInt16(exactly: y.rounded()), wholeX > 0, wholeY > 0
            else { return nil }
            return (unit, wholeX, wholeY, abs(x - x.rounded()) / x + abs(y - y.rounded()) / y)
        }
        guard let best = candidates.min(by: { $0.3 < $1.3 }) else { return }
        (raw.densityUnit, raw.densityX, raw.densityY) = (best.0, best.1, best.2)
    }

    private static func segments(
        of metadata: Metadata, colour: ColourModel, warnings: inout [String]
    ) -> [(marker: UInt8, body: [UInt8])] {
        var out: [(UInt8, [UInt8])] = []
        func add(_ marker: UInt8, _ mark: [UInt8], _ bytes: [UInt8]?, _ name: String) {
            guard let bytes else { return }
            if mark.count + bytes.count <= segmentBytes {
                out.append((marker, mark + bytes))
            } else {
                warnings.append("the \(name) of \(bytes.count) bytes was dropped: JPEG has room for \(segmentBytes - mark.count)")
            }
        }
        add(0xE1, JPEGSegments.exifMark, metadata.exif, "EXIF block")
        add(0xE1, JPEGSegments.xmpMark, metadata.xmp, "XMP packet")
        if let profile = metadata.profile(for: colour) {
            let part = segmentBytes - JPEGSegments.iccMark.count - 2
            let count = (profile.count + part - 1) / part
            if let total = UInt8(exactly: count) {
                for index in 0..<count {
                    let bytes = profile[(index * part)..<min((index + 1) * part, profile.count)]
                    out.append((0xE2, JPEGSegments.iccMark + [UInt8(index + 1), total] + bytes))
                }
            } else {
                warnings.append("the ICC profile of \(profile.count) bytes was dropped: JPEG has room for 255 segments")
            }
        }
        add(0xED, JPEGSegments.photoshopMark, metadata.iptc.map(resource), "IPTC block")
        for text in metadata.texts {
            let value = text.key == "Comment" ? text.value : "\(text.key): \(text.value)"
            add(0xFE, [], Array(value.utf8), "text \"\(text.key)\"")
        }
        return out
    }

    /// Photoshop image resource 0x0404, padded to an even length.
    private static func resource(_ iptc: [UInt8]) -> [UInt8] {
        let size = UInt32(clamping: iptc.count)
        let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) }
        return Array("8BIM".utf8) + [0x04, 0x04, 0, 0] + length + iptc + (iptc.count & 1 == 1 ? [0] : [])
    }
}
