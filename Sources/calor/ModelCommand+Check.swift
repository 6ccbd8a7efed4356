import ArgumentParser
import CalorGraph
import CalorTensor

extension ModelCommand {
    /// `calor model check`: can the engine run it?
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a model's operators and whether each is supported.",
            discussion: """
                Reads and validates the whole file. When every operator is supported, the shapes of all nodes are followed once as well.

                STATUS
                  0 when the model can run, 65 when it cannot.
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
            let rows = OperatorRow.rows(of: file)
            let supported = rows.allSatisfy(\.refused.isEmpty)
            var shapes: [String: Shape] = [:]
            if supported {
                shapes = try file.shapes(input)
                do { _ = try file.graph().specialised(to: shapes) } catch let fault as GraphFault { throw file.named(fault) }
            }
            if json {
                print(
                    try jsonText([
                        "supported": supported, "opset": file.model.graph.opset, "irVersion": file.model.irVersion,
                        "operators": rows.map(\.json),
                    ]))
            } else {
                for row in rows { print(row.text) }
                let sizes = shapes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
                print(supported ? "supported: operator set \(file.model.graph.opset), shapes agree for \(sizes)" : "not supported")
            }
            if !supported { throw ExitCode(65) }
        }
    }
}

/// One operator of a model.
private struct OperatorRow {
    let op: String
    let nodes: Int
    let refused: [(node: String, reason: String)]

    static func rows(of file: ModelFile) -> [OperatorRow] {
        let nodes = Dictionary(grouping: file.model.graph.nodes, by: \.op)
        let refusals = Dictionary(grouping: file.model.refusals, by: \.op)
        return nodes.keys.sorted().map { op in
            OperatorRow(op: op, nodes: nodes[op]?.count ?? 0, refused: refusals[op]?.map { ($0.node, $0.reason) } ?? [])
        }
    }

    var json: [String: Any] {
        [
            "op": op, "nodes": nodes, "supported": refused.isEmpty,
            "refused": refused.map { ["node": $0.node, "reason": $0.reason] },
        ]
    }

    var text: String {
        let head = "\(refused.isEmpty ? "yes" : "NO ")  \(op) × \(nodes)"
        return ([head] + refused.map { "       \($0.node): \($0.reason)" }).joined(separator: "\n")
    }
}
