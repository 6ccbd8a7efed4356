import CalorCodecs
import CalorImage

/// What flows along an edge of the graph: everything about an image but its samples.
public struct ImageType: Sendable, Hashable, CustomStringConvertible {
    public var colour: ColourModel
    public var meaning: SampleMeaning
    public var format: SampleFormat
    public var size: Size

    public init(colour: ColourModel, meaning: SampleMeaning, format: SampleFormat, size: Size) {
        self.colour = colour
        self.meaning = meaning
        self.format = format
        self.size = size
    }

    public init(of image: Image) {
        self.init(colour: image.colour, meaning: image.meaning, format: image.format, size: image.size)
    }

    public var bytes: Int { colour.planes * size.pixels * format.bytes }
    /// `grey u16 counts`, without the size.
    public var name: String {
        "\(colour.rawValue) \(format.rawValue)" + (meaning == .display ? "" : " \(meaning.rawValue)")
    }
    public var description: String { "\(name) \(size)" }

    func with(size: Size) -> ImageType {
        var type = self
        type.size = size
        return type
    }
}

extension ImageKind {
    /// What `header` becomes when it enters through an input of this kind. An infrared file with colour planes is taken for grey here;
    /// its samples are compared when they are decoded.
    func type(of header: ImageHeader) -> ImageType {
        type(colour: header.colour, format: header.sampleFormat, size: header.size, holdsIntegers: header.holdsIntegers)
    }

    /// Integers of an infrared file are counts, whatever their width; only floats are taken for kelvin.
    func type(colour: ColourModel, format: SampleFormat, size: Size, holdsIntegers: Bool = false) -> ImageType {
        switch self {
        case .rgb: return ImageType(colour: colour, meaning: .display, format: format, size: size)
        case .infrared:
            let meaning: SampleMeaning = format == .u8 ? .display : format == .u16 || holdsIntegers ? .counts : .kelvin
            return ImageType(colour: colour.hasAlpha ? .greyAlpha : .grey, meaning: meaning, format: format, size: size)
        }
    }

    /// What may enter, for a plan without files; the sizes of a common camera.
    var examples: [ImageType] {
        let size = Size(width: 640, height: 512)
        switch self {
        case .infrared: return SampleFormat.allCases.map { type(colour: .grey, format: $0, size: size) }
        case .rgb: return [SampleFormat.u8, .u16].map { type(colour: .rgb, format: $0, size: size) }
        }
    }

    /// The decoded image as this kind of input, and what should be noted about it.
    ///
    /// *Throws*: `input.coloured` when an infrared input is given true colour.
    func admit(_ image: Image, of header: ImageHeader) throws(PipelineFault) -> (image: Image, notes: [String]) {
        switch self {
        case .rgb: return (image, [])
        case .infrared:
            var notes: [String] = []
            var grey = image
            if !image.colour.isGrey {
                guard image.hasEqualColourPlanes else { throw .coloured(largestDifference: image.largestColourDifference) }
                grey = image.replacing(
                    planes: [image.planes[0]] + (image.alpha.map { [$0] } ?? []), colour: image.colour.hasAlpha ? .greyAlpha : .grey
                )
                // A profile for RGB does not describe a grey picture.
                grey.metadata.icc = nil
                notes.append("three equal channels, taken as grey")
            }
            if grey.meaning == .display {
                let holdsIntegers = header.holdsIntegers && grey.format == .f32
                grey.meaning =
                    type(colour: grey.colour, format: grey.format, size: grey.size, holdsIntegers: holdsIntegers).meaning
            }
            return (grey, notes)
        }
    }
}

extension Image {
    /// The greatest difference between two colour planes at one pixel, rounded; for the message only.
    var largestColourDifference: Int {
        let first = planes[0].floats()
        var greatest: Float = 0
        for plane in colourPlanes.dropFirst() {
            for (a, b) in zip(first, plane.floats()) where abs(a - b) > greatest { greatest = abs(a - b) }
        }
        return greatest.isFinite && greatest < 1e9 ? Int(greatest.rounded()) : 0
    }
}
