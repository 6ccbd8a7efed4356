import Foundation

/// The bundled pipelines: every `.yaml` file of a search path.
public struct PipelineCatalogue: Sendable {
    public let searchPaths: [String]

    public init(searchPaths: [String]) { self.searchPaths = searchPaths }

    public func names() -> [String] {
        var names: Set<String> = []
        for folder in searchPaths {
            for name in FileSystem.names(in: folder) ?? [] where name.hasSuffix(".yaml") { names.insert(String(name.dropLast(5))) }
        }
        return names.sorted()
    }

    /// The document of a file, or of a bundled pipeline. What contains a slash or ends in .yaml or .yml is a file.
    public func document(_ name: String) throws(PipelineFault) -> PipelineDocument {
        let isFile = name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml")
        let candidates = isFile ? [name] : searchPaths.map { FileSystem.join($0, name + ".yaml") }
        guard let path = candidates.first(where: { FileSystem.facts($0) != nil }) else {
            throw .pipelineNotFound(name: name, known: names())
        }
        let bytes: [UInt8]
        do throws(PipelineFault) {
            bytes = try FileSystem.read(path, limit: PipelineReader.maximumBytes + 1)
        } catch { throw .pipelineUnreadable(path: path, reason: FileSystem.isFolder(path) ? "is a folder" : "cannot be read") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .shape(
                place: Place(file: path), what: "is not UTF-8 text",
                expected: "give a pipeline file, or the name of a bundled pipeline")
        }
        return try PipelineReader.read(text, file: isFile ? path : InputName(path).file)
    }
}
