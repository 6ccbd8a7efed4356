import CalorImage
import Foundation
import Testing

@Suite struct RegressCommandTests {
    let folder: TemporaryFolder

    /// A suite whose pipeline enlarges pictures that were made smaller; the truth is beside them.
    init() throws {
        folder = try TemporaryFolder()
        for i in 0..<2 {
            // Smooth, so that a better filter is better by every measure.
            let truth = TestImages.grey(12, 9, seed: i).resampled(to: Size(width: 64, height: 48), using: .bicubic)
            try folder.write(TestImages.png(truth), to: "s/truth/\(i).png")
            try folder.write(
                TestImages.png(truth.resampled(to: Size(width: 32, height: 24), using: .bicubic)), to: "s/small/\(i).png")
        }
        try folder.write("no picture".utf8, to: "s/small/broken.png")
        try folder.write(doubling.utf8, to: "s/doubling.yaml")
        try suite()
    }

    private func suite(_ more: String = "") throws {
        let text = """
            calor-suite: 1
            name: <doubling> & co
            cases:
              - { name: "twice & more", pipeline: doubling.yaml, inputs: [small], against: truth\(more) }
            """
        try folder.write(text.utf8, to: "s/suite.yaml")
    }

    private func regress(_ arguments: String...) throws -> CalorProcess.Result {
        // A path with a slash: a name alone is a bundled pipeline.
        try CalorProcess.run(["regress"] + arguments, in: folder.root)
    }

    @Test func aBaselineIsStoredAndHolds() throws {
        let without = try regress("s")
        #expect(without.status == 66 && without.error.contains("--update"), "\(without.error)")
        let update = try regress("s", "--update")
        #expect(update.status == 0, "\(update.error)")
        let baseline = String(decoding: try folder.contents("s/suite.baseline.json"), as: UTF8.self)
        #expect(baseline.contains("psnrGrey") && baseline.contains("small/broken.png") && !baseline.contains(folder.root.path))
        let holds = try regress("s/suite.yaml", "--junit", "j.xml", "--html", "r.html", "-o", "kept")
        #expect(holds.status == 0 && holds.error.contains("none worse"), "\(holds.error)")
        let junit = String(decoding: try folder.contents("j.xml"), as: UTF8.self)
        #expect(junit.contains("tests=\"3\" failures=\"0\"") && junit.contains("classname=\"twice &amp; more\""), "\(junit)")
        let parser = XMLParserCheck()
        #expect(parser.accepts(Data(junit.utf8)))
        #expect(String(decoding: try folder.contents("r.html"), as: UTF8.self).contains("&lt;doubling&gt; &amp; co"))
        #expect(folder.files().contains("kept/1/out/0.png"))
        #expect(folder.files().filter { $0.hasPrefix("s/") }.count == 8, "\(folder.files())")
    }

    @Test func worseIsARegressionAndBetterIsNot() throws {
        #expect(try regress("s", "--update").status == 0)
        try folder.write(doubling.replacing("bicubic", with: "nearest").utf8, to: "s/doubling.yaml")
        let worse = try regress("s", "--junit", "j.xml", "--html", "r.html")
        #expect(worse.status == 1 && worse.error.contains("twice & more: small/0.png: 0.png: psnrGrey was"), "\(worse.error)")
        let junit = String(decoding: try folder.contents("j.xml"), as: UTF8.self)
        #expect(junit.contains("failures=\"2\"") && junit.contains("<failure message=\"0.png: "), "\(junit)")
        #expect(String(decoding: try folder.contents("r.html"), as: UTF8.self).contains(">worse<"))
        #expect(try regress("s", "--update").status == 0)
        try folder.write(doubling.utf8, to: "s/doubling.yaml")
        let better = try regress("s")
        #expect(better.status == 0 && better.text.contains("better: 0.png: psnrGrey was"), "\(better.error) \(better.text)")
        // The same change where bytes are asked for.
        try suite(", exact: true")
        let exact = try regress("s")
        #expect(exact.status == 1 && exact.error.contains("0.png has other bytes"), "\(exact.error)")
        try suite(", tolerance: { psnrGrey: 100, psnrLuma: 100, ssim: 1, gradientSimilarity: 1, rmse: 99, mae: 99 }")
        try folder.write(doubling.replacing("scale: 2", with: "scale: 1").utf8, to: "s/doubling.yaml")
        let sized = try regress("s")
        #expect(sized.status == 1 && sized.error.contains("0.png was 64×48, is 32×24"), "\(sized.error)")
    }

    @Test func whatAppearsDisappearsOrFailsOtherwiseIsSeen() throws {
        #expect(try regress("s", "--update").status == 0)
        try folder.write(TestImages.png(TestImages.grey(32, 24)), to: "s/small/broken.png")
        try folder.write(TestImages.png(TestImages.grey(32, 24)), to: "s/small/new.png")
        try FileManager.default.removeItem(at: folder.url("s/small/1.png"))
        let seen = try regress("s")
        #expect(seen.status == 1, "\(seen.error)")
        for words in ["small/broken.png: was failed (", "is done", "small/new.png: is new", "small/1.png: is gone"] {
            #expect(seen.error.contains(words), "\(words) is not in \(seen.error)")
        }
    }

    @Test(
        arguments: [
            ("cases: []", "does not say \"calor-suite: 1\""), ("calor-suite: 1\ncases: []", "needs 1 to 1000 cases"),
            ("calor-suite: 1\ncasse: []", "unknown key \"casse\""), ("calor-suite: 1\ncases: [{ name: a }]", "lacks its pipeline"),
            ("calor-suite: 1\ncases: [{ name: a, pipeline: b }]", "lacks its inputs"), ("calor-suite: [", "not valid YAML"),
            ("calor-suite: 1\ncases: [{ name: a, pipeline: b, inputs: [c], exakt: true }]", "unknown key \"exakt\""),
            ("calor-suite: 1\ncases: [{ name: a, pipeline: b, inputs: [c], crop: -1 }]", "crop is no number"),
            (
                "calor-suite: 1\ncases: [{ name: a, pipeline: b, inputs: c }, { name: a, pipeline: b, inputs: c }]",
                "two cases are called \"a\""
            ),
        ])
    func aWrongSuiteIsExplained(_ text: String, _ words: String) throws {
        try folder.write(text.utf8, to: "wrong.yaml")
        let wrong = try regress("wrong.yaml", "--update")
        #expect(wrong.status == 64 && wrong.error.contains(words), "\(text): \(wrong.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("wrong.baseline.json")))
    }

    @Test func whatIsMissingOrDamagedIsSaid() throws {
        #expect(try regress("nowhere").status == 66)
        try folder.write("{}".utf8, to: "s/suite.baseline.json")
        let damaged = try regress("s")
        #expect(damaged.status == 65 && damaged.error.contains("--update"), "\(damaged.error)")
        try suite(", set: [big.scale=0]")
        #expect(try regress("s", "--update").status == 64)
    }
}

/// Well-formed or not: tags that open and close in order, and no stray brackets or ampersands.
private struct XMLParserCheck {
    func accepts(_ data: Data) -> Bool {
        var open: [Substring] = []
        var rest = Substring(String(decoding: data, as: UTF8.self))
        while let start = rest.firstIndex(of: "<") {
            guard let end = rest[start...].firstIndex(of: ">") else { return false }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("?") || tag.hasSuffix("/") { continue }
            let name = tag.drop { $0 == "/" }.prefix { $0 != " " }
            if tag.hasPrefix("/") { guard open.popLast() == name else { return false } } else { open.append(name) }
        }
        return open.isEmpty && !rest.contains("&")
    }
}
