import CalorBase
import CalorGraph
import CalorTensor
import Foundation
import SwiftProtobuf

/// A decoded ONNX file: the graph, and what it asks for that the engine does not have.
public struct ONNXModel: Sendable {
    /// The newest operator set that the engine was written for (ONNX 1.22).
    public static let newestOpset = 27

    /// A node that cannot run, and why.
    public struct Refusal: Sendable, Equatable {
        public var node: String
        public var op: String
        public var reason: String
    }

    public var graph: Graph
    public var irVersion: Int
    public var producer: String
    public var refusals: [Refusal]
    /// Files beside the model that hold its weights, by the name that the model gives them.
    public var externalFiles: [String: MappedFile]

    /// Decodes a file without refusing operators, so that they can be listed.
    ///
    /// `folder` is where the file lies: weights may lie in other files of that folder and of folders below it, never elsewhere and
    /// never behind a link. Without a folder such weights are refused.
    ///
    /// *Throws*: a fault with kind `damagedInput` for anything that is not a well-formed model.
    public init(decoding bytes: [UInt8], folder: String?, limits: Limits = Limits()) throws(ONNXFault) {
        guard bytes.count <= limits.fileBytes else { throw .tooLarge(bytes: bytes.count, limit: limits.fileBytes) }
        let file: Onnx_ModelProto
        do {
            file = try Onnx_ModelProto(serializedBytes: bytes)
        } catch {
            throw .format(reason: "its bytes are damaged or cut short")
        }
        guard file.hasGraph else { throw .format(reason: "it has no graph") }
        let opset = try Self.opset(of: file)
        let external = ExternalData(folder: folder, limits: limits)
        var importer = GraphImporter(opset: opset, external: external)
        graph = try importer.run(file.graph)
        refusals = importer.refusals
        externalFiles = external.files
        irVersion = Int(file.irVersion)
        producer =
            file.producerName.isEmpty
            ? "unknown" : [file.producerName, file.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// The graph of a file of which every operator is supported.
    public static func graph(from bytes: [UInt8], folder: String?) throws(ONNXFault) -> Graph {
        try ONNXModel(decoding: bytes, folder: folder).supportedGraph()
    }

    /// The graph, of which every operator is supported.
    public func supportedGraph() throws(ONNXFault) -> Graph {
        if let refusal = refusals.first { throw .unsupported(node: refusal.node, op: refusal.op, reason: refusal.reason) }
        return graph
    }

    private static func opset(of file: Onnx_ModelProto) throws(ONNXFault) -> Int {
        let version = file.opsetImport.last { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? (file.irVersion < 3 ? 1 : 0)
        guard version >= 1, version <= Int64(newestOpset) else { throw .opset(found: version) }
        return Int(version)
    }
}
