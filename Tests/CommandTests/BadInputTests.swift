import CalorImage
import Foundation
import Testing

/// Ten kinds of bad input: each gets a clear message and the right status, and the good image beside it is not lost.
@Suite struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Writes the bad file `in/bad.png`.
        var make: @Sendable (TemporaryFolder) throws -> Void
        /// Status when the bad file is the only input.
        var alone: Int32
        /// A word of the message.
        var word: String
    }

    static let good = try! TestImages.png(TestImages.rgb(24, 16))

    static let cases: [Case] = [
        Case(testDescription: "empty", make: { try $0.write([], to: "in/bad.png") }, alone: 65, word: "empty"),
        Case(
            testDescription: "truncated", make: { try $0.write(good.prefix(good.count / 2), to: "in/bad.png") }, alone: 65,
            word: "truncated"),
        Case(
            testDescription: "not an image", make: { try $0.write("hello, world".utf8, to: "in/bad.png") }, alone: 65, word: "not"),
        Case(
            testDescription: "checksum error",
            make: { folder in
                var bytes = good
                bytes[bytes.count / 2] ^= 0x40
                try folder.write(bytes, to: "in/bad.png")
            }, alone: 65, word: ""),
        Case(
            testDescription: "bomb of 65500×65500", make: { try $0.write(TestImages.bombPNG(side: 65_500), to: "in/bad.png") },
            alone: 78, word: "limit"),
        Case(
            testDescription: "zero size", make: { try $0.write(TestImages.bombPNG(side: 0), to: "in/bad.png") }, alone: 65, word: ""
        ),
    ]

    @Test(arguments: cases) func aloneItFailsWithItsStatusAndWithCompanyTheRestIsWritten(bad: Case) throws {
        let folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
        try bad.make(folder)
        let alone = try CalorProcess.run(["run", "doubling.yaml", "in/bad.png", "-o", "alone"], in: folder.root)
        #expect(alone.status == bad.alone, "\(alone.error)")
        #expect(
            alone.error.contains("bad.png") && (bad.word.isEmpty || alone.error.lowercased().contains(bad.word)), "\(alone.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("alone/bad.png")))

        try folder.write(Self.good, to: "in/good.png")
        let together = try CalorProcess.run(["run", "doubling.yaml", "in", "-o", "out", "--metrics", "m.jsonl"], in: folder.root)
        #expect(together.status == 2, "\(together.error)")
        #expect(try TestImages.decode(folder.contents("out/good.png")).width == 48)
        let metrics = String(decoding: try folder.contents("m.jsonl"), as: UTF8.self)
        #expect(metrics.contains("\"status\":\"failed\""))
    }

    @Test func contentDecidesNotTheExtension() throws {
        let folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
        try folder.write(Self.good, to: "in/really-a-png.jpg")
        let done = try CalorProcess.run(["run", "doubling.yaml", "in", "-o", "out"], in: folder.root)
        #expect(done.status == 0, "\(done.error)")
        #expect(folder.files().contains { $0.hasPrefix("out/really-a-png") })
    }

    @Test func aFolderWhereAFileShouldBe() throws {
        let folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
        try folder.write(Self.good, to: "in/good.png")
        try FileManager.default.createDirectory(at: folder.url("in/bad.png"), withIntermediateDirectories: true)
        let done = try CalorProcess.run(["run", "doubling.yaml", "in", "-o", "out"], in: folder.root)
        #expect(done.status == 0, "\(done.error)")
        #expect(FileManager.default.fileExists(atPath: folder.path("out/good.png")))
        // An output path that is a folder already.
        try FileManager.default.createDirectory(at: folder.url("taken/good.png"), withIntermediateDirectories: true)
        let taken = try CalorProcess.run(["run", "doubling.yaml", "in/good.png", "-o", "taken", "--overwrite"], in: folder.root)
        #expect(taken.status != 0 && taken.error.contains("good.png"), "\(taken.error)")
    }

    @Test(.enabled(if: getuid() != 0, "root reads and writes everything")) func unreadableInputAndReadOnlyOutput() throws {
        let folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
        try folder.write(Self.good, to: "in/bad.png")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: folder.path("in/bad.png"))
        let unreadable = try CalorProcess.run(["run", "doubling.yaml", "in/bad.png", "-o", "out"], in: folder.root)
        #expect(unreadable.status == 66, "\(unreadable.error)")
        try folder.write(Self.good, to: "in/good.png")
        try FileManager.default.createDirectory(at: folder.url("locked"), withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder.path("locked"))
        let locked = try CalorProcess.run(["run", "doubling.yaml", "in/good.png", "-o", "locked"], in: folder.root)
        #expect(locked.status == 73, "\(locked.error)")
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/version"))) func anOutputFolderThatCannotBeMade() throws {
        let folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
        try folder.write(Self.good, to: "in/good.png")
        let refused = try CalorProcess.run(["run", "doubling.yaml", "in/good.png", "-o", "/proc/calor-output"], in: folder.root)
        #expect(refused.status == 73, "\(refused.error)")
    }
}
