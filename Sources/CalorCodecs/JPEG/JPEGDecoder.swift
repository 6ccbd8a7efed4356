import CCalorJPEG
import CalorBase
import CalorImage

/// JPEG through libjpeg-turbo, with the accurate integer DCT and smooth chroma, as `djpeg` decodes by default.
enum JPEGDecoder {
    static func header(of bytes: [UInt8], options: DecodeOptions) throws(CodecFault) -> ImageHeader {
        let segments = try JPEGSegments(bytes, limits: options.limits)
        return try bytes.withUnsafeBufferPointer { (buffer) throws(CodecFault) -> ImageHeader in
            try JPEGHandle(buffer, limits: options.limits).header(orientation: segments.orientation)
        }
    }

    static func decode(_ bytes: [UInt8], options: DecodeOptions) throws(CodecFault) -> DecodedImage {
        let segments = try JPEGSegments(bytes, limits: options.limits)
        return try bytes.withUnsafeBufferPointer { (buffer) throws(CodecFault) -> DecodedImage in
            let handle = try JPEGHandle(buffer, limits: options.limits)
            let header = handle.header(orientation: segments.orientation)
            try LimitCheck.held(header, of: bytes.count, limits: options.limits)
            try handle.start()
            let store = try rows(of: handle, colour: header.colour, limits: options.limits)
            try handle.finish()

            var warnings = segments.warnings + (try handle.warnings(toleratesTruncation: options.toleratesTruncation))
            var image = store.image(colour: header.colour, wrap: Samples.u8)
            image.metadata = segments.metadata
            image.metadata.resolution = handle.resolution
            if handle.raw.outputChannels == 4 {
                warnings.append("CMYK became RGB by the plain formula, without a colour profile")
                image.metadata.icc = nil
            }
            if segments.orientation != .topLeft { image = image.oriented(by: segments.orientation) }
            return DecodedImage(image: image, header: header, warnings: warnings)
        }
    }

    private static func rows(
        of handle: borrowing JPEGHandle, colour: ColourModel, limits: Limits
    ) throws(CodecFault) -> PlaneStore<UInt8> {
        let size = handle.storedSize
        let channels = Int(handle.raw.outputChannels)
        let rowBytes = size.width * channels
        let blockRows = min(size.height, max(1, (1 << 18) / rowBytes))
        let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: rowBytes * blockRows)
        defer { block.deallocate() }
        block.initialize(repeating: 0)
        var store = PlaneStore<UInt8>(size: size, count: colour.planes)
        let deadline = Deadline(limits)
        for y in stride(from: 0, to: size.height, by: blockRows) {
            try deadline.check()
            let rows = min(blockRows, size.height - y)
            try handle.readRows(rows, into: block.baseAddress!, rowBytes: rowBytes)
            if channels == 4 { flattenInks(in: block, pixels: rows * size.width, isInverted: handle.raw.hasAdobe != 0) }
            store.put(UnsafeBufferPointer(block), channels: channels, columns: size.width, rows: rows, rowStride: rowBytes, y: y)
        }
        return store
    }

    /// CMYK → RGB in place, each pixel keeping its four bytes: R = (1 − C)(1 − K), and so on.
    ///
    /// Files with an Adobe marker store 1 − ink.
    private static func flattenInks(in block: UnsafeMutableBufferPointer<UInt8>, pixels: Int, isInverted: Bool) {
        let flip: UInt8 = isInverted ? 0 : 255
        for pixel in 0..<pixels {
            let key = UInt32(block[4 * pixel + 3] ^ flip)
            for channel in 0..<3 {
                let light = UInt32(block[4 * pixel + channel] ^ flip)
                block[4 * pixel + channel] = UInt8(truncatingIfNeeded: (light * key * 2 + 255) / 510)
            }
        }
    }
}
