import CalorYAML
import GraphGenerator
import PipelineChecks
import Testing

@testable import CalorPipeline

/// The deterministic share of what `scripts/fuzz pipeline` and `scripts/fuzz journal` do without end, and what they found.
struct HostileFileTests {
    /// Some changes of single bytes, repetitions and cuts; the same for the same seed.
    static func mutated(_ bytes: [UInt8], seed: Int) -> [UInt8] {
        var choices = Choices(seed: UInt64(seed))
        var out = bytes
        for _ in 0..<choices.number(1...4) where !out.isEmpty {
            let at = (choices.number(0...255) << 8 | choices.number(0...255)) % out.count
            switch choices.number(0...3) {
            case 0: out[at] = choices.byte() & 0x7F
            case 1: out.remove(at: at)
            case 2: out.insert(contentsOf: out[at..<min(at + choices.number(1...40), out.count)], at: at)
            default: out[at] = Array(" \n:{}[],\"'&*#-?|>0".utf8)[choices.number(0...17)]
            }
        }
        return out
    }

    @Test(arguments: 0..<8) func pipelinesArePlansOrFaults(batch: Int) {
        var plans = 0
        for seed in batch * 50..<(batch + 1) * 50 {
            let text = PipelineSamples.text(seed: seed)
            let (isPlan, problem) = PipelineCheck.problem(text)
            #expect(problem == nil, "seed \(seed): \(problem ?? "")\n\(text)")
            plans += isPlan ? 1 : 0
            for round in 0..<4 {
                guard let broken = String(validating: Self.mutated(Array(text.utf8), seed: 4 * seed + round), as: UTF8.self) else {
                    continue
                }
                let problem = PipelineCheck.problem(broken).problem
                #expect(problem == nil, "seed \(seed), round \(round): \(problem ?? "")\n\(broken)")
            }
        }
        #expect(plans >= 5, "\(plans) of 50 are pipelines")
    }

    @Test(arguments: PipelineSamples.strange) func strangePipelinesToo(_ text: String) {
        let problem = PipelineCheck.problem(text).problem
        #expect(problem == nil, "\(problem ?? "")\n\(text)")
    }

    @Test func journalsProveWhatTheirLinesSay() {
        for seed in 0..<60 {
            let bytes = JournalCheck.sample(seed: seed)
            #expect(JournalCheck.problem(bytes) == nil, "seed \(seed)")
            for round in 0..<10 {
                let broken = Self.mutated(bytes, seed: 10 * seed + round)
                let problem = JournalCheck.problem(broken)
                #expect(
                    problem == nil, "seed \(seed), round \(round): \(problem ?? "")\n\(String(decoding: broken, as: UTF8.self))")
            }
        }
    }

    // MARK: - YAML that stands for more than it holds

    private static func levels(_ last: String) -> String {
        let lists = (1...11).map { level in
            "k\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        return "calor: 1\nname: &a0 [x, x, x, x, x, x, x, x, x]\n" + lists.joined() + last
    }

    /// Each of these has a few hundred bytes and stood for 9¹² values, which were hashed, or built.
    @Test(arguments: [
        (levels(""), "more than 100000 values"), (levels("? *a11\n: 1\n"), "more than 100000 values"),
        ("calor: 1\nname: &a [x]\n? *a\n: 1\n", "a key must be one value"), ("{ { a: b }: c }", "a key must be one value"),
    ])
    func aliasesAreCountedBeforeTheyAreFollowed(_ text: String, _ message: String) throws {
        let fault = #expect(throws: PipelineFault.self) { try PipelineReader.read(text, file: "p.yaml") }
        #expect(
            fault?.identifier == "pipeline.syntax" && fault?.message.contains(message) == true, "\(fault.map { "\($0)" } ?? "")")
    }

    /// Yams adds up numbers in base 60 without looking for an overflow.
    @Test(arguments: [
        "calor: 200000:-500:-500:-5000000:-500:-500:-500000:0000:-00", "calor: \"9:9:9:9:9:9:9:9:9:9:9:9\"",
        "calor: 999999999999999999:0",
    ])
    func longNumbersInBase60AreRefused(_ text: String) {
        #expect(throws: YAMLText.Problem.self) { try YAMLText.compose(text) }
    }

    @Test func shortNumbersInBase60AreRead() throws {
        for text in ["999999999999:59", "9:9:9:9:9:9:9:9", "a:b:c:d:e:f:g:h:i:j:k"] { #expect(try YAMLText.compose(text) != nil) }
    }

    @Test func aliasesThatAreFewAreFine() throws {
        let text = pipelineText(stages: ["a: &s { use: resize, scale: 2 }", "b: *s"])
        #expect(try makePlan(text).nodes.count == 2)
    }

    @Test func aPipelineHasAtMost200Stages() throws {
        let fault = #expect(throws: PipelineFault.self) {
            try makePlan(pipelineText(stages: (0...200).map { "s\($0): { use: resize, scale: 1 }" }))
        }
        #expect(fault?.message.contains("201 stages") == true)
    }

    // MARK: - Files that are not the pipeline's to touch

    @Test(arguments: [
        ("s: { use: resize, scale: 2 }", ".{dir}./x.png"), ("s: { use: resize, scale: 2 }", ".{ext}./x.png"),
    ])
    func noOutputLeavesItsFolder(_ stage: String, _ name: String) throws {
        let output = try makePlan(pipelineText(stages: [stage], outputs: ["{ to: \"\(name)\" }"])).outputs[0]
        let fault = #expect(throws: PipelineFault.self) { try output.template.path(for: InputName("a"), ext: "", stage: "s") }
        #expect(fault?.identifier == "pipeline.template" && fault?.message.contains("leaves the output folder") == true)
    }

    @Test(arguments: ["\"../../x\"", "a/b", "\"..\"", "\"\"", "\"a\\0\"", "\"a\\nb\""])
    func stagesHaveNames(_ id: String) {
        let fault = #expect(throws: PipelineFault.self) { try makePlan(pipelineText(stages: ["\(id): { use: resize, scale: 2 }"])) }
        #expect(fault?.message.contains("a stage cannot be called") == true)
    }

    /// They never end.
    @Test(arguments: [
        "s: { use: flat-field, reference: /dev/zero }", "s: { use: super-resolve, model: /dev/zero }",
        "s: { use: repair-pixels, map: /dev/zero }",
    ])
    func devicesAreNotRead(_ stage: String) {
        let fault = #expect(throws: PipelineFault.self) { try makePlan(pipelineText(stages: [stage])) }
        #expect(fault?.message.contains("regular file") == true, "\(fault.map { "\($0)" } ?? "")")
    }
}
