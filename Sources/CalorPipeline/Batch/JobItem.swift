/// The files of one job: one for each input of the pipeline.
struct JobItem: Sendable, Equatable {
    /// What the outputs are named after: the file's own name, or what a pair has in common with the extension of its first half.
    var name: InputName
    /// In the order of the pipeline's inputs; fewer when a partner is missing.
    var files: [InputItem]
    /// Why this cannot be worked on.
    var problem: Problem?

    var paths: [String] { files.map(\.path) }

    struct Problem: Sendable, Equatable {
        var file: String
        var fault: Fault

        enum Fault: Sendable, Equatable {
            case unpaired(missing: String, wanted: String)
            case ambiguous(input: String, files: [String])
        }

        var pipelineFault: PipelineFault {
            switch fault {
            case .unpaired(let missing, let wanted): .unpaired(found: file, missing: missing, wanted: wanted)
            case .ambiguous(let input, let files): .ambiguousPair(input: input, files: files)
            }
        }
    }
}

/// Puts files together that belong to one job. Pure: names in, jobs out, in the order in which their first file was found.
struct JobSorter {
    let inputs: [PipelinePlan.Input]

    struct Sorted: Equatable {
        var items: [JobItem] = []
        /// Files that are like no pattern.
        var unmatched: [InputItem] = []
    }

    func sorted(_ found: [InputItem]) -> Sorted {
        let patterns = inputs.compactMap(\.match)
        guard inputs.count == 2, patterns.count == 2 else {
            return Sorted(items: found.map { JobItem(name: $0.name, files: [$0], problem: nil) })
        }
        var result = Sorted()
        var order: [Key] = []
        var halves: [Key: [[InputItem]]] = [:]
        for item in found {
            guard let (input, match) = best(patterns, Self.plain(item.path)) else {
                result.unmatched.append(item)
                continue
            }
            let key = Key(prefix: match.prefix, folders: match.folders, stem: match.stem)
            if halves[key] == nil {
                order.append(key)
                halves[key] = [[], []]
            }
            halves[key]?[input].append(item)
        }
        result.items = order.compactMap { key in halves[key].map { item(key, $0, patterns) } }
        return result
    }

    private struct Key: Hashable {
        var prefix: String
        var folders: String
        var stem: String
    }

    /// `./a//b` and `a/b` are one path.
    private static func plain(_ path: String) -> String {
        let names = path.split(separator: "/").filter { $0 != "." }
        return (path.hasPrefix("/") ? "/" : "") + names.joined(separator: "/")
    }

    private func best(_ patterns: [MatchPattern], _ path: String) -> (Int, MatchPattern.Match)? {
        let fitting = patterns.enumerated().compactMap { i, pattern in pattern.match(path).map { (i, $0) } }
        return fitting.max { patterns[$0.0].literalCount < patterns[$1.0].literalCount }
    }

    private func item(_ key: Key, _ halves: [[InputItem]], _ patterns: [MatchPattern]) -> JobItem {
        let first = halves.joined().first
        let name = first.map { self.name(key, of: $0) } ?? InputName(key.stem)
        let files = halves.compactMap(\.first)
        if let input = halves.firstIndex(where: { $0.count > 1 }) {
            let several = halves[input].map(\.path)
            return JobItem(
                name: name, files: files,
                problem: .init(file: several[0], fault: .ambiguous(input: inputs[input].id, files: several)))
        }
        if let missing = halves.firstIndex(where: \.isEmpty), let first {
            let partner = patterns[missing].partner(of: .init(prefix: key.prefix, folders: key.folders, stem: key.stem))
            return JobItem(
                name: name, files: files,
                problem: .init(file: first.path, fault: .unpaired(missing: partner, wanted: "\"\(patterns[missing].text)\"")))
        }
        return JobItem(name: name, files: files, problem: nil)
    }

    /// The folders before the pattern count as far as they lie below the INPUT folder.
    private func name(_ key: Key, of item: InputItem) -> InputName {
        let path = Self.plain(item.path)
        let root = path.split(separator: "/").count - item.name.relativePath.split(separator: "/").count
        let inside = key.prefix.split(separator: "/").dropFirst(max(root, 0)).joined(separator: "/")
        let folder = inside.isEmpty || key.folders.isEmpty ? inside + key.folders : inside + "/" + key.folders
        let ext = item.name.fileExtension
        return InputName(FileSystem.join(folder, ext.isEmpty ? key.stem : key.stem + "." + ext))
    }
}
