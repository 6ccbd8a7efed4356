import ArgumentParser
import CalorBase
import CalorCodecs

/// How every command that takes pictures reads them.
struct ReadingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Change what a file may ask for, such as pixels=2e9; docs/limits.md names all limits. May be repeated.",
            valueName: "name=value"))
    var limit: [String] = []

    @Option(help: "The page of TIFF files that have several, counted from 0; run also takes all.")
    var page = "0"

    @Option(help: "truncated: fill up files that end too early, with a note, instead of refusing them.")
    var tolerate: Tolerance?

    enum Tolerance: String, ExpressibleByArgument, CaseIterable { case truncated }

    func decodeOptions() throws -> DecodeOptions {
        DecodeOptions(limits: try limits(), toleratesTruncation: tolerate == .truncated, page: Int(page) ?? 0)
    }

    var takesAllPages: Bool { page == "all" }

    func validate() throws {
        guard takesAllPages || Int(page).map({ $0 >= 0 }) ?? false else {
            throw ValidationError("--page \(page) is not a number from 0 on")
        }
        _ = try limits()
    }

    private func limits() throws -> Limits {
        var limits = Limits()
        for text in limit {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let value = Self.number(parts[1]) else {
                throw ValidationError("--limit \(text) is not name=value, such as pixels=2e9 or decodedBytes=8G")
            }
            guard limits.set(parts[0], to: value) else {
                throw ValidationError("there is no limit \"\(parts[0])\"; there are \(Limits.names.joined(separator: ", "))")
            }
        }
        return limits
    }

    /// `2000`, `2e9`, `8G`: powers of 1024 for the letters.
    static func number(_ text: String) -> Int? {
        var digits = text.uppercased()[...]
        let factors: [Character: Double] = ["K": 1024, "M": 1_048_576, "G": 1_073_741_824, "T": 1_099_511_627_776]
        let factor = digits.last.flatMap { factors[$0] }
        if factor != nil { digits = digits.dropLast() }
        guard let value = Double(digits), value.isFinite, value >= 0, value * (factor ?? 1) < 1e15 else { return nil }
        return Int(value * (factor ?? 1))
    }
}

/// How pictures are written.
struct WritingOptions: ParsableArguments {
    @Option(help: "Quality of JPEG files, 1 to 100.")
    var quality = 92

    @Option(help: "Colour samples of JPEG files: 444 keeps all, 422 half, 420 a quarter.")
    var subsampling: JPEGSubsampling = .full

    @Flag(help: "Write progressive JPEG files.")
    var progressive = false

    @Option(help: "Compression of TIFF files: none, lzw, deflate or zstd.")
    var compression: TIFFCompression = .deflate

    @Flag(name: .customLong("bigtiff"), help: "Write BigTIFF even where a classic TIFF would do.")
    var isBigTIFF = false

    @Option(name: .customLong("png-level"), help: "Compression of PNG files, 0 (none) to 9 (smallest).")
    var pngLevel = 6

    @Flag(name: .customLong("no-metadata"), help: "Write pixels alone: no profile, EXIF, XMP, IPTC, texts or georeference.")
    var dropsMetadata = false

    func validate() throws {
        guard (1...100).contains(quality) else { throw ValidationError("--quality \(quality) is not from 1 to 100") }
        guard (0...9).contains(pngLevel) else { throw ValidationError("--png-level \(pngLevel) is not from 0 to 9") }
    }

    var encodeOptions: EncodeOptions {
        var options = EncodeOptions()
        options.jpegQuality = quality
        options.jpegSubsampling = subsampling
        options.jpegIsProgressive = progressive
        options.tiffCompression = compression
        options.tiffIsBig = isBigTIFF
        options.pngCompressionLevel = pngLevel
        options.keepsMetadata = !dropsMetadata
        return options
    }
}

extension JPEGSubsampling: ExpressibleByArgument {}
extension TIFFCompression: ExpressibleByArgument {}
