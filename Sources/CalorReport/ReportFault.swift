import CalorBase

/// Why there is no report, or no verdict on a suite.
public enum ReportFault: Fault, Equatable {
    /// The template itself: our defect.
    case template(String)
    case suite(path: String, line: Int?, problem: String, advice: String)
    case missingSuite(path: String)
    case missingBaseline(path: String)
    case damagedBaseline(path: String)
    case noMetrics(path: String)

    public var identifier: String {
        switch self {
        case .template: "report.template"
        case .suite: "suite.wrong"
        case .missingSuite: "suite.missing"
        case .missingBaseline: "suite.no-baseline"
        case .damagedBaseline: "suite.baseline"
        case .noMetrics: "report.no-metrics"
        }
    }

    public var kind: FaultKind {
        switch self {
        case .template: .defect
        case .suite: .usage
        case .missingSuite, .missingBaseline: .missing
        case .damagedBaseline, .noMetrics: .damagedInput
        }
    }

    public var message: String {
        switch self {
        case .template(let problem): "the template of the page cannot be filled: \(problem)"
        case .suite(let path, let line, let problem, _): "\(path)\(line.map { ":\($0)" } ?? ""): \(problem)"
        case .missingSuite(let path): "\(path): there is no such suite"
        case .missingBaseline(let path): "\(path): there is no baseline to compare with"
        case .damagedBaseline(let path): "\(path): this is no baseline of this program"
        case .noMetrics(let path): "\(path): holds no metrics"
        }
    }

    public var advice: String? {
        switch self {
        case .template: nil
        case .suite(_, _, _, let advice): advice
        case .missingSuite: "give a suite file, or the folder that holds suite.yaml"
        case .missingBaseline: "look at the results, then store them with --update"
        case .damagedBaseline: "make it again with --update"
        case .noMetrics: "give what `calor run --metrics FILE` wrote, or OUTPUT/.calor/journal.jsonl"
        }
    }
}
