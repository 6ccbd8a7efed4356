import CalorBase
import CalorGraph
import CalorTensor
import Foundation
import SwiftProtobuf
import Testing

@testable import CalorONNX

@Suite struct ONNXModelTests {
    /// y = Relu(x + w), the node list in a wrong order.
    static func model(_ change: (inout Onnx_ModelProto) -> Void = { _ in }) throws -> [UInt8] {
        var model = Onnx_ModelProto()
        model.irVersion = 8
        model.opsetImport = [.with { $0.version = 17 }]
        model.graph.node = [node("Relu", ["sum"], ["y"]), node("Add", ["x", "w"], ["sum"])]
        model.graph.initializer = [
            .with {
                $0.name = "w"
                $0.dims = [2]
                $0.dataType = 1
                $0.floatData = [1, -5]
            }
        ]
        model.graph.input = [value("x", [.dimParam("n"), .dimValue(2)]), value("w", [.dimValue(2)])]
        model.graph.output = [value("y", [.dimParam("n"), .dimValue(2)])]
        change(&model)
        return try model.serializedBytes()
    }

    static var tensors: TensorImporter { TensorImporter(external: ExternalData(folder: nil, limits: Limits())) }

    static func node(_ op: String, _ inputs: [String], _ outputs: [String]) -> Onnx_NodeProto {
        .with {
            $0.opType = op
            $0.name = "the \(op)"
            $0.input = inputs
            $0.output = outputs
        }
    }

    static func value(_ name: String, _ dims: [Onnx_TensorShapeProto.Dimension.OneOf_Value]) -> Onnx_ValueInfoProto {
        .with {
            $0.name = name
            $0.type.tensorType.elemType = 1
            $0.type.tensorType.shape.dim = dims.map { dim in .with { $0.value = dim } }
        }
    }

    @Test func importsSortsAndRuns() throws {
        let graph = try ONNXModel(decoding: try Self.model(), folder: nil).supportedGraph()
        #expect(graph.nodes.map(\.op) == ["Add", "Relu"])
        #expect(graph.inputs.map(\.name) == ["x"])
        #expect(graph.inputs[0].dims == [.symbol("n"), .fixed(2)])
        let result = try Interpreter.run(graph, inputs: ["x": Tensor([1, 2], [Float(2), 3])])
        #expect(result["y"]?.floats == [3, 0])
    }

    @Test func unknownOperatorsAreListedAndRefused() throws {
        let bytes = try Self.model {
            $0.graph.node[0].opType = "Fancy"
            $0.graph.node[1].domain = "com.example"
        }
        #expect(try ONNXModel(decoding: bytes, folder: nil).refusals.map(\.op) == ["Fancy", "com.example::Add"])
        #expect { try ONNXModel(decoding: bytes, folder: nil).supportedGraph() } throws: {
            "\($0)".contains("the Relu (Fancy) is not supported")
        }
    }

    struct Damage: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var identifier: String
        var change: @Sendable (inout Onnx_ModelProto) -> Void
    }

    static let damages: [Damage] = [
        Damage(testDescription: "no graph", identifier: "onnx.format") { $0.clearGraph() },
        Damage(testDescription: "no outputs", identifier: "onnx.format") { $0.graph.output = [] },
        Damage(testDescription: "future operator set", identifier: "onnx.opset") { $0.opsetImport[0].version = 999 },
        Damage(testDescription: "no operator set", identifier: "onnx.opset") { $0.opsetImport = [] },
        Damage(testDescription: "cycle", identifier: "onnx.cycle") { $0.graph.node[1].input[0] = "y" },
        Damage(testDescription: "own output", identifier: "onnx.cycle") { $0.graph.node[1].input[0] = "sum" },
        Damage(testDescription: "unknown value", identifier: "onnx.node") { $0.graph.node[1].input[0] = "nowhere" },
        Damage(testDescription: "unknown output", identifier: "onnx.value") { $0.graph.output[0].name = "nowhere" },
        Damage(testDescription: "produced twice", identifier: "onnx.value") { $0.graph.node[0].output = ["sum"] },
        Damage(testDescription: "no output", identifier: "onnx.node") { $0.graph.node[0].output = [] },
        Damage(testDescription: "huge weight", identifier: "onnx.tensor") {
            $0.graph.initializer[0].dims = [1 << 31, 1 << 31, 1 << 31]
        },
        Damage(testDescription: "large weight without data", identifier: "onnx.tensor") {
            $0.graph.initializer[0].dims = [1 << 36]
        },
        Damage(testDescription: "negative extent", identifier: "onnx.tensor") { $0.graph.initializer[0].dims = [-2] },
        Damage(testDescription: "too few elements", identifier: "onnx.tensor") { $0.graph.initializer[0].dims = [3] },
        Damage(testDescription: "raw data of wrong length", identifier: "onnx.tensor") {
            $0.graph.initializer[0].rawData = Data([1, 2, 3])
        },
        Damage(testDescription: "text weight", identifier: "onnx.tensor") { $0.graph.initializer[0].dataType = 8 },
        Damage(testDescription: "external data", identifier: "onnx.tensor") { $0.graph.initializer[0].dataLocation = 1 },
        Damage(testDescription: "wrong input type", identifier: "onnx.value") { $0.graph.input[0].type.tensorType.elemType = 8 },
        Damage(testDescription: "input is no tensor", identifier: "onnx.value") { $0.graph.input[0].clearType() },
        Damage(testDescription: "negative input extent", identifier: "onnx.value") {
            $0.graph.input[0].type.tensorType.shape.dim[1].dimValue = -2
        },
        Damage(testDescription: "attribute twice", identifier: "onnx.node") {
            $0.graph.node[0].attribute = [
                .with {
                    $0.name = "a"; $0.i = 1
                },
                .with {
                    $0.name = "a"; $0.i = 1
                },
            ]
        },
        Damage(testDescription: "attribute with a graph", identifier: "onnx.unsupported") {
            $0.graph.node[0].attribute = [
                .with {
                    $0.name = "body"; $0.type = 5
                }
            ]
        },
    ]

    @Test(arguments: damages) func refuses(_ damage: Damage) throws {
        let bytes = try Self.model(damage.change)
        #expect { try ONNXModel(decoding: bytes, folder: nil).supportedGraph() } throws: {
            guard let fault = $0 as? ONNXFault else { return false }
            return fault.identifier == damage.identifier && fault.kind == .damagedInput
        }
    }

    @Test func everyPrefixIsAFaultOrAModel() throws {
        let bytes = try Self.model()
        var faults = 0
        for length in 0..<bytes.count {
            do { _ = try ONNXModel(decoding: Array(bytes.prefix(length)), folder: nil).supportedGraph() } catch { faults += 1 }
        }
        #expect(faults > bytes.count / 2)
    }

    @Test func rawWeightsOfEveryType() throws {
        for (code, dtype) in [
            (1, DType.f32), (2, .u8), (3, .i8), (4, .u16), (5, .i16), (6, .i32), (7, .i64), (9, .bool), (10, .f16), (11, .f64),
            (12, .u32), (13, .u64),
        ] {
            let proto = Onnx_TensorProto.with {
                $0.dims = [2]
                $0.dataType = Int32(code)
                $0.rawData = Data(repeating: 1, count: 2 * dtype.bytes)
            }
            #expect(try Self.tensors.tensor(proto).dtype == dtype, "\(dtype)")
        }
        let bfloat = Onnx_TensorProto.with {
            $0.dims = [1]
            $0.dataType = 16
            $0.rawData = Data([0xC0, 0x3F])
        }
        #expect(try Self.tensors.tensor(bfloat).floats == [1.5])
    }
}
