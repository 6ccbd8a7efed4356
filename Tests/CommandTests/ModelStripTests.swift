import CalorTensor
import Foundation
import GraphGenerator
import Testing

/// What `calor model` says about networks that run in strips.
@Suite struct ModelStripTests {
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

    @Test func infoShowsStripsWhoseMemoryDoesNotGrowWithTheHeight() throws {
        let small = try info("1x1x64x64")
        #expect(small.strips.isEmpty && small.arenaBytes == small.plainArenaBytes)
        let (large, twice) = (try info("1x1x1080x640"), try info("1x1x2160x640"))
        #expect(large.strips.count == 1 && twice.strips.count == 1)
        #expect(large.arenaBytes == twice.arenaBytes && twice.arenaBytes * 4 < twice.plainArenaBytes)
        #expect(large.strips[0].rows % (4 * large.strips[0].threads) == 0 && large.strips[0].windowBytes <= large.arenaBytes)
        #expect(twice.strips[0].turns > large.strips[0].turns && twice.strips[0].firstStep == 0)
    }

    /// An output above 64 MiB is computed in its file.
    @Test func largeOutputsAreComputedInTheirFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("calor-large-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let side = 3000
        let graph = MalformedModelTests.graph { graph in
            graph.inputs[0].dims = [.fixed(1), .fixed(2), .fixed(side), .fixed(side)]
        }
        let (model, array, out) = (
            folder.appendingPathComponent("m.onnx"), folder.appendingPathComponent("x.npy"), folder.appendingPathComponent("out")
        )
        try Data(ONNXWriter.bytes(of: graph)).write(to: model)
        var x = Tensor(.f32, [1, 2, side, side])
        let marks = [0, 12_345, side * side - 1, side * side, 2 * side * side - 1]
        x.withUnsafeMutableBytes { bytes in
            let floats = bytes.bindMemory(to: Float.self)
            for (index, mark) in marks.enumerated() { floats[mark] = Float(index) - 3.5 }
        }
        try Data(x.npyBytes).write(to: array)
        let result = try CalorProcess.run(
            ["model", "run", model.path, "--input", "x=\(array.path)", "--output-dir", out.path, "--threads", "2"])
        #expect(result.status == 0, "\(result.error)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: out.path) == ["y.npy"])
        let y = try Tensor(npy: [UInt8](Data(contentsOf: out.appendingPathComponent("y.npy"))))
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
