import Testing

@testable import CalorPipeline

struct JournalTests {
    static func line(_ input: String, _ plan: String, _ name: String, _ sha256: String, status: JobRecord.Status = .done) -> String
    {
        var record = JobRecord(input: "x", inputSHA256: input, plan: plan, status: status)
        record.outputs = [.init(path: "out/" + name, name: name, sha256: sha256, bytes: 9, width: 1, height: 1)]
        return record.json.description + "\n"
    }

    @Test func aTornLineProvesNothing() {
        let whole = Self.line("i", "p", "a.png", "s")
        let text = Array((whole + Self.line("i", "p", "b.png", "s").dropLast(9)).utf8)
        let (index, complete) = JournalIndex.reading(text)
        #expect(complete == whole.utf8.count)
        #expect(index.entries.keys.sorted() == ["a.png"])
    }

    @Test(arguments: [
        "", "\n", "not json\n", "{\"summary\":{}}\n", "{\"status\":\"done\"}\n", "\0\0\0\n", "[1,2]\n",
        "{\"status\":\"done\",\"outputs\":[{}]}\n",
    ])
    func linesOfOtherKindsArePassedOver(_ other: String) {
        let text = Array((other + Self.line("i", "p", "a.png", "s")).utf8)
        #expect(JournalIndex.reading(text).index.entries.count == 1, "\(other)")
    }

    @Test func theLastLineCounts() {
        let text = Array(
            (Self.line("i", "p", "a.png", "old") + Self.line("i", "p", "a.png", "new")
                + Self.line("i", "p", "a.png", "bad", status: .failed)).utf8)
        #expect(JournalIndex.reading(text).index.entries["a.png"]?.sha256 == "new")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var what: String
        var input = "i"
        var plan = "p"
        var bytes: Int? = 9
        var sha256: String? = "s"
        var name = "a.png"
        var careful: JournalIndex.Decision
        var resume: JournalIndex.Decision
        var testDescription: String { what }
    }

    @Test(arguments: [
        Case(what: "proved", careful: .skip, resume: .skip),
        Case(what: "other input", input: "j", careful: .work, resume: .work),
        Case(what: "other plan", plan: "q", careful: .work, resume: .work),
        Case(what: "output is gone", bytes: nil, sha256: nil, careful: .work, resume: .work),
        Case(what: "output was cut", bytes: 4, sha256: nil, careful: .refuse(name: "a.png"), resume: .work),
        Case(what: "output was changed", sha256: "t", careful: .refuse(name: "a.png"), resume: .work),
        Case(
            what: "never written here", sha256: nil, name: "z.png", careful: .refuse(name: "z.png"), resume: .refuse(name: "z.png")),
        Case(what: "nothing there", bytes: nil, sha256: nil, name: "z.png", careful: .work, resume: .work),
    ])
    func decision(_ one: Case) {
        let index = JournalIndex.reading(Array(Self.line("i", "p", "a.png", "s").utf8)).index
        let found = [JournalIndex.Found(name: one.name, bytes: one.bytes, sha256: one.sha256)]
        for (policy, expected) in [(JournalIndex.Policy.careful, one.careful), (.resume, one.resume), (.overwrite, .work)] {
            let decision = index.decision(inputSHA256: one.input, plan: one.plan, found: found, policy: policy)
            #expect(decision == expected, "\(one.what), \(policy)")
        }
    }

    @Test(
        arguments: [([1], 1.0, 1.0), ([1, 2, 3, 4], 2, 4), (Array(stride(from: 1, through: 100, by: 1)), 50, 99)]
            as [([Float], Double, Double)])
    func percentiles(_ values: [Float], _ median: Double, _ last: Double) {
        #expect(RunSummary.percentile(values, 50) == median)
        #expect(RunSummary.percentile(values, 99) == last)
    }

    /// Found by the fuzz target `journal`.
    @Test func longNumbersAreReadToTheNearestDouble() {
        let text = "15555555555555555555555555555555555555.5"
        #expect(JSON(parsing: Array("{\"x\":\(text)}".utf8))?["x"]?.number == Double(text))
        for value in [0.1, 1e300, 5e-324, 123_456_789.123_456_79, -1.5, 1 / 3.0] {
            #expect(JSON(parsing: Array("{\"x\":\(value)}".utf8))?["x"]?.number == value)
        }
    }

    @Test func jsonIsSafe() {
        let value = JSON.object([.init("a\"\n\u{1}é", .list([.number(.nan), .number(0.1), .integer(-3), .flag(true), .null]))])
        #expect(value.description == "{\"a\\\"\\n\\u0001é\":[null,0.1,-3,true,null]}")
        #expect(
            JSON(parsing: Array(value.description.utf8))?["a\"\n\u{1}é"]?.list == [
                .null, .number(0.1), .integer(-3), .flag(true), .null,
            ])
    }
}
