/// What a file may ask of this program. Every limit is checked before memory is allocated.
///
/// The defaults hold any picture a camera makes today and refuse what only an attack needs.
/// *Source*: `docs/interfaces.md`; the published policies of libvips, ImageMagick and libpng were the start.
public struct Limits: Sendable, Equatable {
    /// Width or height in pixels.
    public var sidePixels = 1_000_000
    /// Width × height of one image.
    public var pixels = 500_000_000
    /// Bytes of decoded samples of one image.
    public var decodedBytes = 4 << 30
    /// Bytes of a file on disk or of standard input.
    public var fileBytes = 4 << 30
    /// Bytes of one piece of metadata (an ICC profile, a text chunk, an EXIF block) after decompression.
    public var metadataBytes = 16 << 20
    /// Pieces of metadata, chunks or markers in one file.
    public var metadataItems = 2_000
    /// Pages (directories) in one TIFF file.
    public var pages = 4_096
    /// Scans in one progressive JPEG.
    public var scans = 200
    /// Bytes that a decoder may take beside the pixels themselves.
    public var decoderBytes = 256 << 20
    /// Decoded bytes per byte of file, above `bombFloorBytes`: a greater ratio is a decompression bomb.
    public var expansion = 20_000
    /// Images that decode to less than this are never called a bomb.
    public var bombFloorBytes = 64 << 20

    public init() {}
}
