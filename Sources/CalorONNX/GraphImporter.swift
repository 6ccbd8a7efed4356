import CalorGraph
import CalorTensor
import Foundation

/// From the messages of the file to the engine's graph: names become values, nodes are put in order.
struct GraphImporter {
    let opset: Int
    let tensors: TensorImporter
    private(set) var refusals: [ONNXModel.Refusal] = []
    private var values: [String: ValueID] = [:]
    private var names: [ValueID: String] = [:]
    private var produced: Set<ValueID> = []

    init(opset: Int, external: ExternalData) {
        self.opset = opset
        tensors = TensorImporter(external: external)
    }

    mutating func run(_ proto: Onnx_GraphProto) throws(ONNXFault) -> Graph {
        guard proto.sparseInitializer.isEmpty else { throw .format(reason: "it has sparse weights, which are not supported") }
        var constants: [ValueID: Tensor] = [:]
        for initializer in proto.initializer {
            guard !initializer.name.isEmpty else { throw .tensor(name: "(no name)", reason: "a weight has no name") }
            let id = try produce(initializer.name)
            constants[id] = try tensors.tensor(initializer)
        }
        // Before IR version 4 every weight is an input as well; such an input has its value already.
        var inputs: [ValueInfo] = []
        for input in proto.input where input.name.isEmpty { throw .value(name: "(no name)", reason: "is an input of the graph") }
        for input in proto.input where values[input.name].flatMap({ constants[$0] }) == nil {
            inputs.append(try info(input, value: try produce(input.name)))
        }
        var nodes: [Node] = []
        for (index, node) in proto.node.enumerated() { nodes.append(try convert(node, index)) }
        var outputs: [ValueInfo] = []
        for output in proto.output {
            guard let id = values[output.name], produced.contains(id) else {
                throw .value(name: output.name, reason: "is an output of the graph that nothing produces")
            }
            outputs.append(try info(output, value: id))
        }
        guard !outputs.isEmpty else { throw .format(reason: "its graph has no outputs") }
        let ready = Set(constants.keys).union(inputs.map(\.value))
        return Graph(
            name: proto.name, opset: opset, inputs: inputs, outputs: outputs, nodes: try sorted(nodes, ready: ready),
            constants: constants, valueNames: names, valueCount: values.count)
    }

    // MARK: - Values

    private mutating func value(_ name: String) -> ValueID {
        if let known = values[name] { return known }
        let id = ValueID(values.count)
        values[name] = id
        names[id] = name
        return id
    }

    private mutating func produce(_ name: String) throws(ONNXFault) -> ValueID {
        let id = value(name)
        guard produced.insert(id).inserted else { throw .value(name: name, reason: "is produced twice") }
        return id
    }

    private func info(_ proto: Onnx_ValueInfoProto, value: ValueID) throws(ONNXFault) -> ValueInfo {
        guard case .tensorType(let type)? = proto.type.value else { throw .value(name: proto.name, reason: "is not a tensor") }
        guard let dtype = TensorImporter.dtype(type.elemType) else {
            throw .value(
                name: proto.name, reason: "has element type \(TensorImporter.typeName(type.elemType)), which is not supported")
        }
        guard type.hasShape else { return ValueInfo(name: proto.name, value: value, dtype: dtype, dims: nil) }
        guard type.shape.dim.count <= 64 else {
            throw .value(name: proto.name, reason: "has \(type.shape.dim.count) axes, the limit is 64")
        }
        var dims: [CalorGraph.Dimension] = []
        for dim in type.shape.dim {
            switch dim.value {
            case .dimValue(let extent)?:
                guard extent >= 0, extent <= 1 << 40 else { throw .value(name: proto.name, reason: "has the extent \(extent)") }
                dims.append(.fixed(Int(extent)))
            case .dimParam(let symbol)?: dims.append(.symbol(symbol.isEmpty ? "?" : symbol))
            case nil: dims.append(.symbol("?"))
            }
        }
        return ValueInfo(name: proto.name, value: value, dtype: dtype, dims: dims)
    }

    // MARK: - Nodes

    private mutating func convert(_ proto: Onnx_NodeProto, _ index: Int) throws(ONNXFault) -> Node {
        let name = proto.name.isEmpty ? "\(proto.opType)_\(index)" : proto.name
        let known = proto.domain.isEmpty || proto.domain == "ai.onnx"
        let op = known ? proto.opType : "\(proto.domain)::\(proto.opType)"
        guard !proto.opType.isEmpty else { throw .node(name: name, op: "?", reason: "has no operator") }
        guard proto.output.contains(where: { !$0.isEmpty }) else { throw .node(name: name, op: op, reason: "has no output") }
        let inputs = proto.input.map { $0.isEmpty ? nil : value($0) }
        var outputs: [ValueID?] = []
        for output in proto.output { outputs.append(output.isEmpty ? nil : try produce(output)) }
        if !OperatorTable.supports(op) {
            refusals.append(
                .init(
                    node: name, op: op,
                    reason: known ? "the engine does not have this operator" : "the operator is not of ONNX itself"))
        }
        var attributes: [String: Attribute] = [:]
        for attribute in proto.attribute {
            guard attributes[attribute.name] == nil else {
                throw .node(name: name, op: op, reason: "attribute \(attribute.name) is given twice")
            }
            do {
                attributes[attribute.name] = try AttributeImporter.attribute(attribute, tensors)
            } catch {
                switch error {
                case .unsupported(let reason): refusals.append(.init(node: name, op: op, reason: reason))
                case .damaged(let reason): throw .node(name: name, op: op, reason: "attribute \(attribute.name): \(reason)")
                }
            }
        }
        return Node(name: name, op: op, inputs: inputs, outputs: outputs, attributes: attributes)
    }

    /// The nodes in an order in which every value is produced before it is read; the file's own order where it is one.
    private func sorted(_ nodes: [Node], ready: Set<ValueID>) throws(ONNXFault) -> [Node] {
        var waiting = [Int](repeating: 0, count: nodes.count)
        var readers: [ValueID: [Int]] = [:]
        for (index, node) in nodes.enumerated() {
            for input in Set(node.inputs.compactMap { $0 }) where !ready.contains(input) {
                guard produced.contains(input) else {
                    throw .node(name: node.name, op: node.op, reason: "reads \(names[input] ?? "a value"), which nothing produces")
                }
                waiting[index] += 1
                readers[input, default: []].append(index)
            }
        }
        if isOrdered(nodes, ready: ready) { return nodes }
        var queue = nodes.indices.filter { waiting[$0] == 0 }
        var order: [Node] = []
        var next = 0
        while next < queue.count {
            let node = nodes[queue[next]]
            next += 1
            order.append(node)
            for case let output? in node.outputs {
                for reader in readers[output] ?? [] {
                    waiting[reader] -= 1
                    if waiting[reader] == 0 { queue.append(reader) }
                }
            }
        }
        if order.count < nodes.count, let stuck = nodes.indices.first(where: { waiting[$0] > 0 }) {
            throw .cycle(node: nodes[stuck].name)
        }
        return order
    }

    private func isOrdered(_ nodes: [Node], ready: Set<ValueID>) -> Bool {
        var ready = ready
        for node in nodes {
            guard node.inputs.allSatisfy({ $0.map(ready.contains) ?? true }) else { return false }
            ready.formUnion(node.outputs.compactMap { $0 })
        }
        return true
    }
}
