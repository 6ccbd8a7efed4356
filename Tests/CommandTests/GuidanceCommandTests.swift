import CalorImage
import Foundation
import Testing

/// Consistency and guidance as a user meets them: pipeline keys, metrics, plan, messages.
@Suite struct GuidanceCommandTests {
    let folder: TemporaryFolder
    static let roadScene = CalorProcess.repository.appendingPathComponent("training/spectra/ir-x4-roadscene.json").path

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(
            """
            calor: 1
            name: guided
            inputs:
              ir: { kind: infrared }
            stages:
              - sharp: { use: super-resolve, from: ir, model: ir-x4,
                         guidance: { consistency: exact, spectrum: 0.1, features: 0.05, iterations: 3 } }
            outputs:
              - { from: sharp, to: "{dir}/{stem}.{ext}" }
            """.utf8, to: "guided.yaml")
    }

    private func values(_ metrics: String) throws -> [String: Any] {
        let line = try #require(String(decoding: folder.contents(metrics), as: UTF8.self).split(separator: "\n").first)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let stages = try #require(object["stages"] as? [[String: Any]])
        return try #require(stages.first { $0["id"] as? String == "sharp" }?["values"] as? [String: Any])
    }

    @Test func everyStepOfGuidanceIsInTheMetricsAndTheResultReducedAgainIsTheInput() throws {
        let truth = TestImages.grey(160, 128)
        let low = Image(planes: [truth.planes[0].resampled(to: Size(width: 40, height: 32), using: .bicubic)], colour: .grey)
        try folder.write(TestImages.png(low), to: "in/a.png")
        let done = try CalorProcess.run(
            ["run", "guided.yaml", "in", "-o", "out", "--metrics", "m.jsonl", "--threads", "2"], in: folder.root)
        #expect(done.status == 0, "\(done.error)")
        let values = try values("m.jsonl")
        let steps = try #require(values["guidance"] as? [[String: Any]])
        #expect((1...3).contains(steps.count))
        for step in steps {
            let before = try #require(step["lossBefore"] as? Double)
            let after = try #require(step["lossAfter"] as? Double)
            #expect(after < before && step["spectrumBefore"] is Double && step["featuresAfter"] is Double)
        }
        #expect(try #require(values["consistencyMaximum"] as? Double) <= 0.5)
        let result = try TestImages.decode(folder.contents("out/a.png"))
        let again = Resampler(from: result.size, to: low.size, using: .bicubic)
            .resample(result.planes[0].floats(), covering: Region(result.size), to: Region(low.size))
        let worst = zip(again, low.planes[0].floats()).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst <= 0.5 + 1e-3, "\(worst)")
        // One thread gives the same bytes.
        #expect(
            try CalorProcess.run(["run", "guided.yaml", "in", "-o", "one", "--threads", "1"], in: folder.root).status == 0)
        #expect(try folder.contents("one/a.png") == folder.contents("out/a.png"))
    }

    @Test func sixteenBitCountsKeepTheirDepthAndComeBack() throws {
        let low = TestImages.grey(36, 30, format: .u16, low: 21_000, high: 22_700)
        try folder.write(TestImages.png(low), to: "in/counts.png")
        let done = try CalorProcess.run(
            ["run", "guided.yaml", "in", "-o", "out", "--metrics", "m.jsonl"], in: folder.root)
        #expect(done.status == 0, "\(done.error)")
        #expect(try TestImages.decode(folder.contents("out/counts.png")).format == .u16)
        #expect(try #require(try values("m.jsonl")["consistencyMaximum"] as? Double) <= 0.5)
    }

    /// Each row: settings, exit status, and words of the message.
    @Test(arguments: [
        (["sharp.guidance.consistency=maybe"], 64, "one of none, exact, noisy"),
        (["sharp.steps=4"], 64, "works in one step"),
        (["sharp.search.width=2"], 64, "a search needs a sampler"),
        (["sharp.guidance.network=none.onnx"], 66, "does not exist"),
        (["sharp.guidance.prior=none.json"], 66, "does not exist"),
        (["sharp.guidance.prior=guided.yaml"], 65, "training/fit_spectrum.py"),
        (["sharp.model=ir-x2", "sharp.guidance.prior=\(GuidanceCommandTests.roadScene)"], 64, "no spectrum coefficients for ×2"),
        (["sharp.model=enhance-ir"], 64, "is for enhancement"),
    ])
    func whatCannotBeDoneIsSaidBeforeAnythingIsTouched(settings: [String], status: Int, words: String) throws {
        try folder.write(TestImages.png(TestImages.grey(20, 20)), to: "in/a.png")
        let done = try CalorProcess.run(
            ["run", "guided.yaml", "in", "-o", "out"] + settings.flatMap { ["--set", $0] }, in: folder.root)
        #expect(Int(done.status) == status && done.error.contains(words), "\(done.status): \(done.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("out/a.png")))
    }

    /// A table for one kind of camera takes the place of the one beside the model, and is part of the plan.
    @Test func aPriorForACameraIsUsed() throws {
        try folder.write(TestImages.png(TestImages.grey(64, 64)), to: "in/a.png")
        for (out, settings) in [("plain", []), ("camera", ["--set", "sharp.guidance.prior=\(Self.roadScene)"])] {
            let done = try CalorProcess.run(
                ["run", "guided.yaml", "in", "-o", out, "--metrics", "\(out).jsonl"] + settings, in: folder.root)
            #expect(done.status == 0, "\(done.error)")
        }
        #expect(try folder.contents("plain/a.png") != folder.contents("camera/a.png"))
        let losses = try ["plain.jsonl", "camera.jsonl"].map { try values($0)["guidance"] as? [[String: Any]] }
        #expect(losses.allSatisfy { $0?.first?["spectrumBefore"] is Double })
        #expect(losses[0]?.first?["spectrumBefore"] as? Double != losses[1]?.first?["spectrumBefore"] as? Double)
    }

    /// Guidance by a network that the user names costs more, and the plan says so.
    @Test func aFeatureNetworkIsPlannedAndRuns() throws {
        try folder.write(TestImages.png(TestImages.grey(24, 20)), to: "in/a.png")
        let network = CalorProcess.repository.appendingPathComponent("Tests/CalorONNXTests/Golden/vgg-any.onnx").path
        func flops(_ settings: [String]) throws -> Double {
            let done = try CalorProcess.run(
                ["plan", "guided.yaml", "in", "--format", "json"] + settings.flatMap { ["--set", $0] }, in: folder.root)
            #expect(done.status == 0, "\(done.error)")
            let plan = try #require(try JSONSerialization.jsonObject(with: done.output) as? [String: Any])
            return try #require(Self.number(plan, named: "flops"))
        }
        #expect(try flops(["sharp.guidance.network=\(network)"]) > flops([]))
        let done = try CalorProcess.run(
            ["run", "guided.yaml", "in", "-o", "out", "--metrics", "m.jsonl", "--set", "sharp.guidance.network=\(network)"],
            in: folder.root)
        #expect(done.status == 0, "\(done.error)")
        let steps = try #require(try values("m.jsonl")["guidance"] as? [[String: Any]])
        #expect(steps.allSatisfy { ($0["lossAfter"] as? Double ?? 1) < ($0["lossBefore"] as? Double ?? 0) })
    }

    /// The first number under a key, however deep.
    private static func number(_ value: Any, named key: String) -> Double? {
        if let object = value as? [String: Any] {
            if let found = object[key] as? Double { return found }
            return object.keys.sorted().lazy.compactMap { number(object[$0] as Any, named: key) }.first
        }
        return (value as? [Any])?.lazy.compactMap { number($0, named: key) }.first
    }
}
