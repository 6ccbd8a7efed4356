import ArgumentParser
import CalorBase
import CalorCodecs
import CalorQuality
import Foundation

extension PictureMetric: ExpressibleByArgument {}

/// `calor compare`: picture metrics of two files or two folders.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Measure how close pictures are to their references.",
        discussion: """
            Two files are compared as they are. The files of two folders are paired by relative path: the same path without its \
            extension, or the reference's name with a suffix (--suffix _x4; without the option, any suffix that begins with “_”, \
            as long as only one file has it). Position never counts, and what has no partner is listed on standard error.

            psnr-grey is taken on grey levels (full-range luma for colour), psnr-luma on studio luma as papers report it: for grey \
            pictures it is 1.32 dB higher. Equal pictures have 100 dB. Full scale is 255 or 65535 for integers and 1 for floats, or the range of the reference where floats go \
            far beyond 0…1, as temperatures do; --peak sets another. rmse, mae and max-difference are in levels or counts.

            EXAMPLES
              calor compare truth.png result.png
              calor compare truth/ out/ --crop 4 --json | jq .mean.psnrGrey
              calor compare truth/ out/ --metric psnr-grey --min 39.8      status 1 when the mean is lower
              calor compare truth/ out/ --metric spectrum-distance --max 3

            STATUS
              0 all compared, 1 beyond the threshold, 2 some pairs could not be compared or references have no partner, \
            65 none could be compared, 66 nothing to compare.
            """)

    @Argument(help: ArgumentHelp("The true picture, or a folder of them.", valueName: "reference"), completion: .file())
    var reference: String
    @Argument(help: ArgumentHelp("The picture to judge, or a folder.", valueName: "candidate"), completion: .file())
    var candidate: String

    @Flag(help: "Print one JSON object: pairs, mean, unpaired, failed.")
    var json = false
    @Option(help: ArgumentHelp("Leave out this many pixels on every side.", valueName: "pixels"))
    var crop = 0
    @Option(help: ArgumentHelp("What a candidate's name may have before its extension; repeat for several.", valueName: "text"))
    var suffix: [String] = []
    @Option(
        help: ArgumentHelp("Full scale for PSNR and SSIM in counts (255, 65535, or the range of the scene).", valueName: "value"))
    var peak: Double?
    @Option(help: ArgumentHelp("The metric whose mean --min and --max judge.", valueName: "metric"))
    var metric: PictureMetric = .psnrGrey
    @Option(help: ArgumentHelp("Exit with status 1 when the mean is below.", valueName: "value"))
    var min: Double?
    @Option(help: ArgumentHelp("Exit with status 1 when the mean is above.", valueName: "value"))
    var max: Double?
    @OptionGroup var reading: ReadingOptions

    func validate() throws {
        if reading.takesAllPages { throw ValidationError("--page takes one number here") }
        if crop < 0 { throw ValidationError("--crop cannot be negative") }
        if [min, max].contains(where: { $0?.isNaN == true }) { throw ValidationError("--min and --max take numbers") }
        if reference == "-", candidate == "-" {
            throw ValidationError("standard input can be read only once: use - for one of the two")
        }
        if let peak, !(peak > 0 && peak.isFinite) { throw ValidationError("--peak must be a positive number") }
    }

    func run() throws {
        let files = try paired()
        for path in files.unpairedReferences { standardError("calor: \(path): no candidate belongs to this reference") }
        for path in files.unpairedCandidates { standardError("calor: \(path): no reference belongs to this candidate") }
        var results: [CompareReport.Pair] = []
        var failures: [CompareReport.Failure] = []
        var faults: [NamedFault] = []
        for pair in files.pairs {
            do {
                let comparison = try compare(full(reference, pair.reference), full(candidate, pair.candidate))
                results.append(CompareReport.Pair(reference: pair.reference, candidate: pair.candidate, comparison: comparison))
            } catch {
                if files.pairs.count > 1 { standardError("calor: \(error.message)" + (error.advice.map { "\n    \($0)" } ?? "")) }
                failures.append(
                    CompareReport.Failure(
                        reference: pair.reference, candidate: pair.candidate, error: error.identifier, message: error.message))
                faults.append(error)
            }
        }
        let report = CompareReport(pairs: results, failed: failures, unpaired: files.unpairedReferences + files.unpairedCandidates)
        if json || !results.isEmpty { print(json ? try report.json() : report.text()) }
        if results.isEmpty, faults.count == 1 { throw faults[0] }
        if results.isEmpty { throw ExitCode(65) }
        if try isBeyondThreshold(results.map(\.comparison)) { throw ExitCode(ExitStatus.regression) }
        if !failures.isEmpty || !files.unpairedReferences.isEmpty { throw ExitCode(ExitStatus.someFailed) }
    }

    // MARK: - Steps

    private func paired() throws -> PairedFiles {
        switch (try isFolder(reference), try isFolder(candidate)) {
        case (false, false):
            return PairedFiles(reference: reference, candidate: candidate)
        case (true, true):
            let references = try PairedFiles.pictures(in: reference)
            let candidates = try PairedFiles.pictures(in: candidate)
            let files = PairedFiles(references: references, candidates: candidates, suffixes: suffix)
            guard !files.pairs.isEmpty else {
                throw CompareFault.noPairs(references: references.count, candidates: candidates.count)
            }
            return files
        default: throw CompareFault.fileAndFolder
        }
    }

    private func isFolder(_ path: String) throws -> Bool {
        if path == "-" { return false }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw InputFile(path: path).named(ReadFault.missing(path))
        }
        return isFolder.boolValue
    }

    private func full(_ root: String, _ relative: String) -> String {
        root == relative ? root : (root as NSString).appendingPathComponent(relative)
    }

    private func compare(_ reference: String, _ candidate: String) throws(NamedFault) -> Comparison {
        let second = InputFile(path: candidate)
        let options: DecodeOptions
        do { options = try reading.decodeOptions() } catch { preconditionFailure("checked by validate: \(error)") }
        let first = try InputFile(path: reference).decoded(options: options)
        let other = try second.decoded(options: options)
        do {
            return try Comparison(reference: first.image, candidate: other.image, cropPixels: crop, peak: peak)
        } catch { throw second.named(error) }
    }

    private func isBeyondThreshold(_ comparisons: [Comparison]) throws -> Bool {
        guard min != nil || max != nil else { return false }
        guard let mean = metric.mean(of: comparisons) else { throw CompareFault.noMetric(metric.rawValue) }
        if let min, mean < min {
            standardError("calor: mean \(metric.rawValue) is \(mean), below \(min)")
            return true
        }
        if let max, mean > max {
            standardError("calor: mean \(metric.rawValue) is \(mean), above \(max)")
            return true
        }
        return false
    }
}

/// Why there is nothing to compare.
enum CompareFault: Fault {
    case fileAndFolder
    case noPairs(references: Int, candidates: Int)
    case noMetric(String)

    var identifier: String {
        switch self {
        case .fileAndFolder: "compare.file-and-folder"
        case .noPairs: "compare.no-pairs"
        case .noMetric: "compare.no-metric"
        }
    }

    var kind: FaultKind {
        switch self {
        case .fileAndFolder, .noMetric: .usage
        case .noPairs: .missing
        }
    }

    var message: String {
        switch self {
        case .fileAndFolder: "one of the two is a folder and the other a file"
        case .noPairs(let references, let candidates):
            "none of \(references) references and \(candidates) candidates belong together"
        case .noMetric(let name): "no pair has the metric \(name)"
        }
    }

    var advice: String? {
        switch self {
        case .fileAndFolder: "give two files or two folders"
        case .noPairs: "names must agree up to the extension or a suffix: --suffix TEXT"
        case .noMetric: "psnr-rgb needs colour; the others need pictures of at least 16×16"
        }
    }
}
