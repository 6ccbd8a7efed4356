/// The comparison of a suite's results with its baseline. Pure: results in, verdicts out.
public struct Regression: Sendable {
    /// Which way a figure gets worse.
    enum Direction: Equatable { case higherIsBetter, lowerIsBetter }

    public struct Verdict: Sendable, Equatable {
        public var suiteCase: String
        public var input: String
        /// What got worse; empty when nothing did.
        public var problems: [String] = []
        /// What got better by more than the tolerance.
        public var gains: [String] = []
    }

    public private(set) var verdicts: [Verdict] = []
    public var regressions: [Verdict] { verdicts.filter { !$0.problems.isEmpty } }

    /// By the last part of a figure's name; others say what a result is and not how good it is.
    static let directions: [String: Direction] = [
        "psnr": .higherIsBetter, "psnrGrey": .higherIsBetter, "psnrLuma": .higherIsBetter, "psnrRGB": .higherIsBetter,
        "ssim": .higherIsBetter, "gradientSimilarity": .higherIsBetter, "gradientTransfer": .higherIsBetter,
        "confidence": .higherIsBetter, "similarity": .higherIsBetter, "mutualInformationInfrared": .higherIsBetter,
        "mutualInformationVisible": .higherIsBetter, "spectrumDistanceDB": .lowerIsBetter, "rmse": .lowerIsBetter,
        "mae": .lowerIsBetter, "maxDifference": .lowerIsBetter, "consistencyRMS": .lowerIsBetter,
        "thermalOrderViolations": .lowerIsBetter,
    ]

    /// How much worse is still the same: decibels and shares as they are, everything else two hundredths of its value.
    static func tolerance(_ figure: String, _ value: Double, _ own: [String: Double]) -> Double {
        if let own = own[figure] ?? own[String(figure.split(separator: ".").last ?? "")] { return own }
        switch figure.split(separator: ".").last ?? "" {
        case "psnr", "psnrGrey", "psnrLuma", "psnrRGB": return 0.05
        case "ssim", "gradientSimilarity", "thermalOrderViolations": return 0.002
        case "spectrumDistanceDB": return 0.05
        default: return max(0.02 * abs(value), 1e-6)
        }
    }

    public init(suite: Suite, baseline: SuiteResults, results: SuiteResults) {
        for one in suite.cases {
            guard let now = results.cases[one.name] else {
                verdicts.append(Verdict(suiteCase: one.name, input: "", problems: ["was not run"]))
                continue
            }
            guard let before = baseline.cases[one.name] else {
                verdicts.append(
                    Verdict(suiteCase: one.name, input: "", problems: ["has no baseline: look at its results, then use --update"]))
                continue
            }
            for input in Set(before.keys).union(now.keys).sorted() {
                var verdict = Verdict(suiteCase: one.name, input: input)
                switch (before[input], now[input]) {
                case (let before?, let now?): Self.compare(before, now, one, &verdict)
                case (nil, _): verdict.problems.append("is new: look at its results, then use --update")
                case (_, nil): verdict.problems.append("is gone")
                }
                verdicts.append(verdict)
            }
        }
    }

    private static func compare(
        _ before: SuiteResults.Input, _ now: SuiteResults.Input, _ one: Suite.Case, _ verdict: inout Verdict
    ) {
        guard before.status == now.status, before.error == now.error else {
            func text(_ input: SuiteResults.Input) -> String { input.status + (input.error.map { " (\($0))" } ?? "") }
            verdict.problems.append("was \(text(before)), is \(text(now))")
            return
        }
        for name in Set(before.outputs.keys).union(now.outputs.keys).sorted() {
            switch (before.outputs[name], now.outputs[name]) {
            case (let old?, let new?):
                guard old.width == new.width, old.height == new.height else {
                    verdict.problems.append("\(name) was \(old.width)×\(old.height), is \(new.width)×\(new.height)")
                    continue
                }
                if one.isExact, old.sha256 != new.sha256 { verdict.problems.append("\(name) has other bytes") }
                compare(old.truth ?? [:], new.truth ?? [:], one, in: name + ": ", &verdict)
            case (nil, _): verdict.problems.append("\(name) is new")
            case (_, nil): verdict.problems.append("\(name) is gone")
            }
        }
        compare(before.values, now.values, one, in: "", &verdict)
    }

    private static func compare(
        _ before: [String: Double], _ now: [String: Double], _ one: Suite.Case, in place: String, _ verdict: inout Verdict
    ) {
        for (figure, old) in before.sorted(by: { $0.key < $1.key }) {
            guard let direction = directions[String(figure.split(separator: ".").last ?? "")] else { continue }
            guard let new = now[figure] else {
                verdict.problems.append("\(place)\(figure) is gone")
                continue
            }
            let gain = direction == .higherIsBetter ? new - old : old - new
            let tolerance = tolerance(figure, old, one.tolerance)
            guard abs(gain) > tolerance else { continue }
            let text = "\(place)\(figure) was \(readable(old)), is \(readable(new))"
            if gain < 0 {
                verdict.problems.append(text + " (tolerance \(readable(tolerance)))")
            } else {
                verdict.gains.append(text)
            }
        }
    }
}
