import CalorBase
import CalorGraph
import CalorTensor

/// A network run by the plan and by the interpreter.
public enum NetworkCheck {
    /// Of the largest value of an output. One layer differs by at most 2e-5 (Winograd with many channels), and errors add up.
    public static let tolerance: Float = 2e-4
    /// How many times the change of an output under a change of the inputs by their rounding may be seen on top: normalising a
    /// constant channel, for example, makes noise of rounding errors, in the oracle as well.
    public static let conditioning: Float = 30
    /// Of an output that the oracle has zero everywhere, in a network that divides by deviations. A constant that comes from weights is
    /// not moved by the inputs; normalised, its mean's rounding is divided by little more than the root of epsilon, and the oracle,
    /// which adds in f64, has none.
    public static let zeroTolerance: Float = 1e-3
    /// The operators from which the generator makes normalisations that subtract a mean.
    private static let deviating: Set = ["InstanceNormalization", "LayerNormalization", "ReduceMean"]

    /// What differs between the fast path and the oracle, or between one thread and three; nil when nothing does.
    public static func difference(_ network: NetworkGenerator) throws -> String? {
        let expected = try Interpreter.run(network.graph, inputs: network.inputs)
        let session = try Session(graph: network.graph)
        let found = try session.run(network.inputs)
        let shared = try session.run(network.inputs, pool: WorkerPool(threads: 3))
        let normalises = network.graph.nodes.contains { deviating.contains($0.op) }
        var shaken: [String: Tensor]?
        for output in network.graph.outputs {
            guard let a = expected[output.name], let b = found[output.name], let c = shared[output.name] else {
                return "\(output.name) is missing"
            }
            guard a.type == b.type else { return "\(output.name) is \(b.type), not \(a.type)" }
            guard b.bits == c.bits else { return "\(output.name) has other bits with three threads" }
            let (x, y) = (a.floats, b.floats)
            if x.contains(where: { !$0.isFinite }) { continue }
            guard y.allSatisfy(\.isFinite) else { return "\(output.name) is not finite" }
            let largest = x.reduce(0) { max($0, $1.magnitude) }
            let worst = zip(x, y).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
            if worst <= tolerance * largest + 1e-6 || normalises && largest == 0 && worst <= zeroTolerance { continue }
            let moved = try shaken ?? Interpreter.run(network.graph, inputs: network.inputs.mapValues(\.shaken))
            shaken = moved
            let change = zip(x, moved[output.name]?.floats ?? []).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
            if worst <= tolerance * largest + conditioning * change { continue }
            return
                "\(output.name) differs by \(worst), its largest value is \(largest), rounding of the inputs moves it by \(change)"
        }
        return nil
    }
}

extension Tensor {
    fileprivate var bits: [UInt32] { array(of: UInt32.self) }

    /// Every value moved by about its rounding.
    fileprivate var shaken: Tensor {
        Tensor(shape, floats.enumerated().map { $0.element * ($0.offset % 2 == 0 ? 1 + 1e-6 : 1 - 1e-6) + 1e-7 })
    }
}
