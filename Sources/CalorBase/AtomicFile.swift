#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that is either there in full or not at all.
///
/// The bytes go to a temporary file in the target's folder; `commit` flushes it to the disk, renames it over the target and flushes
/// the folder. Without `commit` nothing stays, neither after an error nor after SIGINT (see `OpenTemporaries`). The target is replaced
/// as `rename` does: a symbolic link there is replaced itself, and what it points to is not touched. Devices and pipes are never
/// replaced. Permissions follow the umask.
public struct AtomicFile: ~Copyable {
    public let path: String
    private let temporaryPath: String
    private var descriptor: Int32
    private let slot: Int?
    private var isCommitted = false

    /// *Throws*: `file.cannot-create` when the folder does not allow it, or a device or a pipe has that name.
    public init(replacing path: String) throws(FileFault) {
        self.path = path
        guard !Self.isSpecial(path) else { throw .cannotCreate(path, "it is a device or a pipe") }
        var attempt: UInt32 = 0
        while true {
            let candidate = Self.temporaryPath(for: path, attempt: attempt)
            let opened = open(candidate, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
            if opened >= 0 {
                (temporaryPath, descriptor) = (candidate, opened)
                slot = OpenTemporaries.register(candidate)
                return
            }
            guard errno == EEXIST, attempt < 1000 else { throw .cannotCreate(path, Self.reason(errno)) }
            attempt += 1
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if !isCommitted { unlink(temporaryPath) }
        if let slot { OpenTemporaries.release(slot) }
    }

    /// The temporary file, readable and writable, for writers that go to and fro in it. It is closed by this value.
    public var openDescriptor: Int32 { descriptor }

    /// SHA-256 and number of all bytes so far.
    public func digest() -> (hex: String, bytes: Int) {
        var hash = SHA256()
        var count = 0
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { block.deallocate() }
        while true {
            let got = pread(descriptor, block.baseAddress, block.count, off_t(count))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return (hash.hexDigest(), count) }
            hash.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block)[..<got]))
            count += got
        }
    }

    /// *Throws*: `file.write`, for example when the disk is full.
    public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileFault) {
        var rest = bytes
        while !rest.isEmpty {
            // Linux writes at most 2 GiB less a page at once.
            #if canImport(Darwin)
                let written = Darwin.write(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
            #elseif canImport(Musl)
                let written = Musl.write(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
            #else
                let written = Glibc.write(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
            #endif
            if written < 0 {
                if errno == EINTR { continue }
                throw .write(path, Self.reason(errno))
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    public mutating func write(_ bytes: [UInt8]) throws(FileFault) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(FileFault) in try write(UnsafeRawBufferPointer(buffer)) }
    }

    /// Makes the file appear under its name.
    ///
    /// *Throws*: `file.write`; the target is then as it was.
    public consuming func commit() throws(FileFault) {
        guard fsync(descriptor) == 0 else { throw .write(path, Self.reason(errno)) }
        let closed = close(descriptor)
        descriptor = -1
        // Some file systems report a full disk only here.
        guard closed == 0 else { throw .write(path, Self.reason(errno)) }
        guard rename(temporaryPath, path) == 0 else { throw .cannotCreate(path, Self.reason(errno)) }
        isCommitted = true
        Self.flushFolder(of: path)
    }

    /// Whether something is there that is neither a file nor a folder, symbolic links followed.
    public static func isSpecial(_ path: String) -> Bool {
        var info = stat()
        guard stat(path, &info) == 0 else { return false }
        return info.st_mode & S_IFMT != S_IFREG && info.st_mode & S_IFMT != S_IFDIR
    }

    /// Writes one array in full.
    public static func write(_ bytes: [UInt8], to path: String) throws(FileFault) {
        var file = try AtomicFile(replacing: path)
        try file.write(bytes)
        try file.commit()
    }

    // MARK: - Names and folders

    /// `.NAME.PID-ATTEMPT.part`; the name is shortened where the whole would be too long for a file system.
    private static func temporaryPath(for path: String, attempt: UInt32) -> String {
        let (folder, name) = folderAndName(of: path)
        let file = ".\(shortened(name)).\(getpid())-\(attempt).part"
        return folder == "." ? file : folder == "/" ? "/\(file)" : "\(folder)/\(file)"
    }

    static func shortened(_ name: String) -> String { String(decoding: Array(name.utf8.prefix(180)), as: UTF8.self) }

    static func folderAndName(of path: String) -> (folder: String, name: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast()
        return (folder.isEmpty ? "." : folder == [""] ? "/" : folder.joined(separator: "/"), parts.last.map(String.init) ?? "")
    }

    /// A folder that cannot be flushed (some network file systems) does not undo the rename: the file is complete.
    private static func flushFolder(of path: String) {
        let descriptor = open(folderAndName(of: path).folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
