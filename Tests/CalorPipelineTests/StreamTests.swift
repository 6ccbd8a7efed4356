import CalorBase
import CalorCodecs
import CalorImage
import Foundation
import Testing

@testable import CalorPipeline

/// An image that is never held gives the same files as one that is.
struct StreamTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var stages: [String]
        var outputs: [String]
        var testDescription: String { stages.joined(separator: ", ") + " → " + outputs.joined(separator: ", ") }
    }

    private static let one = ["{ to: \"{dir}/{stem}.tiff\" }"]

    static let cases = [
        Case(stages: ["a: { use: resize, scale: 0.5 }"], outputs: one),
        Case(stages: ["a: { use: resize, scale: 0.5 }", "b: { use: palette }"], outputs: ["{ to: \"{dir}/{stem}.png\" }"]),
        Case(stages: ["b: { use: palette }"], outputs: ["{ to: \"{dir}/{stem}.jpg\" }"]),
        Case(stages: ["a: { use: gain }", "b: { use: resize, scale: 1.7 }", "c: { use: palette }"], outputs: one),
        Case(
            stages: ["a: { use: resize, scale: 0.7, filter: lanczos3 }", "b: { use: gain, method: linear }"],
            outputs: [
                "{ from: ir, to: \"{dir}/{stem}_in.png\" }", "{ from: a, to: \"{dir}/{stem}_a.tiff\" }",
                "{ from: b, to: \"{dir}/{stem}.png\" }",
            ]),
    ]

    private static func image(_ height: Int) -> Image {
        var image = scene(width: 61, height: height, seed: 3)
        image.metadata.texts = [.init(key: "ImageDescription", value: "kept")]
        var place = Georeference()
        place.pixelScale = [2, 3, 0]
        place.tiePoints = [0, 0, 0, 100, 200, 0]
        place.keys = [1, 1, 0, 1, 1025, 0, 1, 1]
        image.metadata.georeference = place
        return image
    }

    @Test(arguments: cases, [1, 2, 3]) func theSameFiles(_ item: Case, _ threads: Int) throws {
        let scratch = try Scratch()
        for (name, compression) in [("strips", TIFFCompression.deflate), ("plain", .none)] {
            var options = EncodeOptions()
            options.tiffCompression = compression
            try scratch.write(ImageEncoder.encode(Self.image(4000), as: .tiff, options: options), "in/\(name).tiff")
        }
        try scratch.write(Self.image(301), "in/small.png")
        let text = pipelineText(stages: item.stages, outputs: item.outputs)
        for (folder, from) in [("held", Int.max), ("streamed", 0)] {
            let outcome = try RunTests.run(scratch, threads: threads, out: folder, text: text, change: { $0.streamsFrom = from })
            #expect(outcome.failures.isEmpty && outcome.summary.done == 3, "\(outcome.failures)")
            let uses = RunTests.lines(scratch, "m.jsonl").flatMap { $0["stages"]?.list?.compactMap { $0["use"]?.text } ?? [] }
            #expect(uses.contains("stream") == (from == 0), "\(uses)")
        }
        let files = scratch.files(in: "held")
        #expect(files.count == 3 * item.outputs.count && scratch.files(in: "streamed") == files)
        for file in files {
            #expect(scratch.read("held/\(file)") == scratch.read("streamed/\(file)"), "\(file), \(threads) threads")
        }
    }

    @Test func theJournalProvesStreamedOutputs() throws {
        let scratch = try Scratch()
        try scratch.write(Self.image(900), "in/a.tiff", as: .tiff)
        let text = pipelineText(stages: ["a: { use: resize, scale: 0.5 }"])
        for expected in [(done: 1, skipped: 0), (done: 0, skipped: 1)] {
            let outcome = try RunTests.run(scratch, text: text, change: { $0.streamsFrom = 0 })
            #expect(outcome.summary.done == expected.done && outcome.summary.skipped == expected.skipped)
        }
        let digest = RunTests.lines(scratch, "m.jsonl").first?["inputSHA256"]?.text
        #expect(digest == SHA256.hex(of: try #require(scratch.read("in/a.tiff"))))
    }

    @Test func aFileThatEndsEarlyLeavesNothing() throws {
        let scratch = try Scratch()
        var options = EncodeOptions()
        options.pngCompressionLevel = 0
        let whole = try ImageEncoder.encode(Self.image(900), as: .png, options: options)
        try scratch.write(Array(whole.prefix(whole.count * 2 / 3)), "in/a.png")
        let text = pipelineText(stages: ["a: { use: resize, scale: 0.5 }"])
        let outcome = try RunTests.run(scratch, text: text, change: { $0.streamsFrom = 0 })
        #expect(outcome.failures.first?.fault.identifier == "png.truncated")
        #expect(scratch.files(in: "out").isEmpty)
        let names = FileSystem.names(in: scratch.path + "/out") ?? []
        #expect(names.allSatisfy { $0 == ".calor" }, "left behind: \(names)")
        let tolerant = try RunTests.run(
            scratch, text: text,
            change: {
                $0.streamsFrom = 0; $0.toleratesTruncation = true
            })
        #expect(tolerant.summary.done == 1)
    }

    @Test func georeferencesFollowTheSize() throws {
        let scratch = try Scratch()
        try scratch.write(Self.image(300), "in/a.tiff", as: .tiff)
        for from in [0, Int.max] {
            let text = pipelineText(stages: ["a: { use: resize, width: 122, height: 150 }"])
            _ = try RunTests.run(scratch, out: "out\(from == 0)", text: text, change: { $0.streamsFrom = from })
            let place = try ImageDecoder.decode(try #require(scratch.read("out\(from == 0)/a.tiff"))).image.metadata.georeference
            #expect(place?.pixelScale == [1, 6, 0] && place?.tiePoints == [0, 0, 0, 100, 200, 0])
        }
    }
}
