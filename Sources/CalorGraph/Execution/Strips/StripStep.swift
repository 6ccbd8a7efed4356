import CalorTensor

/// A chain of steps that works row by row, run depth-first: in every turn each step makes the rows that are due, while those of the step
/// before it are still in the cache.
///
/// *Precision*: the bits of the plain order. Every step computes each of its rows once, from the same numbers, in the same groups of rows.
struct StripStep: Step {
    let steps: [any Step]
    let contracts: [RowContract]
    let schedule: StripSchedule

    var kernel: String { "strips" }
    var scratchBytes: Int { steps.map(\.scratchBytes).max() ?? 0 }

    func run(_ state: RunState) throws(GraphFault) { try run(state, profile: nil, firstReport: 0) }

    /// Runs the segment; the time of each of its steps goes to its own report.
    func run(_ state: RunState, profile: Profile?, firstReport: Int) throws(GraphFault) {
        let memory = StripMemory(state: state, windows: schedule.windows)
        for turn in 0..<schedule.turns {
            for (index, step) in steps.enumerated() {
                let rows = schedule.rows(index, in: turn)
                if rows.isEmpty { continue }
                let body = { () throws(GraphFault) in
                    state.split(rows.count, alignment: contracts[index].alignment) { part, range in
                        step.run(
                            rows: rows.lowerBound + range.lowerBound..<rows.lowerBound + range.upperBound, memory, part: part)
                    }
                }
                if let profile { try profile.measure(firstReport + index, body) } else { try body() }
            }
            for (index, contract) in contracts.enumerated() { state.release(schedule.rows(index, in: turn), of: contract.write) }
        }
    }
}
