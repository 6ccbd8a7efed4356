import Mustache

/// Verdicts for machines (JUnit) and for people (a page).
public struct RegressionReport {
    public var suite: String
    public var regression: Regression
    /// By the name of the case.
    public var seconds: [String: Double]

    public init(suite: String, regression: Regression, seconds: [String: Double]) {
        (self.suite, self.regression, self.seconds) = (suite, regression, seconds)
    }

    // MARK: - JUnit

    /// *Source*: the schema that Jenkins and GitLab read: testsuite, testcase, failure.
    public func junit() -> String {
        let verdicts = regression.verdicts
        let time = seconds.values.reduce(0, +)
        var lines = [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<testsuite name=\"\(Self.escaped(suite))\" tests=\"\(verdicts.count)\" failures=\"\(regression.regressions.count)\" "
                + "errors=\"0\" time=\"\(Self.decimal(time))\">",
        ]
        for verdict in verdicts {
            let inCase = max(verdicts.count { $0.suiteCase == verdict.suiteCase }, 1)
            let name = verdict.input.isEmpty ? verdict.suiteCase : verdict.input
            let share = (seconds[verdict.suiteCase] ?? 0) / Double(inCase)
            let head =
                "  <testcase classname=\"\(Self.escaped(verdict.suiteCase))\" name=\"\(Self.escaped(name))\" "
                + "time=\"\(Self.decimal(share))\""
            if verdict.problems.isEmpty {
                lines.append(head + "/>")
            } else {
                lines.append(head + ">")
                lines.append(
                    "    <failure message=\"\(Self.escaped(verdict.problems[0]))\">"
                        + "\(Self.escaped(verdict.problems.joined(separator: "\n")))</failure>")
                lines.append("  </testcase>")
            }
        }
        return (lines + ["</testsuite>", ""]).joined(separator: "\n")
    }

    private static func decimal(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    /// What XML 1.0 cannot hold at all becomes a question mark.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n": result += "&#10;"
            case "\t": result += "&#9;"
            case _ where scalar.value < 32 || (0xFFFE...0xFFFF).contains(scalar.value): result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    // MARK: - Page

    public func html() throws(ReportFault) -> String {
        let rows = regression.verdicts.map { verdict -> [String: Any] in
            [
                "case": verdict.suiteCase, "input": verdict.input, "bad": !verdict.problems.isEmpty,
                "verdict": verdict.problems.isEmpty ? (verdict.gains.isEmpty ? "as before" : "better") : "worse",
                "lines": verdict.problems + verdict.gains,
            ]
        }
        let content: [String: Any] = [
            "title": suite, "rows": rows, "count": regression.verdicts.count, "worse": regression.regressions.count,
            "bad": !regression.regressions.isEmpty, "time": readable(milliseconds: seconds.values.reduce(0, +) * 1000),
        ]
        do { return try MustacheTemplate(string: Self.page).render(content) } catch { throw .template("\(error)") }
    }

    private static let page = """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>{{title}}</title><style>\(ReportTemplate.style)</style></head><body>
        <h1>{{title}}</h1>
        <div class="facts"><div><b>{{count}}</b>results</div><div{{#bad}} class="bad"{{/bad}}><b>{{worse}}</b>worse than the baseline</div>
        <div><b>{{time}}</b>time</div></div>
        <h2>Results</h2><table><tr><th>case</th><th>input</th><th>verdict</th><th>what changed</th></tr>
        {{#rows}}<tr><td>{{case}}</td><td><code>{{input}}</code></td><td{{#bad}} class="bad"{{/bad}}>{{verdict}}</td>
        <td>{{#lines}}{{.}}<br>{{/lines}}</td></tr>
        {{/rows}}</table></body></html>

        """
}
