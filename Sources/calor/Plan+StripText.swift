import CalorGraph
import Foundation

/// How `model info` and `model bench` show what runs in strips.
extension Plan {
    /// One line for each segment, and what the plain order would take; nothing for the plain order.
    var stripLines: [String] {
        if strips.isEmpty { return [] }
        let cut = strips.map { strip in
            String(
                format: "strips   steps %d to %d of %d in %d turns of %d rows, %.1f MiB of rows kept", strip.steps.lowerBound + 1,
                strip.steps.upperBound, reports.count, strip.turns, strip.rows, Double(strip.windowBytes) / 1_048_576)
        }
        return cut + [
            String(
                format: "strips   cut for %d thread%@; the plain order would take %.1f MiB", threads, threads == 1 ? "" : "s",
                Double(plainArenaBytes) / 1_048_576)
        ]
    }

    var stripsJSON: [[String: Any]] {
        strips.map {
            [
                "firstStep": $0.steps.lowerBound, "steps": $0.steps.count, "rows": $0.rows, "turns": $0.turns,
                "windowBytes": $0.windowBytes, "threads": threads,
            ]
        }
    }
}
