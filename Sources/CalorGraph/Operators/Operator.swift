import CalorTensor

/// One row of the table of operators.
public struct Operator: Sendable {
    typealias Inference = @Sendable (OperatorCall) throws(GraphFault) -> [ValueType?]
    typealias Evaluation = @Sendable (OperatorCall) throws(GraphFault) -> [Tensor?]

    public let name: String
    /// Fewest and most inputs over all operator sets.
    public let inputs: ClosedRange<Int>
    /// Most outputs.
    public let outputs: Int
    /// Inputs whose values, and not only their shapes, decide the shapes of the outputs.
    public let shapedBy: [Int]
    /// One line for documentation.
    public let summary: String
    let infer: Inference
    let evaluate: Evaluation

    init(
        _ name: String, _ inputs: ClosedRange<Int>, outputs: Int = 1, shapedBy: [Int] = [], _ summary: String,
        infer: @escaping Inference, evaluate: @escaping Evaluation
    ) {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.shapedBy = shapedBy
        self.summary = summary
        self.infer = infer
        self.evaluate = evaluate
    }
}

/// Every operator that the engine knows, by name.
public enum OperatorTable {
    public static let all: [String: Operator] = {
        var table: [String: Operator] = [:]
        for family in families { for entry in family { table[entry.name] = entry } }
        return table
    }()

    static var families: [[Operator]] {
        [
            ShapeOperators.all, MovementOperators.all, CastOperators.all, ArithmeticOperators.all, ActivationOperators.all,
            GeneratorOperators.all, ReductionOperators.all, SoftmaxOperators.all, LinearOperators.all,
            ConvolutionOperators.all, PoolingOperators.all, NormalisationOperators.all,
            ResizeOperators.all, IndexingOperators.all, GridOperators.all, EinsumOperators.all,
            FourierOperators.all, DropoutOperators.all, AttentionOperators.all,
        ]
    }

    public static func supports(_ op: String) -> Bool { all[op] != nil }
}
