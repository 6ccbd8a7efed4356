import CalorTensor

/// A network compiled for one set of input shapes: an array of kernel calls and where their data lie. Immutable and shared.
public struct Plan: Sendable {
    /// One step as a person sees it.
    public struct StepReport: Sendable, Hashable {
        /// The node that gave the step its name.
        public var node: String
        /// The kernel's coordinates; `interpreter_OP` where no kernel fits.
        public var kernel: String
        public var flops: Double
    }

    /// Input shapes by name.
    public let inputShapes: [String: Shape]
    public let reports: [StepReport]
    /// Bytes of all intermediate values, packed.
    public let arenaBytes: Int
    /// Bytes that each thread needs beside the arena.
    public let scratchBytes: Int
    /// Arithmetic of one run: 2 for each product of convolutions and matrices, 1 for each element otherwise.
    public let flops: Double
    /// What passes and fusions did.
    public let applied: [PassReport]

    let steps: [any Step]
    let bases: [PlaceBase]
    /// Offsets in the arena by base; 0 for a base that is not there.
    let offsets: [Int]
    /// Slots that nobody reads after a step.
    let dropped: [[Int]]
    let outputs: [(name: String, base: Int, type: ValueType?)]

    /// Bytes of intermediate values and scratch in a run with so many threads. Inputs, outputs and weights come on top.
    public func peakBytes(threads: Int) -> Int { arenaBytes + scratchBytes * max(threads, 1) }

    /// Kernels by the number of their steps, most frequent first.
    public var kernels: [(name: String, steps: Int)] {
        var counts: [String: Int] = [:]
        for report in reports { counts[report.kernel, default: 0] += 1 }
        return counts.map { (name: $0.key, steps: $0.value) }.sorted { ($1.steps, $0.name) < ($0.steps, $1.name) }
    }
}
