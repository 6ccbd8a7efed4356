/// What travels with the pixels from the input to the output.
///
/// Blocks are kept as the bytes of their own standard, without the container's header: the same ICC profile goes into a PNG
/// `iCCP` chunk, JPEG APP2 segments or TIFF tag 34675.
public struct Metadata: Sendable, Equatable {
    /// An ICC profile.
    public var icc: [UInt8]?
    /// A TIFF-structured EXIF block that begins with `II*\0` or `MM\0*`; its orientation is already reset to 1.
    public var exif: [UInt8]?
    /// An XMP packet (UTF-8).
    public var xmp: [UInt8]?
    /// IPTC-IIM records.
    public var iptc: [UInt8]?
    /// Key and value of textual chunks, comments, and descriptive TIFF tags, in file order.
    public var texts: [Text] = []
    /// Pixels per metre, horizontal and vertical.
    public var resolution: Resolution?
    /// Rendering hints of the PNG format: gamma × 100000, sRGB intent, chromaticities × 100000, cICP.
    public var gamma: UInt32?
    public var srgbIntent: UInt8?
    public var chromaticities: [UInt32]?
    public var cicp: [UInt8]?
    /// Where the picture lies on the earth.
    public var georeference: Georeference?
    /// How the counts of this image become temperatures, when a radiometric file said so.
    public var radiometry: Radiometry?

    public struct Text: Sendable, Equatable {
        public var key: String
        public var value: String
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public struct Resolution: Sendable, Equatable {
        public var x: Double
        public var y: Double
        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    public init() {}
}
