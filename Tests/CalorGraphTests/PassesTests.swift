import CalorTensor
import Testing

@testable import CalorGraph

@Suite struct PassesTests {
    /// x → Identity → Reshape to its own shape, computed from Shape, Slice and Concat → Relu; and a branch that nobody needs.
    static func graph() -> Graph {
        var graph = Graph(name: "g", opset: 17, inputs: [], outputs: [], nodes: [], constants: [:], valueNames: [:], valueCount: 0)
        let x = graph.makeValue(named: "x")
        graph.inputs = [ValueInfo(name: "x", value: x, dtype: .f32, dims: [.fixed(1), .fixed(2), .symbol("h"), .symbol("w")])]
        func constant(_ values: Int64...) -> ValueID {
            let id = graph.makeValue()
            graph.constants[id] = Tensor([values.count], values)
            return id
        }
        func node(_ op: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:]) -> ValueID {
            let output = graph.makeValue(named: op)
            graph.nodes.append(
                Node(name: "\(op)_\(graph.nodes.count)", op: op, inputs: inputs, outputs: [output], attributes: attributes))
            return output
        }
        let same = node("Identity", [x])
        let shape = node("Shape", [same])
        let rows = node("Slice", [shape, constant(2), constant(4), constant(0)])
        let target = node("Concat", [constant(2), rows], ["axis": .int(0)])
        let y = node("Relu", [node("Reshape", [same, target])])
        _ = node("Neg", [y])
        graph.outputs = [ValueInfo(name: "y", value: y, dtype: .f32, dims: nil)]
        return graph
    }

    @Test func shapeArithmeticIsFolded() throws {
        let special = try Self.graph().specialised(to: ["x": [1, 2, 3, 5]])
        #expect(special.graph.nodes.map(\.op) == ["Reshape", "Relu"])
        #expect(special.graph.constants.values.map { $0.array(of: Int64.self) } == [[2, 3, 5]])
        #expect(special.types[special.graph.outputs[0].value] == ValueType(.f32, [2, 3, 5]))
        #expect(special.graph.outputs[0].dims == [.fixed(2), .fixed(3), .fixed(5)])
        #expect(special.applied.map(\.nodes) == [1, 3, 1])
    }

    @Test func specialisingKeepsTheResult() throws {
        let x = Tensor([1, 2, 3, 5], (0..<30).map { Float($0) - 15 })
        let graph = Self.graph()
        let want = try Interpreter.run(graph, inputs: ["x": x])["y"]
        let got = try Interpreter.run(try graph.specialised(to: ["x": x.shape]).graph, inputs: ["x": x])["y"]
        #expect(got?.floats == want?.floats)
    }

    struct WrongShapes: Sendable {
        var shapes: [String: Shape]
        var identifier: String
    }

    static let wrong: [WrongShapes] = [
        WrongShapes(shapes: ["x": [1, 3, 3, 5]], identifier: "graph.input-mismatch"),
        WrongShapes(shapes: ["x": [2, 3]], identifier: "graph.input-mismatch"),
        WrongShapes(shapes: [:], identifier: "graph.missing-input"),
        WrongShapes(shapes: ["x": [1, 2, 3, 5], "z": [1]], identifier: "graph.input-mismatch"),
        WrongShapes(shapes: ["x": [1, 2, 1 << 30, 1 << 30]], identifier: "graph.too-large"),
    ]

    @Test(arguments: wrong) func wrongShapesAreFaults(_ entry: WrongShapes) {
        #expect {
            try Self.graph().specialised(to: entry.shapes)
        } throws: {
            ($0 as? GraphFault)?.identifier == entry.identifier
        }
    }

    @Test func anOutputMayBeAnInput() throws {
        var graph = Self.graph()
        graph.outputs[0].value = ValueID(graph.valueNames.first { $0.value == "Identity" }?.key.index ?? 0)
        let special = try graph.specialised(to: ["x": [1, 2, 1, 1]])
        #expect(special.graph.nodes.isEmpty)
        #expect(special.graph.outputs[0].value == special.graph.inputs[0].value)
    }

    @Test func receptiveFieldOfTwoConvolutions() throws {
        var graph = Graph(name: "g", opset: 17, inputs: [], outputs: [], nodes: [], constants: [:], valueNames: [:], valueCount: 0)
        let x = graph.makeValue(named: "x")
        graph.inputs = [ValueInfo(name: "x", value: x, dtype: .f32, dims: [.fixed(1), .fixed(1), .fixed(16), .fixed(16)])]
        var value = x
        for stride in [2, 1] {
            let weights = graph.makeValue()
            graph.constants[weights] = Tensor(.f32, [1, 1, 3, 3])
            let output = graph.makeValue()
            graph.nodes.append(
                Node(
                    name: "c\(stride)", op: "Conv", inputs: [value, weights], outputs: [output],
                    attributes: ["pads": .ints([1, 1, 1, 1]), "strides": .ints([Int64(stride), Int64(stride)])]))
            value = output
        }
        graph.outputs = [ValueInfo(name: "y", value: value, dtype: .f32, dims: nil)]
        // One pixel, then one pixel of twice the size.
        #expect(try graph.specialised(to: [:]).receptiveField() == .local(haloPixels: 3))
        graph.nodes.append(Node(name: "norm", op: "Softmax", inputs: [value], outputs: [graph.makeValue()]))
        graph.outputs[0].value = ValueID(graph.valueCount - 1)
        #expect(try graph.specialised(to: [:]).receptiveField() == .whole(node: "norm"))
    }
}
