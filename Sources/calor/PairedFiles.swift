import Foundation

/// Which files of two folders belong together, by relative path and never by position.
struct PairedFiles: Equatable {
    struct Pair: Equatable {
        var reference: String
        var candidate: String
    }

    private(set) var pairs: [Pair] = []
    /// References without a candidate.
    private(set) var unpairedReferences: [String] = []
    private(set) var unpairedCandidates: [String] = []

    /// Two files that belong together whatever their names are.
    init(reference: String, candidate: String) { pairs = [Pair(reference: reference, candidate: candidate)] }

    /// - Parameters:
    ///   - references, candidates: relative paths.
    ///   - suffixes: what a candidate's name may have before its extension. When empty, any suffix that begins with `_` does, as long
    ///     as only one file has it.
    init(references: [String], candidates: [String], suffixes: [String]) {
        var free = Set(candidates.indices)
        var found: [Int: Int] = [:]
        func claim(_ reference: Int, _ belongs: (String) -> Bool) {
            guard found[reference] == nil else { return }
            let fitting = free.filter { belongs(candidates[$0]) }
            // Of several, the one with the reference's own extension.
            let ending = fileExtension(references[reference])
            let choice = fitting.count == 1 ? Array(fitting) : fitting.filter { fileExtension(candidates[$0]) == ending }
            guard choice.count == 1, let candidate = choice.first else { return }
            found[reference] = candidate
            free.remove(candidate)
        }
        // The same bytes before the same characters: ü can be written in two ways, and a folder can hold both.
        for (i, reference) in references.enumerated() { claim(i) { stem($0).utf8.elementsEqual(stem(reference).utf8) } }
        for (i, reference) in references.enumerated() { claim(i) { stem($0) == stem(reference) } }
        // Longer names first: `a_b_x4` belongs to `a_b`, not to `a`.
        let rest = references.indices.sorted { (references[$0].count, references[$0]) > (references[$1].count, references[$1]) }
        for i in rest {
            for suffix in suffixes { claim(i) { stem($0) == stem(references[i]) + suffix } }
            if suffixes.isEmpty { claim(i) { stem($0).hasPrefix(stem(references[i]) + "_") } }
        }
        pairs = references.indices.compactMap { i in found[i].map { Pair(reference: references[i], candidate: candidates[$0]) } }
        unpairedReferences = references.indices.filter { found[$0] == nil }.map { references[$0] }
        unpairedCandidates = candidates.indices.filter(free.contains).map { candidates[$0] }
    }

    /// Relative paths of the pictures below a folder, by extension, sorted; hidden files and folders are left out.
    ///
    /// *Throws*: when a folder cannot be read, whose pictures would be missed without a word.
    static func pictures(in folder: String) throws -> [String] {
        // The enumerator does not follow a link, not even one that is named.
        let root = URL(fileURLWithPath: folder, isDirectory: true).resolvingSymlinksInPath()
        func check(_ folder: String) throws {
            if access(folder, R_OK | X_OK) != 0 { throw InputFile(path: folder).named(ReadFault.closedFolder) }
        }
        try check(root.path)
        guard let all = FileManager.default.enumerator(atPath: root.path) else { return [] }
        var found: [String] = []
        while let relative = all.nextObject() as? String {
            let hidden = relative.split(separator: "/").contains { $0.hasPrefix(".") }
            guard !hidden else { continue }
            let path = root.appendingPathComponent(relative).path
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            if exists, isFolder.boolValue { try check(path) }
            if exists, !isFolder.boolValue, pictureExtensions.contains(fileExtension(relative)) { found.append(relative) }
        }
        return found.sorted()
    }

    private static let pictureExtensions: Set<String> = ["png", "jpg", "jpeg", "jpe", "jfif", "tif", "tiff", "btf", "tf8"]
}

private func fileExtension(_ path: String) -> String { (path as NSString).pathExtension.lowercased() }
private func stem(_ path: String) -> String { (path as NSString).deletingPathExtension }
