import CalorBase
import CalorImage

/// Reads a picture from the top to the bottom out of an open file, which is never loaded as a whole.
///
/// The rows are those that `ImageDecoder.decode` gives, with the same metadata. A fault in the middle of the file is thrown when it is
/// reached.
public final class RowDecoder {
    private let reader: any RowReader

    public var header: ImageHeader { reader.header }
    /// Complete after the last row.
    public var warnings: [String] { reader.warnings }

    private init(_ reader: any RowReader) { self.reader = reader }

    /// Nil when the picture can only be read as a whole: it is interlaced, lies on its side, has metadata behind its pixels, or is
    /// a JPEG.
    ///
    /// *Throws*: as `ImageDecoder.header`.
    public static func open(_ file: OpenFile, options: DecodeOptions) throws(CodecFault) -> RowDecoder? {
        switch try ImageDecoder.format(of: file, options) {
        case .png: try PNGRowReader(file, options: options).map { RowDecoder($0) }
        case .tiff: try TIFFRowReader(file, options: options).map { RowDecoder($0) }
        case .jpeg: nil
        }
    }

    /// The next rows, full width, with the metadata of the picture; nil after the last.
    public func next() throws(CodecFault) -> Image? { try reader.next() }
}

/// One format's part of `RowDecoder`.
protocol RowReader: AnyObject {
    var header: ImageHeader { get }
    var warnings: [String] { get }
    func next() throws(CodecFault) -> Image?
}

enum RowBlock {
    /// Pixels that are read at once: few enough for the cache, many enough that the way there does not count.
    static let pixels = 1 << 20
}
