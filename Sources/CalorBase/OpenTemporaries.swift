import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The temporary files that are open now, in a form that a signal handler may read.
///
/// A fixed table of C strings behind atomic pointers: registering takes a free slot, and `unlinkAll` only calls `unlink`, which is
/// safe inside a signal handler. When the table is full a file is simply not registered, and only its owner removes it.
public enum OpenTemporaries {
    static let capacity = 256

    // SAFETY: the pointers are reached only through atomic operations; the string behind one is freed by the slot's owner alone.
    private struct Table: @unchecked Sendable {
        let slots: UnsafeMutablePointer<Atomic<UInt>>
    }

    private static let table: Table = {
        let slots = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: capacity)
        for index in 0..<capacity { (slots + index).initialize(to: Atomic(0)) }
        return Table(slots: slots)
    }()

    static func register(_ path: String) -> Int? {
        guard let copy = strdup(path) else { return nil }
        for index in 0..<capacity {
            let word = UInt(bitPattern: copy)
            if (table.slots + index).pointee.compareExchange(expected: 0, desired: word, ordering: .acquiringAndReleasing).exchanged
            {
                return index
            }
        }
        free(copy)
        return nil
    }

    static func release(_ slot: Int) {
        let word = (table.slots + slot).pointee.exchange(0, ordering: .acquiringAndReleasing)
        free(UnsafeMutableRawPointer(bitPattern: word))
    }

    /// Builds the table outside of any handler; call once before the handler is installed.
    public static func prepare() { _ = table.slots }

    /// Removes every registered file from its folder. Safe inside a signal handler once `prepare` has run; the process is expected to
    /// end right after.
    public static func unlinkAll() {
        for index in 0..<capacity {
            let word = (table.slots + index).pointee.load(ordering: .acquiring)
            if let path = UnsafePointer<CChar>(bitPattern: word) { unlink(path) }
        }
    }
}
