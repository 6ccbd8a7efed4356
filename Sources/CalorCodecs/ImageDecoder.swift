import CalorBase
import CalorImage

/// From a file's bytes to a picture. The content decides the format, never the name.
///
/// Depth, colour and alpha are those of the file. Orientation is applied, and the metadata carries none other than 1.
public enum ImageDecoder {
    /// What the file says, without reading its pixels.
    ///
    /// *Throws*: as `decode`, for whatever can be known from the header.
    public static func header(of bytes: [UInt8], options: DecodeOptions = DecodeOptions()) throws(CodecFault) -> ImageHeader {
        switch try format(of: bytes, options) {
        case .png: try PNGDecoder.header(of: bytes, options: options)
        case .jpeg: try JPEGDecoder.header(of: bytes, options: options)
        case .tiff: try TIFFDecoder.header(of: bytes, options: options)
        }
    }

    /// What an open file says: PNG and TIFF are not loaded for it; of a JPEG the first part, and all of it where that is not enough.
    public static func header(of file: OpenFile, options: DecodeOptions = DecodeOptions()) throws(CodecFault) -> ImageHeader {
        switch try format(of: file, options) {
        case .png:
            let handle = try PNGHandle(.file(file), options: options)
            return try handle.header(orientation: handle.metadata().1)
        case .tiff: return try TIFFPage(file, options: options).header
        case .jpeg:
            let head = file.bytes(at: 0, count: min(file.count, 1 << 18)) ?? []
            if let header = try? JPEGDecoder.header(of: head, options: options) { return header }
            guard let all = file.bytes(at: 0, count: file.count) else { throw .damaged(.jpeg, .truncated, "it cannot be read") }
            return try JPEGDecoder.header(of: all, options: options)
        }
    }

    /// The picture with its metadata.
    ///
    /// *Throws*: `image.empty`, `image.unknown-format`; `FORMAT.truncated`, `.crc`, `.damaged`, `.zero-size`, `.unsupported`;
    /// `limit.NAME` before anything is allocated for it.
    public static func decode(_ bytes: [UInt8], options: DecodeOptions = DecodeOptions()) throws(CodecFault) -> DecodedImage {
        switch try format(of: bytes, options) {
        case .png: try PNGDecoder.decode(bytes, options: options)
        case .jpeg: try JPEGDecoder.decode(bytes, options: options)
        case .tiff: try TIFFDecoder.decode(bytes, options: options)
        }
    }

    static func format(of file: OpenFile, _ options: DecodeOptions) throws(CodecFault) -> FileFormat {
        guard file.count > 0 else { throw .empty }
        try LimitCheck.fileBytes(file.count, options.limits)
        let head = file.bytes(at: 0, count: min(8, file.count)) ?? []
        guard let format = head.withUnsafeBytes({ FileFormat.detect($0) }) else { throw .unknownFormat }
        return format
    }

    private static func format(of bytes: [UInt8], _ options: DecodeOptions) throws(CodecFault) -> FileFormat {
        guard !bytes.isEmpty else { throw .empty }
        try LimitCheck.fileBytes(bytes.count, options.limits)
        guard let format = bytes.withUnsafeBytes({ FileFormat.detect($0) }) else { throw .unknownFormat }
        return format
    }
}

/// A buffer for the messages of the C shims.
struct MessageBuffer: ~Copyable {
    let pointer: UnsafeMutablePointer<CChar>

    init(capacity: Int32) {
        pointer = .allocate(capacity: Int(capacity))
        pointer.initialize(repeating: 0, count: Int(capacity))
    }

    deinit { pointer.deallocate() }

    var text: String { String(cString: pointer) }
}
