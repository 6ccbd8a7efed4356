import ArgumentParser
import CalorGraph
import CalorTensor
import Foundation

extension ModelCommand {
    /// `calor model info`: what a model is and what it costs.
    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a model's inputs, outputs, parameters, cost and receptive field.",
            discussion: """
                Cost, receptive field and the kernels that are chosen (with the shape of their result) hold for one input shape. Where \
                the model leaves rows and columns open, 128 is taken. Intermediate values that do not fit in the caches are computed in \
                strips of rows, which changes no bit of the result.

                EXAMPLES
                  calor model info model.onnx
                  calor model info model.onnx --input input=1x3x512x512 --json | jq .flops
                """)

        @Argument(help: "The ONNX file.", completion: .file(extensions: ["onnx"]))
        var model: String
        @Option(
            help: ArgumentHelp(
                "The shape of an input (default: what the model fixes, else 128 rows and columns, or what fits the other inputs).",
                valueName: "name=1x3x128x128"))
        var input: [String] = []
        @Flag(help: "Print one JSON object.")
        var json = false

        func run() throws {
            let file = try ModelFile(path: model)
            let graph = try file.graph()
            let shapes = try file.shapes(input)
            do {
                let report = ModelReport(
                    file: file, shapes: shapes, special: try graph.specialised(to: shapes),
                    plan: try Session(graph: graph).plan(for: shapes, threads: ModelThreads.checked(nil)))
                print(json ? try jsonText(report.json) : report.text)
            } catch let fault as GraphFault {
                throw file.named(fault)
            }
        }
    }
}

/// What `info` prints.
private struct ModelReport {
    let file: ModelFile
    let shapes: [String: Shape]
    let special: SpecialisedGraph
    let plan: Plan

    private var graph: Graph { file.model.graph }
    private var parameters: Int { graph.constants.values.reduce(0) { $1.dtype.isFloating ? $0 + $1.count : $0 } }
    private var field: ReceptiveField? { special.receptiveField() }

    var json: [String: Any] {
        var document: [String: Any] = [
            "name": graph.name, "producer": file.model.producer, "opset": graph.opset, "irVersion": file.model.irVersion,
            "nodes": graph.nodes.count, "parameters": parameters, "flops": plan.flops, "arenaBytes": plan.arenaBytes,
            "plainArenaBytes": plan.plainArenaBytes, "strips": plan.stripsJSON,
            "inputs": graph.inputs.map { value($0, shapes[$0.name]) },
            "outputs": graph.outputs.map { value($0, plan.outputShapes[$0.name]) },
            "passes": plan.applied.map { ["pass": $0.pass, "nodes": $0.nodes] as [String: Any] },
            "kernels": plan.kernels.map { ["name": $0.name, "steps": $0.steps] as [String: Any] },
            "steps": steps.map { step in
                var entry: [String: Any] = ["node": step.node, "kernel": step.kernel, "flops": step.flops]
                if let shape = step.shape { entry["shape"] = shape.dims }
                return entry
            },
        ]
        switch field {
        case .local(let halo)?: document["haloPixels"] = halo
        case .whole(let node)?: document["wholeImageBecauseOf"] = node
        case nil: break
        }
        return document
    }

    // MARK: - Steps

    private struct Step {
        var node: String
        var kernel: String
        var shape: Shape?
        var flops: Double
    }

    /// What is run, in order. A step that only changes the layout of a value bears the value's name.
    private var steps: [Step] {
        var shapes: [String: Shape] = [:]
        for (value, name) in special.graph.valueNames { shapes[name] = special.types[value]?.shape }
        for node in special.graph.nodes {
            if let output = node.outputs.lazy.compactMap({ $0 }).first { shapes[node.name] = special.types[output]?.shape }
        }
        return plan.reports.map { Step(node: $0.node, kernel: $0.kernel, shape: shapes[$0.node], flops: $0.flops) }
    }

    /// Steps with the same kernel and the same shape of the result, in the order in which they first run.
    private var groups: [(kernel: String, shape: Shape?, steps: Int, flops: Double)] {
        var groups: [(kernel: String, shape: Shape?, steps: Int, flops: Double)] = []
        for step in steps {
            if let known = groups.firstIndex(where: { $0.kernel == step.kernel && $0.shape == step.shape }) {
                groups[known].steps += 1
                groups[known].flops += step.flops
            } else {
                groups.append((step.kernel, step.shape, 1, step.flops))
            }
        }
        return groups
    }

    private func value(_ info: ValueInfo, _ shape: Shape?) -> [String: Any] {
        var entry: [String: Any] = ["name": info.name, "type": info.dtype.rawValue]
        if let dims = info.dims { entry["declared"] = dims.map(\.description) }
        if let shape { entry["shape"] = shape.dims }
        return entry
    }

    var text: String {
        var lines = ["\(graph.name.isEmpty ? "model" : graph.name), operator set \(graph.opset), by \(file.model.producer)"]
        for input in graph.inputs {
            lines.append("input    \(input.name): \(input.typeText), here \(shapes[input.name]?.description ?? "any")")
        }
        for output in graph.outputs {
            lines.append(
                "output   \(output.name): \(output.typeText), here \(plan.outputShapes[output.name]?.description ?? "depends on the data")"
            )
        }
        lines.append(String(format: "size     %d parameters in %d nodes", parameters, graph.nodes.count))
        lines.append(
            String(
                format: "cost     %.3f GFLOP, %.1f MiB for intermediate values", plan.flops / 1e9,
                Double(plan.arenaBytes) / 1_048_576))
        lines += plan.stripLines
        switch field {
        case .local(let halo)?: lines.append("field    \(2 * halo + 1)×\(2 * halo + 1) input pixels: a halo of \(halo)")
        case .whole(let node)?: lines.append("field    the whole image, because of node \(node)")
        case nil: break
        }
        for pass in plan.applied where pass.nodes > 0 { lines.append("pass     \(pass.pass): \(pass.nodes)") }
        for group in groups {
            let shape = group.shape.map { "  \($0)" } ?? ""
            let cost = group.flops > 0 ? String(format: "  %.3f GFLOP", group.flops / 1e9) : ""
            lines.append("kernel   \(group.kernel) × \(group.steps)\(shape)\(cost)")
        }
        return lines.joined(separator: "\n")
    }
}
