import CalorBase
import CalorGraph
import CalorTensor
import Foundation
import SwiftProtobuf
import Testing

@testable import CalorONNX

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Weights beside the model: read where they may be read, refused with the tensor's name everywhere else.
@Suite struct ExternalDataTests {
    /// A folder with `model/`, in which the model lies, and things outside of it.
    final class Place {
        let root: URL
        var model: String { root.appendingPathComponent("model").path }

        init() throws {
            root = FileManager.default.temporaryDirectory.appendingPathComponent("calor-external-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: root.appendingPathComponent("model/sub"), withIntermediateDirectories: true)
            var bytes = Data(repeating: 0xEE, count: 64)
            for value: Float in [1, -5, 7] { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }
            for name in ["model/w.bin", "model/sub/w.bin", "secret.bin"] { try bytes.write(to: root.appendingPathComponent(name)) }
        }

        deinit { try? FileManager.default.removeItem(at: root) }

        func path(_ name: String) -> String { root.appendingPathComponent(name).path }
    }

    /// y = Relu(x + w) with w in another file.
    static func model(_ entries: [(String, String)], _ change: (inout Onnx_TensorProto) -> Void = { _ in }) throws -> [UInt8] {
        try ONNXModelTests.model { model in
            model.graph.initializer[0].floatData = []
            model.graph.initializer[0].dataLocation = 1
            model.graph.initializer[0].externalData = entries.map { key, value in
                .with {
                    $0.key = key
                    $0.value = value
                }
            }
            change(&model.graph.initializer[0])
        }
    }

    static func run(_ bytes: [UInt8], in place: Place) throws -> [Float]? {
        let graph = try ONNXModel(decoding: bytes, folder: place.model).supportedGraph()
        return try Interpreter.run(graph, inputs: ["x": Tensor([1, 2], [Float(0), 0])])["y"]?.floats
    }

    @Test(arguments: [
        ([("location", "w.bin"), ("offset", "64"), ("length", "8")], [1, 0] as [Float]),
        ([("location", "w.bin"), ("offset", "68")], [0, 7]),
        ([("location", "sub/w.bin"), ("offset", "64"), ("checksum", "whatever")], [1, 0]),
        ([("location", "./sub/./w.bin"), ("offset", "64")], [1, 0]),
    ])
    func reads(_ entries: [(String, String)], _ expected: [Float]) throws {
        #expect(try Self.run(try Self.model(entries), in: Place()) == expected)
    }

    @Test func aFolderThatIsALinkItselfIsTheUsersChoice() throws {
        let place = try Place()
        try FileManager.default.createSymbolicLink(atPath: place.path("link"), withDestinationPath: place.model)
        let bytes = try Self.model([("location", "w.bin"), ("offset", "64")])
        let model = try ONNXModel(decoding: bytes, folder: place.path("link"))
        #expect(model.externalFiles.keys.sorted() == ["w.bin"])
    }

    @Test func writingToAMappedTensorChangesACopy() throws {
        let place = try Place()
        let file = try MappedFile(path: "w.bin", below: place.model, limit: 1 << 20)
        var tensor = Tensor(.f32, [3], storage: AlignedBytes(file), offset: 64)
        tensor.withUnsafeMutableBytes { $0.storeBytes(of: 9, as: Float.self) }
        #expect(tensor.floats == [9, -5, 7])
        #expect(Tensor(.f32, [3], storage: AlignedBytes(file), offset: 64).floats == [1, -5, 7])
    }

    struct Violation: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var entries: [(String, String)]
        /// Part of the message.
        var reason: String
        var prepare: @Sendable (Place) throws -> Void = { _ in }
    }

    static let violations: [Violation] = [
        Violation(testDescription: "absolute path", entries: [("location", "/etc/hostname")], reason: "not relative"),
        Violation(testDescription: "parent", entries: [("location", "../secret.bin")], reason: "leads out"),
        Violation(testDescription: "parent in the middle", entries: [("location", "sub/../w.bin")], reason: "leads out"),
        Violation(testDescription: "backslash", entries: [("location", "..\\secret.bin")], reason: "not relative"),
        Violation(testDescription: "empty component", entries: [("location", "sub//w.bin")], reason: "empty folder name"),
        Violation(testDescription: "empty", entries: [("location", "")], reason: "no name"),
        Violation(testDescription: "zero byte", entries: [("location", "w.bin\0x")], reason: "zero byte"),
        Violation(testDescription: "no location", entries: [("offset", "0")], reason: "no location"),
        Violation(testDescription: "missing", entries: [("location", "nowhere.bin")], reason: "does not exist"),
        Violation(testDescription: "folder", entries: [("location", "sub")], reason: "not a regular file"),
        Violation(testDescription: "the folder itself", entries: [("location", ".")], reason: "names a folder"),
        Violation(testDescription: "linked file", entries: [("location", "link.bin")], reason: "symbolic link") {
            try FileManager.default.createSymbolicLink(
                atPath: $0.path("model/link.bin"), withDestinationPath: $0.path("secret.bin"))
        },
        Violation(testDescription: "link inside the folder", entries: [("location", "link.bin")], reason: "symbolic link") {
            try FileManager.default.createSymbolicLink(atPath: $0.path("model/link.bin"), withDestinationPath: "w.bin")
        },
        Violation(testDescription: "linked folder", entries: [("location", "out/secret.bin")], reason: "symbolic link") {
            try FileManager.default.createSymbolicLink(atPath: $0.path("model/out"), withDestinationPath: $0.root.path)
        },
        Violation(testDescription: "hard link", entries: [("location", "hard.bin")], reason: "hard link") {
            try FileManager.default.linkItem(atPath: $0.path("secret.bin"), toPath: $0.path("model/hard.bin"))
        },
        Violation(testDescription: "pipe", entries: [("location", "pipe")], reason: "not a regular file") {
            #expect(mkfifo($0.path("model/pipe"), 0o600) == 0)
        },
        Violation(testDescription: "offset beyond the end", entries: [("location", "w.bin"), ("offset", "77")], reason: "not in"),
        Violation(
            testDescription: "cut short", entries: [("location", "w.bin"), ("offset", "72"), ("length", "8")], reason: "not in"),
        Violation(testDescription: "offset −1", entries: [("location", "w.bin"), ("offset", "-1")], reason: "offset -1"),
        Violation(
            testDescription: "huge offset", entries: [("location", "w.bin"), ("offset", "18446744073709551615")], reason: "offset"),
        Violation(testDescription: "offset in words", entries: [("location", "w.bin"), ("offset", "ten")], reason: "offset ten"),
        Violation(
            testDescription: "wrong length", entries: [("location", "w.bin"), ("offset", "64"), ("length", "12")], reason: "needs 8"
        ),
        Violation(testDescription: "key twice", entries: [("location", "w.bin"), ("location", "w.bin")], reason: "twice"),
    ]

    @Test(arguments: violations) func refuses(_ violation: Violation) throws {
        let place = try Place()
        try violation.prepare(place)
        let bytes = try Self.model(violation.entries)
        #expect {
            _ = try ONNXModel(decoding: bytes, folder: place.model)
        } throws: {
            guard case ONNXFault.tensor(name: "w", let reason) = $0 else { return false }
            return reason.contains(violation.reason) && ($0 as? ONNXFault)?.kind == .damagedInput
        }
    }

    @Test func refusesWithoutAFolder() throws {
        let bytes = try Self.model([("location", "w.bin")])
        #expect { _ = try ONNXModel(decoding: bytes, folder: nil) } throws: {
            "\($0)".contains("tensor w: its data lies in another file")
        }
    }

    @Test func refusesDataInBothPlaces() throws {
        let place = try Place()
        let both = try Self.model([("location", "w.bin")]) { $0.rawData = Data(count: 8) }
        let neither = try Self.model([])
        let unmarked = try Self.model([("location", "w.bin")]) { $0.dataLocation = 0 }
        for bytes in [both, neither, unmarked] {
            #expect { _ = try ONNXModel(decoding: bytes, folder: place.model) } throws: { "\($0)".contains("tensor w: ") }
        }
    }

    /// A small file may stand for any number of bytes through overlapping ranges; their sum is limited.
    @Test func overlappingRangesAreLimited() throws {
        let place = try Place()
        try Data(count: 1 << 18).write(to: place.root.appendingPathComponent("model/w.bin"))
        let bytes = try ONNXModelTests.model { model in
            let initializer = model.graph.initializer[0]
            model.graph.initializer = (0..<100).map { index in
                var tensor = initializer
                tensor.name = index == 0 ? "w" : "w\(index)"
                tensor.dims = [1 << 16]
                tensor.floatData = []
                tensor.dataLocation = 1
                tensor.externalData = [
                    .with {
                        $0.key = "location"
                        $0.value = "w.bin"
                    }
                ]
                return tensor
            }
        }
        var limits = Limits()
        limits.fileBytes = 10 << 18
        #expect {
            _ = try ONNXModel(decoding: bytes, folder: place.model, limits: limits)
        } throws: {
            "\($0)".contains("tensor w10: with it the external data is above the limit")
        }
    }
}
