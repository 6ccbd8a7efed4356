/// How a file is written.
public struct EncodeOptions: Sendable, Equatable {
    /// 1–100, the scale of libjpeg.
    public var jpegQuality = 92
    public var jpegSubsampling = JPEGSubsampling.full
    public var jpegIsProgressive = false
    /// 0 (none) – 9 (smallest), the scale of zlib.
    public var pngCompressionLevel = 6
    public var tiffCompression = TIFFCompression.deflate
    /// BigTIFF however small the file is; above 4 GB it is one in any case.
    public var tiffIsBig = false
    public var keepsMetadata = true

    public init() {}
}

/// How many colour samples a JPEG keeps for each brightness sample.
public enum JPEGSubsampling: String, Sendable, CaseIterable {
    /// All of them.
    case full = "444"
    /// Half, horizontally.
    case half = "422"
    /// A quarter: half in both directions.
    case quarter = "420"
}

public enum TIFFCompression: String, Sendable, CaseIterable {
    case none, lzw, deflate, zstd
}
