/// Decides what a free worker does next. Pure: threads, locks and clocks stay outside.
///
/// A job passes three queues: decode, process, encode. What is further along goes first, so that finished work leaves memory before
/// new work enters it; a job enters when a worker is free for it and its planned peak fits the budget.
public struct Schedule: Sendable {
    public enum Phase: Int, Sendable, CaseIterable { case decode, process, encode }

    public enum Action: Sendable, Equatable {
        case run(job: Int, phase: Phase, alone: Bool)
        /// Nothing can begin before something else ends.
        case wait
        /// No work is left for this worker.
        case finish
    }

    private let costs: [Int]
    private let workers: Int
    private let budget: Int
    private var nextJob = 0
    private var ready: [[Int]] = [[], []]
    private var running: Set<Int> = []
    private var admitted = 0
    private var admittedBytes = 0
    private var isStopped = false

    /// - Parameter costs: planned peak bytes of every job, in the order in which they are begun.
    public init(costs: [Int], workers: Int, budget: Int) {
        self.costs = costs
        self.workers = max(workers, 1)
        self.budget = budget
    }

    /// Jobs that are between the queues or at work.
    public var jobsInFlight: Int { admitted }
    public var bytesInFlight: Int { admittedBytes }

    public mutating func next() -> Action {
        guard !isStopped else { return running.isEmpty ? .finish : .wait }
        for phase in [Phase.encode, .process] where !ready[phase.rawValue - 1].isEmpty {
            let job = ready[phase.rawValue - 1].removeFirst()
            running.insert(job)
            return .run(job: job, phase: phase, alone: isAlone)
        }
        if nextJob < costs.count, admitted < workers, admitted == 0 || admittedBytes + costs[nextJob] <= budget {
            let job = nextJob
            nextJob += 1
            admitted += 1
            admittedBytes += costs[job]
            running.insert(job)
            return .run(job: job, phase: .decode, alone: isAlone)
        }
        return running.isEmpty && nextJob == costs.count ? .finish : .wait
    }

    /// The job goes on to the next phase.
    public mutating func advanced(_ job: Int, from phase: Phase) {
        running.remove(job)
        guard !isStopped, phase != .encode else { return release(job) }
        ready[phase.rawValue].append(job)
    }

    /// The job is over: written, skipped, failed or dropped.
    public mutating func ended(_ job: Int) {
        running.remove(job)
        release(job)
    }

    /// No further work begins; what runs may end.
    public mutating func stop() {
        isStopped = true
        for job in ready.joined() { release(job) }
        ready = [[], []]
    }

    private mutating func release(_ job: Int) {
        admitted -= 1
        admittedBytes -= costs[job]
    }

    /// True when this job may use every core because no other job can.
    private var isAlone: Bool {
        admitted == 1 && (nextJob == costs.count || workers == 1 || admittedBytes + costs[nextJob] > budget)
    }
}
