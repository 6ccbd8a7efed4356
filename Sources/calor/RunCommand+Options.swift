import ArgumentParser
import CalorBase
import CalorCodecs
import CalorPipeline
import CalorRestoration
import Foundation

/// What `run` and `plan` have in common: the pipeline, the inputs, and how they are treated.
struct RunOptions: ParsableArguments {
    @Argument(
        help: """
            A pipeline file, or the name of a bundled pipeline (ir-x4, ir-x4-best, ir-x2, enhance-ir, enhance-rgb, ir-inspect, \
            ir-rgb-fuse).
            """)
    var pipeline: String

    @Argument(help: "Files, folders (searched to the bottom, the tree is mirrored), or - for one image on standard input.")
    var inputs: [String] = []

    @Option(name: .customLong("files-from"), help: "Read names of inputs from FILE, or from standard input with -; one a line.")
    var filesFrom: String?

    @Flag(name: .customShort("0"), help: "Names in --files-from end with a NUL byte instead of a line end.")
    var splitsAtNUL = false

    @Option(help: "Only files in folders that match GLOB: *, ?, [a-z], ** across folders. May be repeated.")
    var include: [String] = []

    @Option(help: "No files in folders that match GLOB. May be repeated.")
    var exclude: [String] = []

    @Option(help: "Names of outputs: {stem}_x4.{ext}, with {dir}, {stem}, {name}, {ext}, {stage}.")
    var name: String?

    @Flag(help: "Replace outputs that exist.")
    var overwrite = false

    @Flag(help: "Go on with an earlier run: what is finished is skipped, what is damaged or outdated is made again.")
    var resume = false

    @Option(name: .customLong("on-error"), help: "continue with the other images, or stop, when one fails.")
    var onError: ErrorPolicy = .continue

    @Option(help: "Memory that images in work may take together, such as 2G or 800M; default 70 % of the machine's.")
    var memory: String?

    @Option(help: "Threads; default one for each core. The results are the same for any number.")
    var threads: Int?

    @Option(help: "Seed for stages that draw noise; replaces the seeds of the pipeline.")
    var seed: Int?

    @Option(help: "Only part K of N: K/N. The same file is in the same part on every machine.")
    var shard: String?

    @OptionGroup var reading: ReadingOptions
    @OptionGroup var writing: WritingOptions

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Change a parameter of the pipeline: stage.parameter=value, such as sharp.ensemble=8 or clean.strength=0.5. "
                + "May be repeated; calor plan shows all of them."))
    var set: [String] = []

    enum ErrorPolicy: String, ExpressibleByArgument, CaseIterable { case `continue`, stop }

    /// The request, and the pipeline plan that it needs.
    func request(output: String, format: String?) throws -> (request: RunRequest, pipeline: PipelinePlan) {
        guard inputs.filter({ $0 == "-" }).count + (filesFrom == "-" ? 1 : 0) <= 1 else {
            throw PipelineFault.usage(problem: "standard input can be read only once", advice: "use - for one thing")
        }
        guard !(overwrite && resume) else {
            throw PipelineFault.usage(problem: "--overwrite and --resume contradict each other", advice: "choose one")
        }
        guard !reading.takesAllPages || !inputs.contains("-") else {
            throw PipelineFault.usage(problem: "standard input gives one page", advice: "give --page N, or the file by its name")
        }
        if let name = RunRequest.unwritableFormat(of: output) {
            throw PipelineFault.usage(
                problem: "\(name) cannot be written", advice: "use .png, .jpg, .tiff or .csv; a folder of that name ends with /")
        }
        let listed = try listedNames()
        var request = RunRequest(pipeline: pipeline, output: RunRequest.output(output))
        request.inputs = inputs
        request.listed = listed
        request.include = try include.map { try Glob($0) }
        request.exclude = try exclude.map { try Glob($0) }
        request.name = name
        request.format = try format.map { text in
            guard let format = FileFormat(rawValue: text.lowercased()) ?? FileFormat(fileExtension: text) else {
                throw PipelineFault.usage(problem: "--format \(text) is unknown", advice: "use png, jpeg or tiff")
            }
            return format
        }
        request.policy = overwrite ? .overwrite : resume ? .resume : .careful
        request.stopsOnError = onError == .stop
        let options = try reading.decodeOptions()
        request.toleratesTruncation = options.toleratesTruncation
        request.limits = options.limits
        request.page = options.page
        request.takesAllPages = reading.takesAllPages
        request.encoding = writing.encodeOptions
        request.memoryBytes = try memory.map { try Self.bytes($0) }
        if let threads, !(1...256).contains(threads) {
            throw PipelineFault.usage(problem: "--threads \(threads) is not possible", advice: "give 1 to 256")
        }
        request.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        request.seed = seed
        request.shard = try shard.map { try RunRequest.Shard($0) }
        request.overrides = try set.map { try ParameterOverride($0) }
        let document = try PipelineCatalogue(searchPaths: Installation.folders(named: "pipelines")).document(pipeline)
        let context = PlanContext(catalogue: ModelCatalogue(searchPaths: Installation.folders(named: "models")), seed: seed)
        return (request, try PlanMaker.plan(document, context: context, overrides: request.overrides, outputName: name))
    }

    private func listedNames() throws -> [String] {
        guard let filesFrom else { return [] }
        let data =
            filesFrom == "-" ? try FileHandle.standardInput.readToEnd() ?? Data() : FileManager.default.contents(atPath: filesFrom)
        guard let data else { throw PipelineFault.inputNotFound(path: filesFrom) }
        return data.split(separator: splitsAtNUL ? 0 : UInt8(ascii: "\n")).compactMap { line in
            var line = line
            if !splitsAtNUL, line.last == UInt8(ascii: "\r") { line.removeLast() }
            return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
        }
    }

    /// `2G`, `800M`, `1.5GiB`, `4000000000`: powers of 1024, as programs that take memory limits do.
    static func bytes(_ text: String) throws -> Int {
        let fault = PipelineFault.usage(
            problem: "--memory \(text) is not an amount of memory", advice: "write for example 2G or 800M")
        var digits = text.uppercased()[...]
        for suffix in ["IB", "B"] where digits.hasSuffix(suffix) {
            digits = digits.dropLast(suffix.count)
            break
        }
        let factor: Double =
            switch digits.last {
            case "K": 1024;
            case "M": 1_048_576;
            case "G": 1_073_741_824;
            case "T": 1_099_511_627_776;
            default: 1
            }
        if factor != 1 { digits = digits.dropLast() }
        guard let value = Double(digits), value.isFinite, value > 0, value * factor >= 1_048_576, value * factor < 1e15 else {
            throw fault
        }
        return Int(value * factor)
    }
}
