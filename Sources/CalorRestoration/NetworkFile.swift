import CalorBase
import CalorGraph
import CalorONNX
import CalorTensor
import Foundation

/// From a path to a network that is ready to run.
enum NetworkFile {
    /// Side of the trial image from which a network without a sidecar is described.
    static let trialSide = 64

    static func session(of model: ModelDescription) throws(RestorationFault) -> Session {
        try session(
            path: model.path, sha256: model.isInferred ? nil : model.sha256, name: model.name,
            vouched: model.isInferred ? nil : model.externalData)
    }

    /// - Parameters:
    ///   - sha256: the digest that the file must have; nil takes any.
    ///   - vouched: digests of the files of weights beside it; nil takes any.
    static func session(
        path: String, sha256: String?, name: String, vouched: [String: String]?
    ) throws(RestorationFault) -> Session {
        let bytes = try read(path)
        if let sha256 {
            let digest = SHA256.hex(of: bytes)
            guard digest == sha256 else { throw .digest(path: path, expected: sha256, found: digest) }
        }
        let (file, session) = try session(bytes: bytes, path: path, name: name)
        if let vouched { try check(file, path: path, vouched: vouched, sidecarOf: name) }
        return session
    }

    /// Weights beside the ONNX file are part of the model: the sidecar must vouch for each of their files.
    private static func check(
        _ file: ONNXModel, path: String, vouched: [String: String], sidecarOf name: String
    ) throws(RestorationFault) {
        let folder = (path as NSString).deletingLastPathComponent
        for (data, found) in externalDigests(of: file).sorted(by: { $0.key < $1.key }) {
            let path = folder.isEmpty ? data : folder + "/" + data
            guard let expected = vouched[data] else { throw .undeclaredData(path: path, sidecarOf: name) }
            guard expected == found else { throw .digest(path: path, expected: expected, found: found) }
        }
    }

    /// A network without a sidecar, and the digest of its file and of the weights beside it.
    static func unvouched(path: String, name: String) throws(RestorationFault) -> (session: Session, digest: String) {
        let bytes = try read(path)
        let (file, session) = try session(bytes: bytes, path: path, name: name)
        let data = externalDigests(of: file).sorted { $0.key < $1.key }.map(\.value)
        return (session, ([SHA256.hex(of: bytes)] + data).joined())
    }

    private static func externalDigests(of model: ONNXModel) -> [String: String] {
        model.externalFiles.mapValues { file in
            var hash = SHA256()
            hash.update(file.bytes)
            return hash.hexDigest()
        }
    }

    /// Reads purpose, channels and scale off the network itself.
    static func describe(path: String) throws(RestorationFault) -> ModelDescription {
        let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
        let bytes = try read(path)
        let (file, session) = try session(bytes: bytes, path: path, name: name)
        let graph = file.graph
        guard graph.inputs.count == 1, let input = graph.inputs.first, let output = graph.outputs.first, input.dtype == .f32 else {
            throw .notAnImageNetwork(
                model: name, reason: "one f32 input is expected, this network has \(graph.inputs.count) inputs")
        }
        guard let dims = input.dims, dims.count == 4 else {
            throw .notAnImageNetwork(model: name, reason: "the input must have four dimensions: batch, channels, height, width")
        }
        var channels = 1
        if case .fixed(let n) = dims[1] { channels = n }
        func side(_ dimension: CalorGraph.Dimension) -> Int { if case .fixed(let n) = dimension { n } else { trialSide } }
        let shape = Shape([1, channels, side(dims[2]), side(dims[3])])
        let outputShape: Shape?
        do { outputShape = try session.plan(for: [input.name: shape]).outputShapes[output.name] } catch {
            throw RestorationFault(error, model: name)
        }
        guard let found = outputShape, found.rank == 4, found[1] == channels, found[2] % shape[2] == 0, found[2] / shape[2] >= 1,
            found[3] == shape[3] * (found[2] / shape[2])
        else {
            let text = outputShape.map(\.description) ?? "of unknown shape"
            throw .notAnImageNetwork(
                model: name,
                reason: "an input of \(shape) gives an output \(text), which is not the image enlarged by a whole number")
        }
        let scale = found[2] / shape[2]
        var description = ModelDescription(
            name: name, purpose: scale > 1 ? .superResolution : .enhancement, kind: .any, path: path, sha256: SHA256.hex(of: bytes),
            scale: scale, channels: channels, inputName: input.name, outputName: output.name, range: 0...1, multiple: 1,
            receptiveField: nil, parameters: nil, licence: nil, quality: [], isInferred: true, sampler: nil,
            spectrumPath: nil)
        description.externalData = externalDigests(of: file)
        return description
    }

    private static func session(bytes: [UInt8], path: String, name: String) throws(RestorationFault) -> (
        file: ONNXModel, session: Session
    ) {
        let folder = (path as NSString).deletingLastPathComponent
        let file: ONNXModel
        let graph: Graph
        do {
            file = try ONNXModel(decoding: bytes, folder: folder)
            graph = try file.supportedGraph()
        } catch { throw RestorationFault(error, model: name) }
        do { return (file, try Session(graph: graph)) } catch { throw RestorationFault(error, model: name) }
    }

    static func read(_ path: String) throws(RestorationFault) -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else { throw .unreadable(path: path, reason: "does not exist") }
        // A device or a pipe may never end; whoever names the file is not always the user.
        let type = try? FileManager.default.attributesOfItem(atPath: (path as NSString).resolvingSymlinksInPath)[.type]
        guard type as? FileAttributeType == .typeRegular else { throw .unreadable(path: path, reason: "is no regular file") }
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path, reason: "cannot be read") }
        return [UInt8](data)
    }
}
