import CalorImage
import Foundation
import Testing

/// A pipeline that needs no network, for tests of the machinery.
let doubling = """
    calor: 1
    name: doubling
    inputs:
      in: { kind: rgb }
    stages:
      - big: { use: resize, from: in, scale: 2, filter: bicubic }
    outputs:
      - { from: big, to: "{dir}/{stem}.{ext}" }
    """

@Suite struct RunCommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
    }

    private func run(_ arguments: String..., input: Data? = nil) throws -> CalorProcess.Result {
        try CalorProcess.run(["run"] + arguments, input: input, in: folder.root)
    }

    private func journal(_ name: String) throws -> [[String: Any]] {
        try String(decoding: folder.contents(name), as: UTF8.self).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func aFolderKeepsItsTreeAndGetsMetrics() throws {
        try folder.write(TestImages.png(TestImages.rgb(20, 10)), to: "in/a.png")
        try folder.write(TestImages.png(TestImages.rgb(8, 8)), to: "in/deep/er/b.png")
        try folder.write("not an image".utf8, to: "in/notes.txt")
        let done = try run("doubling.yaml", "in", "-o", "out", "--metrics", "m.jsonl")
        #expect(done.status == 0, "\(done.error)")
        #expect(done.output.isEmpty)
        let image = try TestImages.decode(folder.contents("out/a.png"))
        #expect(image.size == Size(width: 40, height: 20) && image.colour == .rgb)
        #expect(FileManager.default.fileExists(atPath: folder.path("out/deep/er/b.png")))
        let lines = try journal("m.jsonl")
        #expect(lines.count == 3)
        let first = try #require(
            lines.first { $0["input"] as? String == "a.png" || ($0["input"] as? String)?.hasSuffix("a.png") == true })
        #expect(first["status"] as? String == "done")
        #expect((first["inputSHA256"] as? String)?.count == 64)
        let outputs = try #require(first["outputs"] as? [[String: Any]])
        #expect(outputs[0]["width"] as? Int == 40 && outputs[0]["height"] as? Int == 20)
        let stages = try #require(first["stages"] as? [[String: Any]])
        #expect(stages.contains { $0["id"] as? String == "big" && $0["use"] as? String == "resize" && $0["ms"] is Double })
        #expect(lines.last?["summary"] is [String: Any])
    }

    @Test func runningAgainDoesOnlyWhatIsMissing() throws {
        for i in 0..<4 { try folder.write(TestImages.png(TestImages.rgb(16, 16, seed: i)), to: "in/\(i).png") }
        #expect(try run("doubling.yaml", "in", "-o", "out").status == 0)
        let before = try folder.contents("out/2.png")
        try FileManager.default.removeItem(at: folder.url("out/2.png"))
        try folder.write([1, 2, 3], to: "out/3.png")
        let again = try run("doubling.yaml", "in", "-o", "out", "--metrics", "again.jsonl", "--overwrite")
        #expect(again.status == 0, "\(again.error)")
        #expect(try folder.contents("out/2.png") == before)
        #expect(try TestImages.decode(folder.contents("out/3.png")).width == 32)
    }

    @Test func aFileThatTheJournalDoesNotKnowIsNotReplaced() throws {
        try folder.write(TestImages.png(TestImages.rgb(16, 16)), to: "in/a.png")
        try folder.write([9, 9, 9], to: "out/a.png")
        let refused = try run("doubling.yaml", "in", "-o", "out")
        #expect(refused.status != 0)
        #expect(refused.error.contains("--overwrite"))
        #expect(try folder.contents("out/a.png") == Data([9, 9, 9]))
        #expect(try run("doubling.yaml", "in", "-o", "out", "--overwrite").status == 0)
        #expect(try TestImages.decode(folder.contents("out/a.png")).width == 32)
    }

    @Test func aPipeCarriesTheImageAndNothingElse() throws {
        let image = TestImages.rgb(12, 9)
        let done = try run("doubling.yaml", "-", "-o", "-", input: Data(TestImages.png(image)))
        #expect(done.status == 0, "\(done.error)")
        #expect(try TestImages.decode(done.output).size == Size(width: 24, height: 18))
    }

    @Test func threadsAndRepetitionsGiveTheSameBytes() throws {
        for i in 0..<3 { try folder.write(TestImages.png(TestImages.grey(64, 48, seed: i)), to: "in/\(i).png") }
        try folder.write(TestImages.tiff(TestImages.grey(50, 41, format: .u16, low: 3000, high: 3900)), to: "in/counts.tiff")
        for (name, threads) in [("one", "1"), ("two", "2"), ("again", "2")] {
            let done = try run("ir-x4", "in", "-o", name, "--threads", threads)
            #expect(done.status == 0, "\(done.error)")
        }
        for file in ["0.png", "1.png", "2.png", "counts.tiff"] {
            let one = try folder.contents("one/\(file)")
            #expect(try folder.contents("two/\(file)") == one)
            #expect(try folder.contents("again/\(file)") == one)
        }
    }

    @Test func countsKeepTheirDepthAndRange() throws {
        let image = TestImages.grey(64, 48, format: .u16, low: 21_000, high: 21_900)
        try folder.write(TestImages.tiff(image), to: "in/counts.tiff")
        let done = try run("ir-x4", "in", "-o", "out")
        #expect(done.status == 0, "\(done.error)")
        let output = try TestImages.decode(folder.contents("out/counts.tiff"))
        #expect(output.format == .u16 && output.size == Size(width: 256, height: 192))
        let before = image.planes[0].floats()
        let after = output.planes[0].floats()
        let meanBefore: Float = before.reduce(0, +) / Float(before.count)
        let meanAfter: Float = after.reduce(0, +) / Float(after.count)
        #expect(abs(meanAfter - meanBefore) < 20)
        // Overshoot at edges may leave the input's range a little, never by more than a third of it.
        #expect(after.min()! > 20_700 && after.max()! < 22_200)
    }

    @Test func alphaAndGreyStayWhatTheyAre() throws {
        let grey = TestImages.grey(16, 12)
        let withAlpha = Image(planes: [grey.planes[0], TestImages.grey(16, 12, seed: 4).planes[0]], colour: .greyAlpha)
        try folder.write(TestImages.png(withAlpha), to: "in/ga.png")
        try folder.write(TestImages.png(grey), to: "in/g.png")
        #expect(try run("doubling.yaml", "in", "-o", "out").status == 0)
        #expect(try TestImages.decode(folder.contents("out/ga.png")).colour == .greyAlpha)
        #expect(try TestImages.decode(folder.contents("out/g.png")).colour == .grey)
    }

    @Test func wrongUsageTouchesNothing() throws {
        try folder.write(TestImages.png(TestImages.rgb(16, 16)), to: "in/a.png")
        try folder.write(doubling.replacing("filter: bicubic", with: "fliter: bicubic").utf8, to: "typo.yaml")
        let typo = try run("typo.yaml", "in", "-o", "out")
        #expect(typo.status == 64)
        #expect(typo.error.contains("filter") && typo.error.contains("6"), "\(typo.error)")
        #expect(try run("no-such-pipeline", "in", "-o", "out").status == 66)
        #expect(try run("doubling.yaml", "nowhere.png", "-o", "out").status == 66)
        #expect(try run("doubling.yaml", "in", "-o", "out", "--set", "big.scale=0").status == 64)
        #expect(try run("doubling.yaml", "in").status == 64)
        #expect(!FileManager.default.fileExists(atPath: folder.path("out/a.png")))
    }

    @Test func interruptingLeavesNoPartialOutputAndTheNextRunFinishes() throws {
        for i in 0..<24 { try folder.write(TestImages.png(TestImages.grey(160, 128, seed: i)), to: "in/\(i).png") }
        let scratch = try TemporaryFolder()
        let process = try CalorProcess.start(["run", "ir-x4", "in", "-o", "out"], in: folder.root, scratch: scratch)
        let deadline = Date().addingTimeInterval(60)
        while Date() < deadline, process.isRunning, outputs().isEmpty { usleep(2_000) }
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        let stopped = try CalorProcess.result(of: process, scratch: scratch)
        let finished = outputs()
        // On a very fast machine all may be done before the signal arrives.
        #expect(stopped.status == 130 || finished.count == 24, "\(stopped.error)")
        for name in finished { #expect(try TestImages.decode(folder.contents("out/\(name)")).width == 640) }
        #expect(allFiles("out").allSatisfy { $0.hasSuffix(".png") }, "\(allFiles("out"))")
        let again = try run("ir-x4", "in", "-o", "out", "--metrics", "m.jsonl")
        #expect(again.status == 0, "\(again.error)")
        #expect(outputs().count == 24)
        #expect(try journal("m.jsonl").filter { $0["status"] as? String == "done" }.count == 24 - finished.count)
    }

    private func outputs() -> [String] { allFiles("out").filter { $0.hasSuffix(".png") } }

    private func allFiles(_ name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path(name))) ?? []).filter { $0 != ".calor" }
    }
}
