import CalorImage
import Foundation
import Testing

/// A pipeline with two inputs that needs no registration, for tests of the machinery.
let measuredPair = """
    calor: 1
    name: measured pair
    inputs:
      ir: { kind: infrared, match: "ir/{stem}.*" }
      rgb: { kind: rgb, match: "rgb/{stem}.*" }
    stages:
      - figures: { use: measure, from: rgb, against: ir }
      - half: { use: resize, from: rgb, scale: 0.5 }
    outputs:
      - { from: ir, to: "{dir}/{stem}.{ext}" }
      - { from: half, to: "{dir}/{stem}_half.png" }
    """

@Suite struct PairCommandTests {
    let folder: TemporaryFolder

    /// Four whole pairs, one of them 16-bit and in a folder of its own, one of two sizes.
    init() throws {
        folder = try TemporaryFolder()
        try folder.write(measuredPair.utf8, to: "pair.yaml")
        for name in ["a", "b", "deep/c"] { try addPair(name) }
        try folder.write(TestImages.tiff(TestImages.grey(24, 18, format: .u16, low: 7000, high: 8000)), to: "in/deep/ir/d.tiff")
        let deep = TestImages.grey(48, 36, format: .u16).planes[0]
        try folder.write(TestImages.png(Image(planes: [deep, deep, deep], colour: .rgb)), to: "in/deep/rgb/d.png")
    }

    private func addPair(_ name: String) throws {
        let parts = name.split(separator: "/")
        let place = parts.dropLast().map { $0 + "/" }.joined()
        let seed = Int(name.utf8.last ?? 0)
        try folder.write(TestImages.png(TestImages.grey(24, 18, seed: seed)), to: "in/\(place)ir/\(parts.last ?? "").png")
        try folder.write(TestImages.png(TestImages.rgb(24, 18, seed: seed)), to: "in/\(place)rgb/\(parts.last ?? "").png")
    }

    private func run(_ arguments: String...) throws -> CalorProcess.Result {
        try CalorProcess.run(["run"] + arguments, in: folder.root)
    }

    private func lines(_ name: String) throws -> [[String: Any]] {
        try String(decoding: folder.contents(name), as: UTF8.self).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func pairsAreMirroredAndMeasuredWithBothDigests() throws {
        let done = try run("pair.yaml", "in", "-o", "out", "--metrics", "m.jsonl")
        #expect(done.status == 0, "\(done.error)")
        let written = folder.files().filter { $0.hasPrefix("out/") && !$0.contains(".calor") }
        #expect(
            written == [
                "out/a.png", "out/a_half.png", "out/b.png", "out/b_half.png", "out/deep/c.png", "out/deep/c_half.png",
                "out/deep/d.tiff", "out/deep/d_half.png",
            ])
        let counts = try TestImages.decode(folder.contents("out/deep/d.tiff"))
        #expect(counts.format == .u16 && counts.colour == .grey)
        #expect(try TestImages.decode(folder.contents("out/deep/d_half.png")).size == Size(width: 24, height: 18))
        let first = try #require(try lines("m.jsonl").first { ($0["input"] as? String)?.hasSuffix("ir/a.png") == true })
        let inputs = try #require(first["inputs"] as? [String: [String: String]])
        #expect(inputs["ir"]?["path"]?.hasSuffix("ir/a.png") == true && inputs["rgb"]?["path"]?.hasSuffix("rgb/a.png") == true)
        #expect(inputs.values.allSatisfy { $0["sha256"]?.count == 64 })
        let stages = try #require(first["stages"] as? [[String: Any]])
        #expect((stages.first { $0["id"] as? String == "figures" }?["values"] as? [String: Any])?["psnr"] != nil)
    }

    @Test func missingDamagedAndColouredPartnersFailAloneAndAreNamed() throws {
        try folder.write(TestImages.png(TestImages.grey(24, 18)), to: "in/ir/lonely.png")
        try folder.write(TestImages.png(TestImages.rgb(24, 18)), to: "in/rgb/alone.png")
        try addPair("cut")
        try folder.write(folder.contents("in/rgb/cut.png").prefix(120), to: "in/rgb/cut.png")
        try folder.write(TestImages.png(TestImages.rgb(24, 18)), to: "in/ir/vivid.png")
        try folder.write(TestImages.png(TestImages.rgb(24, 18)), to: "in/rgb/vivid.png")
        try addPair("twice")
        try folder.write(TestImages.tiff(TestImages.grey(24, 18)), to: "in/ir/twice.tiff")
        let done = try run("pair.yaml", "in", "-o", "out", "--metrics", "m.jsonl")
        #expect(done.status == 2, "\(done.error)")
        for words in [
            "in/ir/lonely.png: pair: has no partner: there is no in/rgb/lonely.*",
            "in/rgb/alone.png: pair: has no partner: there is no in/ir/alone.*", "in/rgb/cut.png: decode:",
            "in/ir/vivid.png: decode:",
            "in/ir/twice.png and in/ir/twice.tiff would both be \"ir\"",
        ] { #expect(done.error.contains(words), "\(words) is not in \(done.error)") }
        let failed = try lines("m.jsonl").filter { $0["status"] as? String == "failed" }
        let errors = Set(failed.compactMap { $0["error"] as? String })
        #expect(errors.isSuperset(of: ["pair.unpaired", "pair.ambiguous", "input.coloured"]) && failed.count == 5, "\(errors)")
        #expect(failed.first { ($0["input"] as? String) == "in/ir/cut.png" }?["file"] as? String == "in/rgb/cut.png")
        #expect(FileManager.default.fileExists(atPath: folder.path("out/deep/d.tiff")))
        #expect(!FileManager.default.fileExists(atPath: folder.path("out/cut.png")))
    }

    @Test func anotherPartnerIsOtherWorkAndTheSameIsSkipped() throws {
        #expect(try run("pair.yaml", "in", "-o", "out").status == 0)
        let again = try run("pair.yaml", "in", "-o", "out", "--metrics", "-")
        #expect(again.status == 0 && again.text.contains("\"done\":0,\"skipped\":4"), "\(again.text)")
        try folder.write(TestImages.png(TestImages.rgb(24, 18, seed: 77)), to: "in/rgb/b.png")
        let changed = try run("pair.yaml", "in", "-o", "out", "--resume", "--metrics", "-")
        #expect(changed.status == 0 && changed.text.contains("\"done\":1,\"skipped\":3"), "\(changed.text)")
        try folder.write([1, 2, 3], to: "out/a_half.png")
        #expect(try run("pair.yaml", "in", "-o", "out").status == 2)
        let resumed = try run("pair.yaml", "in", "-o", "out", "--resume", "--metrics", "-")
        #expect(resumed.status == 0 && resumed.text.contains("\"done\":1,\"skipped\":3"), "\(resumed.text) \(resumed.error)")
    }

    @Test func shardsKeepPairsTogetherAndAreTheWhole() throws {
        for i in 0..<12 { try addPair("many/\(i)") }
        var done = 0
        for part in 1...3 {
            let result = try run("pair.yaml", "in", "-o", "out", "--shard", "\(part)/3", "--metrics", "\(part).jsonl")
            #expect(result.status == 0, "\(result.error)")
            let records = try lines("\(part).jsonl").filter { $0["status"] as? String == "done" }
            #expect(records.allSatisfy { ($0["inputs"] as? [String: Any])?.count == 2 })
            done += records.count
        }
        #expect(done == 16)
    }

    @Test func theSameBytesForEveryNumberOfThreads() throws {
        for threads in ["1", "3"] {
            #expect(try run("pair.yaml", "in", "-o", "t\(threads)", "--threads", threads).status == 0)
        }
        let files = folder.files().filter { $0.hasPrefix("t1/") && !$0.contains(".calor") }
        #expect(files.count == 8)
        for file in files { #expect(try folder.contents(file) == folder.contents("t3/" + file.dropFirst(3)), "\(file)") }
    }

    @Test func twoFilesByNameGoToOneFileOrAPipe() throws {
        let text = measuredPair.replacing("  - { from: half, to: \"{dir}/{stem}_half.png\" }", with: "")
        try folder.write(text.utf8, to: "one.yaml")
        let file = try run("one.yaml", "in/ir/a.png", "in/rgb/a.png", "-o", "a.png")
        #expect(file.status == 0, "\(file.error)")
        let pipe = try run("one.yaml", "in/rgb/a.png", "in/ir/a.png", "-o", "-")
        let written = try folder.contents("a.png")
        #expect(pipe.status == 0 && pipe.output == written, "\(pipe.error)")
        let several = try run("one.yaml", "in", "-o", "a.png", "--overwrite")
        #expect(several.status == 64 && several.error.contains("pairs"), "\(several.error)")
        let alone = try run("one.yaml", "in/ir/a.png", "-o", "b.png")
        #expect(alone.status == 66 && alone.error.contains("rgb/a.*"), "\(alone.error)")
        let piped = try run("one.yaml", "-", "-o", "b.png")
        #expect(piped.status == 64 && piped.error.contains("takes two"), "\(piped.error)")
        let list = "in/ir/a.png\nin/rgb/a.png\nin/ir/b.png\nin/rgb/b.png\n"
        let listed = try CalorProcess.run(
            ["run", "one.yaml", "--files-from", "-", "-o", "listed"], input: Data(list.utf8), in: folder.root)
        #expect(listed.status == 0 && FileManager.default.fileExists(atPath: folder.path("listed/in/b.png")), "\(listed.error)")
    }

    @Test func patternsCanBeSetAndWhatTheyLeaveOutIsSaid() throws {
        let none = try run(
            "pair.yaml", "in", "-o", "out", "--set", "ir.match=thermal/{stem}.png", "--set", "rgb.match=v/{stem}.png")
        #expect(none.status == 66 && none.error.contains("thermal/{stem}.png or v/{stem}.png"), "\(none.error)")
        try folder.write(TestImages.png(TestImages.grey(24, 18)), to: "in/x_T.png")
        try folder.write(TestImages.png(TestImages.rgb(24, 18)), to: "in/x_V.png")
        let set = try run("pair.yaml", "in", "-o", "set", "--set", "ir.match={stem}_T.png", "--set", "rgb.match={stem}_V.png")
        #expect(set.status == 0 && set.error.contains("8 images are like no pattern"), "\(set.error)")
        #expect(FileManager.default.fileExists(atPath: folder.path("set/x.png")))
    }

    @Test func thePlanShowsBothInputsAndABudgetCountsBoth() throws {
        let plan = try CalorProcess.run(["plan", "pair.yaml", "in"], in: folder.root)
        #expect(plan.status == 0, "\(plan.error)")
        for words in [
            "input ir: infrared, files ir/{stem}.*: ", "input rgb: rgb, files rgb/{stem}.*: ",
            "stage figures: measure of rgb, against ir",
            "pairs: 4",
        ] { #expect(plan.text.contains(words), "\(words) is not in \(plan.text)") }
        let json = try CalorProcess.run(["plan", "pair.yaml", "in", "--format", "json"], in: folder.root)
        let document = try #require(try JSONSerialization.jsonObject(with: json.output) as? [String: Any])
        #expect((document["inputs"] as? [[String: Any]])?.map { $0["id"] as? String } == ["ir", "rgb"])
        let jobs = try #require(document["jobs"] as? [[String: Any]])
        #expect(jobs.allSatisfy { ($0["inputs"] as? [String])?.count == 2 })
        // Grey and RGB at once, and the larger of them twice while it is decoded.
        #expect(jobs.allSatisfy { ($0["peakBytes"] as? Int ?? 0) > 24 * 18 + 2 * 3 * 24 * 18 })
        let dot = try CalorProcess.run(["plan", "pair.yaml", "--format", "dot"], in: folder.root)
        #expect(dot.text.contains("\"rgb\" -> \"figures\"") && dot.text.contains("\"ir\" -> \"figures\""), "\(dot.text)")
        try folder.write(TestImages.png(TestImages.rgb(900, 700)), to: "in/rgb/a.png")
        let small = try run("pair.yaml", "in", "-o", "out", "--memory", "1M")
        #expect(small.status == 2 && small.error.contains("in/ir/a.png: decode: needs"), "\(small.error)")
    }
}
