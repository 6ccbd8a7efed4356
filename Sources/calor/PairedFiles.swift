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
        var free = Set(candidates)
        var found: [String: String] = [:]
        func claim(_ reference: String, _ belongs: (String) -> Bool) {
            let fitting = free.filter(belongs)
            // Of several, the one with the reference's own extension.
            let choice = fitting.count == 1 ? Array(fitting) : fitting.filter { fileExtension($0) == fileExtension(reference) }
            guard choice.count == 1, let candidate = choice.first else { return }
            found[reference] = candidate
            free.remove(candidate)
        }
        for reference in references { claim(reference) { stem($0) == stem(reference) } }
        // Longer names first: `a_b_x4` belongs to `a_b`, not to `a`.
        let rest = references.filter { found[$0] == nil }.sorted { ($0.count, $0) > ($1.count, $1) }
        for reference in rest {
            for suffix in suffixes where found[reference] == nil { claim(reference) { stem($0) == stem(reference) + suffix } }
            if suffixes.isEmpty { claim(reference) { stem($0).hasPrefix(stem(reference) + "_") } }
        }
        pairs = references.compactMap { reference in found[reference].map { Pair(reference: reference, candidate: $0) } }
        unpairedReferences = references.filter { found[$0] == nil }
        unpairedCandidates = candidates.filter(free.contains)
    }

    /// Relative paths of the pictures below a folder, by extension, sorted; hidden files and folders are left out.
    static func pictures(in folder: String) -> [String] {
        // The enumerator does not follow a link, not even one that is named.
        let root = URL(fileURLWithPath: folder, isDirectory: true).resolvingSymlinksInPath()
        guard let all = FileManager.default.enumerator(atPath: root.path) else { return [] }
        var found: [String] = []
        while let relative = all.nextObject() as? String {
            let hidden = relative.split(separator: "/").contains { $0.hasPrefix(".") }
            guard !hidden, pictureExtensions.contains(fileExtension(relative)) else { continue }
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: root.appendingPathComponent(relative).path, isDirectory: &isFolder)
            if exists, !isFolder.boolValue { found.append(relative) }
        }
        return found.sorted()
    }

    private static let pictureExtensions: Set<String> = ["png", "jpg", "jpeg", "jpe", "jfif", "tif", "tiff", "btf", "tf8"]
}

private func fileExtension(_ path: String) -> String { (path as NSString).pathExtension.lowercased() }
private func stem(_ path: String) -> String { (path as NSString).deletingPathExtension }
