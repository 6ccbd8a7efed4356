import CalorImage
import Foundation
import Testing

/// What a shell, an operator or a file system can do to a program: nothing of it may crash it, pass in silence or destroy something.
@Suite struct SurroundingsTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(doubling.utf8, to: "doubling.yaml")
        try folder.write(TestImages.png(TestImages.grey(48, 40)), to: "in/a.png")
        try folder.write("no picture".utf8, to: "in/bad.png")
    }

    private func shell(_ line: String) throws -> CalorProcess.Result { try CalorProcess.shell(line, in: folder.root) }

    @Test(arguments: [
        ("$calor run doubling.yaml in -o out 2>/dev/full", 2), ("$calor run doubling.yaml in -o out 2>&-", 2),
        ("$calor run doubling.yaml in -o out --log-format json 2>/dev/full", 2),
        ("$calor compare in/none.png in/a.png 2>&-", 66), ("$calor inspect in/none.png 2>/dev/full", 66),
        ("$calor inspect in/a.png >&-", 74), ("$calor inspect in/a.png >/dev/full", 74), ("$calor inspect - <&-", 74),
        ("$calor run doubling.yaml in -o out 2>&1 | head -1; exit ${PIPESTATUS[0]}", 2),
    ])
    func outputsThatCannotBeWrittenChangeNothingElse(line: String, status: Int32) throws {
        let result = try shell(line)
        #expect(result.status == status, "\(result.status) \(result.error)")
        if line.contains(" run ") {
            #expect(try TestImages.decode(folder.contents("out/a.png")).width == 96)
            #expect(!folder.files().contains { $0.hasSuffix(".part") }, "\(folder.files())")
        }
    }

    @Test func aFileAboveTheLimitOfTheShellIsAFault() throws {
        let result = try shell("ulimit -f 1; $calor run doubling.yaml in/a.png -o out")
        #expect(result.status == 74 && result.error.contains("File too large"), "\(result.status) \(result.error)")
        #expect(folder.files().filter { $0.hasPrefix("out/") && !$0.contains(".calor") } == [])
    }

    @Test func devicesAndPipesAreWrittenIntoAndNeverReplaced() throws {
        #expect(try shell("$calor run doubling.yaml in -o out --metrics m.jsonl").status == 2)
        let piped = try shell("mkfifo p; cat p >page.html & $calor report m.jsonl -o p; s=$?; wait; [ -p p ] && exit $s")
        #expect(piped.status == 0, "\(piped.error)")
        #expect(try String(decoding: folder.contents("page.html"), as: UTF8.self).hasSuffix("</html>\n"))
        #expect(try shell("$calor report m.jsonl -o /dev/stdout").text.contains("</html>"))
        let nowhere = try shell("ln -s /dev/null n; $calor report m.jsonl -o n && [ -c n ] && [ -L n ]")
        #expect(nowhere.status == 0, "\(nowhere.error)")
        let over = "$calor run doubling.yaml in/a.png -o p.png --overwrite"
        let picture = try shell("mkfifo p.png; \(over); s=$?; [ -p p.png ] && exit $s")
        #expect(picture.status == 73 && picture.error.contains("a device or a pipe"), "\(picture.status) \(picture.error)")
    }

    @Test func aPageDoesNotReplaceItsMetrics() throws {
        #expect(try shell("$calor run doubling.yaml in -o out --metrics m.jsonl; ln m.jsonl n.jsonl").status == 0)
        let result = try shell("$calor report m.jsonl -o n.jsonl")
        #expect(result.status == 64 && result.error.contains("n.jsonl is one of the inputs"), "\(result.error)")
        #expect(try folder.contents("m.jsonl").first == UInt8(ascii: "{"))
    }

    /// Root reads everything: the program runs as nobody then.
    @Test func aClosedFolderIsAFailureAndNotSkipped() throws {
        let nobody = geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups " : ""
        let prepared = try shell(
            """
            mkdir -p t/closed; cp in/a.png t/; cp in/a.png t/closed/b.png
            chmod 755 .; chmod 777 t; chmod 000 t/closed; \(nobody)true
            """)
        defer { _ = try? shell("chmod 755 t/closed") }
        guard prepared.status == 0, try shell("\(nobody)test -x $calor").status == 0 else { return }
        let tree = try shell("\(nobody)$calor run doubling.yaml t -o t/out --metrics -")
        #expect(tree.status == 2 && tree.error.contains("t/closed: decode: cannot be read"), "\(tree.status) \(tree.error)")
        #expect(tree.text.contains("\"input\":\"t/closed\"") && tree.text.contains("\"done\":1"), "\(tree.text)")
        let alone = try shell("\(nobody)$calor run doubling.yaml t/closed -o t/out2")
        #expect(alone.status == 66 && alone.error.contains("cannot be read"), "\(alone.status) \(alone.error)")
        let compared = try shell("\(nobody)$calor compare t t")
        #expect(compared.status == 66 && compared.error.contains("t/closed: the folder cannot be read"), "\(compared.error)")
    }

    @Test(arguments: ["", " --tolerate truncated"])
    func standardInputBeyondTheLimitIsRefusedAndNotCut(option: String) throws {
        let result = try shell("$calor run doubling.yaml - -o out --limit fileBytes=200\(option) <in/a.png")
        #expect(result.status == 78 && result.error.contains("fileBytes"), "\(result.status) \(result.error)")
        #expect(try shell("$calor run doubling.yaml - -o b.png --limit fileBytes=$(stat -c %s in/a.png) <in/a.png").status == 0)
    }

    @Test func aDryRunHasTheStatusOfTheRun() throws {
        #expect(try shell("$calor run doubling.yaml in in/none.png -o out --dry-run").status == 2)
        #expect(try shell("$calor run doubling.yaml in/none.png -o out --dry-run").status == 66)
        #expect(try shell("$calor run doubling.yaml in/bad.png -o out --dry-run").status == 65)
        #expect(try shell("$calor run doubling.yaml in/a.png -o out --dry-run").status == 0)
        #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
    }

    @Test func aNameWithAHyphenInFrontIsNoOption() throws {
        let result = try shell("cp in/a.png ./-heat.png; $calor run doubling.yaml -heat.png -o out")
        #expect(result.status == 64 && result.error.contains("./-heat.png"), "\(result.status) \(result.error)")
        #expect(try shell("$calor run doubling.yaml -o out -- -heat.png").status == 0)
    }

    /// ü as one character and as u with two dots: two files on Linux.
    @Test func namesAreComparedByTheirBytes() throws {
        for (i, name) in ["\u{FC}.png", "u\u{308}.png"].enumerated() {
            try folder.write(TestImages.png(TestImages.grey(48, 40, seed: i)), to: "u/\(name)")
        }
        let result = try shell("cp -r u v; $calor compare u v --metric max-difference --max 0 && $calor run doubling.yaml u -o out")
        #expect(result.status == 0, "\(result.error) \(result.text)")
        #expect(folder.files().filter { $0.hasPrefix("out/") && !$0.contains(".calor") }.count == 2)
    }

    @Test func aPNGThatIsCalledJPEGStaysLossless() throws {
        #expect(try shell("cp in/a.png in/z.jpg; $calor run doubling.yaml in/z.jpg -o out").status == 0)
        #expect(try folder.contents("out/z.png").prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    }

    @Test func whatACutPNGStillHoldsIsKept() throws {
        // One chunk of pixels, as most writers make: noise cannot be compressed, so bytes and rows go together.
        var state: UInt32 = 1
        let noise = (0..<64 * 64).map { _ -> UInt8 in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24) | 1
        }
        let image = Image(planes: [Plane(size: Size(width: 64, height: 64), samples: .u8(noise))], colour: .grey)
        let bytes = try TestImages.png(image)
        try folder.write(bytes.prefix(bytes.count * 3 / 4), to: "cut.png")
        let copy = "calor: 1\nname: copy\ninputs: { a: { kind: rgb } }\nstages: []\noutputs: [{ from: a, to: \"{stem}.{ext}\" }]\n"
        try folder.write(copy.utf8, to: "copy.yaml")
        let result = try shell("$calor run copy.yaml cut.png -o out --tolerate truncated")
        guard result.status == 0 else { return #expect(Bool(false), "\(result.error)") }
        guard case .u8(let kept) = try TestImages.decode(folder.contents("out/cut.png")).planes[0].samples else { return }
        let rows = (0..<64).prefix { Array(kept[$0 * 64..<$0 * 64 + 64]) == Array(noise[$0 * 64..<$0 * 64 + 64]) }.count
        #expect(rows >= 44, "\(rows) of 64 rows")
    }

    @Test func thresholdsAndStandardInputAreChecked() throws {
        #expect(try shell("$calor compare in/a.png in/a.png --min nan").status == 64)
        #expect(try shell("$calor compare - - <in/a.png").status == 64)
    }

    @Test func aSuiteWithoutItsInputsStoresNothing() throws {
        let suite = "calor-suite: 1\nname: s\ncases:\n  - { name: a, pipeline: ./doubling.yaml, inputs: [innn] }\n"
        try folder.write(suite.utf8, to: "s.yaml")
        let result = try shell("$calor regress s.yaml --update")
        #expect(result.status == 66 && result.error.contains("innn"), "\(result.status) \(result.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("s.baseline.json")))
        #expect(try shell("sed -i s/innn/in/ s.yaml; $calor regress s.yaml --update && touch file").status == 0)
        let blocked = try shell("$calor regress s.yaml -o file")
        #expect(blocked.status == 73 && !blocked.error.contains("NSCocoa"), "\(blocked.status) \(blocked.error)")
    }

    @Test func aJournalThatCannotBeWrittenIsNamed() throws {
        let result = try shell("mkdir -p out/.calor/journal.jsonl; $calor run doubling.yaml in/a.png -o out")
        #expect(result.status == 73 && result.error.contains("journal cannot be used"), "\(result.status) \(result.error)")
        #expect(!result.error.contains("--metrics"))
    }
}
