import CalorBase
import Foundation
import Synchronization

/// SIGINT and SIGTERM: the first asks the workers to stop, the second ends the program at once.
///
/// The signals are blocked in every thread and taken by one that does nothing else, so that ordinary code can answer them.
final class StopSignals: Sendable {
    private let received = Atomic<Int32>(0)

    /// Call before any thread is started: threads inherit the blocked signals.
    static func watch() -> StopSignals {
        OpenTemporaries.prepare()
        let watcher = StopSignals()
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let waited = signals
        let thread = Thread {
            var waited = waited
            while true {
                var signal: Int32 = 0
                guard sigwait(&waited, &signal) == 0 else { continue }
                let (exchanged, _) = watcher.received.compareExchange(
                    expected: 0, desired: signal, ordering: .acquiringAndReleasing)
                if !exchanged {
                    OpenTemporaries.unlinkAll()
                    _exit(128 + signal)
                }
            }
        }
        thread.start()
        return watcher
    }

    var isRequested: Bool { received.load(ordering: .acquiring) != 0 }

    /// 130 or 143 after a signal.
    var status: Int32? {
        let signal = received.load(ordering: .acquiring)
        return signal == 0 ? nil : 128 + signal
    }
}
