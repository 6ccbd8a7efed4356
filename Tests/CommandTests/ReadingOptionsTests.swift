import CalorCodecs
import CalorImage
import Foundation
import Testing

/// --limit, --page and --tolerate on every command that reads, and the options of the writers.
@Suite struct ReadingOptionsTests {
    private static let copying = """
        calor: 1
        inputs:
          image: { kind: rgb }
        stages: []
        outputs:
          - { to: "{dir}/{stem}.{ext}" }
        """

    private func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(Self.copying.utf8, to: "copy.yaml")
        let png = try TestImages.png(TestImages.rgb(60, 50))
        try folder.write(png, to: "in/good.png")
        try folder.write(png.prefix(png.count * 2 / 3), to: "in/cut.png")
        return folder
    }

    @Test func limitsAreObeyedByEveryCommand() throws {
        let folder = try folder()
        let commands = [
            ["inspect", "in/good.png"], ["compare", "in/good.png", "in/good.png"],
            ["run", "copy.yaml", "in/good.png", "-o", "out.png", "--overwrite"],
        ]
        for command in commands {
            for (limit, status) in [("pixels=2999", 78), ("PIXELS=3000", 0), ("side-pixels=59", 78), ("decodedBytes=8K", 78)] {
                let result = try CalorProcess.run(command + ["--limit", limit], in: folder.root)
                #expect(result.status == Int32(status), "\(command) \(limit): \(result.error)")
                if status == 78 { #expect(result.error.contains("--limit"), "the message says what to do: \(result.error)") }
            }
            for wrong in ["pixels", "pixels=many", "colour=3", "pixels=-1"] {
                let result = try CalorProcess.run(command + ["--limit", wrong], in: folder.root)
                #expect(result.status == 64, "\(command) \(wrong): \(result.status)")
            }
        }
    }

    @Test func truncationIsToleratedByEveryCommand() throws {
        let folder = try folder()
        let commands = [
            ["inspect", "in/cut.png"], ["compare", "in/good.png", "in/cut.png"],
            ["run", "copy.yaml", "in/cut.png", "-o", "out.png", "--overwrite"],
        ]
        for command in commands {
            let strict = try CalorProcess.run(command, in: folder.root)
            #expect(strict.status == 65, "\(command): \(strict.error)")
            let tolerant = try CalorProcess.run(command + ["--tolerate", "truncated"], in: folder.root)
            #expect(tolerant.status == 0, "\(command): \(tolerant.error)")
        }
    }

    @Test func pages() throws {
        let folder = try folder()
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../CalorCodecsTests/Golden/pages.tiff")
        try folder.write(try Data(contentsOf: golden), to: "pages.tiff")
        for page in 0..<3 {
            let result = try CalorProcess.run(
                ["run", "copy.yaml", "pages.tiff", "-o", "page\(page).tiff", "--page", "\(page)"], in: folder.root)
            #expect(result.status == 0, "\(result.error)")
            #expect(try TestImages.decode(folder.contents("page\(page).tiff")).width == 5 + page)
        }
        let all = try CalorProcess.run(["run", "copy.yaml", "pages.tiff", "-o", "out", "--page", "all"], in: folder.root)
        #expect(all.status == 0, "\(all.error)")
        for page in 0..<3 { #expect(try TestImages.decode(folder.contents("out/pages_p\(page).tiff")).width == 5 + page) }
        #expect(try CalorProcess.run(["inspect", "pages.tiff", "--page", "3"], in: folder.root).status == 65)
        #expect(try CalorProcess.run(["inspect", "pages.tiff", "--page", "all"], in: folder.root).status == 64)
        #expect(try CalorProcess.run(["run", "copy.yaml", "pages.tiff", "-o", "o", "--page", "-1"], in: folder.root).status == 64)
    }

    @Test func whatCannotBeDoneIsRefused() throws {
        let folder = try folder()
        for (words, problem) in [
            (["in/good.png", "-o", "result.bmp"], "BMP cannot be written"), (["in", "-o", "out.webp"], "WEBP cannot be written"),
            (["-", "-o", "out/", "--page", "all"], "standard input gives one page"),
        ] {
            let result = try CalorProcess.run(["run", "copy.yaml"] + words, input: Data(), in: folder.root)
            #expect(result.status == 64 && result.error.contains(problem), "\(words): \(result.error)")
        }
        #expect(!folder.files().contains { $0.hasPrefix("result") || $0.hasPrefix("out") })
        #expect(try CalorProcess.run(["run", "copy.yaml", "in/good.png", "-o", "named.bmp/"], in: folder.root).status == 0)
        #expect(folder.files().contains("named.bmp/good.png"))
    }

    @Test func writersDoWhatTheyAreTold() throws {
        let folder = try folder()
        func size(_ name: String, _ options: [String]) throws -> Int {
            let result = try CalorProcess.run(["run", "copy.yaml", "in/good.png", "-o", name] + options, in: folder.root)
            #expect(result.status == 0, "\(options): \(result.error)")
            return try folder.contents(name).count
        }
        #expect(try size("a.jpg", ["--quality", "20"]) < size("b.jpg", ["--quality", "95"]))
        #expect(try size("c.jpg", ["--subsampling", "420"]) < size("d.jpg", ["--subsampling", "444"]))
        #expect(try size("e.tiff", ["--compression", "deflate"]) < size("f.tiff", ["--compression", "none"]))
        #expect(try size("g.png", ["--png-level", "9"]) < size("h.png", ["--png-level", "0"]))
        _ = try size("i.tiff", ["--bigtiff"])
        #expect(try folder.contents("i.tiff")[2] == 43)
        for wrong in [["--quality", "0"], ["--subsampling", "411"], ["--compression", "zip"], ["--png-level", "10"]] {
            let result = try CalorProcess.run(["run", "copy.yaml", "in/good.png", "-o", "w.png"] + wrong, in: folder.root)
            #expect(result.status == 64, "\(wrong): \(result.status)")
        }
    }
}
