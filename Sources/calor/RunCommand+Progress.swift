import CalorPipeline
import Foundation
import Synchronization

/// One line on a terminal's standard error: done and total by megapixels, rate, time left, file.
final class RunProgress: Sendable {
    private struct State {
        var pixels = 0
        var finished = 0
        var skippedPixels = 0
        var lastShown = -1.0
    }

    private let total: Int
    private let jobs: Int
    private let log: RunLog
    private let isShown: Bool
    private let start = ContinuousClock.now
    private let state = Mutex(State())

    init(plan: RunPlan, log: RunLog) {
        total = plan.jobs.reduce(0) { $0 + $1.pixels }
        jobs = plan.jobs.count
        self.log = log
        isShown = !log.isQuiet && log.format == .text && isatty(2) != 0
    }

    func handle(_ event: RunEvent) {
        switch event {
        case .began: return
        case .finished(let record, let pixels, _):
            log.finished(record)
            guard isShown else { return }
            let seconds = elapsed()
            let line = state.withLock { state -> String? in
                state.pixels += pixels
                state.finished += 1
                if record.status != .done { state.skippedPixels += pixels }
                // Ten times a second is as much as an eye can follow.
                guard seconds - state.lastShown > 0.1 || state.finished == jobs else { return nil }
                state.lastShown = seconds
                return text(state, seconds: seconds, file: record.input)
            }
            if let line { standardErrorText("\r\u{1B}[K\(line)") }
        }
    }

    /// Takes the line away before other messages.
    func clear() { if isShown { standardErrorText("\r\u{1B}[K") } }

    private func text(_ state: State, seconds: Double, file: String) -> String {
        // What was skipped took no time and says nothing about the rate.
        let rate = seconds > 0 ? Double(state.pixels - state.skippedPixels) / 1e6 / seconds : 0
        let left = rate > 0 ? Double(total - state.pixels) / 1e6 / rate : 0
        let megapixels = "\(Self.short(Double(state.pixels) / 1e6))/\(Self.short(Double(total) / 1e6)) megapixels"
        let name = printable(String(file.suffix(40)))
        return "\(state.finished)/\(jobs)  \(megapixels)  \(Self.short(rate))/s  \(Self.time(left)) left  \(name)"
    }

    private func elapsed() -> Double {
        let duration = ContinuousClock.now - start
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    static func short(_ value: Double) -> String {
        value >= 100 ? "\(Int(value.rounded()))" : "\((value * 10).rounded() / 10)"
    }

    static func time(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "?" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        return whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
