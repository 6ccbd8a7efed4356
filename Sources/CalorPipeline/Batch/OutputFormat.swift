import CalorCodecs
import CalorImage

/// What a file of results is: a picture, or a table of its samples.
public enum OutputFormat: Sendable, Equatable {
    case picture(FileFormat)
    /// Comma-separated values; see docs/interfaces.md.
    case table

    public init?(fileExtension: String) {
        if fileExtension.lowercased() == "csv" {
            self = .table
        } else if let format = FileFormat(fileExtension: fileExtension) {
            self = .picture(format)
        } else {
            return nil
        }
    }

    public var name: String {
        switch self {
        case .picture(let format): format.name
        case .table: "CSV"
        }
    }

    /// Why such images have no place in it; nil when they have.
    func problem(with type: ImageType) -> (message: String, advice: String)? {
        switch self {
        case .picture(let format):
            ImageEncoder.canHold(format: type.format, colour: type.colour, size: type.size, as: format).map {
                ($0.message, $0.advice ?? "choose another --format")
            }
        case .table:
            type.colour == .grey ? nil : ("CSV holds one value for each pixel, not \(type.colour.rawValue)", "write .png or .tiff")
        }
    }

    func encode(_ image: Image, options: EncodeOptions) throws(CodecFault) -> (bytes: [UInt8], warnings: [String]) {
        switch self {
        case .picture(let format):
            let encoded = try ImageEncoder.encodeReporting(image, as: format, options: options)
            return (encoded.bytes, encoded.warnings)
        case .table: return (PixelTable.bytes(of: image.planes[0]), [])
        }
    }
}
