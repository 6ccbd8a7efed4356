import CalorBase
import CalorImage
import CalorPipeline
import CalorRestoration

/// What must hold for any text that is given as a pipeline file.
public enum PipelineCheck {
    /// Without models: what a network needs in memory is another matter, and takes too long to be asked a million times.
    private static let context = PlanContext(catalogue: ModelCatalogue(searchPaths: []))

    /// The property that does not hold; nil when all do. `isPlan` says whether the text was a pipeline.
    public static func problem(_ text: String) -> (isPlan: Bool, problem: String?) {
        let document: PipelineDocument
        do { document = try PipelineReader.read(text, file: "p.yaml") } catch { return (false, problem(of: error)) }
        // What was understood, written in another way, is understood as the same.
        let written = PipelineWriter.text(document)
        do {
            let again = PipelineWriter.text(try PipelineReader.read(written, file: document.file))
            if again != written { return (false, "written again it is another pipeline:\n\(written)\n\(again)") }
        } catch { return (false, "written again it is refused: \(error)\n\(written)") }
        do {
            let plan = try PlanMaker.plan(document, context: context)
            return (true, try problem(of: plan, document))
        } catch { return (false, problem(of: error)) }
    }

    private static func problem(of fault: PipelineFault) -> String? {
        if fault.kind == .defect { return "a defect: \(fault)" }
        return fault.message.isEmpty ? "a fault without a message: \(fault)" : nil
    }

    private static func problem(of plan: PipelinePlan, _ document: PipelineDocument) throws(PipelineFault) -> String? {
        for (i, node) in plan.nodes.enumerated() {
            for case .stage(let taken) in [node.source, node.reference].compactMap({ $0 }) where taken >= i {
                return "stage \(i) takes what comes later"
            }
        }
        guard plan.nodes.count == document.stages.count, plan.outputs.count == document.outputs.count else {
            return "parts are missing"
        }
        guard try PlanMaker.plan(document, context: context).canonicalText() == plan.canonicalText() else {
            return "the same file gives another plan"
        }
        for input in ["a.png", "folder/b.c.tiff", ".hidden", "no-extension", "..png"] {
            for output in plan.outputs {
                let name = InputName(input)
                guard let path = try? output.template.path(for: name, ext: name.fileExtension, stage: plan.id(of: output.source))
                else {
                    continue
                }
                if path.hasPrefix("/") || path.split(separator: "/").contains("..") || path.utf8.contains(0) {
                    return "the output \(path) is not below the output folder"
                }
            }
        }
        for shape in PlanText.Shape.allCases { _ = try PlanText(pipeline: plan).lines(shape) }
        for size in [Size(width: 1, height: 1), Size(width: 640, height: 512), Size(width: 1_000_000, height: 500)] {
            if let problem = try problem(of: plan, size) { return problem }
        }
        return nil
    }

    /// Types and estimates for pictures of one size; a fault is an answer.
    private static func problem(of plan: PipelinePlan, _ size: Size) throws(PipelineFault) -> String? {
        for format in SampleFormat.allCases {
            let inputs = plan.inputs.map { input in
                ImageType(
                    colour: input.kind == .rgb ? .rgb : .grey,
                    meaning: input.kind == .rgb || format == .u8 ? .display : format == .u16 ? .counts : .kelvin, format: format,
                    size: size)
            }
            guard let types = try? plan.types(for: inputs) else { continue }
            for (node, type) in zip(plan.nodes, types) where type.size.width < 1 || type.size.height < 1 {
                return "stage \(node.site.id) makes \(type) of \(inputs)"
            }
            let held = inputs.reduce(0) { $0 + $1.bytes }
            if let peak = try? plan.peakBytes(for: inputs, fileBytes: 1000), peak < held { return "\(peak) bytes for \(inputs)" }
        }
        return nil
    }
}

/// A document as a pipeline file again: every key and value in quotes.
private enum PipelineWriter {
    static func text(_ document: PipelineDocument) -> String {
        // Explicit keys, because those may be longer than the 1,024 characters of simple ones; they need flow style to stay on a line.
        let inputs = document.inputs.map { input in
            let match = input.match.map { [entry("match", $0.text)] } ?? []
            return keyed(input.id, [entry("kind", input.kind.rawValue), entry("radiometric", input.radiometric.rawValue)] + match)
        }
        var lines = ["calor: 1", "name: \(quoted(document.name))", "inputs: { \(inputs.joined(separator: ", ")) }"]
        lines.append("stages:" + (document.stages.isEmpty ? " []" : ""))
        for stage in document.stages {
            let from = stage.from.map { [entry("from", $0)] } ?? []
            lines.append("  - { \(keyed(stage.id, [entry("use", stage.use)] + from + stage.parameters.map(setting))) }")
        }
        lines.append("outputs:")
        for output in document.outputs {
            lines.append(
                "  - { \(((output.from.map { [entry("from", $0)] } ?? []) + [entry("to", output.template)]).joined(separator: ", ")) }"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func setting(_ setting: PipelineDocument.Setting) -> String {
        switch setting.value {
        case .scalar(let text): entry(setting.name, text)
        case .group(let inner): keyed(setting.name, inner.map(Self.setting))
        }
    }

    private static func entry(_ key: String, _ value: String) -> String { "? \(quoted(key)) : \(quoted(value))" }
    private static func keyed(_ key: String, _ entries: [String]) -> String {
        "? \(quoted(key)) : { \(entries.joined(separator: ", ")) }"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C: out += "\\\(scalar)"
            case 0x20..<0x7F: out.unicodeScalars.append(scalar)
            case let value:
                let hex = String(value, radix: 16)
                out += "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
            }
        }
        return out + "\""
    }
}
