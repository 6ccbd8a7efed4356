import CalorImage
import Foundation
import Testing

/// What kills, pipes and odd folders leave behind must not stop the next run.
@Suite struct RunHostileFolderTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
        try folder.write(TestImages.png(TestImages.rgb(16, 16)), to: "in/a.png")
    }

    private func run(_ arguments: String...) throws -> CalorProcess.Result {
        try CalorProcess.run(["run"] + arguments, in: folder.root)
    }

    /// The kill that hurts most: after the rename, before the line that says so.
    @Test func aKillBetweenRenameAndJournalIsNoObstacle() throws {
        #expect(try run("doubling.yaml", "in", "-o", "out").status == 0)
        let whole = try folder.contents("out/a.png")
        let lines = String(decoding: try folder.contents("out/.calor/journal.jsonl"), as: UTF8.self).split(separator: "\n")
        let announced = try #require(lines.first)
        #expect(announced.contains("\"status\":\"writing\""), "\(announced)")
        try folder.write("\(announced)\n{\"input\":\"in/a.p".utf8, to: "out/.calor/journal.jsonl")
        let again = try run("doubling.yaml", "in", "-o", "out", "--metrics", "-")
        #expect(again.status == 0 && again.text.contains("\"skipped\":1"), "\(again.error) \(again.text)")
        #expect(try folder.contents("out/a.png") == whole)
    }

    @Test(arguments: [(".a.png.999999999-0.part", true), (".b.png.999999999-0.part", false), (".a.png.part", false)])
    func abandonedTemporariesOfOwnOutputsGo(name: String, goes: Bool) throws {
        try folder.write([1], to: "out/\(name)")
        #expect(try run("doubling.yaml", "in", "-o", "out").status == 0)
        #expect(FileManager.default.fileExists(atPath: folder.path("out/\(name)")) != goes, "\(name)")
    }

    @Test func aFailedSecondOutputTakesTheFirstBack() throws {
        try folder.write((doubling + "\n  - { from: big, to: \"second/{stem}.{ext}\" }\n").utf8, to: "two.yaml")
        try folder.write([1], to: "out/second")
        let failed = try run("two.yaml", "in", "-o", "out")
        #expect(failed.status == 73, "\(failed.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("out/a.png")))
        try FileManager.default.removeItem(at: folder.url("out/second"))
        let again = try run("two.yaml", "in", "-o", "out")
        #expect(again.status == 0, "\(again.error)")
        #expect(FileManager.default.fileExists(atPath: folder.path("out/second/a.png")))
    }

    @Test func resultsAmongTheInputsAreNotInputsOfTheNextRun() throws {
        for (done, skipped) in [(1, 0), (0, 1)] {
            let result = try run("doubling.yaml", "in", "-o", "in", "--name", "{stem}_x2.{ext}", "--metrics", "-")
            #expect(result.status == 0, "\(result.error)")
            #expect(result.text.contains("\"done\":\(done),\"skipped\":\(skipped)"), "\(result.text)")
        }
    }

    @Test func aPipeInAFolderIsPassedOverAndAPipeByNameIsReadOnce() throws {
        #expect(mkfifo(folder.path("in/pipe.png"), 0o600) == 0)
        #expect(try run("doubling.yaml", "in", "-o", "out").status == 0)
        let picture = try folder.contents("in/a.png")
        let path = folder.path("in/pipe.png")
        Thread.detachNewThread {
            if let writer = FileHandle(forWritingAtPath: path) { try? writer.write(contentsOf: picture) }
        }
        let result = try run("doubling.yaml", "in/pipe.png", "-o", "piped.png")
        #expect(result.status == 0, "\(result.error)")
        #expect(try TestImages.decode(folder.contents("piped.png")).width == 32)
    }

    @Test func oneFolderGivenTwiceIsAUsageFault() throws {
        let result = try run("doubling.yaml", "in", "in", "-o", "out")
        #expect(result.status == 64 && result.error.contains("twice"), "\(result.error)")
    }

    @Test func aFullDiskBehindStandardOutputShowsInTheStatus() throws {
        guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
        let process = Process()
        process.executableURL = CalorProcess.binary
        process.arguments = ["inspect", folder.path("in/a.png")]
        process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 74)
    }

    /// A path that is not UTF-8 reaches the program with U+FFFD in it.
    @Test func aNameThatIsNotUTF8IsToldAsThat() throws {
        let name = Array(folder.path("in/caf").utf8) + [0xE9] + Array(".png".utf8)
        let file = (name + [0]).withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { open($0.baseAddress!, O_WRONLY | O_CREAT, 0o600) }
        }
        try #require(file >= 0)
        close(file)
        let result = try run("doubling.yaml", "in", "-o", "out")
        #expect(result.status == 2 && result.error.contains("not UTF-8 text"), "\(result.error)")
        #expect(FileManager.default.fileExists(atPath: folder.path("out/a.png")))
    }

    /// Like `calor run … --metrics - | head -1`, and `calor run … -o - | a-program-that-fails`.
    @Test func aReaderThatGoesIsNoFullDisk() throws {
        let metrics = try CalorProcess.shell(
            "{ sleep 0.2; $calor run doubling.yaml in -o out --metrics -; echo $? >status; } | true", in: folder.root
        ).error
        #expect(try folder.contents("status") == Data("0\n".utf8), "\(metrics)")
        #expect(FileManager.default.fileExists(atPath: folder.path("out/a.png")))
        let image = try CalorProcess.shell(
            "{ sleep 0.2; $calor run doubling.yaml in/a.png -o -; echo $? >status; } | true", in: folder.root
        ).error
        #expect(try folder.contents("status") == Data("74\n".utf8), "\(image)")
        #expect(image.contains("the program that reads it stopped") && !image.contains("disk"), "\(image)")
    }

    @Test func notesAreInTheLog() throws {
        try folder.write(doubling.replacing("rgb", with: "infrared").utf8, to: "infrared.yaml")
        let plane = TestImages.grey(16, 16).planes[0]
        let equal = TestImages.rgb(16, 16).replacing(planes: [plane, plane, plane], colour: .rgb)
        try folder.write(TestImages.png(equal), to: "in/a.png")
        let result = try run("infrared.yaml", "in", "-o", "out", "--log-format", "json")
        #expect(
            result.status == 0 && result.error.contains("\"notes\":[\"three equal channels, taken as grey\"]"), "\(result.error)")
    }
}
