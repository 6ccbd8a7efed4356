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

    /// Steps that run depth-first: row by row, each value in a window of rows where only these steps touch it.
    public struct StripReport: Sendable, Hashable {
        /// Positions in `reports`.
        public var steps: Range<Int>
        /// Rows in a turn, at the height where most of the arithmetic happens.
        public var rows: Int
        public var turns: Int
        /// Bytes of all windows, which do not depend on the height of the image.
        public var windowBytes: Int
    }

    /// Input shapes by name.
    public let inputShapes: [String: Shape]
    /// The number of threads that the strips are cut for; a plan without strips is the same for every number.
    public let threads: Int
    /// Every step in order, those of strips among them.
    public let reports: [StepReport]
    /// Segments that run in strips; empty for the plain order.
    public let strips: [StripReport]
    /// What `arenaBytes` would be in the plain order.
    public let plainArenaBytes: Int
    /// Bytes of all intermediate values, packed.
    public let arenaBytes: Int
    /// Bytes that each thread needs beside the arena.
    public let scratchBytes: Int
    /// Arithmetic of one run: 2 for each product of convolutions and matrices, 1 for each element otherwise.
    public let flops: Double
    /// What passes and fusions did.
    public let applied: [PassReport]

    let steps: [any Step]
    /// The position in `reports` of every step, or of the first of a strip's.
    let firstReports: [Int]
    let bases: [PlaceBase]
    /// Offsets in the arena by base; 0 for a base that is not there.
    let offsets: [Int]
    /// Slots that nobody reads after a step.
    let dropped: [[Int]]
    let outputs: [(name: String, base: Int, type: ValueType?)]

    /// The outputs that steps write to memory of their own, which a caller may provide, and their types. Of two names for one value the
    /// first counts.
    public var placedOutputs: [String: ValueType] {
        var found: [String: ValueType] = [:]
        var seen: Set<Int> = []
        for output in outputs {
            if case .output(let type) = bases[output.base], seen.insert(output.base).inserted { found[output.name] = type }
        }
        return found
    }

    /// Memory for outputs by base.
    func bases(of storage: [String: AlignedBytes]) -> [Int: AlignedBytes] {
        var found: [Int: AlignedBytes] = [:]
        if storage.isEmpty { return found }
        let placed = placedOutputs
        for output in outputs {
            guard let memory = storage[output.name], let type = placed[output.name] else { continue }
            precondition(memory.count >= type.byteCount, "\(memory.count) bytes are too few for \(output.name)")
            found[output.base] = memory
        }
        return found
    }

    /// Whether this is the plan for so many threads.
    func serves(_ threads: Int) -> Bool { strips.isEmpty || self.threads == max(threads, 1) }

    /// Bytes of intermediate values and scratch in a run with so many threads. Inputs, outputs and weights come on top.
    public func peakBytes(threads: Int) -> Int { arenaBytes + scratchBytes * max(threads, 1) }

    /// Kernels by the number of their steps, most frequent first.
    public var kernels: [(name: String, steps: Int)] {
        var counts: [String: Int] = [:]
        for report in reports { counts[report.kernel, default: 0] += 1 }
        return counts.map { (name: $0.key, steps: $0.value) }.sorted { ($1.steps, $0.name) < ($0.steps, $1.name) }
    }
}
