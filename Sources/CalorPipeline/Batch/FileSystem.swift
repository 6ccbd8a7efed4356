import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The few questions that a run asks of the file system.
enum FileSystem {
    struct Facts {
        var isFolder: Bool
        /// False for pipes, sockets and devices, which can be read only once or never end.
        var isRegular: Bool
        var bytes: Int
        /// Device and file number: the same for two paths to one file.
        var identity: [UInt64]
    }

    /// What is at `path`, symbolic links followed; nil when there is nothing.
    static func facts(_ path: String) -> Facts? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        return Facts(
            isFolder: info.st_mode & S_IFMT == S_IFDIR, isRegular: info.st_mode & S_IFMT == S_IFREG, bytes: Int(info.st_size),
            identity: [UInt64(info.st_dev), UInt64(info.st_ino)])
    }

    static func isFolder(_ path: String) -> Bool { facts(path)?.isFolder ?? false }

    /// Names in a folder in the order of their bytes; nil when it cannot be read.
    static func names(in folder: String) -> [String]? {
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The bytes of a file, or its first `limit`.
    static func read(_ path: String, limit: Int = .max) throws(PipelineFault) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw errno == ENOENT ? .inputNotFound(path: path) : .inputUnreadable(path: path, reason: errorText(errno))
        }
        defer { close(file) }
        var info = stat()
        guard fstat(file, &info) == 0 else { throw .inputUnreadable(path: path, reason: errorText(errno)) }
        guard info.st_mode & S_IFMT != S_IFDIR else { throw .inputIsFolder(path: path) }
        return try read(file, path: path, expected: Int(info.st_size), limit: limit)
    }

    /// Everything up to the end of an open file, which may be a pipe.
    static func read(_ file: Int32, path: String, expected: Int, limit: Int) throws(PipelineFault) -> [UInt8] {
        var bytes: [UInt8] = []
        // One byte more than expected shows the end without another round of growth. The expectation may be a lie, so it is capped.
        var capacity = min(min(max(expected, 0), 1 << 30) + 1, limit)
        if expected == 0 { capacity = min(1 << 20, limit) }
        while bytes.count < limit {
            let begun = bytes.count
            let wanted = min(max(capacity - begun, 1 << 16), limit - begun)
            bytes.append(contentsOf: repeatElement(0, count: wanted))
            let got = bytes.withUnsafeMutableBytes { readBytes(file, $0.baseAddress?.advanced(by: begun), wanted) }
            if got < 0, errno == EINTR {
                bytes.removeLast(wanted)
                continue
            }
            guard got >= 0 else { throw .inputOutput(path: path, reason: errorText(errno)) }
            bytes.removeLast(wanted - got)
            if got == 0 { break }
        }
        return bytes
    }

    static func remove(_ path: String) { unlink(path) }

    static func errorText(_ number: Int32) -> String { String(cString: strerror(number)) }

    /// `a` and `b` with one slash between them; an empty or `.` folder is left out.
    static func join(_ folder: String, _ name: String) -> String {
        folder.isEmpty ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }
}

/// read(2), which the function of the same name above would hide.
private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int { read(file, buffer, count) }
