import Foundation
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

    @Test func benchSaysTheHeightOfTheStripsAndTheArena() throws {
        let result = try CalorProcess.run(
            ["model", "bench", Self.model, "--input", "1x1x1200x400", "--threads", "2", "--runs", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.text.contains("turns of 64 rows") && result.text.contains("cut for 2 threads"), "\(result.text)")
    }
}
