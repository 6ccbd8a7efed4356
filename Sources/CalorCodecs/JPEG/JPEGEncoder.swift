import CCalorJPEG
import CalorBase
import CalorImage

/// Baseline or progressive JPEG of 8-bit grey or RGB; the same picture gives the same bytes.
enum JPEGEncoder {
    /// The body of one segment, after its length.
    private static let segmentBytes = 65_533

    static func encode(_ image: Image, options: EncodeOptions, warnings: inout [String]) throws(CodecFault) -> [UInt8] {
        let message = MessageBuffer(capacity: CALOR_JPEG_MESSAGE)
        let metadata = options.keepsMetadata ? image.metadata : Metadata()
        var raw = CalorJPEGImage()
        raw.width = UInt32(image.width)
        raw.height = UInt32(image.height)
        raw.channels = UInt8(image.planes.count)
        raw.quality = Int32(options.jpegQuality)
        raw.horizontalSampling = options.jpegSubsampling == .full ? 1 : 2
        raw.verticalSampling = options.jpegSubsampling == .quarter ? 2 : 1
        raw.isProgressive = options.jpegIsProgressive ? 1 : 0
        setDensity(metadata.resolution, in: &raw)

        var status: Int32 = 0
        let opened = calorJPEGWriterOpen(&raw, &status, message.pointer)
        defer { calorJPEGWriterClose(opened) }
        guard let writer = opened, status == CALOR_JPEG_OK.status else { throw .encoderFailed(.jpeg, message.text) }
        for (marker, body) in segments(of: metadata, colour: image.colour, warnings: &warnings) {
            let status = calorJPEGWriteMarker(writer, Int32(marker), body, UInt32(body.count), message.pointer)
            guard status == CALOR_JPEG_OK.status else { throw .encoderFailed(.jpeg, message.text) }
        }
        try writeRows(of: image, to: writer, message)
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        guard calorJPEGWriterFinish(writer, &bytes, &count, message.pointer) == CALOR_JPEG_OK.status else {
            throw .encoderFailed(.jpeg, message.text)
        }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

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

    private static func writeRows(
        of image: Image, to writer: OpaquePointer, _ message: borrowing MessageBuffer
    ) throws(CodecFault) {
        let planes = image.planes.map(\.u8Samples)
        let rowBytes = image.width * planes.count
        let blockRows = min(image.height, max(1, (1 << 18) / rowBytes))
        let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: rowBytes * blockRows)
        defer { block.deallocate() }
        for y in stride(from: 0, to: image.height, by: blockRows) {
            let rows = y..<min(y + blockRows, image.height)
            Interleaving.put(planes, width: image.width, rows: rows, to: block)
            let status = calorJPEGWriteRows(writer, block.baseAddress, rowBytes, UInt32(rows.count), message.pointer)
            guard status == CALOR_JPEG_OK.status else { throw .encoderFailed(.jpeg, message.text) }
        }
    }
}
