import CalorBase
import CalorPipeline
import CalorQuality
import CalorReport
import CalorRestoration
import Foundation

/// Runs one case of a suite the way `calor run` would.
struct SuiteRunner {
    let file: SuiteFile
    let one: Suite.Case
    /// A folder of its own.
    let output: String
    let threads: Int?
    let cancelled: @Sendable () -> Bool

    func run(into results: inout SuiteResults) throws {
        var request = RunRequest(pipeline: one.pipeline, output: .folder(output + "/out"))
        request.inputs = one.inputs.map(file.path)
        // A damaged input is a result; one that is not there is a mistake of the suite.
        for path in request.inputs where !FileManager.default.fileExists(atPath: path) {
            throw InputFile(path: path).named(ReadFault.missing(path))
        }
        request.policy = .overwrite
        request.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        request.overrides = try one.set.map { try ParameterOverride($0) }
        let isFile = one.pipeline.contains("/") || one.pipeline.hasSuffix(".yaml") || one.pipeline.hasSuffix(".yml")
        let document = try PipelineCatalogue(searchPaths: Installation.folders(named: "pipelines"))
            .document(isFile ? file.path(one.pipeline) : one.pipeline)
        let context = PlanContext(catalogue: ModelCatalogue(searchPaths: Installation.folders(named: "models")))
        let pipeline = try PlanMaker.plan(document, context: context, overrides: request.overrides)
        let plan = try RunPlanner(request: request, pipeline: pipeline).plan()
        let metricsPath = output + "/metrics.jsonl"
        _ = try BatchRunner(plan, metrics: metricsPath, cancelled: cancelled).perform()
        guard !cancelled() else { return }
        var metrics = MetricsFile()
        metrics.add(try InputFile(path: metricsPath, content: .other).bytes())
        results.add(metrics, case: one.name) { path in
            let root = file.folder.isEmpty ? "" : file.folder + "/"
            return path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path
        }
        try measure(&results)
    }

    /// Adds the figures against the truth to the outputs that have one.
    private func measure(_ results: inout SuiteResults) throws {
        guard let against = one.against else { return }
        let root = file.path(against)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else {
            throw InputFile(path: root).named(ReadFault.missing(root))
        }
        let candidates = (results.cases[one.name] ?? [:]).values.flatMap(\.outputs.keys).sorted()
        let pairs =
            isFolder.boolValue
            ? PairedFiles(references: try PairedFiles.pictures(in: root), candidates: candidates, suffixes: []).pairs
            : candidates.prefix(1).map { PairedFiles.Pair(reference: "", candidate: $0) }
        for pair in pairs {
            let truth = try InputFile(path: pair.reference.isEmpty ? root : root + "/" + pair.reference).decoded()
            let result = InputFile(path: output + "/out/" + pair.candidate)
            let comparison: Comparison
            do {
                comparison = try Comparison(reference: truth.image, candidate: try result.decoded().image, cropPixels: one.crop)
            } catch {
                // A result that cannot be compared has no figures: where the baseline has some, they are gone.
                standardError("calor: \(one.name): \(result.name): \((error as? any Fault)?.message ?? "\(error)")")
                continue
            }
            var figures: [String: Double] = [:]
            for metric in PictureMetric.allCases {
                if let value = metric.value(in: comparison), value.isFinite { figures[metric.key] = SuiteResults.rounded(value) }
            }
            for (input, result) in results.cases[one.name] ?? [:] where result.outputs[pair.candidate] != nil {
                results.cases[one.name]?[input]?.outputs[pair.candidate]?.truth = figures
            }
        }
    }
}
