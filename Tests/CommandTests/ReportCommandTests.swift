import CalorImage
import Foundation
import Testing

@Suite struct ReportCommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
    }

    private func calor(_ arguments: String...) throws -> CalorProcess.Result { try CalorProcess.run(arguments, in: folder.root) }

    @Test func aPageShowsFailuresPicturesAndTimesAndNothingOfItRuns() throws {
        let evil = "<script>alert('x')&\"--><b>.png"
        try folder.write(TestImages.png(TestImages.rgb(40, 30)), to: "in/\(evil)")
        try folder.write(TestImages.tiff(TestImages.grey(50, 20, format: .u16, low: 7000, high: 7400)), to: "in/counts.tiff")
        try folder.write("no picture".utf8, to: "in/<img src=x onerror=alert(1)>.png")
        let text = doubling.replacing(
            "stages:", with: "stages:\n  - figures: { use: measure, from: in }")
        try folder.write(text.utf8, to: "measured.yaml")
        #expect(try calor("run", "measured.yaml", "in", "-o", "out", "--metrics", "m.jsonl").status == 2)
        let made = try calor("report", "m.jsonl", "-o", "report.html", "--title", "Flight <12> & more")
        #expect(made.status == 0, "\(made.error)")
        let page = String(decoding: try folder.contents("report.html"), as: UTF8.self)
        for words in [
            "Flight &lt;12&gt; &amp; more", "&lt;script&gt;", "<h2>Failures</h2>", "image.", "<h2>Time per stage</h2>",
            "<td>big</td>",
            "<h2>Distributions</h2>", "figures: entropy", "<h2>Before and after</h2>", "80×60",
        ] { #expect(page.contains(words), "\(words) is not in the page") }
        #expect(!page.contains("<script") && !page.contains("<img src=x") && !page.contains("not found"))
        #expect(page.components(separatedBy: "src=\"data:image/png;base64,").count == 5, "two pictures before, two after")
        // Nothing is loaded from elsewhere.
        #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("<link"))
    }

    @Test func shardsMakeOnePageAndAJournalDoes() throws {
        for i in 0..<5 { try folder.write(TestImages.png(TestImages.rgb(16, 16, seed: i)), to: "in/\(i).png") }
        for part in 1...2 {
            #expect(
                try calor("run", "doubling.yaml", "in", "-o", "out", "--shard", "\(part)/2", "--metrics", "\(part).jsonl").status
                    == 0)
        }
        let both = try calor("report", "1.jsonl", "2.jsonl", "-o", "-", "--pictures", "0")
        #expect(both.status == 0 && both.text.contains("<b>5</b>done"), "\(both.error)")
        #expect(!both.text.contains("data:image"))
        let journal = try calor("report", "out/.calor/journal.jsonl", "-o", "-", "--pictures", "3")
        #expect(journal.status == 0 && journal.text.contains("<b>5</b>done"), "\(journal.error)")
        try FileManager.default.removeItem(at: folder.url("in/0.png"))
        let gone = try calor("report", "1.jsonl", "2.jsonl", "-o", "-", "--pictures", "9")
        #expect(gone.status == 0 && gone.text.contains("not found"), "\(gone.error)")
    }

    @Test func pairsShowBothHalves() throws {
        try folder.write(measuredPair.utf8, to: "pair.yaml")
        try folder.write(TestImages.png(TestImages.grey(24, 18)), to: "in/ir/a.png")
        try folder.write(TestImages.png(TestImages.rgb(24, 18)), to: "in/rgb/a.png")
        #expect(try calor("run", "pair.yaml", "in", "-o", "out", "--metrics", "m.jsonl").status == 0)
        let page = try calor("report", "m.jsonl", "-o", "-")
        #expect(page.text.contains("in/ir/a.png") && page.text.contains("in/rgb/a.png"), "\(page.error)")
        #expect(page.text.components(separatedBy: "src=\"data:image/png;base64,").count == 5)
    }

    @Test func whatIsNoMetricsIsRefused() throws {
        try folder.write("hello\n[1,2]\n".utf8, to: "m.jsonl")
        let refused = try calor("report", "m.jsonl", "-o", "r.html")
        #expect(refused.status == 65 && refused.error.contains("holds no metrics"), "\(refused.error)")
        #expect(try calor("report", "none.jsonl", "-o", "r.html").status == 66)
        try folder.write("{\"input\":\"a\",\"status\":\"done\"}\nnonsense\n".utf8, to: "torn.jsonl")
        let torn = try calor("report", "torn.jsonl", "-o", "-")
        #expect(torn.status == 0 && torn.text.contains("lines that are no metrics"), "\(torn.error)")
        #expect(try calor("report", "torn.jsonl", "-o", "no/such/folder/r.html").status == 73)
    }
}
