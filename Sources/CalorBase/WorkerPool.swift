import CCalorCPU
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A fixed set of threads that share loops over independent parts.
///
/// Goals, in order: the same result for every number of threads (a part never knows who runs it), no lock while parts run,
/// a loop of a few microseconds is still worth sharing. The caller takes part, so a pool of one thread starts none. A loop that is
/// started while another one runs (from a part, or from a second thread) runs in its caller alone: nothing waits, nothing deadlocks.
///
/// SAFETY: `@unchecked Sendable` because of the raw mutex, condition and `Job`. A job is written by the thread that won `owned`, before
/// `ticket` publishes it, and read only by a thread that took a part from that ticket; the owner leaves after the last part is done.
/// `WorkerPoolTests` runs under the thread sanitizer.
public final class WorkerPool: @unchecked Sendable {
    /// Threads that run parts, the caller among them.
    public let threads: Int

    private let shared: Shared
    private var handles: [pthread_t] = []

    /// - Parameters:
    ///   - threads: at least 1; more than 256 are never useful and are refused.
    ///   - onStart: runs once in every new thread, for example to flush denormals.
    public init(threads: Int, onStart: @escaping @Sendable () -> Void = {}) {
        let wanted = min(max(threads, 1), 256)
        shared = Shared(threads: wanted)
        for _ in 1..<max(wanted, 1) {
            let start = Unmanaged.passRetained(Start(shared: shared, onStart: onStart))
            #if canImport(Darwin)
                var handle: pthread_t?
            #else
                var handle = pthread_t()
            #endif
            let status = pthread_create(&handle, nil, workerMain, start.toOpaque())
            guard status == 0 else {
                // The system gives no more threads: the pool is smaller, the results are the same.
                start.release()
                break
            }
            #if canImport(Darwin)
                handles.append(handle!)
            #else
                handles.append(handle)
            #endif
        }
        self.threads = handles.count + 1
    }

    deinit {
        shared.stop()
        for handle in handles { pthread_join(handle, nil) }
    }

    /// Runs `body` for every part in `0..<parts` and returns when all are done.
    ///
    /// Parts must write disjoint memory. Which thread runs a part is not defined.
    public func parallel(_ parts: Int, _ body: @Sendable (Int) -> Void) {
        guard parts > 1, threads > 1, parts <= Shared.maximumParts,
            shared.owned.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
        else {
            for part in 0..<max(parts, 0) { body(part) }
            return
        }
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { shared.run(parts, $0) }
        }
        shared.owned.store(false, ordering: .releasing)
    }
}

/// What a new thread is given.
private final class Start {
    let shared: Shared
    let onStart: @Sendable () -> Void

    init(shared: Shared, onStart: @escaping @Sendable () -> Void) {
        self.shared = shared
        self.onStart = onStart
    }
}

private func workerMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    start.onStart()
    start.shared.work()
    return nil
}

/// The state that the pool and its threads share; it outlives the pool until the last thread has left.
private final class Shared: @unchecked Sendable {
    typealias Body = @Sendable (Int) -> Void

    static let maximumParts = 1 << 20
    /// How long a thread looks for work before it sleeps. Waking a sleeper costs some fifty microseconds on a virtual machine, so a
    /// thread that slept in every gap between two kernels would cost more than it brings; a longer wait would only burn time that
    /// another process may want. Threads that share cores with each other hardly wait: they would hold up those that work.
    private let patience: UInt64

    let owned = Atomic<Bool>(false)
    /// Generation of the loop in the upper half, parts that nobody has taken in the lower half.
    private let ticket = Atomic<UInt64>(0)
    private let unfinished = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)
    private let ownerSleeps = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)
    private var body: UnsafePointer<Body>?
    private var parts = 0

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(threads: Int) {
        patience = threads <= sysconf(Int32(_SC_NPROCESSORS_ONLN)) ? 200_000 : 2_000
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        pthread_cond_init(done, nil)
    }

    deinit {
        pthread_cond_destroy(done)
        pthread_cond_destroy(wake)
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
        wake.deallocate()
        done.deallocate()
    }

    /// Looks at `condition` again and again for as long as `patience` says; tells whether it came true.
    private func wait(until condition: () -> Bool) -> Bool {
        let start = Self.nanoseconds
        repeat {
            for _ in 0..<32 {
                if condition() { return true }
                calor_spin_pause()
            }
        } while Self.nanoseconds &- start < patience
        return condition()
    }

    private static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    // MARK: - The owner of a loop

    func run(_ count: Int, _ pointer: UnsafePointer<Body>) {
        body = pointer
        parts = count
        unfinished.store(count, ordering: .relaxed)
        let generation = (ticket.load(ordering: .relaxed) >> 32) &+ 1
        ticket.store(generation << 32 | UInt64(count), ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
            pthread_mutex_lock(mutex)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(mutex)
        }
        while takePart() {}
        if wait(until: { unfinished.load(ordering: .acquiring) == 0 }) { return }
        pthread_mutex_lock(mutex)
        ownerSleeps.store(true, ordering: .sequentiallyConsistent)
        while unfinished.load(ordering: .sequentiallyConsistent) > 0 { pthread_cond_wait(done, mutex) }
        ownerSleeps.store(false, ordering: .relaxed)
        pthread_mutex_unlock(mutex)
    }

    func stop() {
        pthread_mutex_lock(mutex)
        stopping.store(true, ordering: .sequentiallyConsistent)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
    }

    // MARK: - The other threads

    func work() {
        while true {
            while takePart() {}
            if stopping.load(ordering: .acquiring) { return }
            if wait(until: { !nothingToDo }) { continue }
            pthread_mutex_lock(mutex)
            sleepers.add(1, ordering: .sequentiallyConsistent)
            while ticket.load(ordering: .sequentiallyConsistent) & 0xffff_ffff == 0,
                !stopping.load(ordering: .sequentiallyConsistent)
            {
                pthread_cond_wait(wake, mutex)
            }
            sleepers.subtract(1, ordering: .sequentiallyConsistent)
            pthread_mutex_unlock(mutex)
        }
    }

    private var nothingToDo: Bool { ticket.load(ordering: .relaxed) & 0xffff_ffff == 0 && !stopping.load(ordering: .relaxed) }

    /// Takes and runs one part. A part that is taken keeps its loop alive, so `body` is valid until the part is counted.
    private func takePart() -> Bool {
        var seen = ticket.load(ordering: .acquiring)
        while seen & 0xffff_ffff != 0 {
            let (taken, now) = ticket.weakCompareExchange(
                expected: seen, desired: seen - 1, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
            guard taken else {
                seen = now
                continue
            }
            body?.pointee(parts - Int(seen & 0xffff_ffff))
            if unfinished.subtract(1, ordering: .sequentiallyConsistent).newValue == 0,
                ownerSleeps.load(ordering: .sequentiallyConsistent)
            {
                pthread_mutex_lock(mutex)
                pthread_cond_signal(done)
                pthread_mutex_unlock(mutex)
            }
            return true
        }
        return false
    }
}
