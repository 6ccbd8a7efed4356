import ArgumentParser
import CalorBase
import CalorPipeline
import CalorQuality
import CalorReport
import CalorRestoration
import Foundation

/// `calor regress`: a suite of fixtures against its baseline.
struct RegressCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "regress",
        abstract: "Run a suite of fixtures and compare with its stored baseline.",
        discussion: """
            SUITE is a YAML file, or a folder that holds suite.yaml. Each case sends files through a pipeline and may name the truth that \
            the results are measured against. Results are compared with SUITE's baseline, suite.baseline.json beside it: status and \
            error of every input, number, names and sizes of outputs, figures that tell good from bad (PSNR, SSIM, consistency, …) \
            within a tolerance, and with `exact: true` the bytes. Better is never a regression; times are never judged.

            EXAMPLES
              calor regress fixtures/ --update              store what is right today
              calor regress fixtures/ --junit regress.xml --html regress.html
              calor regress nightly.yaml -o results/        keep the outputs to look at

            SUITE
              calor-suite: 1
              name: fixtures
              cases:
                - { name: cleaned, pipeline: enhance-ir, inputs: [infrared/damaged], against: infrared/clean }
              A case may also have set: [stage.parameter=value], crop: PIXELS, exact: true, tolerance: { psnrGrey: 0.1 }.

            STATUS
              0 nothing is worse, 1 a regression, 64 a wrong suite, 66 no suite or no baseline.
            """)

    @Argument(help: ArgumentHelp("A suite file, or the folder of suite.yaml.", valueName: "suite"), completion: .file())
    var suite: String

    @Flag(help: "Store the results as the new baseline instead of comparing.")
    var update = false

    @Option(help: ArgumentHelp("Write the verdicts as JUnit XML.", valueName: "file"), completion: .file())
    var junit: String?

    @Option(help: ArgumentHelp("Write the verdicts as a page.", valueName: "file"), completion: .file())
    var html: String?

    @Option(name: .shortAndLong, help: "Keep the outputs and metrics of every case in this folder.")
    var output: String?

    @Option(help: "Threads; default one for each core.")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads takes 1 to 256") }
    }

    func run() throws {
        let file = try SuiteFile(path: suite)
        let baseline = update ? nil : try file.baseline()
        let folder = output ?? NSTemporaryDirectory() + "calor-regress-\(UUID().uuidString)"
        defer { if output == nil { try? FileManager.default.removeItem(atPath: folder) } }
        let stop = StopSignals.watch()
        var results = SuiteResults(suite: file.suite.name)
        var seconds: [String: Double] = [:]
        for (index, one) in file.suite.cases.enumerated() {
            let start = ContinuousClock.now
            let runner = SuiteRunner(
                file: file, one: one, output: "\(folder)/\(index + 1)", threads: threads, cancelled: { stop.isRequested })
            try runner.run(into: &results)
            if let status = stop.status { throw ExitCode(status) }
            let time = (ContinuousClock.now - start).components
            seconds[one.name] = Double(time.seconds) + Double(time.attoseconds) / 1e18
        }
        guard let baseline else {
            try AtomicFile.write(results.json(), to: file.baselinePath)
            print("\(file.baselinePath): \(results.cases.values.reduce(0) { $0 + $1.count }) results stored")
            return
        }
        let regression = Regression(suite: file.suite, baseline: baseline, results: results)
        let report = RegressionReport(suite: file.suite.name, regression: regression, seconds: seconds)
        if let junit { try writeText(report.junit(), to: junit) }
        if let html { try writeText(try report.html(), to: html) }
        say(regression)
        if !regression.regressions.isEmpty { throw ExitCode(ExitStatus.regression) }
    }

    private func say(_ regression: Regression) {
        for verdict in regression.verdicts {
            let place = verdict.input.isEmpty ? verdict.suiteCase : "\(verdict.suiteCase): \(verdict.input)"
            for problem in verdict.problems { standardError("calor: \(place): \(problem)") }
            if junit != "-", html != "-" { for gain in verdict.gains { print("\(place): better: \(gain)") } }
        }
        let worse = regression.regressions.count
        standardError(
            "calor: \(regression.verdicts.count) results, \(worse == 0 ? "none worse" : "\(worse) worse") than the baseline")
    }
}

/// A suite on the disk, with its baseline beside it.
struct SuiteFile {
    let suite: Suite
    let folder: String
    let baselinePath: String

    init(path: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw ReportFault.missingSuite(path: path)
        }
        let file = isFolder.boolValue ? (path as NSString).appendingPathComponent("suite.yaml") : path
        guard FileManager.default.fileExists(atPath: file) else { throw ReportFault.missingSuite(path: file) }
        guard let text = String(validating: try InputFile(path: file, content: .other).bytes(), as: UTF8.self) else {
            throw ReportFault.suite(path: file, line: nil, problem: "is not UTF-8 text", advice: "give a suite file")
        }
        suite = try Suite(reading: text, file: file)
        folder = (file as NSString).deletingLastPathComponent
        baselinePath = (file as NSString).deletingPathExtension + ".baseline.json"
    }

    func path(_ relative: String) -> String {
        relative.hasPrefix("/") || folder.isEmpty ? relative : (folder as NSString).appendingPathComponent(relative)
    }

    func baseline() throws -> SuiteResults {
        guard FileManager.default.fileExists(atPath: baselinePath) else { throw ReportFault.missingBaseline(path: baselinePath) }
        return try SuiteResults(json: try InputFile(path: baselinePath, content: .other).bytes(), path: baselinePath)
    }
}
