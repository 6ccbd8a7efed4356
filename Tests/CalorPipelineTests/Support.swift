import CalorBase
import CalorCodecs
import CalorImage
import CalorRestoration
import Foundation

@testable import CalorPipeline

/// A catalogue without models: for pipelines that need none.
func emptyContext(seed: Int? = nil) -> PlanContext { PlanContext(catalogue: ModelCatalogue(searchPaths: []), seed: seed) }

func makePlan(_ text: String, set: [String] = [], name: String? = nil) throws -> PipelinePlan {
    let document = try PipelineReader.read(text, file: "p.yaml")
    return try PlanMaker.plan(document, context: emptyContext(), overrides: set.map { try ParameterOverride($0) }, outputName: name)
}

/// A pipeline around some stages, written as flow mappings.
func pipelineText(kind: String = "infrared", stages: [String], outputs: [String] = ["{ to: \"{dir}/{stem}.{ext}\" }"]) -> String {
    """
    calor: 1
    inputs:
      ir: { kind: \(kind) }
    stages:
    \(stages.map { "  - \($0)" }.joined(separator: "\n"))
    outputs:
    \(outputs.map { "  - \($0)" }.joined(separator: "\n"))
    """
}

/// A pipeline with two inputs that measures the first against the second.
func pairText(_ infrared: String, _ rgb: String) -> String {
    """
    calor: 1
    inputs:
      ir: { \(infrared) }
      rgb: { \(rgb) }
    stages:
      - figures: { use: measure, from: ir, against: rgb }
    outputs:
      - { from: ir, to: "{dir}/{stem}.{ext}" }
    """
}

/// A scene with edges, a slope and texture; the same for the same seed.
func scene(width: Int, height: Int, seed: Int = 1, format: SampleFormat = .u16) -> Image {
    var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    let values = (0..<width * height).map { i -> Float in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let x = i % width
        let y = i / width
        let noise = Float(state >> 40) / Float(1 << 24)
        let level = 0.2 + 0.5 * Float(x) / Float(width) + ((x / 7 + y / 5) % 2 == 0 ? 0.1 : 0) + 0.05 * noise
        return format == .f32 ? 280 + 40 * level : (level * (format == .u8 ? 255 : 8000)).rounded() + (format == .u16 ? 7000 : 0)
    }
    let meaning: SampleMeaning = format == .u8 ? .display : format == .u16 ? .counts : .kelvin
    return Image(
        planes: [Plane(size: Size(width: width, height: height), floats: values, format: format)], colour: .grey, meaning: meaning)
}

/// A folder that goes away with the test.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/calor-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ image: Image, _ name: String, as format: FileFormat = .png) throws {
        try write(ImageEncoder.encode(image, as: format), name)
    }

    func write(_ bytes: [UInt8], _ name: String) throws {
        let full = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (full as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: full))
    }

    func read(_ name: String) -> [UInt8]? { FileManager.default.contents(atPath: path + "/" + name).map { [UInt8]($0) } }

    /// Relative paths of all files that are not hidden.
    func files(in folder: String) -> [String] {
        let root = path + "/" + folder
        let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return all.filter { !$0.contains(".calor") && !FileSystem.isFolder(root + "/" + $0) }.sorted()
    }
}
