import CalorBase
import Foundation

/// The models that can be named: every folder of a search path that holds a `model.yaml`.
public struct ModelCatalogue: Sendable {
    public let searchPaths: [String]

    public init(searchPaths: [String]) { self.searchPaths = searchPaths }

    /// `name` is a model of the catalogue, the path of an `.onnx` file (with or without a sidecar beside it), or the path of a folder
    /// with a sidecar.
    public func find(_ name: String) throws(RestorationFault) -> ModelDescription {
        var isFolder: ObjCBool = false
        if name.contains("/") || name.hasSuffix(".onnx") {
            guard FileManager.default.fileExists(atPath: name, isDirectory: &isFolder) else {
                throw .unreadable(path: name, reason: "does not exist")
            }
            let folder = isFolder.boolValue ? name : (name as NSString).deletingLastPathComponent
            if let described = try Self.sidecar(in: folder.isEmpty ? "." : folder),
                isFolder.boolValue || Self.sameFile(described.path, name)
            {
                return described
            }
            guard !isFolder.boolValue else { throw .unreadable(path: name, reason: "has no model.yaml") }
            return try NetworkFile.describe(path: name)
        }
        for root in searchPaths {
            if let found = try Self.sidecar(in: root + "/" + name) { return found }
        }
        throw .modelNotFound(name: name, known: names())
    }

    /// Every model found, sorted by name; the first search path wins. A damaged sidecar is an error.
    public func all() throws(RestorationFault) -> [ModelDescription] {
        var found: [ModelDescription] = []
        for name in names() { found.append(try find(name)) }
        return found
    }

    /// Folders of the search paths that hold a sidecar.
    public func names() -> [String] {
        var names: Set<String> = []
        for root in searchPaths {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
            where FileManager.default.fileExists(atPath: "\(root)/\(name)/model.yaml") { names.insert(name) }
        }
        return names.sorted()
    }

    private static func sidecar(in folder: String) throws(RestorationFault) -> ModelDescription? {
        let path = folder + "/model.yaml"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path), data.count <= Sidecar.maximumBytes,
            let text = String(data: data, encoding: .utf8)
        else { throw .unreadable(path: path, reason: "cannot be read as UTF-8 text of at most \(Sidecar.maximumBytes) bytes") }
        return try Sidecar.parse(text, path: path, folder: folder)
    }

    private static func sameFile(_ a: String, _ b: String) -> Bool {
        URL(fileURLWithPath: a).standardizedFileURL == URL(fileURLWithPath: b).standardizedFileURL
    }
}
