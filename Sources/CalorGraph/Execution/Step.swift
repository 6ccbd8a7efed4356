import CalorTensor

/// One call of a kernel with everything decided: addresses, sizes, weights.
protocol Step: Sendable {
    /// The kernel's coordinates, as in a profile.
    var kernel: String { get }
    /// Bytes of scratch for each thread.
    var scratchBytes: Int { get }
    /// How the rows of the output depend on those of the inputs; nil for a step that needs whole inputs.
    var contract: RowContract? { get }
    func run(_ state: RunState) throws(GraphFault)
    /// Makes some rows of the output, which begin and end as the contract says; only steps with a contract are asked.
    ///
    /// The rows have the bits that `run` gives them.
    func run(rows: Range<Int>, _ memory: StripMemory, part: Int)
}

extension Step {
    var scratchBytes: Int { 0 }
    var contract: RowContract? { nil }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        preconditionFailure("\(kernel) needs whole inputs")
    }
}
