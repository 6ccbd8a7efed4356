/// How long each step of one run took.
public final class Profile {
    public struct Row: Sendable {
        public var step: Plan.StepReport
        public var milliseconds: Double
    }

    /// In the order of the plan's reports; a step that ran in several turns has their sum.
    public private(set) var rows: [Row]

    init(_ plan: Plan) { rows = plan.reports.map { Row(step: $0, milliseconds: 0) } }

    /// Adds the time of `body` to a report.
    func measure(_ report: Int, _ body: () throws(GraphFault) -> Void) throws(GraphFault) {
        let clock = ContinuousClock()
        let start = clock.now
        try body()
        let (seconds, attoseconds) = (clock.now - start).components
        rows[report].milliseconds += Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }

    /// Milliseconds by kernel, the longest first.
    public var byKernel: [(kernel: String, milliseconds: Double)] {
        var sums: [String: Double] = [:]
        for row in rows { sums[row.step.kernel, default: 0] += row.milliseconds }
        return sums.map { (kernel: $0.key, milliseconds: $0.value) }.sorted {
            ($1.milliseconds, $0.kernel) < ($0.milliseconds, $1.kernel)
        }
    }
}
