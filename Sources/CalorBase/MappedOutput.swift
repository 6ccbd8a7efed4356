#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Bytes of a file that is being written, as memory: what is done can leave this process's memory before the rest is computed.
///
/// The space on the disk is taken beforehand, so that a full disk is a fault and not a signal.
///
/// SAFETY: `@unchecked Sendable`: the pointer is handed out raw; writers write disjoint ranges. Unmapped by the last reference alone.
public final class MappedOutput: @unchecked Sendable {
    public let pointer: UnsafeMutableRawPointer
    public let count: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int
    private let page: Int

    /// The `count` bytes from `offset` on of a file that has them; nil where files cannot be mapped for writing.
    init?(_ descriptor: Int32, offset: Int, count: Int) {
        guard
            let map = MappedFile.mapped(
                descriptor, bytes: offset + count, protection: PROT_READ | PROT_WRITE, flags: MAP_SHARED)
        else { return nil }
        page = Int(sysconf(Int32(_SC_PAGESIZE)))
        (mapping, mappedBytes) = map
        pointer = map.start + offset
        self.count = count
    }

    deinit { munmap(mapping, mappedBytes) }

    /// Takes the pages of `range` out of this process's memory; the file keeps them, and a later access brings them back.
    public func release(_ range: Range<Int>) {
        let offset = pointer - mapping
        let first = (offset + max(range.lowerBound, 0)) / page * page
        let end = (offset + min(range.upperBound, count)) / page * page
        if first < end { madvise(mapping + first, end - first, MADV_DONTNEED) }
    }
}

extension AtomicFile {
    /// Room for `count` bytes after those written so far, as memory; the last thing that is written to the file.
    ///
    /// *Returns*: nil where the file system or this system cannot do it; the file is then as it was.
    /// *Throws*: `file.write` when the disk has no room.
    public mutating func mapRest(count: Int) throws(FileFault) -> MappedOutput? {
        #if canImport(Darwin)
            return nil
        #else
            let offset = Int(lseek(openDescriptor, 0, SEEK_CUR))
            guard offset >= 0, count > 0 else { return nil }
            switch posix_fallocate(openDescriptor, off_t(offset), off_t(count)) {
            case 0: break
            case let code where [EOPNOTSUPP, EINVAL, ENODEV].contains(code): return nil
            case let code: throw .write(path, Self.reason(code))
            }
            if let output = MappedOutput(openDescriptor, offset: offset, count: count) { return output }
            ftruncate(openDescriptor, off_t(offset))
            return nil
        #endif
    }
}
