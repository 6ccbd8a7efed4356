import Testing

@testable import CalorReport

struct RegressionTests {
    static func suite(_ more: String = "") throws -> Suite {
        try Suite(
            reading: "calor-suite: 1\nname: n\ncases: [{ name: c, pipeline: p, inputs: [i]\(more) }]", file: "s.yaml")
    }

    static func results(
        _ values: [String: Double] = [:], truth: [String: Double] = [:], status: String = "done", sha256: String = "a"
    ) -> SuiteResults {
        var results = SuiteResults(suite: "n")
        var input = SuiteResults.Input(status: status)
        input.values = values
        input.outputs = ["o.png": .init(sha256: sha256, width: 4, height: 3, truth: truth)]
        results.cases = ["c": ["i/a.png": input]]
        return results
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var what: String
        var before = RegressionTests.results()
        var now = RegressionTests.results()
        var more = ""
        var problems = 0
        var gains = 0
        var testDescription: String { what }
    }

    @Test(arguments: [
        Case(what: "the same"),
        Case(what: "PSNR within the tolerance", before: results(truth: ["psnrGrey": 30]), now: results(truth: ["psnrGrey": 29.96])),
        Case(what: "PSNR lower", before: results(truth: ["psnrGrey": 30]), now: results(truth: ["psnrGrey": 29.9]), problems: 1),
        Case(what: "PSNR higher", before: results(truth: ["psnrGrey": 30]), now: results(truth: ["psnrGrey": 30.2]), gains: 1),
        Case(
            what: "an error that grows", before: results(["s.consistencyRMS": 1]), now: results(["s.consistencyRMS": 1.1]),
            problems: 1),
        Case(
            what: "an error that shrinks", before: results(["s.consistencyRMS": 1]), now: results(["s.consistencyRMS": 0.5]),
            gains: 1),
        Case(what: "a figure without a better side", before: results(["s.mean": 1]), now: results(["s.mean": 9])),
        Case(what: "a figure that is gone", before: results(["s.ssim": 1]), now: results(), problems: 1),
        Case(
            what: "an own tolerance", before: results(["s.ssim": 0.9]), now: results(["s.ssim": 0.6]),
            more: ", tolerance: { ssim: 0.5 }"),
        Case(what: "other bytes", now: results(sha256: "b")),
        Case(what: "other bytes where they count", now: results(sha256: "b"), more: ", exact: true", problems: 1),
        Case(what: "another status", now: results(status: "failed"), problems: 1),
    ])
    func verdicts(_ one: Case) throws {
        let regression = Regression(suite: try Self.suite(one.more), baseline: one.before, results: one.now)
        #expect(regression.verdicts.map(\.problems.count) == [one.problems], "\(regression.verdicts)")
        #expect(regression.verdicts.map(\.gains.count) == [one.gains], "\(regression.verdicts)")
    }

    @Test func aCaseWithoutABaselineIsNoPass() throws {
        let regression = Regression(suite: try Self.suite(), baseline: SuiteResults(suite: "n"), results: Self.results())
        #expect(regression.regressions.count == 1)
        let notRun = Regression(suite: try Self.suite(), baseline: Self.results(), results: SuiteResults(suite: "n"))
        #expect(notRun.regressions.count == 1)
    }

    @Test func resultsReadBackAreEqual() throws {
        let results = Self.results(["a.b": 0.1, "c.d": -3e-9], truth: ["psnrGrey": 33.125])
        #expect(try SuiteResults(json: results.json(), path: "x") == results)
        for text in ["", "[]", "{\"version\":2,\"suite\":\"n\",\"cases\":{}}", "{\"suite\":1}"] {
            #expect(throws: ReportFault.damagedBaseline(path: "x")) { try SuiteResults(json: Array(text.utf8), path: "x") }
        }
    }

    @Test(arguments: [
        (0.0, "0"), (1, "1"), (-2.345, "-2.35"), (0.1234, "0.123"), (45.67, "45.7"), (12_345.6, "12346"), (1.5e9, "1.5e9"),
        (-0.00012, "-1.2e-4"), (.infinity, "–"),
    ]) func numbersAreReadable(_ value: Double, _ text: String) {
        #expect(readable(value) == text)
    }

    @Test func xmlHoldsNothingThatItCannotHold() {
        #expect(RegressionReport.escaped("a<b>&\"\u{1}\u{FFFF}\n\té") == "a&lt;b&gt;&amp;&quot;??&#10;&#9;é")
    }

    @Test func histogramsCountEveryValueOnce() {
        let distribution = Distribution([3, 1, 2, 2, .nan, 10])
        #expect(distribution.sorted == [1, 2, 2, 3, 10])
        #expect(distribution.histogram(bins: 3) == [4, 0, 1])
        #expect(Distribution([5, 5]).histogram(bins: 4) == [2, 0, 0, 0])
        #expect(distribution.percentile(50) == 2 && distribution.percentile(99) == 10)
    }

    @Test func ofEveryInputTheLastWordCounts() {
        var file = MetricsFile()
        file.add(
            Array(
                """
                {"input":"a","status":"writing","outputs":[]}
                {"input":"a","status":"failed","error":"x"}
                {"input":"a","status":"done","stages":[{"id":"s","use":"u","ms":3,"values":{"f":true,"n":2.5,"t":"x","l":[1]}}]}
                {"input":"a","status":"skipped"}
                {"summary":{"wallMs":12.5}}
                torn
                """.utf8))
        #expect(
            file.records.count == 1 && file.records[0].status == "done" && file.damagedLines == 1 && file.wallMilliseconds == 12.5)
        let values = file.records[0].stages?[0].values ?? [:]
        #expect(values["f"] == .flag(true) && values["n"] == .number(2.5) && values["t"] == .text("x") && values["l"] == .other)
    }
}
