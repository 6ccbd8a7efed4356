/// How long each step of one run took.
public final class Profile {
    public struct Row: Sendable {
        public var step: Plan.StepReport
        public var milliseconds: Double
    }

    public private(set) var rows: [Row] = []

    init() {}

    func measure(_ step: Plan.StepReport, _ body: () throws(GraphFault) -> Void) throws(GraphFault) {
        let clock = ContinuousClock()
        let start = clock.now
        try body()
        let (seconds, attoseconds) = (clock.now - start).components
        rows.append(Row(step: step, milliseconds: Double(seconds) * 1e3 + Double(attoseconds) * 1e-15))
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
