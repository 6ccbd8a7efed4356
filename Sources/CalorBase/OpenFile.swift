#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A regular file that is open for reading, from any place in it and from any thread; closed when nobody holds it any more.
public final class OpenFile: Sendable {
    public let descriptor: Int32
    /// Bytes when it was opened. A file that shrinks later ends early, as a truncated one does.
    public let count: Int

    /// Nil when there is no regular file at `path` or it cannot be opened.
    public init?(reading path: String) {
        let opened = open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { return nil }
        var info = stat()
        guard fstat(opened, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            close(opened)
            return nil
        }
        descriptor = opened
        count = Int(info.st_size)
    }

    deinit { close(descriptor) }

    /// Fills `buffer` from `offset` on; how many bytes the file had there.
    public func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard offset >= 0, let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let got = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            done += got
        }
        return done
    }

    /// `count` bytes at `offset`; nil when the file does not have them.
    public func bytes(at offset: Int, count wanted: Int) -> [UInt8]? {
        guard offset >= 0, wanted >= 0, offset <= count, wanted <= count - offset else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            filled = read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
        return bytes.count == wanted ? bytes : nil
    }

    /// SHA-256 of the whole file, in pieces.
    public func hexDigest() -> String {
        var hash = SHA256()
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { block.deallocate() }
        var offset = 0
        while offset < count {
            let got = read(at: offset, into: block)
            guard got > 0 else { break }
            hash.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block)[..<got]))
            offset += got
        }
        return hash.hexDigest()
    }
}
