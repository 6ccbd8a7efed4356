#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A regular file below a folder, mapped for reading.
///
/// The path comes from a file that may be hostile, so it must stay below the folder: no absolute path, no `..`, no symbolic link in any
/// component, and no second hard link to the file. Each component is opened relative to the one before it, so nothing can be exchanged
/// between the check and the use. The folder itself is the user's and may be reached through links.
///
/// SAFETY: `@unchecked Sendable`: the memory is read-only and unmapped by the last reference alone.
public final class MappedFile: @unchecked Sendable {
    /// Why a file may not be used; the end of a sentence that begins with its name.
    public struct Refusal: Error, Equatable, CustomStringConvertible {
        public var description: String
    }

    /// Bytes that may be read beyond the end; they are zero.
    public static let readableBeyondEnd = 4096

    public let pointer: UnsafeRawPointer
    public let count: Int
    private let mappedBytes: Int

    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: count) }

    /// *Throws*: when the path leaves the folder, or the file is missing, not a regular file, linked, or larger than `limit` bytes.
    public init(path: String, below folder: String, limit: Int) throws(Refusal) {
        let descriptor = try Self.opened(path, below: folder)
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw Self.failure() }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw Refusal(description: "is not a regular file") }
        guard facts.st_nlink == 1 else {
            throw Refusal(description: "has another hard link, which may lead out of the model's folder")
        }
        guard facts.st_size >= 0, facts.st_size <= limit else {
            throw Refusal(description: "has \(facts.st_size) bytes, the limit is \(limit)")
        }
        count = Int(facts.st_size)
        guard let map = Self.mapped(descriptor, bytes: count, protection: PROT_READ, flags: MAP_PRIVATE) else {
            throw Self.failure()
        }
        mappedBytes = map.bytes
        if count > 0 { madvise(map.start, count, MADV_WILLNEED) }
        pointer = UnsafeRawPointer(map.start)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: pointer), mappedBytes) }

    /// The first `bytes` bytes of a file over zero pages, of which there is one more than it needs: a wide load may begin at the last
    /// byte. nil with the reason in `errno` where the system refuses.
    static func mapped(
        _ descriptor: Int32, bytes: Int, protection: Int32, flags: Int32
    ) -> (start: UnsafeMutableRawPointer, bytes: Int)? {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let whole = (bytes + page - 1) / page * page + max(page, readableBeyondEnd)
        let failed = UnsafeMutableRawPointer(bitPattern: -1)
        let reserved = mmap(nil, whole, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let reserved, reserved != failed else { return nil }
        if bytes > 0, mmap(reserved, bytes, protection, flags | MAP_FIXED, descriptor, 0) != reserved {
            let reason = errno
            munmap(reserved, whole)
            errno = reason
            return nil
        }
        return (reserved, whole)
    }

    // MARK: - The way down

    /// Names of folders and the file, none of which leads up or out.
    static func components(of path: String) throws(Refusal) -> [String] {
        guard !path.isEmpty else { throw Refusal(description: "has no name") }
        guard path.utf8.count <= 4096 else { throw Refusal(description: "has a name of \(path.utf8.count) bytes") }
        guard !path.utf8.contains(0) else { throw Refusal(description: "has a zero byte in its name") }
        guard !path.hasPrefix("/"), !path.contains("\\") else {
            throw Refusal(description: "is not relative to the model's folder")
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        for part in parts where part == ".." { throw Refusal(description: "leads out of the model's folder") }
        for part in parts where part.isEmpty { throw Refusal(description: "has an empty folder name") }
        let names = parts.filter { $0 != "." }
        guard parts.last != ".", !names.isEmpty else { throw Refusal(description: "names a folder") }
        return names
    }

    private static func opened(_ path: String, below folder: String) throws(Refusal) -> Int32 {
        let names = try components(of: path)
        var current = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard current >= 0 else { throw failure() }
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            // O_NONBLOCK: a pipe must not make us wait for its writer.
            let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (isLast ? O_NONBLOCK : O_DIRECTORY)
            let next = openat(current, name, flags)
            let reason = errno
            // Linux answers ENOTDIR where a link stands in for a folder.
            var facts = stat()
            let isLink = next < 0 && fstatat(current, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && facts.st_mode & S_IFMT == S_IFLNK
            close(current)
            guard !isLink else { throw Refusal(description: "is reached through a symbolic link (\(name))") }
            guard next >= 0 else { throw failure(reason) }
            current = next
        }
        return current
    }

    private static func failure(_ code: Int32 = errno) -> Refusal {
        Refusal(description: code == ENOENT ? "does not exist" : "cannot be read: \(String(cString: strerror(code)))")
    }
}
