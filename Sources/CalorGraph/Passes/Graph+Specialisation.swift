import CalorTensor

extension Graph {
    /// Results of folding above this many bytes stay nodes: a model must not grow by its own shape arithmetic.
    static let foldedByteLimit = 64 << 20

    /// This graph for inputs of the given shapes.
    ///
    /// Identities and inference-time dropouts vanish, everything that depends on shapes and constants only becomes a constant,
    /// and what no output needs is removed. An output may then be a constant or an input itself.
    ///
    /// *Shapes*: one entry for every input; an input with fixed extents may be left out.
    /// *Throws*: `missingInput`, `inputMismatch`, or the fault of a node whose shapes contradict each other.
    public func specialised(to inputShapes: [String: Shape]) throws(GraphFault) -> SpecialisedGraph {
        var folder = try Specialiser(graph: self, inputShapes: inputShapes)
        for node in nodes { try folder.visit(node) }
        return folder.finished()
    }

    /// The shapes that the graph itself fixes, completed by `inputShapes`.
    func inputTypes(_ inputShapes: [String: Shape]) throws(GraphFault) -> [ValueID: ValueType] {
        var types: [ValueID: ValueType] = [:]
        var symbols: [String: Int] = [:]
        for name in inputShapes.keys.sorted() where !inputs.contains(where: { $0.name == name }) {
            throw .inputMismatch(
                name: name, expected: "one of \(inputs.map(\.name).joined(separator: ", "))", found: "not an input")
        }
        for input in inputs {
            guard let shape = inputShapes[input.name] ?? input.fixedShape else {
                throw .missingInput(name: input.name, known: inputs.map(\.name))
            }
            guard input.accepts(shape, symbols: &symbols) else {
                throw .inputMismatch(name: input.name, expected: input.typeText, found: shape.description)
            }
            let call = OperatorCall(
                node: Node(name: input.name, op: "input", inputs: [], outputs: []), opset: opset, types: [], tensors: [])
            do {
                types[input.value] = ValueType(input.dtype, try call.checked(shape.dims, input.dtype))
            } catch {
                // A shape that the model leaves open was chosen by the user: the model is not at fault.
                if input.fixedShape == nil {
                    throw .tooLarge(node: input.name, op: "input", reason: "\(shape) is above every limit")
                }
                throw error
            }
        }
        return types
    }
}

extension ValueInfo {
    /// The declared shape when every extent is a number.
    public var fixedShape: Shape? {
        guard let dims else { return nil }
        var extents: [Int] = []
        for dimension in dims {
            guard case .fixed(let n) = dimension, n >= 0 else { return nil }
            extents.append(n)
        }
        return Shape(extents)
    }
}

/// One walk over the nodes in topological order.
private struct Specialiser {
    private var graph: Graph
    private var types: [ValueID: ValueType]
    private var constants: [ValueID: Tensor]
    private var aliases: [ValueID: ValueID] = [:]
    private var kept: [Node] = []
    private var identities = 0
    private var folded = 0

    init(graph: Graph, inputShapes: [String: Shape]) throws(GraphFault) {
        self.graph = graph
        types = try graph.inputTypes(inputShapes)
        constants = graph.constants
        for (id, tensor) in constants { types[id] = tensor.type }
    }

    mutating func visit(_ original: Node) throws(GraphFault) {
        var node = original
        node.inputs = node.inputs.map { $0.map { aliases[$0] ?? $0 } }
        if let source = node.identitySource(constants: constants) {
            identities += 1
            if let output = node.outputs.first, let output { aliases[output] = source }
            return
        }
        let inputTypes = node.inputs.map { $0.flatMap { types[$0] } }
        let inputConstants = node.inputs.map { $0.flatMap { constants[$0] } }
        let found = try Interpreter.infer(node: node, opset: graph.opset, types: inputTypes, constants: inputConstants)
        for (output, type) in zip(node.outputs, found) { if let output, let type { types[output] = type } }
        if try fold(node, inputTypes, inputConstants, found) { folded += 1 } else { kept.append(node) }
    }

    /// Replaces a node by its values when they are known now.
    private mutating func fold(
        _ node: Node, _ inputTypes: [ValueType?], _ inputConstants: [Tensor?], _ found: [ValueType?]
    ) throws(GraphFault) -> Bool {
        let results: [Tensor?]
        if node.op == "Shape" || node.op == "Size" {
            guard let type = inputTypes.first, let type else { return false }
            results = try ShapeOperators.value(
                OperatorCall(node: node, opset: graph.opset, types: [type], tensors: [nil]), of: type.shape)
        } else {
            let known = zip(node.inputs, inputConstants).allSatisfy { $0.0 == nil || $0.1 != nil }
            let small = zip(node.outputs, found).allSatisfy { output, type in
                output == nil || type.map { $0.shape.count * $0.dtype.bytes <= Graph.foldedByteLimit } ?? false
            }
            guard known, small else { return false }
            results = try Interpreter.evaluate(node: node, opset: graph.opset, inputs: inputConstants)
        }
        for (output, result) in zip(node.outputs, results) {
            if let output, let result {
                constants[output] = result
                types[output] = result.type
            }
        }
        return true
    }

    func finished() -> SpecialisedGraph {
        var result = graph
        for index in result.outputs.indices {
            let value = aliases[result.outputs[index].value] ?? result.outputs[index].value
            result.outputs[index].value = value
            if let type = types[value] { result.outputs[index].dims = type.shape.dims.map { .fixed($0) } }
        }
        for index in result.inputs.indices {
            if let type = types[result.inputs[index].value] { result.inputs[index].dims = type.shape.dims.map { .fixed($0) } }
        }
        result.nodes = kept
        result.constants = constants
        let dead = result.removeDeadNodes()
        var live = Set(result.inputs.map(\.value)).union(result.outputs.map(\.value)).union(result.constants.keys)
        for node in result.nodes { live.formUnion((node.inputs + node.outputs).compactMap { $0 }) }
        return SpecialisedGraph(
            graph: result, types: types.filter { live.contains($0.key) },
            applied: [
                PassReport(pass: "remove identities", nodes: identities), PassReport(pass: "fold constants", nodes: folded),
                PassReport(pass: "remove dead nodes", nodes: dead),
            ])
    }
}

extension Node {
    /// The value that this node merely passes on.
    func identitySource(constants: [ValueID: Tensor]) -> ValueID? {
        guard let first = inputs.first, let source = first, outputs.dropFirst().allSatisfy({ $0 == nil }) else { return nil }
        switch op {
        case "Identity": return source
        case "Dropout":
            // Before opset 12 the attribute is_test says so, after it a missing or false input.
            guard inputs.count > 2, let training = inputs[2] else { return source }
            guard let flag = constants[training], flag.dtype == .bool, flag.count == 1 else { return nil }
            return flag.array(of: UInt8.self) == [0] ? source : nil
        default: return nil
        }
    }
}
