import CalorBase
import CalorImage
import Foundation
import SwiftProtobuf
import Testing

@testable import CalorONNX
@testable import CalorRestoration

/// A model whose weights lie in a file of their own: the sidecar vouches for both files.
@Suite struct ExternalWeightsTests {
    /// `[n, 1, h, w]` times the weight in `weights.bin`.
    private static let model = Onnx_ModelProto.with {
        $0.irVersion = 8
        $0.opsetImport = [.with { $0.version = 17 }]
        $0.graph.node = [
            .with {
                $0.name = "scale"
                $0.opType = "Conv"
                $0.input = ["input", "weight"]
                $0.output = ["output"]
            }
        ]
        $0.graph.initializer = [
            .with {
                $0.name = "weight"
                $0.dims = [1, 1, 1, 1]
                $0.dataType = 1
                $0.dataLocation = 1
                $0.externalData = [
                    .with {
                        $0.key = "location"
                        $0.value = "weights.bin"
                    }
                ]
            }
        ]
        $0.graph.input = [image("input")]
        $0.graph.output = [image("output")]
    }

    private static func image(_ name: String) -> Onnx_ValueInfoProto {
        .with {
            $0.name = name
            $0.type.tensorType.elemType = 1
            $0.type.tensorType.shape.dim = [
                .with { $0.dimParam = "n" }, .with { $0.dimValue = 1 }, .with { $0.dimParam = "h" }, .with { $0.dimParam = "w" },
            ]
        }
    }

    private static func folder(declared: Bool, weight: Float = 0.5, sidecar: Bool = true) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("calor-weights-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let bytes: [UInt8] = try model.serializedBytes()
        let weights = withUnsafeBytes(of: weight) { Array($0) }
        let stated = withUnsafeBytes(of: Float(0.5)) { Array($0) }
        try Data(bytes).write(to: folder.appendingPathComponent("model.onnx"))
        try Data(weights).write(to: folder.appendingPathComponent("weights.bin"))
        guard sidecar else { return folder }
        let text = """
            calor-model: 1
            name: half
            purpose: enhancement
            kind: any
            file: model.onnx
            sha256: \(SHA256.hex(of: bytes))
            scale: 1
            channels: 1
            input: input
            output: output
            \(declared ? "external-data: { weights.bin: \(SHA256.hex(of: stated)) }" : "")
            """
        try Data(text.utf8).write(to: folder.appendingPathComponent("model.yaml"))
        return folder
    }

    private static func identifier(of folder: URL) -> String {
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            _ = try Restorer(model: ModelCatalogue(searchPaths: []).find(folder.path))
            return "loaded"
        } catch {
            return (error as? any Fault)?.identifier ?? "\(error)"
        }
    }

    @Test func theSidecarMustVouchForTheWeights() throws {
        #expect(Self.identifier(of: try Self.folder(declared: true)) == "loaded")
        #expect(Self.identifier(of: try Self.folder(declared: true, weight: 0.25)) == "model.digest")
        #expect(Self.identifier(of: try Self.folder(declared: false)) == "model.undeclared-data")
    }

    /// Without a sidecar as well, other weights are another model: plans and journals must see it.
    @Test func otherWeightsGiveAnotherDigest() throws {
        let folders = try [0.5, 0.25].map { try Self.folder(declared: false, weight: $0, sidecar: false) }
        defer { for folder in folders { try? FileManager.default.removeItem(at: folder) } }
        let models = try folders.map { try ModelCatalogue(searchPaths: []).find($0.path + "/model.onnx") }
        #expect(models[0].sha256 == models[1].sha256)
        #expect(models[0].digest != models[1].digest)
    }
}
