import CCalorPNG
import CalorBase
import CalorImage

/// A PNG without interlace, some rows at a time.
final class PNGRowReader: RowReader {
    let header: ImageHeader
    private var handle: PNGHandle
    private let options: DecodeOptions
    private let deadline: Deadline
    private let metadata: Metadata
    private var y = 0
    private var isCut = false
    private(set) var warnings: [String] = []

    init?(_ file: OpenFile, options: DecodeOptions) throws(CodecFault) {
        let handle = try PNGHandle(.file(file), options: options)
        let (metadata, orientation) = handle.metadata()
        header = try handle.header(orientation: orientation)
        guard orientation == .topLeft, !header.isInterlacedOrProgressive, Self.endsWithPixels(file) else { return nil }
        self.handle = handle
        self.options = options
        self.metadata = metadata
        deadline = Deadline(options.limits)
        if metadata.texts.count >= options.limits.metadataItems { warnings.append("text chunks beyond the limit were dropped") }
    }

    /// Whether nothing but the end mark follows the pixels: what stands there (texts, an orientation) would be known too late.
    private static func endsWithPixels(_ file: OpenFile) -> Bool {
        var offset = 8
        var hasPixels = false
        // No writer makes a million chunks; whoever does is not followed.
        for _ in 0..<1_000_000 {
            guard let head = file.bytes(at: offset, count: 8) else { return true }  // The file is cut: the decoder will say so.
            let reader = ByteReader(head)
            guard let length: UInt32 = reader.integer(at: 0) else { return false }
            if reader.holds("IDAT", at: 4) {
                hasPixels = true
            } else if hasPixels {
                return reader.holds("IEND", at: 4)
            }
            offset += Int(length) + 12
        }
        return false
    }

    func next() throws(CodecFault) -> Image? {
        guard y < header.size.height else { return nil }
        try deadline.check()
        let rows = min(max(1, RowBlock.pixels / header.size.width), header.size.height - y)
        var image =
            header.sampleFormat == .u16 ? try block(rows, Samples.u16) : try block(rows, Samples.u8)
        image.metadata = metadata
        y += rows
        if y == header.size.height, !isCut { try finish() }
        return image
    }

    private func block<Sample: BitwiseCopyable & FixedWidthInteger & Sendable>(
        _ rows: Int, _ wrap: ([Sample]) -> Samples
    ) throws(CodecFault) -> Image {
        let channels = header.colour.planes
        let width = header.size.width
        var store = PlaneStore<Sample>(size: Size(width: width, height: rows), count: channels)
        let block = UnsafeMutableBufferPointer<Sample>.allocate(capacity: width * channels * rows)
        defer { block.deallocate() }
        block.initialize(repeating: 0)
        if !isCut, let base = UnsafeMutableRawPointer(block.baseAddress)?.assumingMemoryBound(to: UInt8.self) {
            let status = handle.readRows(rows, into: base, rowBytes: width * channels * MemoryLayout<Sample>.stride)
            isCut = status == CALOR_PNG_TRUNCATED.status && options.toleratesTruncation
            if isCut { warnings.append("the file ends too early; what is missing is black") }
            if status != CALOR_PNG_OK.status, !isCut { throw handle.fault(status) }
            store.put(UnsafeBufferPointer(block), channels: channels, columns: width, rows: rows, rowStride: width * channels)
        }
        return store.image(colour: header.colour, wrap: wrap)
    }

    private func finish() throws(CodecFault) {
        let status = handle.finish()
        if status == CALOR_PNG_TRUNCATED.status, options.toleratesTruncation {
            warnings.append("the file ends behind the pixels, without its end mark")
        } else if status != CALOR_PNG_OK.status {
            throw handle.fault(status)
        }
        if !handle.warning.isEmpty { warnings.append("libpng: \(handle.warning)") }
    }
}
