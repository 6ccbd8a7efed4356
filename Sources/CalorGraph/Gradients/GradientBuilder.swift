import CalorTensor

/// Writes the nodes of a reverse pass behind those of a forward pass.
///
/// Every node it emits goes through the engine's own inference, so that a rule with wrong shapes is found when the graph is built.
struct GradientBuilder {
    private(set) var graph: Graph
    private(set) var types: [ValueID: ValueType]
    /// Values that depend on the inputs whose gradients are wanted.
    private var active: Set<ValueID>
    private var gradients: [ValueID: ValueID] = [:]
    private var emitted: [Node] = []
    /// The node whose rule is at work, for names and faults.
    private var current = Node(name: "", op: "", inputs: [], outputs: [])

    init(_ specialised: SpecialisedGraph, inputs: [String]) {
        graph = specialised.graph
        types = specialised.types
        active = Set(specialised.graph.inputs.filter { inputs.contains($0.name) }.map(\.value))
        for node in graph.nodes where !GradientTable.constant.contains(node.op) {
            guard node.inputs.contains(where: { $0.map { active.contains($0) } ?? false }) else { continue }
            for case let output? in node.outputs where types[output]?.dtype.isFloating ?? false { active.insert(output) }
        }
    }

    mutating func reversed(outputs: [String], inputs: [String]) throws(GraphFault) -> Graph {
        for name in outputs {
            guard let output = graph.outputs.first(where: { $0.name == name }), let type = types[output.value] else {
                throw .structure(reason: "\(name) is not an output with a known shape")
            }
            let seed = graph.makeValue(named: Graph.seedName(of: name))
            types[seed] = type
            graph.inputs.append(
                ValueInfo(name: Graph.seedName(of: name), value: seed, dtype: type.dtype, dims: type.shape.dims.map { .fixed($0) }))
            try accumulate(seed, for: output.value)
        }
        let forward = graph.nodes
        for node in forward.reversed() { try reverse(node) }
        graph.nodes += emitted
        emitted = []
        for name in inputs {
            guard let input = graph.inputs.first(where: { $0.name == name }), let type = types[input.value] else {
                throw .structure(reason: "\(name) is not an input with a known shape")
            }
            let gradient = gradients[input.value] ?? constant(Tensor(type.dtype, type.shape))
            graph.outputs.append(
                ValueInfo(
                    name: Graph.gradientName(of: name), value: gradient, dtype: type.dtype,
                    dims: type.shape.dims.map { .fixed($0) }))
        }
        return graph
    }

    private mutating func reverse(_ node: Node) throws(GraphFault) {
        let incoming = node.outputs.map { $0.flatMap { gradients[$0] } }
        guard incoming.contains(where: { $0 != nil }), !GradientTable.constant.contains(node.op),
            node.inputs.contains(where: { isActive($0) })
        else { return }
        guard let rule = GradientTable.rules[node.op] else {
            throw .unsupported(node: node.name, op: node.op, reason: "there is no rule for its gradient")
        }
        current = node
        let results = try rule(&self, node, incoming)
        for (input, gradient) in zip(node.inputs, results) {
            guard let input, let gradient, isActive(input) else { continue }
            guard try type(gradient) == type(input) else {
                throw .defect(
                    reason: "the gradient of \(node.op) \(node.name) is \(try type(gradient)), its input is \(try type(input))")
            }
            try accumulate(gradient, for: input)
        }
    }

    private mutating func accumulate(_ gradient: ValueID, for value: ValueID) throws(GraphFault) {
        if let known = gradients[value] {
            gradients[value] = try emit("Add", [known, gradient])
        } else {
            gradients[value] = gradient
        }
    }

    // MARK: - What rules ask

    func isActive(_ value: ValueID?) -> Bool { value.map { active.contains($0) } ?? false }

    func type(_ value: ValueID) throws(GraphFault) -> ValueType {
        guard let type = types[value] else {
            throw .unsupported(node: current.name, op: current.op, reason: "a shape is only known when the network runs")
        }
        return type
    }

    func shape(_ value: ValueID) throws(GraphFault) -> Shape { try type(value).shape }
    func tensor(_ value: ValueID?) -> Tensor? { value.flatMap { graph.constants[$0] } }
    var opset: Int { graph.opset }

    /// The node's attributes and constants through the same checks that inference makes.
    func call(_ node: Node) -> OperatorCall {
        OperatorCall(
            node: node, opset: graph.opset, types: node.inputs.map { $0.flatMap { types[$0] } },
            tensors: node.inputs.map { $0.flatMap { graph.constants[$0] } })
    }

    func input(_ node: Node, _ index: Int) throws(GraphFault) -> ValueID {
        guard index < node.inputs.count, let value = node.inputs[index] else {
            throw .node(name: node.name, op: node.op, reason: "input \(index) is missing")
        }
        return value
    }

    func output(_ node: Node) throws(GraphFault) -> ValueID {
        guard let first = node.outputs.first, let value = first else {
            throw .unsupported(node: node.name, op: node.op, reason: "its first output is left out")
        }
        return value
    }

    func unsupported(_ reason: String) -> GraphFault { .unsupported(node: current.name, op: current.op, reason: reason) }

    // MARK: - Emitting

    mutating func emit(
        _ op: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:]
    ) throws(GraphFault) -> ValueID {
        try emit(op, inputs, attributes, outputs: 1)[0]
    }

    mutating func emit(
        _ op: String, _ inputs: [ValueID?], _ attributes: [String: Attribute], outputs count: Int
    ) throws(GraphFault) -> [ValueID] {
        let outputs = (0..<count).map { _ in graph.makeValue() }
        let name = "gradient of \(current.name)/\(op) \(emitted.count)"
        let node = Node(name: name, op: op, inputs: inputs, outputs: outputs, attributes: attributes)
        let found = try Interpreter.infer(
            node: node, opset: graph.opset, types: inputs.map { $0.flatMap { types[$0] } },
            constants: inputs.map { $0.flatMap { graph.constants[$0] } })
        for (output, type) in zip(outputs, found) {
            guard let type else { throw .defect(reason: "\(name) has no shape") }
            types[output] = type
            graph.valueNames[output] = name
        }
        emitted.append(node)
        return outputs
    }

    mutating func constant(_ tensor: Tensor) -> ValueID {
        let value = graph.makeValue(named: "constant of a gradient")
        graph.constants[value] = tensor
        types[value] = tensor.type
        return value
    }

    mutating func constant(_ list: [Int]) -> ValueID { constant(Tensor(Shape([list.count]), list.map { Int64($0) })) }

    /// Numbers in an element type.
    mutating func constant(_ values: [Double], _ shape: Shape, _ dtype: DType) throws(GraphFault) -> ValueID {
        switch dtype {
        case .f32: return constant(Tensor(.f32, shape, copying: values.map { Float($0) }))
        case .f64: return constant(Tensor(.f64, shape, copying: values))
        default: throw unsupported("gradients are taken in f32 and f64, not in \(dtype)")
        }
    }
}
