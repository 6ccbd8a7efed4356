import CalorBase
import CalorPipeline
import Foundation

/// Messages on standard error, as text for people or JSON lines for programs.
struct RunLog: Sendable {
    let format: RunCommand.LogFormat
    let isQuiet: Bool

    func warning(_ text: String) {
        write("calor: warning: \(text)", [("level", .text("warning")), ("message", .text(text))])
    }

    func failure(_ failure: RunOutcome.Failure) {
        let fault = failure.fault
        let place = failure.input == "-" ? "standard input" : failure.input
        // Faults about a file begin with its name; it is not said twice.
        let message = fault.message.hasPrefix(place + ": ") ? String(fault.message.dropFirst(place.count + 2)) : fault.message
        write(
            "calor: \(place): \(failure.stage): \(message)" + (fault.advice.map { "\n    \($0)" } ?? ""),
            [
                ("level", .text("error")), ("input", .text(failure.input)), ("stage", .text(failure.stage)),
                ("error", .text(fault.identifier)),
                ("message", .text(message)), ("advice", fault.advice.map(JSON.text)),
            ])
    }

    /// The list of failures, then one line about the whole.
    func finish(_ outcome: RunOutcome) {
        for failure in outcome.failures { self.failure(failure) }
        guard !isQuiet else { return }
        let summary = outcome.summary
        let seconds = Double(outcome.nanoseconds) / 1e9
        var parts = ["\(summary.done) done"]
        if summary.skipped > 0 { parts.append("\(summary.skipped) already done") }
        if summary.failed > 0 { parts.append("\(summary.failed) failed") }
        let rate = seconds > 0 ? Double(summary.pixels) / 1e6 / seconds : 0
        let end = outcome.isStopped ? "stopped: run the same command again to go on" : ""
        let text =
            "calor: \(parts.joined(separator: ", ")) in \(RunProgress.time(seconds)) (\(RunProgress.short(rate)) megapixels/s)"
            + (end.isEmpty ? "" : "\n    \(end)") + notes(summary)
        guard format == .json || isatty(2) != 0 || outcome.isStopped || summary.failed > 0 else { return }
        write(
            text,
            [
                ("level", .text("info")), ("done", .integer(summary.done)), ("skipped", .integer(summary.skipped)),
                ("failed", .integer(summary.failed)), ("stopped", .flag(outcome.isStopped)), ("seconds", .number(seconds)),
            ])
    }

    private func notes(_ summary: RunSummary) -> String {
        guard let first = summary.note else { return "" }
        let note = "\(printable(first.input)): \(printable(first.text))"
        return summary.noted == 1
            ? "\n    note: \(note)" : "\n    \(summary.noted) images have notes, such as \(note); the metrics have all of them"
    }

    func finished(_ record: JobRecord) {
        guard format == .json, !isQuiet else { return }
        write(
            "",
            [
                ("level", .text("info")), ("input", .text(record.input)), ("status", .text(record.status.rawValue)),
                ("notes", record.notes.isEmpty ? nil : .list(record.notes.map(JSON.text))),
            ])
    }

    private func write(_ text: String, _ members: [(String, JSON?)]) {
        standardError(format == .json ? JSON.object(skippingNil: members).description : text)
    }
}
