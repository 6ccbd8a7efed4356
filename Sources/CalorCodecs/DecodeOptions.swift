import CalorBase
import CalorImage

/// How a file is read.
public struct DecodeOptions: Sendable {
    public var limits = Limits()
    /// Fills what a truncated file lacks with zeros (libjpeg: with the last known block) and warns, where the default is to refuse.
    public var toleratesTruncation = false
    /// Page of a TIFF, from 0.
    public var page = 0

    public init() {}

    public init(limits: Limits, toleratesTruncation: Bool = false, page: Int = 0) {
        self.limits = limits
        self.toleratesTruncation = toleratesTruncation
        self.page = page
    }
}

/// What a file says about its picture before the pixels are read.
public struct ImageHeader: Sendable, Equatable {
    public var format: FileFormat
    /// The upright picture: after orientation.
    public var size: Size
    /// Of the decoded planes.
    public var sampleFormat: SampleFormat
    /// Whether f32 planes hold integers that the file stores: signed ones, or unsigned ones of more than 16 bits.
    public var holdsIntegers = false
    /// Of the decoded planes.
    public var colour: ColourModel
    /// As stored: 1 for a bilevel file, 12 for a 12-bit one, 8 for a palette of 256 entries.
    public var bitsPerSample: Int
    public var pages = 1
    public var isInterlacedOrProgressive = false
    /// As stored: "deflate", "huffman", "lzw" and so on.
    public var compression: String
    /// As stored, 1–8; the planes are upright in any case.
    public var orientation = 1

    /// Bytes of all decoded planes.
    public var decodedBytes: Int { size.pixels * colour.planes * sampleFormat.bytes }
}

/// A picture, what its file said, and what the user should know.
public struct DecodedImage: Sendable {
    public var image: Image
    public var header: ImageHeader
    /// Things that did not stop the decoder: dropped channels, filled gaps, converted colours.
    public var warnings: [String]
}
