import Testing

@testable import CalorPipeline

struct ScheduleTests {
    @Test func furtherWorkGoesFirst() {
        var schedule = Schedule(costs: [1, 1, 1], workers: 2, budget: 10)
        #expect(schedule.next() == .run(job: 0, phase: .decode, alone: false))
        #expect(schedule.next() == .run(job: 1, phase: .decode, alone: false))
        #expect(schedule.next() == .wait)
        schedule.advanced(0, from: .decode)
        #expect(schedule.next() == .run(job: 0, phase: .process, alone: false))
        schedule.advanced(0, from: .process)
        schedule.advanced(1, from: .decode)
        #expect(schedule.next() == .run(job: 0, phase: .encode, alone: false))
        #expect(schedule.next() == .run(job: 1, phase: .process, alone: false))
        schedule.ended(0)
        #expect(schedule.next() == .run(job: 2, phase: .decode, alone: false))
    }

    @Test func memoryHoldsBack() {
        var schedule = Schedule(costs: [6, 6, 3], workers: 3, budget: 10)
        #expect(schedule.next() == .run(job: 0, phase: .decode, alone: true))
        #expect(schedule.next() == .wait)
        schedule.ended(0)
        #expect(schedule.next() == .run(job: 1, phase: .decode, alone: false))
        #expect(schedule.next() == .run(job: 2, phase: .decode, alone: false))
        #expect(schedule.bytesInFlight == 9)
    }

    @Test func aSingleJobMayUseEveryCore() {
        var schedule = Schedule(costs: [1], workers: 1, budget: 10)
        #expect(schedule.next() == .run(job: 0, phase: .decode, alone: true))
        schedule.advanced(0, from: .decode)
        #expect(schedule.next() == .run(job: 0, phase: .process, alone: true))
        schedule.ended(0)
        #expect(schedule.next() == .finish)
    }

    @Test func stoppingLetsRunningWorkEnd() {
        var schedule = Schedule(costs: [1, 1, 1], workers: 2, budget: 10)
        _ = schedule.next()
        _ = schedule.next()
        schedule.advanced(0, from: .decode)
        schedule.stop()
        #expect(schedule.next() == .wait)
        schedule.advanced(1, from: .decode)
        #expect(schedule.next() == .finish)
        #expect(schedule.jobsInFlight == 0)
        #expect(schedule.bytesInFlight == 0)
    }

    @Test(arguments: [1, 2, 3, 7])
    func everyJobPassesEveryPhaseOnce(_ workers: Int) {
        var schedule = Schedule(costs: (0..<20).map { $0 % 5 }, workers: workers, budget: 6)
        var running: [(Int, Schedule.Phase)] = []
        var seen: [[Int]] = [[], [], []]
        while true {
            switch schedule.next() {
            case .run(let job, let phase, _):
                seen[phase.rawValue].append(job)
                running.append((job, phase))
                #expect(running.count <= workers)
                #expect(schedule.bytesInFlight <= 6)
                continue
            case .wait: break
            case .finish:
                #expect(seen.map { $0.sorted() } == Array(repeating: Array(0..<20), count: 3), "\(workers) workers")
                return
            }
            let (job, phase) = running.removeFirst()
            if phase == .encode { schedule.ended(job) } else { schedule.advanced(job, from: phase) }
        }
    }
}
