import CalorBase
import CalorCodecs

/// Everything that `calor run` and `calor plan` were asked for.
public struct RunRequest: Sendable {
    public enum Output: Sendable, Equatable {
        case standardOutput
        case file(String)
        case folder(String)
    }

    /// One of `K` parts of `count`, from 1.
    public struct Shard: Sendable, Equatable {
        public var part: Int
        public var count: Int

        /// `2/8`.
        public init(_ text: String) throws(PipelineFault) {
            let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
            guard numbers.count == 2, let part = numbers[0], let count = numbers[1], (1...100_000).contains(count),
                (1...count).contains(part)
            else { throw .usage(problem: "--shard \(text) is not a part of a whole", advice: "write for example --shard 2/8") }
            self.part = part
            self.count = count
        }

        /// The same file is in the same part on every machine: FNV-1a of the relative path.
        func contains(_ relativePath: String) -> Bool {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in relativePath.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            // The low bits of FNV are its weak ones.
            return Int((hash >> 32) % UInt64(count)) == part - 1
        }
    }

    public var pipeline: String
    public var inputs: [String] = []
    /// Names from `--files-from`, already split.
    public var listed: [String] = []
    public var output: Output
    public var include: [Glob] = []
    public var exclude: [Glob] = []
    public var name: String?
    public var format: FileFormat?
    public var policy = JournalIndex.Policy.careful
    public var stopsOnError = false
    /// Truncated files are filled up and noted instead of refused.
    public var toleratesTruncation = false
    /// What files may ask for.
    public var limits = Limits()
    /// Page of TIFF files, from 0.
    public var page = 0
    /// Every page of a TIFF that has several is an image of its own, named `stem_pN`.
    public var takesAllPages = false
    public var encoding = EncodeOptions()
    /// Images that decode to more bytes than this are not held, where their format and the pipeline allow it. The results are the same.
    public var streamsFrom = 64 << 20
    /// nil: a share of the machine's memory.
    public var memoryBytes: Int?
    public var threads = 1
    public var seed: Int?
    public var shard: Shard?
    public var overrides: [ParameterOverride] = []

    public init(pipeline: String, output: Output) {
        self.pipeline = pipeline
        self.output = output
    }

    func decodeOptions(for item: InputItem) -> DecodeOptions {
        DecodeOptions(limits: limits, toleratesTruncation: toleratesTruncation, page: item.page ?? page)
    }

    /// Where `-o` points: `-`, a file (it has the extension of an image and is no folder), or a folder.
    public static func output(_ text: String) -> Output {
        if text == "-" { return .standardOutput }
        let name = InputName(text)
        guard OutputFormat(fileExtension: name.fileExtension) != nil, !FileSystem.isFolder(text) else { return .folder(text) }
        return .file(text)
    }

    /// The name of a picture format that Calor does not write, where an output is named after one and is no folder.
    public static func unwritableFormat(of text: String) -> String? {
        let kind = InputName(text).fileExtension.lowercased()
        let others: Set = ["avif", "bmp", "dng", "exr", "gif", "heic", "heif", "jp2", "jxl", "pgm", "ppm", "raw", "svg", "webp"]
        return others.contains(kind) && !text.hasSuffix("/") && !FileSystem.isFolder(text) ? kind.uppercased() : nil
    }
}
