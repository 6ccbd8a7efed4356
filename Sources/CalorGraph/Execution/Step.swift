import CalorTensor

/// One call of a kernel with everything decided: addresses, sizes, weights.
protocol Step: Sendable {
    /// The kernel's coordinates, as in a profile.
    var kernel: String { get }
    /// Bytes of scratch for each thread.
    var scratchBytes: Int { get }
    func run(_ state: RunState) throws(GraphFault)
}

extension Step {
    var scratchBytes: Int { 0 }
}
