import CalorBase
import CalorKernels
import Foundation
import Synchronization

/// What a run tells while it goes on.
public enum RunEvent: Sendable {
    case began(input: String)
    case finished(JobRecord, pixels: Int, fault: PipelineFault?)
}

/// What a run came to.
public struct RunOutcome: Sendable {
    public struct Failure: Sendable {
        public var input: String
        public var stage: String
        public var fault: PipelineFault
    }

    public var summary: RunSummary
    public var failures: [Failure]
    /// A signal or `--on-error stop` ended the run early.
    public var isStopped: Bool
    public var nanoseconds: UInt64
}

/// Carries out a run plan on a fixed set of threads.
///
/// Goals, in order: the same bytes for any number of threads; every core busy; memory that does not grow with the number of images.
///
/// SAFETY: `@unchecked Sendable` because of the condition. Everything mutable is in `State`, which is only touched between `lock` and
/// `unlock`; a `JobWork` leaves it while a worker holds it.
public final class BatchRunner: @unchecked Sendable {
    private struct State {
        var schedule: Schedule
        var work: [Int: JobWork] = [:]
        var summary = RunSummary()
        var failures: [RunOutcome.Failure] = []
        var workersLeft: Int
        var isStopped = false
    }

    private let run: RunPlan
    private let runner: GraphRunner
    private let metrics: [LineFile]
    private let journal: LineFile?
    private let index: JournalIndex
    private let cancelled: @Sendable () -> Bool
    private let onEvent: @Sendable (RunEvent) -> Void
    private let condition = NSCondition()
    private var state: State
    private let pool: LazyPool
    private let threads: Int

    /// Opens journal and metrics, and checks that outputs can be written.
    ///
    /// - Parameter metrics: `--metrics`: a path, `-` for standard output, or nil.
    public init(
        _ run: RunPlan, metrics: String? = nil, cancelled: @escaping @Sendable () -> Bool = { false },
        onEvent: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) throws(PipelineFault) {
        var index = JournalIndex()
        var journal: LineFile?
        switch run.request.output {
        case .folder(let folder):
            try OutputFolder.check(folder)
            if let path = run.journalPath {
                try OutputFolder.check(OutputFolder.folder(of: path))
                let opened = try LineFile.journal(at: path)
                (journal, index) = (opened.file, opened.index)
            }
        case .file(let path):
            if run.request.policy != .overwrite, FileSystem.facts(path) != nil { throw .outputExists(path: path) }
            try OutputFolder.check(OutputFolder.folder(of: path))
        case .standardOutput: break
        }
        var lines: [LineFile] = []
        switch metrics {
        case nil: break
        case "-":
            guard run.request.output != .standardOutput else {
                throw .usage(problem: "image and metrics cannot both go to standard output", advice: "give --metrics a file")
            }
            lines.append(.standardOutput())
        case let path?: lines.append(try .metrics(at: path, continues: run.request.policy == .resume))
        }
        var run = run
        Self.refuseUnknownOutputs(&run, index: index)
        if run.request.output != .standardOutput { AtomicFile.removeAbandoned(of: run.jobs.flatMap { $0.files.map(\.path) }) }
        self.run = run
        self.index = index
        self.journal = journal
        self.metrics = lines + (journal.map { [$0] } ?? [])
        self.cancelled = cancelled
        self.onEvent = onEvent
        runner = GraphRunner(plan: run.pipeline)
        threads = max(1, min(run.request.threads, 256))
        pool = LazyPool(threads: threads)
        let workers = max(1, min(threads, run.jobs.count))
        state = State(
            schedule: Schedule(costs: run.jobs.map(\.peakBytes), workers: workers, budget: run.memoryBudget), workersLeft: workers)
    }

    /// Decided before work: what the journal does not know is not replaced.
    private static func refuseUnknownOutputs(_ run: inout RunPlan, index: JournalIndex) {
        guard case .folder = run.request.output else { return }
        for i in run.jobs.indices where run.jobs[i].failure == nil {
            let found = run.jobs[i].files.map { JournalIndex.Found(name: $0.name, bytes: FileSystem.facts($0.path)?.bytes) }
            if case .refuse(let name) = index.early(found, policy: run.request.policy) {
                let path = run.jobs[i].files.first { $0.name == name }?.path ?? name
                run.jobs[i].failure = StageFailure(stage: "encode", fault: .outputExists(path: path))
            }
        }
    }

    /// Works until all jobs are over or the run is stopped.
    public func perform() throws(PipelineFault) -> RunOutcome {
        let start = nanosecondsNow()
        for _ in 1..<max(state.workersLeft, 1) {
            let thread = Thread { self.workerLoop() }
            thread.stackSize = 8 << 20
            thread.start()
        }
        workerLoop()
        condition.lock()
        while state.workersLeft > 0 { condition.wait() }
        let outcome = RunOutcome(
            summary: state.summary, failures: state.failures, isStopped: state.isStopped || cancelled(),
            nanoseconds: nanosecondsNow() - start)
        condition.unlock()
        let line = outcome.summary.json(plan: run.digest, wallNanoseconds: outcome.nanoseconds, stopped: outcome.isStopped)
        for file in metrics { file.append(line) }
        for file in metrics { try file.check() }
        return outcome
    }

    // MARK: - Workers

    private func workerLoop() {
        // Pool threads do the same: a result must not depend on the thread that computes it.
        let mode = FloatMode.flushDenormals()
        defer { FloatMode.restore(mode) }
        condition.lock()
        while true {
            if cancelled(), !state.isStopped { stop() }
            switch state.schedule.next() {
            case .finish:
                state.workersLeft -= 1
                condition.broadcast()
                condition.unlock()
                return
            case .wait: condition.wait()
            case .run(let job, let phase, let alone):
                var work =
                    state.work.removeValue(forKey: job)
                    ?? JobWork(run: run, runner: runner, index: index, journal: journal, job: run.jobs[job])
                condition.unlock()
                if phase == .decode { onEvent(.began(input: work.job.path)) }
                // Single-threaded kernels while there is another job for the other cores.
                let environment = StageEnvironment(pool: alone && phase == .process ? pool.pool : nil, cancelled: cancelled)
                let step = work.perform(phase, in: environment)
                // The journal follows the rename, before anybody can learn of the result.
                if case .ended(let record, let fault) = step {
                    let line = record.json
                    for file in metrics { file.append(line) }
                    onEvent(.finished(record, pixels: work.job.pixels, fault: fault))
                }
                condition.lock()
                settle(job, phase, step, work)
                condition.broadcast()
            }
        }
    }

    private func settle(_ job: Int, _ phase: Schedule.Phase, _ step: JobWork.Step, _ work: JobWork) {
        switch step {
        case .advanced:
            if !state.isStopped { state.work[job] = work }
            state.schedule.advanced(job, from: phase)
        case .dropped: state.schedule.ended(job)
        case .ended(let record, let fault):
            state.schedule.ended(job)
            state.summary.add(record, pixels: work.job.pixels)
            guard let fault else { return }
            let failure = record.failure
            state.failures.append(.init(input: failure?.file ?? record.input, stage: failure?.stage ?? "", fault: fault))
            if run.request.stopsOnError { stop() }
        }
    }

    private func stop() {
        state.isStopped = true
        state.schedule.stop()
        state.work = [:]
    }
}

/// A pool that starts its threads when a job is first alone.
private final class LazyPool: Sendable {
    private let threads: Int
    private let made = Mutex<WorkerPool?>(nil)

    init(threads: Int) { self.threads = threads }

    var pool: WorkerPool? {
        guard threads > 1 else { return nil }
        return made.withLock { pool in
            if let pool { return pool }
            let new = WorkerPool(threads: threads) { _ = FloatMode.flushDenormals() }
            pool = new
            return new
        }
    }
}
