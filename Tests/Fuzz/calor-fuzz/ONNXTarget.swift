import CalorBase
import CalorGraph
import CalorONNX
import CalorTensor
import GraphGenerator

/// Any bytes as an ONNX file: import, follow the shapes, plan, and run where that is cheap.
enum ONNXTarget: FuzzTarget {
    static let name = "onnx"
    static let summary = "bytes as an ONNX file: import, shapes, plan, run"

    static func seeds() -> [[UInt8]] {
        (0..<300).map { ONNXWriter.bytes(of: NetworkGenerator(Choices(seed: UInt64($0)), operations: 5).graph) }
            + (0..<700).map { ONNXWriter.bytes(of: OperatorGenerator(Choices(seed: UInt64($0)), tame: true).graph) }
    }

    static func run(_ bytes: [UInt8]) {
        do {
            let model = try ONNXModel(decoding: bytes, folder: nil)
            let graph = try model.supportedGraph()
            var shapes: [String: Shape] = [:]
            for input in graph.inputs {
                shapes[input.name] = Shape(
                    (input.dims ?? []).map { dimension in
                        if case .fixed(let extent) = dimension { extent } else { 5 }
                    })
            }
            var feeds: [String: Tensor] = [:]
            for input in graph.inputs {
                guard let shape = shapes[input.name] else { continue }
                guard shape.dims.reduce(1.0, { $0 * Double($1) }) < 1e6 else { return _ = try graph.specialised(to: shapes) }
                feeds[input.name] = Tensor(input.dtype, shape)
            }
            _ = try OperatorCheck.run(graph, inputs: feeds)
        } catch is any Fault {
            // What such a file deserves; a defect has ended the process already.
        } catch {
            fatalError("an error that is not a fault: \(error)")
        }
    }
}
