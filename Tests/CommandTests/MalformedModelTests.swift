import CalorGraph
import CalorTensor
import Foundation
import GraphGenerator
import Testing

/// Damaged and hostile model files, as a user meets them: status 65, a message with the name of what is wrong, and never a crash.
@Suite struct MalformedModelTests {
    /// y = Relu(x + w), with room for one change.
    static func graph(_ change: (inout Graph) -> Void = { _ in }) -> Graph {
        var graph = Graph(
            name: "test", opset: 17, inputs: [], outputs: [], nodes: [], constants: [:], valueNames: [:], valueCount: 0)
        let (x, w, sum, y) = (
            graph.makeValue(named: "x"), graph.makeValue(named: "w"), graph.makeValue(named: "sum"), graph.makeValue(named: "y")
        )
        graph.inputs = [ValueInfo(name: "x", value: x, dtype: .f32, dims: [.fixed(1), .fixed(2), .fixed(4), .fixed(4)])]
        graph.outputs = [ValueInfo(name: "y", value: y, dtype: .f32, dims: nil)]
        graph.constants[w] = Tensor([1, 2, 1, 1], [Float(1), 2])
        graph.nodes = [
            Node(name: "adder", op: "Add", inputs: [x, w], outputs: [sum]),
            Node(name: "rectifier", op: "Relu", inputs: [sum], outputs: [y]),
        ]
        change(&graph)
        return graph
    }

    /// The graph with a node between the sum and the Relu.
    static func with(
        _ op: String, _ attributes: [String: Attribute] = [:], _ constants: [Tensor] = [], opset: Int = 17
    ) -> [UInt8] {
        ONNXWriter.bytes(
            of: graph { graph in
                graph.opset = opset
                let middle = graph.makeValue(named: "middle")
                var operands: [ValueID?] = graph.nodes[0].outputs
                for (index, tensor) in constants.enumerated() {
                    let value = graph.makeValue(named: "constant\(index)")
                    graph.constants[value] = tensor
                    operands.append(value)
                }
                graph.nodes.insert(
                    Node(name: "culprit", op: op, inputs: operands, outputs: [middle], attributes: attributes), at: 1)
                graph.nodes[2].inputs = [middle]
            })
    }

    /// The graph with one more weight, given field by field.
    static func weight(_ fill: (inout ONNXWriter.Message) -> Void) -> [UInt8] {
        var tensor = ONNXWriter.Message()
        tensor.text(8, "culprit")
        fill(&tensor)
        var more = ONNXWriter.Message()
        more.message(5, tensor)
        return ONNXWriter.bytes(of: graph(), more: more)
    }

    /// The graph with one more node, given field by field.
    static func node(_ fill: (inout ONNXWriter.Message) -> Void) -> [UInt8] {
        var node = ONNXWriter.Message()
        node.text(2, "more")
        node.text(3, "culprit")
        fill(&node)
        var more = ONNXWriter.Message()
        more.message(1, node)
        return ONNXWriter.bytes(of: graph(), more: more)
    }

    static func list(_ values: Int64...) -> Tensor { Tensor([values.count], values) }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var name = "culprit"
        init(_ description: String, _ bytes: [UInt8], name: String = "culprit") {
            (testDescription, self.bytes, self.name) = (description, bytes, name)
        }
    }

    static let window: [String: Attribute] = ["kernel_shape": .ints([1, 1])]

    static let cases: [Case] = [
        Case("empty", [], name: "not an ONNX model"),
        Case("text", Array("this is not a model".utf8), name: "not an ONNX model"),
        Case("cycle", ONNXWriter.bytes(of: graph { $0.nodes[0].inputs[1] = $0.outputs[0].value }), name: "adder"),
        Case("reads itself", ONNXWriter.bytes(of: graph { $0.nodes[1].inputs[0] = $0.outputs[0].value }), name: "rectifier"),
        Case("unknown operator", with("Fancy")),
        Case(
            "operator of another domain",
            node {
                $0.text(4, "Relu"); $0.text(7, "com.example"); $0.text(1, "x")
            }),
        Case("no operator", node { $0.text(1, "x") }),
        Case(
            "missing value",
            node {
                $0.text(4, "Relu"); $0.text(1, "nowhere")
            }),
        Case("missing input", with("MatMul")),
        Case("too many inputs", with("Relu", [:], [list(1), list(2)])),
        Case("produced twice", ONNXWriter.bytes(of: graph { $0.nodes[0].outputs = $0.nodes[1].outputs }), name: "value y"),
        Case(
            "weight twice",
            weight {
                $0.varint(1, 1); $0.varint(2, 1); $0.text(8, "w"); $0.data(9, [0, 0, 0, 0])
            }, name: "value w"),
        Case("output that nothing makes", ONNXWriter.bytes(of: graph { $0.nodes.removeLast() }), name: "value y"),
        Case(
            "negative extent",
            weight {
                $0.varint(1, -3); $0.varint(2, 1)
            }),
        Case(
            "huge extents",
            weight {
                for _ in 0..<5 { $0.varint(1, 1 << 62) }; $0.varint(2, 1)
            }),
        Case(
            "many axes",
            weight {
                for _ in 0..<1000 { $0.varint(1, 1) }; $0.varint(2, 1); $0.data(9, [0, 0, 0, 0])
            }),
        Case(
            "raw data too short",
            weight {
                $0.varint(1, 4); $0.varint(2, 1); $0.data(9, [1, 2, 3])
            }),
        Case(
            "raw data too long",
            weight {
                $0.varint(1, 1); $0.varint(2, 1); $0.data(9, [UInt8](repeating: 0, count: 4096))
            }),
        Case(
            "no data",
            weight {
                $0.varint(1, 1 << 30); $0.varint(2, 1)
            }),
        Case(
            "unknown type",
            weight {
                $0.varint(1, 1); $0.varint(2, 77); $0.data(9, [0, 0, 0, 0])
            }),
        Case(
            "text weight",
            weight {
                $0.varint(1, 1); $0.varint(2, 8)
            }),
        Case(
            "external data outside",
            weight {
                $0.varint(1, 1); $0.varint(2, 1); $0.varint(14, 1); $0.message(13, entry("../secret"))
            }),
        Case(
            "external data at /",
            weight {
                $0.varint(1, 1); $0.varint(2, 1); $0.varint(14, 1); $0.message(13, entry("/etc/passwd"))
            }),
        Case("kernel of 0", with("MaxPool", ["kernel_shape": .ints([0, 0])])),
        Case("kernel that does not fit", with("MaxPool", ["kernel_shape": .ints([9, 9])])),
        Case("kernel of wrong rank", with("MaxPool", ["kernel_shape": .ints([2])])),
        Case("huge stride", with("MaxPool", ["kernel_shape": .ints([1, 1]), "strides": .ints([.max, .min])])),
        Case("huge border", with("MaxPool", ["kernel_shape": .ints([1, 1]), "pads": .ints([.max, .max, .max, .max])])),
        Case("huge pad", with("Pad", [:], [list(0, 0, .max, 1, 0, 0, .max, 1)])),
        Case("pad to a terabyte of pixels", with("Pad", [:], [list(0, 0, 1 << 30, 1 << 30, 0, 0, 0, 0)])),
        Case("huge tile", with("Tile", [:], [list(1, 1, 1 << 40, 1 << 40)])),
        Case("negative tile", with("Tile", [:], [list(1, 1, -1, 1)])),
        Case("huge expand", with("Expand", [:], [list(1 << 40, 1 << 40, 1, 1, 1)])),
        Case("reshape to other count", with("Reshape", [:], [list(5, 7)])),
        Case("reshape with two -1", with("Reshape", [:], [list(-1, -1)])),
        Case("axis outside", with("Softmax", ["axis": .int(.max)])),
        Case("axis of least integer", with("Softmax", ["axis": .int(.min)])),
        Case("perm twice", with("Transpose", ["perm": .ints([0, 0, 1, 2])])),
        Case("block of the greatest integer", with("DepthToSpace", ["blocksize": .int(.max)])),
        Case("block of 0", with("SpaceToDepth", ["blocksize": .int(0)])),
        Case(
            "scale not a number",
            with("Resize", ["mode": .string("linear")], [Tensor([0], [Float]()), Tensor([4], [Float(1), 1, .nan, 1])])),
        Case(
            "scale infinite",
            with("Resize", ["mode": .string("linear")], [Tensor([0], [Float]()), Tensor([4], [1, 1, .infinity, 1] as [Float])])),
        Case(
            "unknown mode",
            with("Resize", ["mode": .string("magic")], [Tensor([0], [Float]()), Tensor([4], [1, 1, 2, 2] as [Float])])),
        Case("attribute of wrong type", with("Softmax", ["axis": .string("one")])),
        Case("index outside", with("Gather", ["axis": .int(0)], [list(99)])),
        Case("split that does not add up", with("Split", ["axis": .int(1)], [list(3, 3)])),
        Case("group of 0", with("Conv", ["group": .int(0)].merging(window) { $1 }, [Tensor(.f32, [2, 2, 1, 1])])),
        Case("weights that do not fit", with("Conv", window, [Tensor(.f32, [2, 7, 1, 1])])),
        Case("weights of another type", with("Conv", window, [Tensor(.i64, [2, 2, 1, 1])])),
        Case("matrices that do not multiply", with("MatMul", [:], [Tensor(.f32, [5, 5])])),
        Case(
            "attribute with a graph",
            node {
                $0.text(4, "If"); $0.text(1, "x"); $0.message(5, branch())
            }),
        Case("future operator set", ONNXWriter.bytes(of: graph { $0.opset = 9999 }), name: "operator set 9999"),
        Case("operator set 0", ONNXWriter.bytes(of: graph { $0.opset = 0 }), name: "operator set 0"),
    ]

    private static func entry(_ location: String) -> ONNXWriter.Message {
        var entry = ONNXWriter.Message()
        entry.text(1, "location")
        entry.text(2, location)
        return entry
    }

    private static func branch() -> ONNXWriter.Message {
        var attribute = ONNXWriter.Message()
        attribute.text(1, "then_branch")
        attribute.message(6, ONNXWriter.Message())
        attribute.varint(20, 5)
        return attribute
    }

    @Test(arguments: cases) func isRefusedByName(_ wrong: Case) throws {
        let folder = try TemporaryFolder()
        try folder.write(wrong.bytes, to: "model.onnx")
        for command in ["check", "info"] {
            let result = try CalorProcess.run(["model", command, folder.path("model.onnx")])
            #expect(result.status == 65, "\(command): status \(result.status): \(result.error)")
            let text = result.error + result.text
            #expect(text.contains(wrong.name), "\(command): \(text)")
            #expect(!text.contains("Fatal error"), "\(command): \(text)")
        }
    }

    @Test func theUnchangedModelIsFine() throws {
        let folder = try TemporaryFolder()
        try folder.write(ONNXWriter.bytes(of: Self.graph()), to: "model.onnx")
        #expect(try CalorProcess.run(["model", "check", folder.path("model.onnx")]).status == 0)
        #expect(try CalorProcess.run(["model", "info", folder.path("model.onnx")]).status == 0)
    }

    /// Cut anywhere: a message, or what is left is a model by itself.
    @Test func cutAnywhere() throws {
        let folder = try TemporaryFolder()
        let bytes = ONNXWriter.bytes(of: Self.graph())
        for length in stride(from: 0, to: bytes.count, by: 9) {
            try folder.write(bytes.prefix(length), to: "model.onnx")
            let result = try CalorProcess.run(["model", "info", folder.path("model.onnx")])
            #expect(result.status == 65, "the first \(length) bytes: \(result.error)")
        }
    }

    /// Graphs within graphs, thousands deep: the decoder must not run out of stack.
    @Test func deepNesting() throws {
        var inner = ONNXWriter.Message()
        for _ in 0..<5000 {
            var attribute = ONNXWriter.Message()
            attribute.text(1, "body")
            attribute.message(6, inner)
            var node = ONNXWriter.Message()
            node.text(4, "If")
            node.message(5, attribute)
            inner = ONNXWriter.Message()
            inner.message(1, node)
        }
        let folder = try TemporaryFolder()
        try folder.write(ONNXWriter.bytes(of: Self.graph(), more: inner), to: "model.onnx")
        let result = try CalorProcess.run(["model", "check", folder.path("model.onnx")])
        #expect(result.status == 65, "\(result.error)")
    }

    /// A chain of very many nodes takes a while and memory in proportion, not a stack or a square.
    @Test func veryManyNodes() throws {
        let graph = Self.graph { graph in
            var last = graph.inputs[0].value
            graph.nodes = (0..<50_000).map { index in
                let next = graph.makeValue()
                defer { last = next }
                return Node(name: "n\(index)", op: "Neg", inputs: [last], outputs: [next])
            }
            graph.outputs = [ValueInfo(name: "y", value: last, dtype: .f32, dims: nil)]
        }
        let folder = try TemporaryFolder()
        try folder.write(ONNXWriter.bytes(of: graph), to: "model.onnx")
        let start = ContinuousClock.now
        let result = try CalorProcess.run(["model", "check", folder.path("model.onnx")])
        #expect(result.status == 0, "\(result.error)")
        #expect(ContinuousClock.now - start < .seconds(60))
    }
}
