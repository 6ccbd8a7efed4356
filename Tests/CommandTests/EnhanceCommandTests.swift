import CalorImage
import Foundation
import Testing

/// Controls of the stages with networks, as a user of the built program meets them.
@Suite struct EnhanceCommandTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func run(_ pipeline: String, _ settings: [String] = [], out: String = "out", metrics: String = "m.jsonl") throws
        -> CalorProcess.Result
    {
        try CalorProcess.run(
            ["run", pipeline, "in", "-o", out, "--metrics", metrics, "--threads", "2"] + settings.flatMap { ["--set", $0] },
            in: folder.root)
    }

    private func values(_ stage: String, metrics: String = "m.jsonl") throws -> [String: Any] {
        let line = try #require(String(decoding: folder.contents(metrics), as: UTF8.self).split(separator: "\n").first)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let stages = try #require(object["stages"] as? [[String: Any]])
        return try #require(stages.first { $0["id"] as? String == stage }?["values"] as? [String: Any])
    }

    private static func noisy(_ width: Int, _ height: Int) -> Image {
        var state: UInt64 = 1
        let base = TestImages.grey(width, height).planes[0].floats().map { value -> Float in
            // Sums of four uniform numbers have a deviation of 0.577.
            var sum: Float = -2
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                sum += Float(state >> 40) / Float(1 << 24)
            }
            return min(max(value + 20 * sum, 0), 255)
        }
        return Image(planes: [Plane(size: Size(width: width, height: height), floats: base, format: .u8)], colour: .grey)
    }

    @Test func noiseAndEffectAreInTheMetrics() throws {
        try folder.write(TestImages.png(Self.noisy(96, 80)), to: "in/a.png")
        let done = try run("enhance-ir")
        #expect(done.status == 0, "\(done.error)")
        let values = try values("clean")
        let (before, after) = (try #require(values["noise"] as? Double), try #require(values["noiseAfter"] as? Double))
        #expect(before > 8 && after < before / 2 && values["effect"] as? Double == 1 && values["change"] is Double)
        #expect(try run("enhance-ir", ["clean.strength=0"], out: "none").status == 0)
        #expect(try TestImages.decode(folder.contents("none/a.png")) == Self.noisy(96, 80))
    }

    @Test func alphaStaysAndCountsKeepTheirDepth() throws {
        let alpha = TestImages.grey(40, 30, seed: 3).planes[0]
        let colour = Image(planes: TestImages.rgb(40, 30).planes + [alpha], colour: .rgbAlpha)
        try folder.write(TestImages.png(colour), to: "in/a.png")
        #expect(try run("enhance-rgb").status == 0)
        #expect(try TestImages.decode(folder.contents("out/a.png")).alpha == alpha)
        let counts = try TemporaryFolder()
        try counts.write(TestImages.png(TestImages.grey(40, 30, format: .u16, low: 21_000, high: 22_000)), to: "c.png")
        let done = try CalorProcess.run(["run", "enhance-ir", "c.png", "-o", "out"], in: counts.root)
        #expect(done.status == 0, "\(done.error)")
        let result = try TestImages.decode(counts.contents("out/c.png"))
        let range = result.planes[0].floats()
        #expect(result.format == .u16 && range.min()! > 20_500 && range.max()! < 22_500)
    }

    @Test(arguments: [("enhance-ir", "clean"), ("ir-x4", "sharp")])
    func strippedPicturesAreTheSameFileAndAnEnsembleCostsItsPasses(pipeline: String, stage: String) throws {
        try folder.write(TestImages.png(TestImages.grey(40, 420)), to: "in/a.png")
        #expect(try run(pipeline).status == 0)
        #expect(try values(stage)["strips"] as? Double == 1)
        for rows in [64, 96, 128, 256] {
            let done = try run(pipeline, ["\(stage).strip=\(rows)"], out: "out\(rows)", metrics: "m\(rows).jsonl")
            #expect(done.status == 0, "\(done.error)")
            #expect(try folder.contents("out\(rows)/a.png") == folder.contents("out/a.png"), "strips of \(rows) rows")
            if rows == 64 { #expect(try #require(try values(stage, metrics: "m64.jsonl")["strips"] as? Double) > 1) }
        }
        func flops(_ settings: [String]) throws -> Double {
            let plan = try CalorProcess.run(
                ["plan", pipeline, "in", "--format", "json"] + settings.flatMap { ["--set", $0] }, in: folder.root)
            #expect(plan.status == 0, "\(plan.error)")
            let text = String(decoding: plan.output, as: UTF8.self)
            let match = try #require(text.firstMatch(of: #/"flops"\s*:\s*([0-9.e+]+)/#))
            return try #require(Double(match.1))
        }
        #expect(try abs(flops(["\(stage).ensemble=2"]) / flops([]) - 2) < 1e-6)
        #expect(try run(pipeline, ["\(stage).ensemble=2"], out: "two", metrics: "e.jsonl").status == 0)
        #expect(try values(stage, metrics: "e.jsonl")["ensemble"] as? Double == 2)
        #expect(try folder.contents("two/a.png") != folder.contents("out/a.png"))
    }

    /// Each row: pipeline, setting, exit status, and words of the message.
    @Test(arguments: [
        ("enhance-ir", "clean.ensemble=3", 64, "one of 1, 2, 4, 8"), ("enhance-ir", "clean.mode=texture", 64, "no texture mode"),
        ("enhance-rgb", "clean.steps=2", 64, "works in one step"), ("ir-x4", "sharp.mode=texture", 64, "no texture mode"),
        ("ir-x4", "sharp.strip=3", 64, "a whole number from 16"),
        ("difiisr-official", "sharp.seed=1", 66, "there is no model difiisr"),
    ])
    func whatCannotBeDoneIsSaid(pipeline: String, setting: String, status: Int, words: String) throws {
        try folder.write(TestImages.png(TestImages.grey(20, 20)), to: "in/a.png")
        let done = try run(pipeline, [setting])
        #expect(Int(done.status) == status && done.error.contains(words), "\(done.status): \(done.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("out/a.png")))
    }

    @Test func cleanedAndEnlargedInOnePipeline() throws {
        try folder.write(TestImages.png(Self.noisy(40, 30)), to: "in/a.png")
        let done = try run("enhance-ir-x4")
        #expect(done.status == 0, "\(done.error)")
        let result = try TestImages.decode(folder.contents("out/a.png"))
        #expect(result.size == Size(width: 160, height: 120) && result.format == .u8)
        #expect(try values("clean")["noise"] is Double)
    }

    /// The pipeline of the released inference, with networks of random weights in place of the published ones.
    @Test func theReleasedInferenceRunsTileByTile() throws {
        try folder.write(TestImages.png(TestImages.grey(80, 50)), to: "in/a.png")
        let model = CalorProcess.repository.appendingPathComponent("Tests/CalorRestorationTests/Golden/official").path
        let done = try run("difiisr-official", ["sharp.model=\(model)"])
        #expect(done.status == 0, "\(done.error)")
        #expect(try TestImages.decode(folder.contents("out/a.png")).size == Size(width: 320, height: 200))
        let values = try values("sharp")
        #expect(values["tiles"] as? Double == 2 && values["steps"] as? Double == 1)
    }
}
