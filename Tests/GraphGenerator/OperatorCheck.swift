import CalorBase
import CalorGraph
import CalorTensor

/// A graph that need not make sense, taken through everything that a model file goes through.
public enum OperatorCheck {
    /// Above these a run is left out: a trap shows in small tensors.
    private static let flopLimit = 2e7
    private static let byteLimit = 32 << 20

    /// Whether it ran. *Throws*: the fault that such a graph deserves; a defect of the engine ends the process.
    public static func run(_ graph: Graph, inputs: [String: Tensor]) throws(GraphFault) -> Bool {
        do {
            let shapes = inputs.mapValues(\.shape)
            let special = try graph.specialised(to: shapes)
            _ = special.receptiveField()
            let session = try Session(graph: graph)
            let plan = try session.plan(for: shapes)
            let largest = special.types.values.reduce(0) { max($0, $1.shape.count * $1.dtype.bytes) }
            guard plan.flops < flopLimit, plan.peakBytes(threads: 1) < byteLimit, largest < byteLimit else { return false }
            _ = try session.run(inputs)
            return true
        } catch {
            if error.kind == .defect { fatalError("\(error)") }
            throw error
        }
    }
}
