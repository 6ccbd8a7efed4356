import Testing

@testable import CalorPipeline

/// Which files belong together, by their names alone.
struct PairTests {
    static func pattern(_ text: String) throws -> MatchPattern { try MatchPattern(text, input: "ir", place: .commandLine) }

    @Test(
        arguments: [
            ("ir/{stem}.png", "ir/a.png", "", "", "a"), ("ir/{stem}.png", "day/one/ir/a.b.png", "day/one", "", "a.b"),
            ("ir/{stem}.*", "/x/ir/a.tiff", "/x", "", "a"), ("{stem}_ir.{ext}", "d/a_b_ir.jpg", "d", "", "a_b"),
            ("{stem}_*.png", "a_b_c.png", "", "", "a_b"), ("ir/{dir}/{stem}.png", "p/ir/q/r/a.png", "p", "q/r", "a"),
            ("ir/{dir}/{stem}.png", "ir/a.png", "", "", "a"), ("ir/{dir}/{stem}.png", "ir/d/ir/e/a.png", "ir/d", "e", "a"),
            ("{stem}/ir.*", "shots/0007/ir.png", "shots", "", "0007"), ("{dir}/{stem}.png", "a/b/c.png", "a/b", "", "c"),
            ("ir-*/{stem}.png", "ir-left/é.png", "", "", "é"),
        ] as [(String, String, String, String, String)])
    func matches(_ text: String, _ path: String, _ prefix: String, _ folders: String, _ stem: String) throws {
        #expect(try Self.pattern(text).match(path) == .init(prefix: prefix, folders: folders, stem: stem), "\(text) and \(path)")
    }

    @Test(
        arguments: [
            ("ir/{stem}.png", "rgb/a.png"), ("ir/{stem}.png", "ir/a.PNG"), ("ir/{stem}.png", "ir/sub/a.png"),
            ("ir/{stem}.png", "xir/a.png"), ("ir/{stem}.png", "a.png"), ("{stem}_ir.{ext}", "a_ir.tar.gz"),
            ("{stem}.png", ".png"), ("ir/{dir}/{stem}.png", "a.png"), ("{stem}.png", ""),
        ])
    func doesNotMatch(_ text: String, _ path: String) throws {
        #expect(try Self.pattern(text).match(path) == nil, "\(text) and \(path)")
    }

    static func sorted(_ patterns: (String, String), _ paths: [(root: String, name: String)]) throws -> JobSorter.Sorted {
        let inputs = [
            PipelinePlan.Input(id: "ir", kind: .infrared, match: try pattern(patterns.0)),
            PipelinePlan.Input(id: "rgb", kind: .rgb, match: try pattern(patterns.1)),
        ]
        return JobSorter(inputs: inputs).sorted(paths.map { InputItem(path: $0.root + $0.name, name: InputName($0.name)) })
    }

    @Test func pairsAreMadeByWhatTheNamesShare() throws {
        let sorted = try Self.sorted(
            ("ir/{stem}.*", "rgb/{stem}.*"),
            [("in/", "x/ir/a.tiff"), ("in/", "x/rgb/a.jpg"), ("in/", "ir/a.png"), ("in/", "rgb/a.png"), ("in/", "notes.png")])
        #expect(sorted.items.map(\.paths) == [["in/x/ir/a.tiff", "in/x/rgb/a.jpg"], ["in/ir/a.png", "in/rgb/a.png"]])
        #expect(sorted.items.map(\.name.relativePath) == ["x/a.tiff", "a.png"])
        #expect(sorted.unmatched.map(\.path) == ["in/notes.png"])
    }

    @Test func foldersAndFilesThatAreGivenByNameArePairedToo() throws {
        let folders = try Self.sorted(("ir/{stem}.*", "rgb/{stem}.*"), [("cam/ir/", "a.png"), ("./cam//rgb/", "a.png")])
        #expect(folders.items.map(\.paths) == [["cam/ir/a.png", "./cam//rgb/a.png"]])
        #expect(folders.items.map(\.name.relativePath) == ["a.png"])
        let within = try Self.sorted(
            ("ir/{dir}/{stem}.*", "rgb/{dir}/{stem}.*"), [("cam/ir/", "d/a.png"), ("cam/rgb/", "d/a.png")])
        #expect(within.items.map(\.name.relativePath) == ["d/a.png"])
    }

    @Test func theMoreExactPatternWins() throws {
        let sorted = try Self.sorted(("{stem}.png", "{stem}_rgb.png"), [("", "a.png"), ("", "a_rgb.png")])
        #expect(sorted.items.map(\.paths) == [["a.png", "a_rgb.png"]] && sorted.items[0].problem == nil)
    }

    @Test func missingAndDoublePartnersAreProblemsOfTheirOwn() throws {
        let sorted = try Self.sorted(
            ("ir/{stem}.*", "rgb/{stem}.jpg"),
            [
                ("", "ir/a.png"), ("", "rgb/b.jpg"), ("", "ir/c.png"), ("", "ir/c.tiff"), ("", "rgb/c.jpg"), ("", "ir/d.png"),
                ("", "rgb/d.jpg"),
            ])
        #expect(
            sorted.items.map(\.problem?.fault) == [
                .unpaired(missing: "rgb/a.jpg", wanted: "\"rgb/{stem}.jpg\""),
                .unpaired(missing: "ir/b.*", wanted: "\"ir/{stem}.*\""),
                .ambiguous(input: "ir", files: ["ir/c.png", "ir/c.tiff"]), nil,
            ])
        #expect(sorted.items.map(\.name.relativePath) == ["a.png", "b.jpg", "c.png", "d.png"])
    }

    @Test func theDigestOfAPairCoversBoth() {
        func digest(_ a: String, _ b: String) -> String {
            JobRecord.digest(of: [.init(id: "ir", path: "x", sha256: a), .init(id: "rgb", path: "y", sha256: b)])
        }
        #expect(digest("1", "2") == digest("1", "2"))
        #expect(Set([digest("1", "2"), digest("2", "1"), digest("1", "3"), digest("3", "2")]).count == 4)
        #expect(JobRecord.digest(of: [.init(id: "ir", path: "x", sha256: "1")]) == "1")
    }
}
