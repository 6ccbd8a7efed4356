import CalorCodecs
import CalorImage
import Foundation
import Synchronization
import Testing

@testable import CalorPipeline

/// Whole runs on small real images.
struct RunTests {
    static let pipeline = pipelineText(
        stages: [
            "big: { use: resize, scale: 2 }", "figures: { use: measure, from: big, against: ir }", "grey: { use: gain, from: big }",
            "shown: { use: palette, from: grey }",
        ],
        outputs: ["{ from: big, to: \"{dir}/{stem}.tiff\" }", "{ from: shown, to: \"{dir}/{stem}.png\" }"])

    static func run(
        _ scratch: Scratch, threads: Int = 2, out: String = "out", policy: JournalIndex.Policy = .careful, text: String = pipeline,
        set: [String] = [],
        cancelled: @escaping @Sendable () -> Bool = { false }, change: (inout RunRequest) -> Void = { _ in }
    ) throws -> RunOutcome {
        var request = RunRequest(pipeline: "p", output: .folder(scratch.path + "/" + out))
        request.inputs = [scratch.path + "/in"]
        request.threads = threads
        request.policy = policy
        change(&request)
        let plan = try RunPlanner(request: request, pipeline: makePlan(text, set: set)).plan()
        return try BatchRunner(plan, metrics: scratch.path + "/m.jsonl", cancelled: cancelled).perform()
    }

    static func scratch(images: Int = 4) throws -> Scratch {
        let scratch = try Scratch()
        for i in 0..<images { try scratch.write(scene(width: 40 + i, height: 30, seed: i), "in/\(i % 2 == 0 ? "a/" : "")\(i).png") }
        return scratch
    }

    static func lines(_ scratch: Scratch, _ name: String) -> [JSON] {
        (scratch.read(name) ?? []).split(separator: UInt8(ascii: "\n")).compactMap { JSON(parsing: $0) }
    }

    @Test func aFolderIsMirroredAndMeasured() throws {
        let scratch = try Self.scratch()
        let outcome = try Self.run(scratch)
        #expect(outcome.summary.done == 4 && outcome.failures.isEmpty)
        #expect(scratch.files(in: "out") == ["1.png", "1.tiff", "3.png", "3.tiff", "a/0.png", "a/0.tiff", "a/2.png", "a/2.tiff"])
        let big = try ImageDecoder.decode(try #require(scratch.read("out/a/0.tiff"))).image
        #expect(big.size == Size(width: 80, height: 60) && big.format == .u16)
        let metrics = Self.lines(scratch, "m.jsonl")
        #expect(metrics.count == 5)
        let summary = try #require(metrics.last?["summary"])
        #expect(summary["done"]?.integer == 4 && summary["stageMs"]?["shown"]?["p90"] != nil, "\(summary)")
        let first = metrics[0]
        #expect(first["status"]?.text == "done" && first["outputs"]?.list?.count == 2 && first["inputSHA256"]?.text?.count == 64)
        #expect(first["stages"]?.list?.compactMap { $0["id"]?.text } == ["decode", "big", "figures", "grey", "shown", "encode"])
        #expect(first["stages"]?.list?[2]["values"]?["consistencyRMS"]?.number != nil)
    }

    @Test func theSameBytesForEveryNumberOfThreads() throws {
        let scratch = try Self.scratch()
        _ = try Self.run(scratch, threads: 1, out: "one")
        _ = try Self.run(scratch, threads: 3, out: "three")
        for name in scratch.files(in: "one") { #expect(scratch.read("one/" + name) == scratch.read("three/" + name), "\(name)") }
    }

    @Test func aSecondRunSkipsAndMakesWhatIsMissing() throws {
        let scratch = try Self.scratch()
        _ = try Self.run(scratch)
        #expect(try Self.run(scratch).summary.skipped == 4)
        try FileManager.default.removeItem(atPath: scratch.path + "/out/1.tiff")
        let again = try Self.run(scratch)
        #expect(again.summary.skipped == 3 && again.summary.done == 1)
        // Another plan is not the same work, but the outputs are this journal's own.
        #expect(try Self.run(scratch, set: ["shown.map=white-hot"]).summary.done == 4)
    }

    @Test func whatTheJournalDoesNotKnowIsNotReplaced() throws {
        let scratch = try Self.scratch()
        try scratch.write(Array("mine".utf8), "out/1.png")
        let outcome = try Self.run(scratch)
        #expect(outcome.failures.map(\.fault.identifier) == ["output.exists"])
        #expect(scratch.read("out/1.png") == Array("mine".utf8))
        #expect(try Self.run(scratch, policy: .overwrite).failures.isEmpty)
        #expect(scratch.read("out/1.png") != Array("mine".utf8))
    }

    @Test func aDamagedOutputIsMadeAgainByResume() throws {
        let scratch = try Self.scratch()
        _ = try Self.run(scratch)
        let whole = try #require(scratch.read("out/3.tiff"))
        try scratch.write(Array(whole.dropLast(5)), "out/3.tiff")
        #expect(try Self.run(scratch).failures.map(\.fault.identifier) == ["output.exists"])
        #expect(try Self.run(scratch, policy: .resume).summary.done == 1)
        #expect(scratch.read("out/3.tiff") == whole)
    }

    @Test func oneBadImageStopsNobody() throws {
        let scratch = try Self.scratch()
        let good = try #require(scratch.read("in/1.png"))
        try scratch.write(Array(good.prefix(good.count / 2)), "in/torn.png")
        try scratch.write([], "in/empty.png")
        try scratch.write(Array("hello".utf8), "in/text.jpg")
        let outcome = try Self.run(scratch)
        #expect(outcome.summary.done == 4 && outcome.failures.count == 3)
        #expect(outcome.failures.allSatisfy { $0.stage == "decode" })
        let failed = Self.lines(scratch, "m.jsonl").filter { $0["status"]?.text == "failed" }
        #expect(
            failed.count == 3
                && failed.allSatisfy { $0["error"]?.text != nil && $0["message"]?.text != nil && $0["stage"]?.text == "decode" })
        let stopped = try Self.run(scratch, threads: 1, out: "stopped", change: { $0.stopsOnError = true })
        #expect(stopped.isStopped && stopped.failures.count == 1)
    }

    @Test func trueColourIsNotInfrared() throws {
        let scratch = try Scratch()
        let grey = scene(width: 20, height: 10, format: .u8).planes[0]
        let other = scene(width: 20, height: 10, seed: 5, format: .u8).planes[0]
        try scratch.write(Image(planes: [grey, grey, grey], colour: .rgb), "in/equal.png")
        try scratch.write(Image(planes: [grey, other, grey], colour: .rgb), "in/true.png")
        let outcome = try Self.run(scratch)
        #expect(outcome.failures.map(\.fault.identifier) == ["input.coloured"] && outcome.summary.done == 1)
        let done = Self.lines(scratch, "m.jsonl").first { $0["status"]?.text == "done" }
        #expect(done?["notes"]?.list == [.text("three equal channels, taken as grey")])
    }

    @Test func cancellingLeavesNothingHalfWritten() throws {
        let scratch = try Self.scratch(images: 12)
        // Stops in the middle: the flag goes up after some questions.
        let outcome = try Self.run(scratch, cancelled: { [counter = Counter()] in counter.next() > 30 })
        #expect(outcome.isStopped)
        #expect(outcome.summary.done < 12)
        let written = scratch.files(in: "out")
        #expect(written.count == 2 * outcome.summary.done, "\(written)")
        #expect(written.allSatisfy { !$0.hasSuffix(".part") })
        let rest = try Self.run(scratch)
        #expect(rest.summary.skipped == outcome.summary.done && rest.summary.done == 12 - outcome.summary.done)
    }

    final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        func next() -> Int { count.add(1, ordering: .relaxed).newValue }
    }

    @Test func collisionsAreFoundBeforeWork() throws {
        let scratch = try Scratch()
        try scratch.write(scene(width: 8, height: 8), "in/a.png")
        try scratch.write(scene(width: 8, height: 8), "in/a.tif", as: .tiff)
        let fault = #expect(throws: PipelineFault.self) { try Self.run(scratch) }
        #expect(fault?.identifier == "run.collision")
        #expect(scratch.files(in: "out").isEmpty)
    }

    @Test func formatsThatCannotHoldTheResultAreRefusedBeforeWork() throws {
        let scratch = try Self.scratch()
        let text = pipelineText(stages: ["big: { use: resize, scale: 2 }"], outputs: ["{ to: \"{stem}.jpg\" }"])
        let fault = #expect(throws: PipelineFault.self) { try Self.run(scratch, text: text) }
        #expect(fault?.identifier == "pipeline.format", "\(String(describing: fault?.message))")
        #expect(scratch.files(in: "out").isEmpty)
    }

    @Test func extensionsAreKeptWhereTheyHoldTheResult() throws {
        let scratch = try Scratch()
        try scratch.write(scene(width: 8, height: 8, format: .u8), "in/eight.jpg", as: .jpeg)
        try scratch.write(scene(width: 8, height: 8, format: .u16), "in/sixteen.png")
        try scratch.write(scene(width: 8, height: 8, format: .f32), "in/float.tif", as: .tiff)
        _ = try Self.run(scratch, text: pipelineText(stages: ["big: { use: resize, scale: 2 }"]))
        #expect(scratch.files(in: "out") == ["eight.jpg", "float.tif", "sixteen.png"])
    }

    @Test func inputsAreNeverReplaced() throws {
        let scratch = try Self.scratch()
        let text = pipelineText(stages: ["big: { use: resize, scale: 2 }"])
        let fault = #expect(throws: PipelineFault.self) { try Self.run(scratch, out: "in", policy: .overwrite, text: text) }
        #expect(fault?.identifier == "run.replaces-input")
    }

    @Test func aBudgetThatIsTooSmallIsSaid() throws {
        let scratch = try Self.scratch(images: 1)
        let outcome = try Self.run(scratch, change: { $0.memoryBytes = 1000 })
        #expect(outcome.failures.map(\.fault.identifier) == ["run.memory"])
    }

    @Test func linksInACircleAreSafe() throws {
        let scratch = try Self.scratch()
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/in/loop", withDestinationPath: "..")
        try scratch.write(scene(width: 8, height: 8), "in/.hidden.png")
        try scratch.write(Array("text".utf8), "in/readme.txt")
        #expect(try Self.run(scratch).summary.done == 4)
    }

    @Test func aTornJournalIsRepaired() throws {
        let scratch = try Self.scratch()
        _ = try Self.run(scratch)
        let journal = try #require(scratch.read("out/.calor/journal.jsonl"))
        let lines = journal.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        let torn = Array(lines[0]) + [10] + Array(lines[1].dropLast(20))
        try scratch.write(torn, "out/.calor/journal.jsonl")
        let outcome = try Self.run(scratch, policy: .overwrite)
        #expect(outcome.summary.done == 4)
        let all = (scratch.read("out/.calor/journal.jsonl") ?? []).split(separator: UInt8(ascii: "\n"))
        let records = all.compactMap { JSON(parsing: $0) }
        // The torn line is gone, and every other line is whole.
        #expect(records.count == all.count, "\(all.count - records.count) lines are not JSON")
        #expect(all.count { String(decoding: $0, as: UTF8.self).contains("\"status\":\"done\"") } == 4)
    }
}
