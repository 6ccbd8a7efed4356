#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension AtomicFile {
    /// Removes temporary files that a killed process left beside `paths`.
    ///
    /// Only files that this type named for one of `paths` go, and only when the process in their name no longer runs. What cannot be
    /// listed or removed stays: it does no harm.
    public static func removeAbandoned(of paths: [String]) {
        var names: [String: Set<String>] = [:]
        for path in paths {
            let (folder, name) = folderAndName(of: path)
            names[folder, default: []].insert(shortened(name))
        }
        for (folder, owned) in names {
            for file in entries(of: folder) {
                guard let (name, process) = owner(ofTemporary: file), owned.contains(name), kill(process, 0) != 0, errno == ESRCH
                else {
                    continue
                }
                unlink(folder == "/" ? "/" + file : folder + "/" + file)
            }
        }
    }

    /// The name and the process in `.NAME.PID-ATTEMPT.part`; nil for any other name.
    static func owner(ofTemporary file: String) -> (name: String, process: pid_t)? {
        guard file.hasPrefix("."), file.hasSuffix(".part") else { return nil }
        let middle = file.dropFirst().dropLast(5)
        guard let dot = middle.lastIndex(of: ".") else { return nil }
        let numbers = middle[middle.index(after: dot)...].split(separator: "-", omittingEmptySubsequences: false)
        guard numbers.count == 2, let process = pid_t(numbers[0]), process > 0, UInt32(numbers[1]) != nil else { return nil }
        return (String(middle[..<dot]), process)
    }

    private static func entries(of folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(".part") { found.append(name) }
        }
        return found
    }
}
