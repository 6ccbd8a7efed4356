import CalorTensor

/// Runs a graph node by node with simple loops. It is the oracle that every fast path is compared with, and what the fast path
/// falls back to for an operator that has no kernel.
public enum Interpreter {
    /// All outputs of `graph` by name.
    ///
    /// *Throws*: a fault with the node's name when a type, shape or attribute does not fit.
    public static func run(_ graph: Graph, inputs: [String: Tensor]) throws(GraphFault) -> [String: Tensor] {
        var values: [ValueID: Tensor] = graph.constants
        for (id, tensor) in try graph.bound(inputs) { values[id] = tensor }
        let lastUse = graph.lastUses()
        for (position, node) in graph.nodes.enumerated() {
            var arguments: [Tensor?] = []
            for input in node.inputs {
                guard let input else {
                    arguments.append(nil)
                    continue
                }
                guard let tensor = values[input] else {
                    throw .structure(reason: "node \(node.name) reads \(graph.label(input)) before anything produced it")
                }
                arguments.append(tensor)
            }
            let results = try evaluate(node: node, opset: graph.opset, inputs: arguments)
            arguments = []
            for input in node.inputs { if let input, lastUse[input] == position { values[input] = nil } }
            for (output, result) in zip(node.outputs, results) {
                if let output, lastUse[output] != nil { values[output] = result }
            }
        }
        var outputs: [String: Tensor] = [:]
        for output in graph.outputs {
            guard let tensor = values[output.value] else { throw .structure(reason: "nothing produces the output \(output.name)") }
            outputs[output.name] = tensor
        }
        return outputs
    }

    /// The outputs of one node, as many as it declares; an optional one that nobody asked for may be nil.
    public static func evaluate(node: Node, opset: Int, inputs: [Tensor?]) throws(GraphFault) -> [Tensor?] {
        let entry = try lookUp(node)
        let call = OperatorCall(node: node, opset: opset, types: inputs.map { $0?.type }, tensors: inputs)
        var results = try entry.evaluate(call)
        while results.count < node.outputs.count { results.append(nil) }
        results.removeLast(results.count - node.outputs.count)
        for (index, output) in node.outputs.enumerated() where output != nil && results[index] == nil {
            throw .unsupported(node: node.name, op: node.op, reason: "output \(index) is not computed by this engine")
        }
        return results
    }

    /// Types of the outputs where they follow from the types and the constants among the inputs; nil where they do not.
    public static func infer(
        node: Node, opset: Int, types: [ValueType?], constants: [Tensor?]
    ) throws(GraphFault) -> [ValueType?] {
        let entry = try lookUp(node)
        let unknown = [ValueType?](repeating: nil, count: node.outputs.count)
        for (index, input) in node.inputs.enumerated() where input != nil {
            guard types[index] != nil else { return unknown }
            if entry.shapedBy.contains(index), constants[index] == nil { return unknown }
        }
        var found = try entry.infer(OperatorCall(node: node, opset: opset, types: types, tensors: constants))
        while found.count < node.outputs.count { found.append(nil) }
        return Array(found.prefix(node.outputs.count))
    }

    private static func lookUp(_ node: Node) throws(GraphFault) -> Operator {
        guard let entry = OperatorTable.all[node.op] else {
            throw .unsupported(node: node.name, op: node.op, reason: "the engine does not have this operator")
        }
        guard entry.inputs.contains(node.inputs.count) else {
            throw .node(
                name: node.name, op: node.op,
                reason:
                    "has \(node.inputs.count) inputs, the operator takes \(entry.inputs.lowerBound) to \(entry.inputs.upperBound)")
        }
        for index in 0..<entry.inputs.lowerBound where node.inputs[index] == nil {
            throw .node(name: node.name, op: node.op, reason: "input \(index) is missing")
        }
        guard node.outputs.count <= entry.outputs else {
            throw .node(
                name: node.name, op: node.op, reason: "has \(node.outputs.count) outputs, the operator has \(entry.outputs)")
        }
        return entry
    }
}
