import CalorBase
import CalorTensor

public struct SessionOptions: Sendable, Hashable {
    /// Plans kept for input shapes that come back.
    public var planCapacity = 8
    /// Fuse and use kernels; without it the interpreter runs every node.
    public var optimises = true
    /// Run steps over the same rows a few rows at a time.
    public var chainsRows = true
    public var strips = StripChoice.automatic

    public init() {}
}

/// A network that is ready to run. Several threads may use one session at the same time.
///
/// SAFETY: `@unchecked Sendable`: the graph never changes, every access to `plans` holds the lock, and each run has memory of its own.
public final class Session: @unchecked Sendable {
    public let graph: Graph
    public let options: SessionOptions

    private let lock = Lock()
    private var plans: [(shapes: [Shape], plan: Plan)] = []
    private let arenas = ArenaStore()
    private let weights = PreparedWeights()

    /// - Throws: `unsupported` for a node that the engine does not know.
    public init(graph: Graph, options: SessionOptions = .init()) throws(GraphFault) {
        for node in graph.nodes where !OperatorTable.supports(node.op) {
            throw .unsupported(node: node.name, op: node.op, reason: "the engine does not have this operator")
        }
        self.graph = graph
        self.options = options
    }

    /// Runs the network. Plans are compiled for each tuple of input shapes and kept.
    ///
    /// *Precision*: the same bits for every pool.
    /// - Parameter storage: memory for outputs among `Plan.placedOutputs`, of at least their size; it may be a file's.
    /// *Throws*: `missingInput`, `inputMismatch`, or the fault of a node.
    public func run(
        _ inputs: [String: Tensor], pool: WorkerPool? = nil, into storage: [String: AlignedBytes] = [:]
    ) throws(GraphFault) -> [String: Tensor] {
        try run(inputs, pool: pool, into: storage, profile: nil)
    }

    /// Runs the network and says how long each step took.
    public func profiled(_ inputs: [String: Tensor], pool: WorkerPool? = nil) throws(GraphFault) -> (
        outputs: [String: Tensor], profile: Profile
    ) {
        let profile = Profile(try plan(for: inputs.mapValues(\.shape), threads: pool?.threads ?? 1))
        return (try run(inputs, pool: pool, into: [:], profile: profile), profile)
    }

    private func run(
        _ inputs: [String: Tensor], pool: WorkerPool?, into storage: [String: AlignedBytes], profile: Profile?
    ) throws(GraphFault) -> [String: Tensor] {
        let bound = try graph.bound(inputs)
        let threads = pool?.threads ?? 1
        let plan = try plan(for: inputs.mapValues(\.shape), threads: threads)
        let lease = arenas.lease(bytes: plan.peakBytes(threads: threads))
        let state = RunState(plan: plan, inputs: bound.map(\.1), storage: plan.bases(of: storage), lease: lease, pool: pool)
        let mode = DenormalFlush()
        defer { mode.end() }
        for (index, step) in plan.steps.enumerated() {
            if let strips = step as? StripStep {
                try strips.run(state, profile: profile, firstReport: plan.firstReports[index])
            } else if let profile {
                try profile.measure(plan.firstReports[index]) { () throws(GraphFault) in try step.run(state) }
            } else {
                try step.run(state)
            }
            for base in plan.dropped[index] { state.drop(base) }
        }
        var outputs: [String: Tensor] = [:]
        for output in plan.outputs {
            guard let tensor = state.tensors[output.base] else {
                throw .structure(reason: "nothing produces the output \(output.name)")
            }
            outputs[output.name] = tensor
        }
        return outputs
    }

    /// The plan for these input shapes; an input whose extents the graph fixes may be left out.
    ///
    /// - Parameter threads: what strips are cut for; nothing else depends on it, least of all the result.
    public func plan(for shapes: [String: Shape], threads: Int = 1) throws(GraphFault) -> Plan {
        let key = graph.inputs.map { shapes[$0.name] ?? $0.fixedShape ?? Shape([-1]) }
        let known = lock.locked { () -> Plan? in
            guard let index = plans.firstIndex(where: { $0.shapes == key && $0.plan.serves(threads) }) else { return nil }
            let entry = plans.remove(at: index)
            plans.append(entry)
            return entry.plan
        }
        if let known { return known }
        // Two threads may compile the same plan; both are right and one is kept.
        let plan = try Emitter.plan(for: graph, shapes: shapes, options: options, weights: weights, threads: threads)
        lock.locked {
            if !plans.contains(where: { $0.shapes == key && $0.plan.serves(threads) }) { plans.append((key, plan)) }
            if plans.count > max(options.planCapacity, 1) { plans.removeFirst() }
        }
        return plan
    }
}
