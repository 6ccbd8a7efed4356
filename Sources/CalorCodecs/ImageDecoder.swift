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
