import CalorCodecs

/// One file that was given or found.
public struct InputItem: Sendable, Equatable {
    /// As given, or found in a folder that was given; `-` is standard input.
    public var path: String
    /// Relative to the folder that was given; just the file's name for a file.
    public var name: InputName
    /// Of a TIFF that is taken page by page; nil takes the page of the request.
    public var page: Int?
}

/// Finds the images that a request names, in a stable order.
struct InputCollector {
    let request: RunRequest
    /// Names the work; see `RunPlanner.digest`.
    let plan: String
    /// Folders deeper than this are a loop of another kind.
    static let maximumDepth = 64

    func items() throws(PipelineFault) -> [InputItem] {
        var items: [InputItem] = []
        var searched: [String] = []
        let own = ownResults()
        for path in request.inputs {
            if path == "-" {
                items.append(InputItem(path: "-", name: InputName("stdin")))
            } else if FileSystem.isFolder(path) {
                searched.append(path)
                var visited: Set<[UInt64]> = []
                walk(path, relative: "", depth: 0, visited: &visited, own: own, into: &items)
            } else {
                items.append(InputItem(path: path, name: InputName(InputName(path).file)))
            }
        }
        for path in request.listed {
            let isPlain = !path.hasPrefix("/") && !path.split(separator: "/").contains("..")
            var name = isPlain ? path : InputName(path).file
            while name.hasPrefix("./") { name.removeFirst(2) }
            items.append(InputItem(path: path, name: InputName(name)))
        }
        guard !items.isEmpty else {
            throw .nothingToDo(where: searched.isEmpty ? "the list of inputs" : searched.joined(separator: ", "))
        }
        return items
    }

    private func walk(
        _ folder: String, relative: String, depth: Int, visited: inout Set<[UInt64]>, own: Set<[UInt64]>,
        into items: inout [InputItem]
    ) {
        guard depth < Self.maximumDepth, let facts = FileSystem.facts(folder), visited.insert(facts.identity).inserted,
            !isOutput(facts)
        else { return }
        guard let names = FileSystem.names(in: folder) else {
            // An input that fails: what it holds would be missed without a word.
            items.append(InputItem(path: folder, name: InputName(relative.isEmpty ? InputName(folder).file : relative)))
            return
        }
        for name in names where !name.hasPrefix(".") {
            let path = FileSystem.join(folder, name)
            let inside = FileSystem.join(relative, name)
            if FileSystem.isFolder(path) {
                walk(path, relative: inside, depth: depth + 1, visited: &visited, own: own, into: &items)
            } else if isImage(inside), isWanted(path, own: own) {
                items.append(InputItem(path: path, name: InputName(inside)))
            }
        }
    }

    /// Results inside the folder that is read are not inputs.
    private func isOutput(_ facts: FileSystem.Facts) -> Bool {
        guard case .folder(let output) = request.output, let own = FileSystem.facts(output), own.identity == facts.identity else {
            return false
        }
        return !request.inputs.contains { FileSystem.facts($0)?.identity == own.identity }
    }

    /// Pipes and devices in a folder are passed over: opening one may never end. A broken link is a missing input, and is reported.
    private func isWanted(_ path: String, own: Set<[UInt64]>) -> Bool {
        guard let facts = FileSystem.facts(path) else { return true }
        return facts.isRegular && !own.contains(facts.identity)
    }

    /// Files that an earlier run of the same work wrote: where results lie among the inputs, they do not become inputs themselves.
    private func ownResults() -> Set<[UInt64]> {
        guard case .folder(let folder) = request.output,
            let text = try? FileSystem.read(RunPlan.journalPath(in: folder), limit: LineFile.maximumBytes)
        else { return [] }
        let names = JournalIndex.reading(text).index.names(plan: plan)
        return Set(names.compactMap { FileSystem.facts(FileSystem.join(folder, $0))?.identity })
    }

    private func isImage(_ relative: String) -> Bool {
        guard ["png", "jpg", "jpeg", "tif", "tiff"].contains(InputName(relative).fileExtension.lowercased()) else { return false }
        if !request.include.isEmpty, !request.include.contains(where: { $0.matches(relative) }) { return false }
        return !request.exclude.contains { $0.matches(relative) }
    }
}
