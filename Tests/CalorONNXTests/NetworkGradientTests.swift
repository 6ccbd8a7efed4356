import CalorGraph
import CalorONNX
import CalorTensor
import Foundation
import Testing

/// Gradients of whole networks against PyTorch's (Golden/make_gradients.py).
@Suite struct NetworkGradientTests {
    struct Golden: Decodable {
        struct Case: Decodable {
            var name: String
            var shape: [Int]
            var outputShape: [Int]
            var x: [Float]
            var y: [Float]
            var seed: [Float]
            var gradient: [Float]
        }
        var cases: [Case]
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")

    /// *Precision*: 1e-3 of the largest element, the bar; what is reached is 1e-5.
    @Test func agreeWithPyTorch() throws {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent("gradients.json"))
        let golden = try JSONDecoder().decode(Golden.self, from: data)
        #expect(golden.cases.map(\.name) == ["vgg", "unet", "window"])
        for one in golden.cases {
            let bytes = try [UInt8](Data(contentsOf: Self.folder.appendingPathComponent("\(one.name).onnx")))
            let graph = try ONNXModel.graph(from: bytes, folder: Self.folder.path)
            let reversed = try graph.reversed(for: ["x": Shape(one.shape)], outputs: ["y"], inputs: ["x"])
            let feeds = [
                "x": Tensor(Shape(one.shape), one.x), Graph.seedName(of: "y"): Tensor(Shape(one.outputShape), one.seed),
            ]
            let results = [
                ("interpreter", try Interpreter.run(reversed, inputs: feeds)),
                ("session", try Session(graph: reversed).run(feeds)),
            ]
            for (engine, result) in results {
                for (name, expected) in [("y", one.y), (Graph.gradientName(of: "x"), one.gradient)] {
                    let found = try #require(result[name]).floats
                    let largest = expected.map(abs).max() ?? 0
                    let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
                    #expect(
                        found.count == expected.count && worst <= 2e-5 * largest,
                        "\(one.name), \(engine), \(name): \(worst) of \(largest)")
                }
            }
        }
    }
}
