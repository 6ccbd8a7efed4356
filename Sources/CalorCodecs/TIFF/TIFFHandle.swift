import CCalorTIFF
import CalorBase
import CalorImage

/// One page of an open TIFF: owns the reader of the C shim and turns its statuses into faults.
struct TIFFHandle: ~Copyable {
    private let reader: OpaquePointer
    let raw: CalorTIFFHeader
    let message = MessageBuffer(capacity: CALOR_TIFF_MESSAGE)

    /// Keeps the file open as long as the reader needs it.
    private let file: OpenFile?

    init(_ source: PictureSource, directory: Int, limits: Limits) throws(CodecFault) {
        var header = CalorTIFFHeader()
        var status: Int32 = 0
        let opened = calorTIFFOpen(
            source.address, source.descriptor, source.count, UInt64(limits.decoderBytes), UInt64(directory), &header, &status,
            message.pointer)
        guard let opened else { throw LimitCheck.memory(of: .tiff) }
        guard status == CALOR_TIFF_OK.status else {
            calorTIFFClose(opened)
            throw Self.fault(status, message.text)
        }
        reader = opened
        raw = header
        file = source.file
    }

    deinit { calorTIFFClose(reader) }

    var storedSize: Size { Size(width: Int(raw.width), height: Int(raw.height)) }
    var orientation: Orientation { Orientation(rawValue: Int(raw.orientation)) ?? .topLeft }

    /// How many bytes were filled, or what went wrong.
    func readChunk(_ index: Int, into block: UnsafeMutableRawBufferPointer) -> (bytes: Int, fault: CodecFault?) {
        var got = 0
        let status = calorTIFFReadChunk(
            reader, UInt32(clamping: index), block.baseAddress?.assumingMemoryBound(to: UInt8.self), block.count, &got,
            message.pointer)
        return (got, status == CALOR_TIFF_OK.status ? nil : Self.fault(status, message.text))
    }

    func readRGBA(into pixels: UnsafeMutableBufferPointer<UInt32>) throws(CodecFault) {
        precondition(pixels.count == storedSize.pixels)
        let status = calorTIFFReadRGBA(reader, pixels.baseAddress, message.pointer)
        if status != CALOR_TIFF_OK.status { throw Self.fault(status, message.text) }
    }

    var palette: [[UInt16]] {
        let count = 1 << Int(min(raw.bits, 16))
        return [raw.palette.0, raw.palette.1, raw.palette.2].map {
            Array(UnsafeBufferPointer(start: $0, count: $0 == nil ? 0 : count))
        }
    }

    private static func fault(_ status: Int32, _ text: String) -> CodecFault {
        switch status {
        case CALOR_TIFF_TRUNCATED.status: .damaged(.tiff, .truncated, text)
        case CALOR_TIFF_UNSUPPORTED.status:
            .unsupported(.tiff, text, advice: "Convert it to 8-bit, 16-bit or float grey or RGB with another program.")
        case CALOR_TIFF_MEMORY.status: LimitCheck.memory(of: .tiff)
        // libtiff's own words for what its cap on memory refuses.
        case _ where text.contains("byte limit defined in open options"):
            LimitCheck.memory(of: .tiff)
        default:
            text.contains("not supported") || text.contains("support is not configured")
                ? .unsupported(.tiff, text, advice: "Convert it to 8-bit, 16-bit or float grey or RGB with another program.")
                : .damaged(.tiff, .damaged, text)
        }
    }
}
