import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory for one run; goes back to its store when the run is over.
struct ArenaLease: ~Copyable {
    let memory: AlignedBytes
    private let store: ArenaStore

    fileprivate init(memory: AlignedBytes, store: ArenaStore) {
        self.memory = memory
        self.store = store
    }

    deinit { store.giveBack(memory) }
}

/// Arenas of earlier runs, kept for the next one.
///
/// SAFETY: `@unchecked Sendable`: every access to `free` holds the lock.
final class ArenaStore: @unchecked Sendable {
    /// More arenas than threads that run one network at a time are of no use.
    private static let keptArenas = 4

    private let lock = Lock()
    private var free: [AlignedBytes] = []

    func lease(bytes: Int) -> ArenaLease {
        let recycled: AlignedBytes? = lock.locked {
            // The smallest that is large enough.
            guard let index = free.indices.filter({ free[$0].count >= bytes }).min(by: { free[$0].count < free[$1].count }) else {
                return nil
            }
            return free.remove(at: index)
        }
        return ArenaLease(memory: recycled ?? AlignedBytes(count: bytes, zeroed: false), store: self)
    }

    fileprivate func giveBack(_ memory: AlignedBytes) {
        lock.locked {
            free.append(memory)
            if free.count > Self.keptArenas, let smallest = free.indices.min(by: { free[$0].count < free[$1].count }) {
                free.remove(at: smallest)
            }
        }
    }
}

/// A mutual exclusion that the thread sanitizer understands (it does not see the standard library's `Mutex`).
///
/// SAFETY: `@unchecked Sendable`: the pointer never changes and the system's lock is made for sharing.
final class Lock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
