import CalorTensor
import Foundation
import GraphGenerator
import Testing

/// What `calor model` says about networks that take several inputs or run in strips.
@Suite struct ModelCommandTests {
    /// Every step of it works row by row.
    static let model = CalorProcess.repository.appendingPathComponent("models/enhance-ir/model.onnx").path

    private struct Info: Decodable {
        struct Strip: Decodable {
            var firstStep: Int
            var steps: Int
            var rows: Int
            var turns: Int
            var windowBytes: Int
            var threads: Int
        }
        var arenaBytes: Int
        var plainArenaBytes: Int
        var strips: [Strip]
    }

    private func info(_ shape: String) throws -> Info {
        let result = try CalorProcess.run(["model", "info", Self.model, "--input", shape, "--json"])
        #expect(result.status == 0, "\(result.error)")
        return try JSONDecoder().decode(Info.self, from: result.output)
    }

    /// A residual-shift model takes the image and, four times as large, what it has become so far.
    @Test func inputsWithoutAShapeFitTheOthers() throws {
        let model = CalorProcess.repository.appendingPathComponent("models/ir-x4-shift/model.onnx").path
        let whole = try CalorProcess.run(["model", "check", model])
        #expect(whole.status == 0 && whole.text.contains("image 1×1×128×128, state 1×1×512×512"), "\(whole.text)\(whole.error)")
        let given = try CalorProcess.run(["model", "check", model, "--input", "image=1x1x40x60"])
        #expect(given.status == 0 && given.text.contains("state 1×1×160×240"), "\(given.text)\(given.error)")
        let wrong = try CalorProcess.run(["model", "check", model, "--input", "image=1x1x40x60", "--input", "state=1x1x160x236"])
        #expect(wrong.status == 65 && wrong.error.contains("residual"), "\(wrong.error)")
    }

    @Test func infoShowsStripsWhoseMemoryDoesNotGrowWithTheHeight() throws {
        let small = try info("1x1x64x64")
        #expect(small.strips.isEmpty && small.arenaBytes == small.plainArenaBytes)
        let (large, twice) = (try info("1x1x1080x640"), try info("1x1x2160x640"))
        #expect(large.strips.count == 1 && twice.strips.count == 1)
        #expect(large.arenaBytes == twice.arenaBytes && twice.arenaBytes * 4 < twice.plainArenaBytes)
        #expect(large.strips[0].rows % (4 * large.strips[0].threads) == 0 && large.strips[0].windowBytes <= large.arenaBytes)
        #expect(twice.strips[0].turns > large.strips[0].turns && twice.strips[0].firstStep == 0)
    }

    @Test func aFolderIsAnsweredWithWhatShouldBeInIt() throws {
        let folder = try TemporaryFolder()
        try folder.write([UInt8(0)], to: "model/model.onnx")
        for command in [["model", "info", "model"], ["model", "bench", "model"], ["model", "check", "model"]] {
            let result = try CalorProcess.run(command, in: folder.root)
            #expect(result.status == 66 && result.error.contains("FOLDER/model.onnx"), "\(command): \(result.error)")
        }
    }

    /// An output above 64 MiB is computed in its file.
    @Test func largeOutputsAreComputedInTheirFiles() throws {
        let folder = try TemporaryFolder()
        let side = 3000
        let graph = MalformedModelTests.graph { graph in
            graph.inputs[0].dims = [.fixed(1), .fixed(2), .fixed(side), .fixed(side)]
        }
        try folder.write(ONNXWriter.bytes(of: graph), to: "m.onnx")
        var x = Tensor(.f32, [1, 2, side, side])
        let marks = [0, 12_345, side * side - 1, side * side, 2 * side * side - 1]
        x.withUnsafeMutableBytes { bytes in
            let floats = bytes.bindMemory(to: Float.self)
            for (index, mark) in marks.enumerated() { floats[mark] = Float(index) - 3.5 }
        }
        try folder.write(x.npyBytes, to: "x.npy")
        let result = try CalorProcess.run(
            ["model", "run", "m.onnx", "--input", "x=x.npy", "--output-dir", "out", "--threads", "2"], in: folder.root)
        #expect(result.status == 0, "\(result.error)")
        #expect(folder.files() == ["m.onnx", "out/y.npy", "x.npy"])
        let y = try Tensor(npy: [UInt8](folder.contents("out/y.npy")))
        #expect(y.shape == [1, 2, side, side] && y.dtype == .f32)
        y.withUnsafeBytes { bytes in
            let floats = bytes.bindMemory(to: Float.self)
            #expect(marks.map { floats[$0] } == [0, 0, 0, 1.5, 2.5])
            #expect(floats[1] == 1 && floats[side * side + 1] == 2)
        }
    }

    @Test func benchSaysTheHeightOfTheStripsAndTheArena() throws {
        let result = try CalorProcess.run(
            ["model", "bench", Self.model, "--input", "1x1x1200x400", "--threads", "2", "--runs", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.text.contains("turns of 64 rows") && result.text.contains("cut for 2 threads"), "\(result.text)")
    }
}
