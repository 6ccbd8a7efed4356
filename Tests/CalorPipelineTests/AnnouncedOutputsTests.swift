import CalorPipeline
import Testing

/// A line with the status `writing` proves what it describes, and takes nothing away from the line before it.
@Suite struct AnnouncedOutputsTests {
    private func line(_ status: String, plan: String, sha256: String) -> String {
        #"{"input":"a","inputSHA256":"i","plan":"\#(plan)","status":"\#(status)","outputs":[{"name":"a.png","sha256":"\#(sha256)","bytes":9}]}"#
            + "\n"
    }

    @Test(
        arguments: [
            ("the new file appeared", "new", .skip), ("the old file is still there", "old", .work),
            ("somebody else's file", "other", .refuse(name: "a.png")),
        ] as [(String, String, JournalIndex.Decision)])
    func afterAKillWhileReplacing(what: String, sha256: String, expected: JournalIndex.Decision) {
        let text = line("done", plan: "p", sha256: "old") + line("writing", plan: "q", sha256: "new")
        let index = JournalIndex.reading(Array(text.utf8)).index
        let found = [JournalIndex.Found(name: "a.png", bytes: 9, sha256: sha256)]
        #expect(index.decision(inputSHA256: "i", plan: "q", found: found, policy: .careful) == expected, "\(what)")
    }
}
