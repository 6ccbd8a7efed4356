import CalorBase
import CalorImage

/// A file's bytes, and what the format had no room for.
public struct EncodedImage: Sendable {
    public var bytes: [UInt8]
    /// Metadata that had to be left out.
    public var warnings: [String]
}

/// From a picture to a file's bytes. The same picture and options give the same bytes: no time stamps, no versions.
public enum ImageEncoder {
    /// *Throws*: what `canHold` says; `image.bad-option`; `FORMAT.encoder` when the library below fails.
    public static func encode(
        _ image: Image, as format: FileFormat, options: EncodeOptions = EncodeOptions()
    ) throws(CodecFault) -> [UInt8] {
        try encodeReporting(image, as: format, options: options).bytes
    }

    /// As `encode`, with the metadata that the format had no room for named.
    public static func encodeReporting(
        _ image: Image, as format: FileFormat, options: EncodeOptions = EncodeOptions()
    ) throws(CodecFault) -> EncodedImage {
        let encoder = try RowEncoder(
            size: image.size, colour: image.colour, format: image.format, metadata: image.metadata, as: format, options: options)
        try encoder.write(image)
        return try encoder.finish()
    }

    /// Why a picture of this kind has no place in `fileFormat`; nil when it has. A plan asks before any work is done.
    public static func canHold(
        format: SampleFormat, colour: ColourModel, size: Size, as fileFormat: FileFormat
    ) -> CodecFault? {
        guard size.width > 0, size.height > 0 else {
            return .cannotHold(fileFormat, "a picture without pixels (\(size))", advice: "Give it a size of at least 1×1.")
        }
        let longest = max(size.width, size.height)
        switch fileFormat {
        case .png:
            if format == .f32 { return .cannotHold(.png, "f32 samples", advice: "Write .tiff, or convert to 16 bits first.") }
            if longest > Int(Int32.max) { return .cannotHold(.png, "\(size) pixels", advice: "Split the picture.") }
        case .jpeg:
            if format != .u8 {
                return .cannotHold(
                    .jpeg, "\(format.rawValue) samples",
                    advice: "Write .\(format == .u16 ? "png or .tiff" : "tiff"), or convert to 8 bits first.")
            }
            if colour.hasAlpha {
                return .cannotHold(.jpeg, "an alpha channel", advice: "Write .png or .tiff, or flatten the picture first.")
            }
            if longest > 65_500 { return .cannotHold(.jpeg, "\(size) pixels (65500 per side)", advice: "Write .png or .tiff.") }
        case .tiff:
            if longest > Int(Int32.max) { return .cannotHold(.tiff, "\(size) pixels", advice: "Split the picture.") }
        }
        return nil
    }

    static func check(_ options: EncodeOptions) throws(CodecFault) {
        guard (1...100).contains(options.jpegQuality) else {
            throw .badOption("a JPEG quality of \(options.jpegQuality) does not exist", advice: "Use 1 to 100; 92 is the default.")
        }
        guard (0...9).contains(options.pngCompressionLevel) else {
            throw .badOption(
                "a PNG compression of \(options.pngCompressionLevel) does not exist", advice: "Use 0 to 9; 6 is the default.")
        }
    }
}
