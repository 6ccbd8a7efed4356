import CalorTensor
import Foundation
import Testing

@testable import CalorGraph

/// Operators against ONNX's own reference evaluator (`Golden/make_operators.py`).
@Suite struct OperatorsTests {
    struct Packed: Decodable {
        var dtype: String
        var shape: [Int]
        var values: [Double]

        var tensor: Tensor {
            dtype == "i64" ? Tensor(Shape(shape), values.map { Int64($0) }) : Tensor(Shape(shape), values.map { Float($0) })
        }
    }

    enum Value: Decodable {
        case int(Int64), float(Float), ints([Int64]), string(String)

        init(from decoder: any Decoder) throws {
            let box = try decoder.singleValueContainer()
            if let value = try? box.decode(Int64.self) {
                self = .int(value)
            } else if let value = try? box.decode(Float.self) {
                self = .float(value)
            } else if let value = try? box.decode([Int64].self) {
                self = .ints(value)
            } else {
                self = .string(try box.decode(String.self))
            }
        }

        var attribute: Attribute {
            switch self {
            case .int(let value): .int(value)
            case .float(let value): .float(value)
            case .ints(let values): .ints(values)
            case .string(let text): .string(text)
            }
        }
    }

    struct Case: Decodable {
        var op: String
        var opset: Int
        var attributes: [String: Value]
        var inputs: [Packed]
        var output: Packed
    }

    static func cases() throws -> [Case] {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/operators.json")
        return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
    }

    /// *Precision*: 1e-5 relative; the reference rounds its sums in another order.
    @Test func agreeWithTheReference() throws {
        for (index, entry) in try Self.cases().enumerated() {
            let label = "case \(index): \(entry.op) \(entry.opset) \(entry.attributes)"
            // An empty tensor stands for an input that is left out.
            let ids = entry.inputs.enumerated().map { $0.element.values.isEmpty ? nil : ValueID($0.offset) }
            let node = Node(
                name: "n", op: entry.op, inputs: ids, outputs: [ValueID(ids.count)],
                attributes: entry.attributes.mapValues(\.attribute))
            let tensors = entry.inputs.map(\.tensor)
            let inputs = tensors.map { $0.count == 0 ? nil : $0 }
            let result = try #require(try Interpreter.evaluate(node: node, opset: entry.opset, inputs: inputs)[0], "\(label)")
            let want = entry.output.tensor
            #expect(result.type == want.type, "\(label)")
            let inferred = try Interpreter.infer(node: node, opset: entry.opset, types: inputs.map { $0?.type }, constants: inputs)
            #expect(inferred == [want.type], "\(label)")
            guard result.type == want.type else { continue }
            for (place, (got, wanted)) in zip(result.doubles, want.doubles).enumerated()
            where abs(got - wanted) > 1e-5 * max(1, abs(wanted)) {
                Issue.record("\(label) at \(place): \(got), not \(wanted)")
                break
            }
        }
    }

    static let hostile: [(op: String, inputs: [Tensor?], attributes: [String: Attribute])] = [
        ("Conv", [Tensor(.f32, [1, 3, 4, 4]), Tensor(.f32, [2, 4, 3, 3])], [:]),
        ("Conv", [Tensor(.f32, [1, 3, 4, 4]), Tensor(.f32, [2, 3, 9, 9])], [:]),
        ("Conv", [Tensor(.f32, [1, 3, 4, 4]), Tensor(.f32, [2, 3, 3, 3])], ["strides": .ints([0, 1])]),
        ("Conv", [Tensor(.f32, [1, 3, 4, 4]), Tensor(.f32, [2, 3, 3, 3])], ["pads": .ints([.min, .max, .max, .min])]),
        ("Conv", [Tensor(.f32, [1, 3, 4, 4]), Tensor(.f32, [2, 3, 3, 3])], ["group": .int(0)]),
        ("Reshape", [Tensor(.f32, [2, 3]), Tensor([2], [Int64(4), 2])], [:]),
        ("Reshape", [Tensor(.f32, [2, 3]), Tensor([3], [Int64.max, .max, .max])], [:]),
        ("Expand", [Tensor(.f32, [1]), Tensor([3], [Int64(1) << 40, 1 << 40, 1 << 40])], [:]),
        ("ConstantOfShape", [Tensor([2], [Int64(1) << 33, 2])], [:]),
        ("Tile", [Tensor(.f32, [2]), Tensor([1], [Int64.max])], [:]),
        ("Pad", [Tensor(.f32, [2]), Tensor([2], [Int64.max, .max])], [:]),
        ("Pad", [Tensor(.f32, [2]), Tensor([2], [Int64.min, 1])], [:]),
        (
            "Slice",
            [
                Tensor(.f32, [2]), Tensor([1], [Int64(0)]), Tensor([1], [Int64(1)]), Tensor([1], [Int64(0)]),
                Tensor([1], [Int64(0)]),
            ], [:]
        ),
        ("Gather", [Tensor(.f32, [2]), Tensor([1], [Int64(2)])], [:]),
        ("Gather", [Tensor(.f32, [2]), Tensor([1], [Int64.min])], [:]),
        ("Transpose", [Tensor(.f32, [2, 2])], ["perm": .ints([0, 0])]),
        ("Concat", [Tensor(.f32, [2]), Tensor(.i64, [2])], ["axis": .int(0)]),
        ("Split", [Tensor(.f32, [2]), Tensor([2], [Int64.max, .max])], [:]), ("Softmax", [Tensor(.f32, [2])], ["axis": .int(.max)]),
        ("Resize", [Tensor(.f32, [1, 1, 2, 2]), nil, Tensor([4], [Float(1), 1, .nan, 1])], [:]),
        ("Resize", [Tensor(.f32, [1, 1, 2, 2]), nil, Tensor([4], [Float(1), 1, 1e30, 1])], [:]),
        ("Range", [Tensor([], [Int64(0)]), Tensor([], [Int64.max]), Tensor([], [Int64(1)])], [:]),
        ("Range", [Tensor([], [Int64(0)]), Tensor([], [Int64(4)]), Tensor([], [Int64(0)])], [:]),
        ("TopK", [Tensor(.f32, [3]), Tensor([1], [Int64(4)])], [:]),
        ("Div", [Tensor([1], [Int64(1)]), Tensor([1], [Int64(0)])], [:]),
        ("MatMul", [Tensor(.f32, [2, 3]), Tensor(.f32, [2, 3])], [:]),
        ("DepthToSpace", [Tensor(.f32, [1, 3, 2, 2])], ["blocksize": .int(.max)]),
        ("Add", [Tensor(.f32, [2]), Tensor(.f32, [3])], [:]), ("Einsum", [Tensor(.f32, [2, 3])], ["equation": .string("ii->")]),
        ("Add", [Tensor(.f32, [2])], [:]), ("Erf", [Tensor(.i64, [2])], [:]), ("NoSuchOperator", [Tensor(.i64, [2])], [:]),
    ]

    /// Found by the fuzz target `operator`.
    @Test func aRegionThatNobodyAsksForIsIgnored() throws {
        let node = Node(
            name: "n", op: "Resize", inputs: (0..<3).map { ValueID($0) }, outputs: [ValueID(3)],
            attributes: ["mode": .string("nearest")])
        let inputs: [Tensor?] = [Tensor(.f32, [1, 1, 2, 2]), Tensor([1], [Float(1)]), Tensor([4], [Float(1), 1, 2, 2])]
        #expect(try Interpreter.evaluate(node: node, opset: 17, inputs: inputs)[0]?.shape == [1, 1, 4, 4])
    }

    /// Statistics may have another type than the data; found by the fuzz target `operator`.
    @Test(arguments: [DType.f64, .f16, .i64]) func runningStatisticsKeepTheirType(_ dtype: DType) throws {
        let node = Node(
            name: "n", op: "BatchNormalization", inputs: (0..<5).map { ValueID($0) }, outputs: (5..<8).map { ValueID($0) },
            attributes: ["training_mode": .int(1)])
        let ones = Tensor([2], [Float(1), 1])
        let statistics = Tensor(dtype, [2])
        let inputs: [Tensor?] = [Tensor([1, 2, 1, 2], [1, 2, 3, 5] as [Float]), ones, ones, statistics, statistics]
        let inferred = try Interpreter.infer(node: node, opset: 17, types: inputs.map { $0?.type }, constants: inputs)
        if dtype == .i64 {
            #expect(throws: GraphFault.self) { try Interpreter.evaluate(node: node, opset: 17, inputs: inputs) }
        } else {
            let found = try Interpreter.evaluate(node: node, opset: 17, inputs: inputs)
            #expect(found.map { $0?.type } == inferred && inferred[1]?.dtype == dtype)
        }
    }

    /// Every number divides no channels; found by the fuzz target `operator`.
    @Test func noChannelsHaveNoManyGroups() throws {
        let x = Tensor(.f32, [5, 0, 2])
        for (groups, isFault) in [(1, false), (1 << 62, true)] {
            let node = Node(
                name: "n", op: "GroupNormalization", inputs: (0..<3).map { ValueID($0) }, outputs: [ValueID(3)],
                attributes: ["num_groups": .int(Int64(groups))])
            let inputs: [Tensor?] = [x, Tensor(.f32, [0]), Tensor(.f32, [0])]
            if isFault {
                #expect(throws: GraphFault.self) { try Interpreter.evaluate(node: node, opset: 21, inputs: inputs) }
            } else {
                #expect(try Interpreter.evaluate(node: node, opset: 21, inputs: inputs)[0]?.type == x.type)
            }
        }
    }

    @Test(arguments: hostile.indices) func contradictionsAreFaults(_ index: Int) {
        let entry = Self.hostile[index]
        let ids = entry.inputs.enumerated().map { $0.element == nil ? nil : ValueID($0.offset) }
        let node = Node(name: "the node", op: entry.op, inputs: ids, outputs: [ValueID(99)], attributes: entry.attributes)
        #expect("\(entry.op) \(entry.attributes)") {
            try Interpreter.evaluate(node: node, opset: 17, inputs: entry.inputs)
        } throws: {
            ($0 as? GraphFault)?.message.contains("the node") == true
        }
        // Inference sees shapes only: it may miss a contradiction, but it must not trap.
        _ = try? Interpreter.infer(node: node, opset: 17, types: entry.inputs.map { $0?.type }, constants: entry.inputs)
    }
}
