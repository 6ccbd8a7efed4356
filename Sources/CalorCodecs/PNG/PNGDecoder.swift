import CCalorPNG
import CalorBase
import CalorImage

/// PNG through libpng: checksums verified everywhere, palettes and small depths expanded, tRNS turned into alpha.
enum PNGDecoder {
    static func header(of bytes: [UInt8], options: DecodeOptions) throws(CodecFault) -> ImageHeader {
        try bytes.withUnsafeBufferPointer { (buffer) throws(CodecFault) -> ImageHeader in
            let handle = try PNGHandle(.memory(buffer), options: options)
            return try handle.header(orientation: handle.metadata().1)
        }
    }

    static func decode(_ bytes: [UInt8], options: DecodeOptions) throws(CodecFault) -> DecodedImage {
        try bytes.withUnsafeBufferPointer { (buffer) throws(CodecFault) -> DecodedImage in
            var handle = try PNGHandle(.memory(buffer), options: options)
            let header = try handle.header(orientation: .topLeft)
            try LimitCheck.held(header, of: bytes.count, limits: options.limits)
            switch header.sampleFormat {
            case .u16: return try decode(&handle, header, options, Samples.u16)
            default: return try decode(&handle, header, options, Samples.u8)
            }
        }
    }

    private static func decode<Sample: BitwiseCopyable & FixedWidthInteger & Sendable>(
        _ handle: inout PNGHandle, _ header: ImageHeader, _ options: DecodeOptions, _ wrap: ([Sample]) -> Samples
    ) throws(CodecFault) -> DecodedImage {
        var header = header
        var warnings: [String] = []
        let channels = header.colour.planes
        var store = PlaneStore<Sample>(size: header.size, count: channels)
        let isCut = try readRows(&handle, header, options, channels: channels, into: &store)
        if isCut { warnings.append("the file ends too early; what is missing is black") }
        if !isCut {
            let status = handle.finish()
            if status == CALOR_PNG_TRUNCATED.status, options.toleratesTruncation {
                warnings.append("the file ends behind the pixels, without its end mark")
            } else if status != CALOR_PNG_OK.status {
                throw handle.fault(status)
            }
        }
        if !handle.warning.isEmpty { warnings.append("libpng: \(handle.warning)") }
        let (metadata, orientation) = handle.metadata()
        if metadata.texts.count >= options.limits.metadataItems { warnings.append("text chunks beyond the limit were dropped") }
        header = try handle.header(orientation: orientation)
        var image = store.image(colour: header.colour, wrap: wrap)
        image.metadata = metadata
        if orientation != .topLeft { image = image.oriented(by: orientation) }
        return DecodedImage(image: image, header: header, warnings: warnings)
    }

    /// True when the file ended early and that is tolerated.
    private static func readRows<Sample: BitwiseCopyable & FixedWidthInteger & Sendable>(
        _ handle: inout PNGHandle, _ header: ImageHeader, _ options: DecodeOptions, channels: Int,
        into store: inout PlaneStore<Sample>
    ) throws(CodecFault) -> Bool {
        let size = header.size
        let rowSamples = size.width * channels
        let rowBytes = rowSamples * MemoryLayout<Sample>.stride
        // An interlaced picture comes in passes over all rows; others in blocks that stay in cache.
        let blockRows = header.isInterlacedOrProgressive ? size.height : min(size.height, max(1, (1 << 18) / rowBytes))
        let block = UnsafeMutableBufferPointer<Sample>.allocate(capacity: rowSamples * blockRows)
        defer { block.deallocate() }
        let deadline = Deadline(options.limits)
        var y = 0
        while y < size.height {
            try deadline.check()
            let rows = min(blockRows, size.height - y)
            block.initialize(repeating: 0)
            let status = handle.readRows(
                rows, into: UnsafeMutableRawPointer(block.baseAddress!).assumingMemoryBound(to: UInt8.self), rowBytes: rowBytes)
            let isCut = status == CALOR_PNG_TRUNCATED.status && options.toleratesTruncation
            if status != CALOR_PNG_OK.status, !isCut { throw handle.fault(status) }
            store.put(UnsafeBufferPointer(block), channels: channels, columns: size.width, rows: rows, rowStride: rowSamples, y: y)
            if isCut { return true }
            y += rows
        }
        return false
    }
}
