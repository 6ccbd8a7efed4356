import CalorQuality
import Foundation

/// What `calor compare` prints, as JSON or as a table.
struct CompareReport {
    struct Pair {
        var reference: String
        var candidate: String
        var comparison: Comparison

        fileprivate var json: [String: Any] {
            [
                "reference": reference, "candidate": candidate, "width": comparison.size.width, "height": comparison.size.height,
                "peak": comparison.peak, "identical": comparison.identical,
                "metrics": metrics { $0.value(in: comparison) },
            ]
        }
    }

    struct Failure {
        var reference: String
        var candidate: String
        var error: String
        var message: String
    }

    var pairs: [Pair]
    var failed: [Failure]
    var unpaired: [String]

    func json() throws -> String {
        let comparisons = pairs.map(\.comparison)
        let document: [String: Any] = [
            "pairs": pairs.map(\.json), "mean": metrics { $0.mean(of: comparisons) }, "unpaired": unpaired,
            "failed": failed.map {
                ["reference": $0.reference, "candidate": $0.candidate, "error": $0.error, "message": $0.message]
            },
        ]
        return try jsonText(document, pretty: true)
    }

    func text() -> String {
        let shown: [PictureMetric] = [.psnrGrey, .psnrLuma, .psnrRGB, .ssim, .spectrumDistance, .rmse, .maxDifference]
        let comparisons = pairs.map(\.comparison)
        let columns = shown.filter { $0.mean(of: comparisons) != nil }
        let width = max(9, pairs.map(\.candidate.count).max() ?? 0)
        func line(_ name: String, _ cells: [String]) -> String {
            name.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + cells.joined(separator: "  ")
        }
        func cell(_ metric: PictureMetric, _ value: Double?) -> String {
            let text = value.map { String(format: metric == .ssim ? "%.4f" : "%.3f", $0) } ?? "–"
            return String(repeating: " ", count: max(metric.rawValue.count, 8) - text.count) + text
        }
        var lines = [
            line("candidate", columns.map { String(repeating: " ", count: max(8 - $0.rawValue.count, 0)) + $0.rawValue })
        ]
        for pair in pairs { lines.append(line(pair.candidate, columns.map { cell($0, $0.value(in: pair.comparison)) })) }
        if pairs.count > 1 {
            lines.append(line("mean of \(pairs.count)", columns.map { cell($0, $0.mean(of: comparisons)) }))
        }
        return lines.joined(separator: "\n")
    }
}

/// The metrics that have a value, by their keys.
private func metrics(_ value: (PictureMetric) -> Double?) -> [String: Any] {
    PictureMetric.allCases.reduce(into: [:]) { result, metric in
        if let number = value(metric) { result[metric.key] = number }
    }
}

/// JSON with sorted keys and readable paths; the values must be finite.
func jsonText(_ document: [String: Any], pretty: Bool = false) throws -> String {
    var options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { options.insert(.prettyPrinted) }
    return String(decoding: try JSONSerialization.data(withJSONObject: document, options: options), as: UTF8.self)
}
