import CalorBase
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    /// One counter for each part. Atomics, because the thread sanitizer does not see the locks of the standard library.
    final class Counters: @unchecked Sendable {
        private let values: UnsafeMutablePointer<Atomic<Int>>
        private let count: Int

        init(_ count: Int) {
            self.count = count
            values = .allocate(capacity: max(count, 1))
            for index in 0..<count { (values + index).initialize(to: Atomic(0)) }
        }

        deinit {
            values.deinitialize(count: count)
            values.deallocate()
        }

        func hit(_ index: Int) { values[index].add(1, ordering: .relaxed) }
        var all: [Int] { (0..<count).map { values[$0].load(ordering: .sequentiallyConsistent) } }
    }

    @Test(arguments: [1, 2, 3, 5], [0, 1, 2, 3, 7, 64])
    func everyPartRunsOnce(threads: Int, parts: Int) {
        let pool = WorkerPool(threads: threads)
        for _ in 0..<50 {
            let counters = Counters(parts)
            pool.parallel(parts) { counters.hit($0) }
            #expect(counters.all == [Int](repeating: 1, count: parts), "threads \(threads), parts \(parts)")
        }
    }

    @Test func partsSeeWhatTheCallerWrote() {
        let pool = WorkerPool(threads: 3)
        let cells = UnsafeMutableBufferPointer<Int>.allocate(capacity: 8)
        defer { cells.deallocate() }
        cells.initialize(repeating: 0)
        nonisolated(unsafe) let memory = cells
        for round in 1...2_000 {
            for part in 0..<8 { memory[part] = round }
            pool.parallel(8) { memory[$0] += $0 }
            for part in 0..<8 { #expect(memory[part] == round + part, "round \(round), part \(part)") }
        }
    }

    @Test func nestedLoopsRunInTheirCaller() {
        let pool = WorkerPool(threads: 2)
        let counters = Counters(16)
        pool.parallel(4) { outer in
            pool.parallel(4) { counters.hit(outer * 4 + $0) }
        }
        #expect(counters.all == [Int](repeating: 1, count: 16))
    }

    @Test func severalThreadsMayUseOnePool() async {
        let pool = WorkerPool(threads: 2)
        await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let counters = Counters(5)
                    for _ in 0..<200 { pool.parallel(5) { counters.hit($0) } }
                    return counters.all
                }
            }
            for await counts in group { #expect(counts == [200, 200, 200, 200, 200]) }
        }
    }

    @Test func everyNewThreadRunsTheHook() {
        let started = Counters(1)
        do {
            let pool = WorkerPool(threads: 4) { started.hit(0) }
            pool.parallel(64) { _ in }
            #expect(pool.threads == 4)
        }
        // Leaving the scope joins the threads, so that all of them have started.
        #expect(started.all == [3])
    }

    @Test func aSleepingThreadWakesForTheNextLoop() async throws {
        let pool = WorkerPool(threads: 2)
        let counters = Counters(6)
        for _ in 0..<10 {
            try await Task.sleep(for: .milliseconds(2))
            pool.parallel(6) { counters.hit($0) }
        }
        #expect(counters.all == [Int](repeating: 10, count: 6))
    }
}
