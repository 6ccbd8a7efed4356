import CalorBase

/// What can go wrong between a file's bytes and an image.
public enum CodecFault: Fault, Equatable {
    /// No bytes at all.
    case empty
    /// The bytes are not of any format we read.
    case unknownFormat
    /// A file that breaks its own format.
    case damaged(FileFormat, Damage, String)
    /// A sound file of a kind that Calor does not read.
    case unsupported(FileFormat, String, advice: String?)
    /// `name` is the property of `Limits` that would have to be raised.
    case limit(name: String, String)
    /// The format that was asked for has no room for this kind of picture.
    case cannotHold(FileFormat, String, advice: String)
    /// The options of the encoder make no sense together.
    case badOption(String, advice: String)
    /// The library below failed although the picture fits.
    case encoderFailed(FileFormat, String)
    /// The file below could not be written: the system's reason.
    case cannotWrite(String)

    public enum Damage: String, Sendable, CaseIterable {
        case truncated, crc, damaged
        case zeroSize = "zero-size"
        case noSuchPage = "no-such-page"
    }

    public var identifier: String {
        switch self {
        case .empty: "image.empty"
        case .unknownFormat: "image.unknown-format"
        case .damaged(let format, let damage, _): "\(format.rawValue).\(damage.rawValue)"
        case .unsupported(let format, _, _): "\(format.rawValue).unsupported"
        case .limit(let name, _): "limit.\(name)"
        case .cannotHold(let format, _, _): "\(format.rawValue).cannot-hold"
        case .badOption: "image.bad-option"
        case .encoderFailed(let format, _): "\(format.rawValue).encoder"
        case .cannotWrite: "file.write"
        }
    }

    public var kind: FaultKind {
        switch self {
        case .empty, .unknownFormat, .damaged, .unsupported: .damagedInput
        case .limit: .limit
        case .cannotHold, .badOption: .usage
        case .encoderFailed: .defect
        case .cannotWrite: .inputOutput
        }
    }

    public var message: String {
        switch self {
        case .empty: "the file is empty"
        case .unknownFormat: "this is not a PNG, JPEG or TIFF image"
        case .damaged(let format, .crc, let detail): "the \(format.name) file is damaged: a checksum is wrong (\(detail))"
        case .damaged(let format, .truncated, let detail): "the \(format.name) file ends too early (\(detail))"
        case .damaged(let format, .zeroSize, let detail): "the \(format.name) file has no pixels (\(detail))"
        case .damaged(_, .noSuchPage, let detail): detail
        case .damaged(let format, .damaged, let detail): "the \(format.name) file is damaged (\(detail))"
        case .unsupported(let format, let detail, _): "this kind of \(format.name) is not supported: \(detail)"
        case .limit(let name, let detail): "the image is beyond the limit \"\(name)\": \(detail)"
        case .cannotHold(let format, let detail, _): "\(format.name) cannot hold \(detail)"
        case .badOption(let detail, _): detail
        case .encoderFailed(let format, let detail): "the \(format.name) encoder failed: \(detail)"
        case .cannotWrite(let reason): "writing failed: \(reason)"
        }
    }

    public var advice: String? {
        switch self {
        case .empty: "Copy the file again; an interrupted copy often leaves an empty one."
        case .unknownFormat: "Convert it to PNG, JPEG or TIFF first."
        case .damaged(_, .truncated, _): "Copy the file again, or accept what is there with --tolerate truncated."
        case .damaged(_, .noSuchPage, _): "Pages are counted from 0."
        case .damaged: "Copy the file again, or save it anew with the program that made it."
        case .unsupported(_, _, let advice): advice
        case .limit(let name, _): "If you trust the file, raise the limit with --limit \(name)=NUMBER."
        case .cannotHold(_, _, let advice), .badOption(_, let advice): advice
        case .encoderFailed: "Please report this as a defect."
        case .cannotWrite: "Check the free space of the disk; nothing incomplete was left behind."
        }
    }
}
