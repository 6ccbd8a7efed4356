/// The name of an output with placeholders: `{dir}/{stem}_x4.{ext}`.
public struct OutputTemplate: Sendable, Equatable {
    private enum Part: Equatable {
        case literal(String)
        case placeholder(String)
    }

    /// dir: the folder of the input inside the INPUT folder; stem: its name without the extension; name: its whole name; ext: the
    /// input's extension where that format can hold the output; stage: the stage that is written.
    public static let placeholders = ["dir", "stem", "name", "ext", "stage"]

    public let text: String
    private let parts: [Part]
    private let place: Place

    public init(_ text: String, place: Place) throws(PipelineFault) {
        func fault(_ problem: String) -> PipelineFault { Self.fault(problem, text, place) }
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case "{":
                guard let end = rest.firstIndex(of: "}") else { throw fault("opens a brace that is never closed") }
                let name = String(rest[..<end])
                guard Self.placeholders.contains(name) else {
                    let nearest = nearestWord(to: name, among: Self.placeholders).map { "; did you mean {\($0)}?" } ?? ""
                    throw fault("has an unknown placeholder {\(name)}\(nearest)")
                }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(.placeholder(name))
                rest = rest[rest.index(after: end)...]
            case "}": throw fault("closes a brace that was never opened")
            default: literal.append(character)
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.text = text
        self.parts = parts
        self.place = place
        guard !text.hasPrefix("/") else { throw fault("must be relative to the output folder") }
        guard !text.split(separator: "/").contains("..") else { throw fault("must not leave the output folder") }
        guard let last = text.split(separator: "/", omittingEmptySubsequences: false).last, !last.isEmpty else {
            throw fault("names no file")
        }
    }

    /// True when the format of the output follows the input.
    public var hasFlexibleExtension: Bool { text.hasSuffix(".{ext}") || (text.hasSuffix("{name}")) }

    /// The literal extension at the end, for example `tiff`.
    public var literalExtension: String? {
        guard case .literal(let tail) = parts.last, let dot = tail.lastIndex(of: ".") else { return nil }
        let end = tail[tail.index(after: dot)...]
        return end.isEmpty || end.contains("/") ? nil : String(end)
    }

    private static func fault(_ problem: String, _ text: String, _ place: Place) -> PipelineFault {
        .template(place: place, text: text, problem: problem, valid: placeholders)
    }

    /// The path for one input. An empty `dir` takes its slash with it.
    ///
    /// *Throws*: when what the placeholders stand for makes it leave the output folder, as `.{dir}./x.png` does without a folder.
    public func path(for name: InputName, ext: String, stage: String) throws(PipelineFault) -> String {
        var path = ""
        for part in parts {
            switch part {
            case .literal(let text): path += path.isEmpty && text.hasPrefix("/") ? String(text.drop { $0 == "/" }) : text
            case .placeholder("dir"): path += name.folder
            case .placeholder("stem"): path += name.stem
            case .placeholder("name"): path += name.file
            case .placeholder("ext"): path += ext
            case .placeholder: path += stage
            }
        }
        guard !path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            throw Self.fault("becomes \"\(path)\", which leaves the output folder", text, place)
        }
        guard !path.utf8.contains(0) else { throw Self.fault("has a character of value 0", text, place) }
        return path
    }
}

/// The name of an input relative to the folder that was given: `a/b.png` → folder `a`, stem `b`, extension `png`.
public struct InputName: Sendable, Hashable {
    public let relativePath: String

    public init(_ relativePath: String) { self.relativePath = relativePath }

    public var folder: String { relativePath.lastIndex(of: "/").map { String(relativePath[..<$0]) } ?? "" }
    public var file: String {
        relativePath.lastIndex(of: "/").map { String(relativePath[relativePath.index(after: $0)...]) } ?? relativePath
    }
    /// Without the dot; empty when there is none. A leading dot begins a name, not an extension.
    public var fileExtension: String {
        guard let dot = file.lastIndex(of: "."), dot != file.startIndex else { return "" }
        return String(file[file.index(after: dot)...])
    }
    public var stem: String {
        guard let dot = file.lastIndex(of: "."), dot != file.startIndex else { return file }
        return String(file[..<dot])
    }
}
