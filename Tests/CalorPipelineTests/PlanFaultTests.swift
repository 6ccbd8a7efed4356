import CalorPipeline
import Testing

/// One case for each message about a wrong pipeline file: identifier, words with the line, and advice.
struct PlanFaultTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var set: [String] = []
        var identifier: String
        var message: String
        var advice: String
        var testDescription: String { message }
    }

    static let resize = "a: { use: resize, scale: 2 }"

    static let cases: [Case] = [
        Case(text: "", identifier: "pipeline.shape", message: "p.yaml:1: the file is empty", advice: "calor: 1"),
        Case(text: "calor: [1", identifier: "pipeline.syntax", message: "not valid YAML", advice: "indentation"),
        Case(text: "calor: 1\ncalor: 1", identifier: "pipeline.syntax", message: "appears twice", advice: "line"),
        Case(text: "calor: 2\n", identifier: "pipeline.version", message: "p.yaml:1: the format is version 2", advice: "calor: 1"),
        Case(text: "name: x\n", identifier: "pipeline.missing-key", message: "lacks the key \"calor\"", advice: "calor"),
        Case(
            text: "calor: 1\ninputs: {a: {kind: rgb}}\n", identifier: "pipeline.missing-key", message: "lacks the key \"stages\"",
            advice: "stages"),
        Case(
            text: "calor: 1\nstagse: []\n", identifier: "pipeline.unknown-key", message: "p.yaml:2: unknown key \"stagse\"",
            advice: "\"stages\"?"),
        Case(
            text: pipelineText(kind: "thermal", stages: [resize]), identifier: "pipeline.parameter", message: "p.yaml:3: kind",
            advice: "infrared or rgb"),
        Case(
            text: pipelineText(stages: [resize], outputs: ["{ form: a, to: x.png }"]), identifier: "pipeline.unknown-key",
            message: "p.yaml:7: unknown key \"form\" in an output", advice: "\"from\"?"),
        Case(
            text: pipelineText(stages: ["a: { use: resise, scale: 2 }"]), identifier: "pipeline.unknown-stage",
            message: "p.yaml:5: there is no stage called \"resise\"", advice: "\"resize\"?"),
        Case(
            text: pipelineText(stages: ["a: { use: decode }"]), identifier: "pipeline.unknown-stage", message: "\"decode\"",
            advice: "follows from inputs and outputs"),
        Case(
            text: pipelineText(stages: ["a: { use: resize, sclae: 2 }"]), identifier: "pipeline.unknown-key",
            message: "p.yaml:5: unknown key \"sclae\" in stage \"a\" (resize)", advice: "\"scale\"?"),
        Case(
            text: pipelineText(stages: ["a: { scale: 2 }"]), identifier: "pipeline.missing-key", message: "lacks the key \"use\"",
            advice: "use"),
        Case(
            text: pipelineText(stages: ["a: { use: resize, scale: 1000 }"]), identifier: "pipeline.parameter",
            message: "scale of stage \"a\" cannot be \"1000\"", advice: "a number from 0.01 to 64"),
        Case(
            text: pipelineText(stages: ["a: { use: resize, scale: nan }"]), identifier: "pipeline.parameter", message: "\"nan\"",
            advice: "a number"),
        Case(
            text: pipelineText(stages: ["a: { use: resize, scale: { x: 2 } }"]), identifier: "pipeline.parameter",
            message: "a group of keys",
            advice: "a number"),
        Case(
            text: pipelineText(stages: ["a: { use: resize, scale: 2, width: 5 }"]), identifier: "pipeline.parameter-conflict",
            message: "p.yaml:5: stage \"a\": needs either scale", advice: "scale: 2"),
        Case(
            text: pipelineText(stages: ["a: { use: palette, map: irnbow }"]), identifier: "pipeline.parameter",
            message: "\"irnbow\"",
            advice: "ironbow"),
        Case(
            text: pipelineText(stages: ["a: { use: palette, low: 5, high: 1 }"]), identifier: "pipeline.parameter-conflict",
            message: "low and high do not make a range", advice: "lower one"),
        Case(
            text: pipelineText(stages: ["a: { use: resize, from: ri, scale: 2 }"]), identifier: "pipeline.unknown-source",
            message: "stage \"a\" takes \"ri\", which does not exist", advice: "\"ir\"?"),
        Case(
            text: pipelineText(stages: [resize], outputs: ["{ from: b, to: x.png }"]), identifier: "pipeline.unknown-source",
            message: "an output takes \"b\"", advice: "names"),
        Case(
            text: pipelineText(stages: ["m: { use: measure, against: nothing }"]), identifier: "pipeline.unknown-source",
            message: "against of stage \"m\"", advice: "names"),
        Case(
            text: pipelineText(stages: [resize, resize]), identifier: "pipeline.duplicate-id",
            message: "p.yaml:6: the name \"a\" is used twice", advice: "name of its own"),
        Case(
            text: pipelineText(stages: ["encode: { use: measure }"]), identifier: "pipeline.duplicate-id", message: "\"encode\"",
            advice: "name"),
        Case(
            text: pipelineText(stages: ["a: { use: measure, from: b }", "b: { use: measure, from: a }"]),
            identifier: "pipeline.cycle",
            message: "a → b → a", advice: "an input or an earlier stage"),
        Case(
            text: pipelineText(stages: ["a: { use: measure, from: a }"]), identifier: "pipeline.cycle", message: "a → a",
            advice: "an input or an earlier stage"),
        Case(
            text: pairText("kind: infrared", "kind: rgb"), identifier: "pipeline.missing-key",
            message: "p.yaml:3: input \"ir\" of two lacks the key \"match\"", advice: "match"),
        Case(
            text: pairText("kind: infrared, match: \"{stem}.png\"", "kind: rgb, match: \"{stem}.png\""),
            identifier: "pipeline.match", message: "fits the same files as", advice: "match"),
        Case(
            text: pairText("kind: infrared, match: \"ir/a.png\"", "kind: rgb, match: \"{stem}.png\""),
            identifier: "pipeline.match", message: "p.yaml:3: match of input \"ir\", \"ir/a.png\", needs {stem} exactly once",
            advice: "ir/{stem}.*"),
        Case(
            text: pairText("kind: infrared, match: \"{sten}.png\"", "kind: rgb, match: \"{stem}.png\""),
            identifier: "pipeline.match", message: "unknown placeholder {sten}; did you mean {stem}?", advice: "{stem}"),
        Case(
            text: pairText("kind: infrared, match: \"../{stem}.png\"", "kind: rgb, match: \"{stem}.png\""),
            identifier: "pipeline.match", message: "must be names and folders below", advice: "{stem}"),
        Case(
            text: pairText("kind: infrared, match: \"a/{dir}/b/{dir}/{stem}.png\"", "kind: rgb, match: \"{stem}.png\""),
            identifier: "pipeline.match", message: "has {dir} more than once", advice: "{dir}"),
        Case(
            text: pairText("kind: infrared, match: \"{dir}x/{stem}.png\"", "kind: rgb, match: \"{stem}.png\""),
            identifier: "pipeline.match", message: "{dir} beside other letters", advice: "{dir}"),
        Case(
            text: pairText("kind: infrared, match: \"*a*b*c*{stem}*.png\"", "kind: rgb, match: \"{stem}.png\""),
            identifier: "pipeline.match", message: "more than 4 wildcards", advice: "{dir}"),
        Case(
            text: "calor: 1\ninputs: { a: {kind: rgb, match: \"{stem}.png\"} }\nstages: []\noutputs: [{to: x.png}]\n",
            identifier: "pipeline.parameter-conflict", message: "match is for pipelines with two inputs", advice: "--include"),
        Case(
            text: "calor: 1\ninputs: { a: {kind: rgb}, b: {kind: rgb}, c: {kind: rgb} }\nstages: []\noutputs: []\n",
            identifier: "pipeline.input-count", message: "p.yaml:2: a pipeline has one input or two, not 3",
            advice: "one input"),
        Case(
            text: pairText("kind: infrared, match: \"ir/{stem}.*\"", "kind: rgb, match: \"{stem}.*\""), set: ["it.match=x"],
            identifier: "pipeline.set", message: "there is no stage \"it\"", advice: "ir.match"),
        Case(
            text: pairText("kind: infrared, match: \"ir/{stem}.*\"", "kind: rgb, match: \"{stem}.*\""), set: ["ir.match={stem}.*"],
            identifier: "pipeline.match", message: "command line: match of input \"both\"", advice: "{stem}"),
        Case(
            text: pipelineText(stages: [resize], outputs: []), identifier: "pipeline.shape", message: "outputs must be a list",
            advice: "write"),
        Case(
            text: pipelineText(stages: [resize], outputs: ["{ to: \"{steam}.png\" }"]), identifier: "pipeline.template",
            message: "unknown placeholder {steam}; did you mean {stem}?", advice: "{dir} {stem}"),
        Case(
            text: pipelineText(stages: [resize], outputs: ["{ to: \"../{stem}.png\" }"]), identifier: "pipeline.template",
            message: "must not leave the output folder", advice: "{dir}"),
        Case(
            text: pipelineText(kind: "rgb", stages: ["a: { use: palette }"]), identifier: "pipeline.type",
            message: "a is given rgb u8",
            advice: "grey"),
        Case(
            text: pipelineText(stages: ["a: { use: palette }", "b: { use: gain }"]), identifier: "pipeline.type",
            message: "p.yaml:6: b is given rgb u8", advice: "grey"),
        Case(
            text: pipelineText(stages: ["a: { use: super-resolve, model: none-such }"]), identifier: "model.not-found",
            message: "none-such", advice: "models"),
        Case(
            text: pipelineText(stages: ["a: { use: enhance }"]), identifier: "pipeline.missing-key",
            message: "lacks the key \"model\"", advice: "model"),
        Case(
            text: pipelineText(stages: ["a: { use: super-resolve, model: x, steps: 0 }"]), identifier: "pipeline.parameter",
            message: "steps of stage \"a\" cannot be \"0\"", advice: "a whole number from 1 to 1000"),
        Case(
            text: pipelineText(stages: ["a: { use: super-resolve, model: x, guidance: { consistency: perhaps } }"]),
            identifier: "pipeline.parameter", message: "guidance.consistency", advice: "give one of none, exact, noisy"),
        Case(
            text: pipelineText(stages: ["a: { use: super-resolve, model: x, guidance: { spectra: 0.1 } }"]),
            identifier: "pipeline.unknown-key",
            message: "guidance.spectra", advice: "guidance.spectrum"),
        Case(
            text: pipelineText(stages: [resize]), set: ["b.scale=2"], identifier: "pipeline.set",
            message: "there is no stage \"b\"", advice: "a.scale"),
        Case(
            text: pipelineText(stages: [resize]), set: ["a.size=2"], identifier: "pipeline.set", message: "no parameter \"size\"",
            advice: "a.scale"),
        Case(
            text: pipelineText(stages: [resize]), set: ["scale=2"], identifier: "pipeline.set", message: "must look like",
            advice: "--set sharp.strength=0.5"),
        Case(
            text: pipelineText(stages: [resize]), set: ["a.scale=x"], identifier: "pipeline.parameter",
            message: "command line: scale of stage \"a\" cannot be \"x\"", advice: "a number"),
    ]

    @Test(arguments: cases)
    func fault(_ one: Case) throws {
        do {
            _ = try makePlan(one.text, set: one.set)
            Issue.record("no fault for \(one.text)")
        } catch let fault as PipelineFault {
            #expect(fault.identifier == one.identifier, "\(fault.message)")
            #expect(fault.message.contains(one.message), "\(fault.message)")
            #expect((fault.advice ?? "").contains(one.advice), "\(fault.advice ?? "none")")
        }
    }
}

struct PlanTests {
    @Test func stageWithoutFromTakesTheOneBefore() throws {
        let plan = try makePlan(pipelineText(stages: ["a: { use: resize, scale: 2 }", "b: { use: palette }"]))
        #expect(plan.nodes.map(\.source) == [.input(0), .stage(0)])
        #expect(plan.outputs.map(\.source) == [.stage(1)])
    }

    @Test func laterStagesMayBeTaken() throws {
        let plan = try makePlan(
            pipelineText(
                stages: ["b: { use: palette, from: a }", "a: { use: resize, scale: 2, from: ir }"],
                outputs: ["{ from: b, to: x.png }"]))
        #expect(plan.nodes.map(\.site.id) == ["a", "b"])
    }

    @Test func unusedStagesAreWarnedOf() throws {
        let plan = try makePlan(
            pipelineText(stages: [
                "a: { use: resize, scale: 2 }", "m: { use: measure, from: ir }", "b: { use: resize, scale: 2, from: ir }",
            ]))
        #expect(plan.warnings == ["p.yaml:5: nothing uses stage \"a\""])
    }

    @Test func overridesReplaceParameters() throws {
        let plan = try makePlan(pipelineText(stages: ["a: { use: resize, scale: 2 }"]), set: ["a.scale=3", "a.filter=nearest"])
        #expect(plan.nodes[0].parameters.summary == "filter=nearest scale=3")
    }

    @Test func theDigestFollowsEveryParameter() throws {
        let stages = ["a: { use: resize, scale: 2 }"]
        let base = try makePlan(pipelineText(stages: stages)).canonicalText()
        #expect(try makePlan(pipelineText(stages: stages)).canonicalText() == base)
        #expect(try makePlan(pipelineText(stages: stages), set: ["a.filter=nearest"]).canonicalText() != base)
        #expect(try makePlan(pipelineText(stages: stages), name: "{stem}_2.{ext}").canonicalText() != base)
        #expect(try makePlan(pipelineText(kind: "rgb", stages: stages)).canonicalText() != base)
    }

    @Test func theTextOfAPlanNamesTypes() throws {
        let plan = try makePlan(pipelineText(stages: ["a: { use: resize, scale: 2 }", "g: { use: gain }", "b: { use: palette }"]))
        let text = try PlanText(pipeline: plan).lines(.text).joined(separator: "\n")
        #expect(text.contains("grey u16 counts"), "\(text)")
        #expect(text.contains("fused: g + b"), "\(text)")
        let dot = try PlanText(pipeline: plan).lines(.dot).joined()
        #expect(dot.contains("\"g\" -> \"b\" [label=\"grey u8\"]"), "\(dot)")
        let json = try PlanText(pipeline: plan).lines(.json)[0]
        #expect(JSON(parsing: Array(json.utf8))?["stages"]?.list?.count == 3)
    }
}
