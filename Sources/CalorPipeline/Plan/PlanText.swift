import CalorBase
import CalorImage

/// A plan in words, as JSON, or as a graph for Graphviz.
public struct PlanText {
    public enum Shape: String, Sendable, CaseIterable { case text, json, dot }

    public let pipeline: PipelinePlan
    /// With it, types, memory and cost are those of the inputs.
    public var run: RunPlan?

    public init(pipeline: PipelinePlan, run: RunPlan? = nil) {
        self.pipeline = pipeline
        self.run = run
    }

    public func lines(_ shape: Shape) throws(PipelineFault) -> [String] {
        switch shape {
        case .text: try text()
        case .json: [try json().description]
        case .dot: dot()
        }
    }

    /// What `run --dry-run` says: one line for each output, or why there will be none.
    public func dryRun() -> [String] {
        (run?.jobs ?? []).flatMap { job in
            if let failure = job.failure { return ["\(failure.file ?? job.path): \(failure.stage): \(failure.fault.message)"] }
            let inputs = job.parts.map(\.path).joined(separator: " + ")
            return job.files.map { "\(inputs) → \($0.path)" }
        }
    }

    // MARK: - Types

    /// The kinds of images that the inputs can have, or have; those that the pipeline cannot take are left out.
    private var inputTypes: [[ImageType]] {
        var lists: [[ImageType]] = []
        for list in run?.jobs.compactMap(\.types) ?? pipeline.examples
        where !lists.contains(where: { zip($0, list).allSatisfy(sameKind) }) {
            if (try? pipeline.types(for: list)) != nil { lists.append(list) }
        }
        return lists
    }

    private func sameKind(_ a: ImageType, _ b: ImageType) -> Bool {
        a.colour == b.colour && a.format == b.format && a.meaning == b.meaning && (run == nil || a.size == b.size)
    }

    /// Names of the types behind `source`, without repetition; the sizes only when they are those of files.
    private func typeNames(behind source: PipelinePlan.Source) -> [String] {
        var names: [String] = []
        for inputs in inputTypes {
            guard let types = try? pipeline.types(for: inputs) else { continue }
            let type = pipeline.type(of: source, inputs: inputs, stages: types)
            let name = run == nil ? type.name : type.description
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    private func shortTypes(behind source: PipelinePlan.Source) -> String {
        let names = typeNames(behind: source)
        return names.count > 4
            ? names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more" : names.joined(separator: ", ")
    }

    private var worst: RunPlan.Job? { run?.jobs.max { $0.peakBytes < $1.peakBytes } }

    // MARK: - Text

    private func text() throws(PipelineFault) -> [String] {
        var lines = ["\(pipeline.name) (\(pipeline.file))", ""]
        for (i, input) in pipeline.inputs.enumerated() {
            let match = input.match.map { ", files \($0.text)" } ?? ""
            lines.append("input \(input.id): \(input.kind.rawValue)\(match): \(shortTypes(behind: .input(i)))")
        }
        let first = inputTypes.first
        let groups = try first.map { (type) throws(PipelineFault) in try pipeline.groups(for: type) } ?? []
        let types = try first.map { (type) throws(PipelineFault) in try pipeline.types(for: type) } ?? []
        for (i, node) in pipeline.nodes.enumerated() {
            let word = node.sourceParameter ?? "against"
            let against = node.reference.map { ", \(word) \(pipeline.id(of: $0))" } ?? ""
            lines.append("stage \(node.site.id): \(node.site.use) of \(pipeline.id(of: node.source))\(against)")
            let parameters = node.parameters.summary
            if !parameters.isEmpty { lines.append("    with  \(parameters)") }
            lines.append("    gives \(shortTypes(behind: .stage(i)))")
            let group = groups.first { $0.contains(i) } ?? i..<i + 1
            let fused = group.count > 1 ? ", fused: \(group.map { pipeline.nodes[$0].site.id }.joined(separator: " + "))" : ""
            lines.append(
                "    works on \(node.locality(for: first.map { pipeline.type(of: node.source, inputs: $0, stages: types) }))\(fused)"
            )
        }
        for output in pipeline.outputs {
            lines.append(
                "output \(output.template.text) from \(pipeline.id(of: output.source)): \(shortTypes(behind: output.source))")
        }
        lines.append("")
        lines += pipeline.warnings.map { "warning: \($0)" }
        if let run {
            let failing = run.jobs.filter { $0.failure != nil }
            let pixels = run.jobs.reduce(0) { $0 + $1.pixels }
            lines.append(
                "\(pipeline.inputs.count > 1 ? "pairs" : "images"): \(run.jobs.count), \(compact(Double(pixels / 10_000) / 100)) megapixels"
            )
            if let worst, worst.peakBytes > 0 {
                lines.append(
                    "memory: \(bytesText(worst.peakBytes)) for the largest (\(worst.path)), budget \(bytesText(run.memoryBudget))"
                )
            }
            let flops = run.jobs.compactMap(\.flops).reduce(0, +)
            if flops > 0 { lines.append("cost: \(compact((flops / 1e9).rounded())) GFLOP") }
            for job in failing {
                lines.append("cannot be done: \(job.failure?.file ?? job.path): \(job.failure?.fault.message ?? "")")
            }
            lines += run.warnings.map { "warning: \($0)" }
        } else {
            for types in inputTypes {
                let flops = try pipeline.flops(for: types).map { ", \(compact(($0 / 1e8).rounded() / 10)) GFLOP" } ?? ""
                let bytes = try pipeline.peakBytes(for: types, fileBytes: types.reduce(0) { $0 + $1.bytes })
                lines.append("for \(types.map(\.description).joined(separator: " with ")): \(bytesText(bytes))\(flops)")
            }
        }
        return lines
    }

    // MARK: - JSON

    private func json() throws(PipelineFault) -> JSON {
        func types(_ source: PipelinePlan.Source) -> JSON { .list(typeNames(behind: source).map(JSON.text)) }
        let stages = pipeline.nodes.enumerated().map { i, node in
            JSON.object(skippingNil: [
                ("id", .text(node.site.id)), ("use", .text(node.site.use)), ("from", .text(pipeline.id(of: node.source))),
                (node.sourceParameter ?? "against", node.reference.map { .text(pipeline.id(of: $0)) }),
                (
                    "parameters",
                    .object(node.parameters.values.sorted { $0.key < $1.key }.map { JSON.Member($0.key, Self.json($0.value)) })
                ),
                ("types", types(.stage(i))), ("works", .text(node.stage is any RegionStage ? "rows" : "whole")),
            ])
        }
        let outputs = pipeline.outputs.map {
            JSON.object(skippingNil: [
                ("from", .text(pipeline.id(of: $0.source))), ("to", .text($0.template.text)), ("types", types($0.source)),
            ])
        }
        let inputs = pipeline.inputs.enumerated().map { i, input in
            JSON.object(skippingNil: [
                ("id", .text(input.id)), ("kind", .text(input.kind.rawValue)), ("match", input.match.map { .text($0.text) }),
                ("types", types(.input(i))),
            ])
        }
        let jobs = run?.jobs.map { job in
            JSON.object(skippingNil: [
                ("input", .text(job.path)),
                ("inputs", job.parts.count > 1 ? .list(job.parts.map { .text($0.path) }) : nil),
                ("outputs", .list(job.files.map { .text($0.path) })),
                ("peakBytes", .integer(job.peakBytes)),
                ("flops", job.flops.map(JSON.number)), ("error", job.failure.map { .text($0.fault.identifier) }),
                ("message", job.failure.map { .text($0.fault.message) }),
            ])
        }
        return .object(skippingNil: [
            ("name", .text(pipeline.name)), ("plan", run.map { .text($0.digest) }),
            ("input", inputs[0]), ("inputs", .list(inputs)),
            ("stages", .list(stages)), ("outputs", .list(outputs)), ("seed", .integer(pipeline.seed)),
            ("warnings", .list((pipeline.warnings + (run?.warnings ?? [])).map(JSON.text))),
            ("peakBytes", worst.map { .integer($0.peakBytes) }),
            ("memoryBudget", run.map { .integer($0.memoryBudget) }), ("jobs", jobs.map(JSON.list)),
        ])
    }

    private static func json(_ value: ParameterValue) -> JSON {
        switch value {
        case .number(let number): .number(number)
        case .integer(let number): .integer(number)
        case .text(let text): .text(text)
        case .flag(let flag): .flag(flag)
        }
    }

    // MARK: - Graph

    private func dot() -> [String] {
        func quoted(_ text: String) -> String { JSON.text(text).description }
        func edge(_ source: PipelinePlan.Source, _ target: String, dashed: Bool = false) -> String {
            "  \(quoted(pipeline.id(of: source))) -> \(quoted(target)) [label=\(quoted(shortTypes(behind: source)))\(dashed ? ", style=dashed" : "")];"
        }
        var lines = ["digraph calor {", "  rankdir=LR;", "  node [shape=box];"]
        lines += pipeline.inputs.map { "  \(quoted($0.id)) [shape=ellipse];" }
        for node in pipeline.nodes {
            lines.append("  \(quoted(node.site.id)) [label=\(quoted("\(node.site.id)\n\(node.site.use)"))];")
            lines.append(edge(node.source, node.site.id))
            if let reference = node.reference { lines.append(edge(reference, node.site.id, dashed: true)) }
        }
        for output in pipeline.outputs {
            lines.append("  \(quoted(output.template.text)) [shape=note];")
            lines.append(edge(output.source, output.template.text))
        }
        return lines + ["}"]
    }
}
