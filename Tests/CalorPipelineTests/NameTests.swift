import Testing

@testable import CalorPipeline

struct TemplateTests {
    @Test(arguments: [
        ("{dir}/{stem}.{ext}", "a/b.png", "a/b.tiff"), ("{dir}/{stem}.{ext}", "b.png", "b.tiff"),
        ("{stem}_x4.{ext}", "a/b.c.png", "b.c_x4.tiff"),
        ("x/{dir}/{name}", "a/b.png", "x/a/b.png"), ("{stage}/{stem}.png", ".hidden", "s/.hidden.png"),
        ("{dir}/{stem}.{ext}", "a/noext", "a/noext.tiff"),
    ])
    func path(_ template: String, _ input: String, _ expected: String) throws {
        let made = try OutputTemplate(template, place: .commandLine).path(for: InputName(input), ext: "tiff", stage: "s")
        #expect(made == expected, "\(template) of \(input)")
    }

    @Test(arguments: ["/abs/{stem}.png", "{stem", "stem}", "a/../b.png", "{dir}/", ""])
    func refused(_ template: String) {
        #expect(throws: PipelineFault.self, "\(template)") { try OutputTemplate(template, place: .commandLine) }
    }
}

struct GlobTests {
    @Test(arguments: [
        ("*.png", "a/b.png", true), ("*.png", "a/b.jpg", false), ("a/*.png", "a/b.png", true), ("a/*.png", "a/c/b.png", false),
        ("**/b.png", "a/c/b.png", true), ("**/b.png", "b.png", true), ("a/**/b.png", "a/b.png", true),
        ("a/**/b.png", "a/xb.png", false),
        ("a/**", "a/x/y.png", true), ("a/**", "b/x.png", false), ("?.png", "b.png", true), ("?.png", "bb.png", false),
        ("[a-c].png", "b.png", true),
        ("[!a-c].png", "b.png", false), ("[!a-c].png", "d.png", true), ("\\*.png", "*.png", true), ("\\*.png", "a.png", false),
        ("a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false), ("", "", true),
    ])
    func matches(_ pattern: String, _ path: String, _ expected: Bool) throws {
        #expect(try Glob(pattern).matches(path) == expected, "\(pattern) on \(path)")
    }

    @Test func openBracket() { #expect(throws: PipelineFault.self) { try Glob("[ab") } }
}

struct ShardTests {
    @Test func everyNameIsInExactlyOnePart() throws {
        let parts = try (1...5).map { try RunRequest.Shard("\($0)/5") }
        var counts = [0, 0, 0, 0, 0]
        for i in 0..<1000 {
            let owners = parts.indices.filter { parts[$0].contains("folder/image-\(i).png") }
            #expect(owners.count == 1)
            counts[owners[0]] += 1
        }
        #expect(counts.allSatisfy { $0 > 120 }, "\(counts)")
    }

    @Test(arguments: ["0/4", "5/4", "1", "a/b", "1/2/3", "-1/4", "1/0"])
    func refused(_ text: String) { #expect(throws: PipelineFault.self, "\(text)") { try RunRequest.Shard(text) } }
}

struct NearestWordTests {
    @Test(
        arguments: [("form", "from"), ("sclae", "scale"), ("resise", "resize"), ("irnbow", "ironbow"), ("xyzzyq", nil)]
            as [(String, String?)])
    func nearest(_ word: String, _ expected: String?) {
        #expect(nearestWord(to: word, among: ["use", "from", "scale", "resize", "ironbow"]) == expected, "\(word)")
    }
}
