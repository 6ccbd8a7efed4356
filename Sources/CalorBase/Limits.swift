/// What a file may ask of this program. Every limit is checked before memory is allocated.
///
/// The defaults hold any picture a camera makes today and refuse what only an attack needs.
/// *Source*: `docs/limits.md`; the published policies of libvips, ImageMagick and libpng were the start.
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
    /// Seconds that decoding one file may take.
    public var seconds = 300
    /// Decoded bytes per byte of file, above `bombFloorBytes`: a greater ratio is a decompression bomb.
    public var expansion = 20_000
    /// The same for images that are held as a whole: real pictures stay below it unless they are blank.
    public var heldExpansion = 250
    /// Images that decode to less than this are never called a bomb.
    public var bombFloorBytes = 64 << 20

    public init() {}

    /// Of a stream without a size: one byte more than allowed shows that there are too many.
    public var bytesToRead: Int { fileBytes == .max ? fileBytes : fileBytes + 1 }

    // MARK: - By name

    private static let all: [(name: String, place: WritableKeyPath<Limits, Int> & Sendable)] = [
        ("sidePixels", \.sidePixels), ("pixels", \.pixels), ("decodedBytes", \.decodedBytes), ("fileBytes", \.fileBytes),
        ("metadataBytes", \.metadataBytes), ("metadataItems", \.metadataItems), ("pages", \.pages), ("scans", \.scans),
        ("decoderBytes", \.decoderBytes), ("seconds", \.seconds), ("expansion", \.expansion),
        ("heldExpansion", \.heldExpansion), ("bombFloorBytes", \.bombFloorBytes),
    ]

    /// Names in the order of their declaration.
    public static var names: [String] { all.map(\.name) }

    /// The value of a limit; nil when there is none of that name. Letter case and hyphens make no difference.
    public subscript(name name: String) -> Int? { Self.place(name).map { self[keyPath: $0] } }

    /// False when there is no such limit.
    public mutating func set(_ name: String, to value: Int) -> Bool {
        guard let place = Self.place(name) else { return false }
        self[keyPath: place] = value
        return true
    }

    private static func place(_ name: String) -> WritableKeyPath<Limits, Int>? {
        let wanted = name.lowercased().filter { $0 != "-" }
        return all.first { $0.name.lowercased() == wanted }?.place
    }
}
