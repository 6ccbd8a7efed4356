import CalorTensor

extension Graph {
    /// The name of the input that takes the gradient of an output.
    public static func seedName(of output: String) -> String { "gradient of output \(output)" }

    /// The name of the output that holds the gradient of an input.
    public static func gradientName(of input: String) -> String { "gradient of input \(input)" }

    /// This graph with its own gradient, for inputs of the given shapes: vector–Jacobian products in reverse mode.
    ///
    /// The result is a graph like any other, to be optimised, planned and run. Its inputs are those of this graph and, for each of
    /// `outputs`, a seed of that output's shape; its outputs are those of this graph and, for each of `inputs`, the sum over the seeds
    /// of seed · ∂output/∂input, of that input's shape.
    ///
    /// *Precision*: that of the element type; kinks take the value that PyTorch gives them (0 for a Relu at 0).
    /// *Throws*: `unsupported` with the node's name where an operator on the way has no rule, `structure` for a name that is not one.
    public func reversed(
        for shapes: [String: Shape], outputs: [String], inputs: [String]
    ) throws(GraphFault) -> Graph {
        var builder = GradientBuilder(try specialised(to: shapes), inputs: inputs)
        return try builder.reversed(outputs: outputs, inputs: inputs)
    }
}

/// How the gradient of an operation's inputs follows from that of its outputs: one rule for each operator.
///
/// A rule is given the gradients of the node's outputs (nil where nothing depends on one) and returns those of its inputs (nil where
/// there is none or nobody asked).
typealias GradientRule = @Sendable (inout GradientBuilder, Node, [ValueID?]) throws(GraphFault) -> [ValueID?]

/// The rules by operator.
public enum GradientTable {
    static let rules: [String: GradientRule] = {
        var table: [String: GradientRule] = [:]
        for family in [
            ActivationGradients.rules, ArithmeticGradients.rules, LinearGradients.rules, ConvolutionGradients.rules,
            PoolingGradients.rules, NormalisationGradients.rules, ReductionGradients.rules, MovementGradients.rules,
            SamplingGradients.rules,
        ] {
            table.merge(family) { $1 }
        }
        return table
    }()

    /// Operators whose results do not change with small changes of their inputs, or are no numbers at all.
    static let constant: Set<String> = [
        "Floor", "Ceil", "Round", "Sign", "Shape", "Size", "ArgMax", "ArgMin", "Equal", "Greater", "GreaterOrEqual", "Less",
        "LessOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf", "NonZero", "ConstantOfShape", "Range", "OneHot", "EyeLike",
    ]

    /// A rule for the first input of an operation with one output, linear in the gradient.
    static func linear(
        _ body: @escaping @Sendable (inout GradientBuilder, Node, ValueID) throws(GraphFault) -> ValueID
    ) -> GradientRule {
        { b, node, gradients throws(GraphFault) in
            var results = [ValueID?](repeating: nil, count: node.inputs.count)
            if let g = gradients[0] { results[0] = try body(&b, node, g) }
            return results
        }
    }

    public static func supports(_ op: String) -> Bool { rules[op] != nil || constant.contains(op) }
    /// Operators with a rule, sorted.
    public static var operators: [String] { rules.keys.sorted() }
}
