import CalorBase

/// How the planes of an image are to be read.
public enum ColourModel: String, Sendable, CaseIterable {
    case grey
    case greyAlpha = "grey+alpha"
    case rgb
    case rgbAlpha = "rgb+alpha"

    public var planes: Int {
        switch self {
        case .grey: 1
        case .greyAlpha: 2
        case .rgb: 3
        case .rgbAlpha: 4
        }
    }

    /// Planes without alpha.
    public var colourPlanes: Int { hasAlpha ? planes - 1 : planes }
    public var hasAlpha: Bool { self == .greyAlpha || self == .rgbAlpha }
    public var isGrey: Bool { self == .grey || self == .greyAlpha }
}

/// What the numbers mean.
public enum SampleMeaning: String, Sendable, CaseIterable {
    /// Visible light or a rendered picture: 0 is black, full scale is white.
    case display
    /// Raw counts of an infrared sensor: an affine range of any width, to be kept exactly.
    case counts
    /// Absolute temperature in kelvin (f32 planes only).
    case kelvin
}

/// A decoded picture: planes of one size and one sample format, what they mean, and the metadata that travels with them.
///
/// Orientation is already applied: `planes` are upright, and `metadata` holds no orientation other than 1.
public struct Image: Sendable, Equatable {
    public private(set) var planes: [Plane]
    public let colour: ColourModel
    public var meaning: SampleMeaning
    public var metadata: Metadata

    public init(planes: [Plane], colour: ColourModel, meaning: SampleMeaning = .display, metadata: Metadata = Metadata()) {
        precondition(planes.count == colour.planes, "\(colour.rawValue) needs \(colour.planes) planes, not \(planes.count)")
        precondition(
            planes.allSatisfy { $0.size == planes[0].size && $0.format == planes[0].format }, "the planes of an image must agree")
        self.planes = planes
        self.colour = colour
        self.meaning = meaning
        self.metadata = metadata
    }

    public var size: Size { planes[0].size }
    public var width: Int { size.width }
    public var height: Int { size.height }
    public var format: SampleFormat { planes[0].format }
    /// Bytes of all samples.
    public var bytes: Int { planes.count * size.pixels * format.bytes }

    /// The colour planes, without alpha.
    public var colourPlanes: ArraySlice<Plane> { planes.prefix(colour.colourPlanes) }
    public var alpha: Plane? { colour.hasAlpha ? planes.last : nil }

    /// The same picture with other planes; size and format may change, the number of planes follows `colour`.
    public func replacing(planes: [Plane], colour: ColourModel? = nil, meaning: SampleMeaning? = nil) -> Image {
        Image(planes: planes, colour: colour ?? self.colour, meaning: meaning ?? self.meaning, metadata: metadata)
    }
}
