import CalorPipeline
import GraphGenerator

/// Journals as runs write them, and what must hold for any bytes that are read as one.
public enum JournalCheck {
    /// A journal of some jobs, with names that come up again, announced outputs and, for odd seeds, a torn end.
    public static func sample(seed: Int) -> [UInt8] {
        var choices = Choices(seed: UInt64(seed))
        var text = ""
        for _ in 0..<choices.number(1...6) {
            let outputs = (0..<choices.number(0...2)).map { _ in
                JSON.object([
                    .init("path", .text("out/a.png")), .init("name", .text(choices.one(of: ["a.png", "b.png", "ü/c \"d\".tiff"]))),
                    .init("sha256", .text(choices.one(of: ["aa", "bb"]))), .init("bytes", .integer(choices.number(0...255))),
                    .init("width", .integer(4)), .init("height", .integer(3)),
                ])
            }
            let line = JSON.object([
                .init("input", .text("in/a.png")), .init("inputSHA256", .text(choices.one(of: ["i", "j"]))),
                .init("plan", .text(choices.one(of: ["p", "q"]))),
                .init("status", .text(choices.one(of: ["done", "writing", "failed", "skipped"]))), .init("outputs", .list(outputs)),
                .init("wallMs", .number(1.5)), .init("notes", .null),
            ])
            text += line.description + "\n"
        }
        return Array(text.utf8.dropLast(seed.isMultiple(of: 2) ? 0 : 20))
    }

    /// The property that does not hold; nil when all do.
    public static func problem(_ bytes: [UInt8]) -> String? {
        let (index, complete) = JournalIndex.reading(bytes)
        guard complete == (bytes.lastIndex(of: 10).map { $0 + 1 } ?? 0) else { return "\(complete) complete bytes" }
        // A kill may tear the last line, never what the others prove.
        guard JournalIndex.reading(bytes[..<complete]).index == index else { return "a torn line changes what is proved" }
        let torn = bytes[..<complete] + Array("{\"status\":\"done\",\"outp".utf8)
        guard JournalIndex.reading(torn) == (index, complete) else { return "a torn line proves something" }

        // Line by line, the later one counts; each line as it is written again says the same.
        var entries: [String: JournalIndex.Entry] = [:]
        for line in bytes[..<complete].split(separator: 10) {
            let (one, _) = JournalIndex.reading(line + [10])
            entries.merge(one.entries) { $1 }
            guard let value = JSON(parsing: line) else { continue }
            let text = value.description
            guard let again = JSON(parsing: Array(text.utf8)), again.description == text else {
                return "not the same JSON: \(text)"
            }
            guard JournalIndex.reading(Array(text.utf8) + [10]).index == one else { return "not the same line: \(text)" }
        }
        guard entries == index.entries else { return "the lines prove \(entries), together \(index.entries)" }
        for (name, entry) in index.entries {
            if let problem = problem(index, name, entry) { return "\(problem): \(name), \(entry)" }
        }
        return nil
    }

    /// What is decided about one output that was written.
    private static func problem(_ index: JournalIndex, _ name: String, _ entry: JournalIndex.Entry) -> String? {
        typealias Policy = JournalIndex.Policy
        func decision(_ found: JournalIndex.Found, _ policy: Policy, plan: String? = nil) -> JournalIndex.Decision {
            index.decision(inputSHA256: entry.inputSHA256, plan: plan ?? entry.plan, found: [found], policy: policy)
        }
        let whole = JournalIndex.Found(name: name, bytes: entry.bytes, sha256: entry.sha256)
        let changed = JournalIndex.Found(name: name, bytes: entry.bytes, sha256: "not a digest of anything: " + entry.sha256)
        for policy in [Policy.careful, .resume] {
            if decision(whole, policy) != .skip { return "a proved output is not skipped" }
            if decision(whole, policy, plan: "another plan: " + entry.plan) != .work { return "another plan is not worked on" }
            if decision(JournalIndex.Found(name: name), policy) != .work { return "a missing output is not made" }
            let foreign = JournalIndex.Found(name: "never written: " + name + "?", bytes: 1, sha256: "x")
            if index.entries[foreign.name] == nil, decision(foreign, policy) == .skip {
                return "a file of another is taken for ours"
            }
        }
        if decision(changed, .careful) != .refuse(name: name) { return "a changed output is replaced without being told" }
        if decision(changed, .resume) != .work { return "a changed output is not made again" }
        return decision(whole, .overwrite) == .work ? nil : "an output is not made again when told"
    }
}
