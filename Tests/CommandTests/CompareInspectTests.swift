import CalorCodecs
import CalorImage
import Foundation
import Testing

@Suite struct CompareCommandTests {
    private struct Report: Decodable {
        struct Pair: Decodable {
            var reference: String
            var candidate: String
            var width: Int
            var height: Int
            var metrics: [String: Double]
        }
        struct Failure: Decodable {
            var reference: String
            var error: String
        }
        var pairs: [Pair]
        var mean: [String: Double]
        var unpaired: [String]
        var failed: [Failure]
    }

    private func report(_ result: CalorProcess.Result) throws -> Report {
        try JSONDecoder().decode(Report.self, from: result.output)
    }

    private func folders(_ references: [String], _ candidates: [String]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (index, name) in references.enumerated() {
            try folder.write(try TestImages.png(TestImages.grey(32, 24, seed: index)), to: "a/\(name)")
        }
        for (index, name) in candidates.enumerated() {
            try folder.write(try TestImages.png(TestImages.grey(32, 24, seed: index)), to: "b/\(name)")
        }
        return folder
    }

    @Test("equal files have 100 dB and SSIM 1")
    func identical() throws {
        let folder = try folders(["x.png"], ["y.png"])
        let result = try CalorProcess.run(["compare", folder.path("a/x.png"), folder.path("b/y.png"), "--json"])
        #expect(result.status == 0, "\(result.error)")
        let pair = try #require(try report(result).pairs.first)
        #expect(pair.width == 32 && pair.height == 24 && pair.metrics["psnrGrey"] == 100)
        #expect(abs((pair.metrics["ssim"] ?? 0) - 1) < 1e-9 && pair.metrics["psnrRGB"] == nil)
    }

    @Test(
        "pairs go by relative path, then by suffix, never by position",
        arguments: [
            (["one.png", "sub/two.png"], ["one.png", "sub/two.png"], [], ["one.png", "sub/two.png"], 0),
            (["one.png"], ["one.tiff"], [], ["one.tiff"], 0),
            (["a.png", "a_b.png"], ["a_b_x4.png", "a_x4.png"], [], ["a_x4.png", "a_b_x4.png"], 0),
            (["a.png"], ["a_1.png", "a_2.png", "z.png"], ["--suffix", "_2"], ["a_2.png"], 0),
            (["a.png", "b.png"], ["b.png", "c.png"], [], ["b.png"], 2),
            (["a.png"], ["a_x4.jpg", "a_x4.png"], [], ["a_x4.png"], 0),
        ] as [([String], [String], [String], [String], Int32)])
    func pairing(references: [String], candidates: [String], options: [String], expected: [String], status: Int32) throws {
        let folder = try folders(references, candidates)
        let result = try CalorProcess.run(["compare", folder.path("a"), folder.path("b"), "--json"] + options)
        #expect(result.status == status, "\(references) and \(candidates): \(result.error)")
        let report = try report(result)
        #expect(report.pairs.map(\.candidate) == expected, "\(references) and \(candidates)")
        let paired = Set(report.pairs.flatMap { [$0.reference, $0.candidate] })
        for name in Set(references + candidates).subtracting(paired) {
            #expect(report.unpaired.contains(name) && result.error.contains(name), "\(name) is not named")
        }
    }

    @Test(
        "a threshold decides the status", arguments: [("--min", "30", 1), ("--min", "5", 0), ("--max", "5", 1), ("--max", "99", 0)])
    func threshold(option: String, value: String, status: Int) throws {
        let folder = try TemporaryFolder()
        try folder.write(try TestImages.png(TestImages.grey(32, 24, seed: 1)), to: "a.png")
        try folder.write(try TestImages.png(TestImages.grey(32, 24, seed: 2)), to: "b.png")
        let result = try CalorProcess.run([
            "compare", folder.path("a.png"), folder.path("b.png"), "--metric", "psnr-grey", option, value,
        ])
        #expect(result.status == Int32(status), "\(option) \(value): \(result.text) \(result.error)")
        #expect(status == 0 || result.error.contains("psnr-grey"))
    }

    @Test("temperatures are measured in their own range, unless --peak says otherwise")
    func floats() throws {
        let folder = try TemporaryFolder()
        let plane = TestImages.grey(32, 24, format: .f32, low: 280, high: 320).planes[0]
        let other = Plane(size: plane.size, floats: plane.floats().map { $0 + 1 }, format: .f32)
        try folder.write(try TestImages.tiff(Image(planes: [plane], colour: .grey)), to: "a.tiff")
        try folder.write(try TestImages.tiff(Image(planes: [other], colour: .grey)), to: "b.tiff")
        let range = try #require(plane.floats().max()) - #require(plane.floats().min())
        for (options, peak) in [([], Double(range)), (["--peak", "10"], 10)] {
            let result = try CalorProcess.run(["compare", folder.path("a.tiff"), folder.path("b.tiff"), "--json"] + options)
            let psnr = try #require(try report(result).mean["psnrGrey"])
            #expect(abs(psnr - 20 * log10(peak)) < 0.01, "\(result.text)")
        }
    }

    @Test("a link to a folder is that folder")
    func linkedFolder() throws {
        let folder = try folders(["one.png", "sub/two.png"], ["one.png", "sub/two.png"])
        try FileManager.default.createSymbolicLink(at: folder.url("link"), withDestinationURL: folder.url("a"))
        let result = try CalorProcess.run(["compare", folder.path("link"), folder.path("b"), "--json"])
        #expect(result.status == 0, "\(result.error)")
        #expect(try report(result).pairs.count == 2)
    }

    @Test("a grey picture and its RGB copy are the same picture")
    func greyAsRGB() throws {
        let folder = try TemporaryFolder()
        let grey = TestImages.grey(32, 24)
        try folder.write(try TestImages.png(grey), to: "a.png")
        try folder.write(
            try TestImages.png(Image(planes: [grey.planes[0], grey.planes[0], grey.planes[0]], colour: .rgb)), to: "b.png")
        let result = try CalorProcess.run(["compare", folder.path("a.png"), folder.path("b.png"), "--json"])
        #expect(try report(result).mean["psnrGrey"] == 100)
    }

    @Test("a pair that cannot be compared is named, and the others are measured")
    func failures() throws {
        let folder = try folders(["a.png", "b.png"], ["a.png"])
        try folder.write(try TestImages.png(TestImages.grey(16, 16)), to: "b/b.png")
        let some = try CalorProcess.run(["compare", folder.path("a"), folder.path("b"), "--json"])
        #expect(some.status == 2 && some.error.contains("b.png"), "\(some.error)")
        let report = try report(some)
        #expect(report.pairs.count == 1 && report.failed.map(\.error) == ["quality.sizes"])
        let one = try CalorProcess.run(["compare", folder.path("a/b.png"), folder.path("b/b.png")])
        #expect(one.status == 65 && one.error.contains("the reference is 32×24 and the candidate is 16×16"), "\(one.error)")
    }

    @Test("nothing to compare says why")
    func nothing() throws {
        let folder = try folders(["a.png"], ["b.png"])
        #expect(try CalorProcess.run(["compare", folder.path("a"), folder.path("b")]).status == 66)
        #expect(try CalorProcess.run(["compare", folder.path("a"), folder.path("missing")]).status == 66)
        #expect(try CalorProcess.run(["compare", folder.path("a"), folder.path("b/b.png")]).status == 64)
        #expect(try CalorProcess.run(["compare", folder.path("a"), folder.path("b"), "--crop", "-1"]).status == 64)
        let cropped = try CalorProcess.run(["compare", folder.path("a/a.png"), folder.path("b/b.png"), "--crop", "12"])
        #expect(cropped.status == 65 && cropped.error.contains("crop"), "\(cropped.error)")
    }
}

@Suite struct InspectCommandTests {
    private func object(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("16-bit counts are shown as counts, from a file and from standard input")
    func counts() throws {
        let folder = try TemporaryFolder()
        let bytes = try TestImages.tiff(TestImages.grey(40, 30, format: .u16, low: 7000, high: 9000))
        try folder.write(bytes, to: "shot.tiff")
        let file = try CalorProcess.run(["inspect", folder.path("shot.tiff"), "--json"])
        let pipe = try CalorProcess.run(["inspect", "-", "--json"], input: Data(bytes))
        #expect(file.status == 0 && pipe.status == 0, "\(file.error) \(pipe.error)")
        for result in [file, pipe] {
            let report = try object(result.text)
            #expect(report["width"] as? Int == 40 && report["height"] as? Int == 30 && report["bits"] as? Int == 16)
            #expect(report["format"] as? String == "tiff" && report["colour"] as? String == "grey")
            let statistics = try #require((report["statistics"] as? [[String: Any]])?.first)
            let low = try #require(statistics["min"] as? Double)
            #expect(low >= 7000 && low < 9000)
        }
        #expect(try object(pipe.text)["file"] as? String == "standard input")
    }

    @Test("several files: one line each, the bad one is named, the status is 2")
    func several() throws {
        let folder = try TemporaryFolder()
        try folder.write(try TestImages.png(TestImages.rgb(20, 10)), to: "a.png")
        try folder.write(Array("no picture".utf8), to: "b.png")
        let result = try CalorProcess.run(["inspect", folder.path("a.png"), folder.path("b.png"), "--json"])
        #expect(result.status == 2 && result.error.contains("b.png"), "\(result.error)")
        let lines = result.text.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(try object(lines[0])["width"] as? Int == 20)
        #expect(try object(lines[1])["error"] as? String == "image.unknown-format")
    }

    @Test("one bad input has the status of its fault")
    func statuses() throws {
        let folder = try TemporaryFolder()
        try folder.write([UInt8](), to: "empty.png")
        #expect(try CalorProcess.run(["inspect", folder.path("empty.png")]).status == 65)
        #expect(try CalorProcess.run(["inspect", folder.path("missing.png")]).status == 66)
        #expect(try CalorProcess.run(["inspect", folder.root.path]).status == 66)
        #expect(try CalorProcess.run(["inspect", "-", "-"]).status == 64)
    }

    @Test("text from a file cannot write over the terminal")
    func control() throws {
        let folder = try TemporaryFolder()
        var image = TestImages.grey(8, 8)
        image.metadata.texts = [.init(key: "Comment", value: "red \u{1B}[31m alert")]
        try folder.write(try TestImages.png(image), to: "a.png")
        let result = try CalorProcess.run(["inspect", folder.path("a.png")])
        #expect(result.status == 0 && result.text.contains("alert") && !result.text.contains("\u{1B}"), "\(result.text)")
    }
}
