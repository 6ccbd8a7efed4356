import CalorBase

/// What can go wrong between a graph and its outputs.
public enum GraphFault: Fault {
    /// A node's attributes, types or shapes contradict each other.
    case node(name: String, op: String, reason: String)
    /// An operator, or a use of one, that this engine does not know.
    case unsupported(node: String, op: String, reason: String)
    /// An input of the graph that nobody fed.
    case missingInput(name: String, known: [String])
    /// An input of the graph with another type or shape than the graph declares.
    case inputMismatch(name: String, expected: String, found: String)
    /// A tensor that a node asks for is above the limit.
    case tooLarge(node: String, op: String, reason: String)
    /// The graph is not well formed: a cycle, a value without a producer.
    case structure(reason: String)
    /// A defect of the engine that a check found.
    case defect(reason: String)
    case cancelled

    public var identifier: String {
        switch self {
        case .node: "graph.node"
        case .unsupported: "graph.unsupported"
        case .missingInput: "graph.missing-input"
        case .inputMismatch: "graph.input-mismatch"
        case .tooLarge: "graph.too-large"
        case .structure: "graph.structure"
        case .defect: "graph.defect"
        case .cancelled: "cancelled"
        }
    }

    public var kind: FaultKind {
        switch self {
        case .node, .unsupported, .structure: .damagedInput
        case .missingInput, .inputMismatch: .usage
        case .tooLarge: .limit
        case .defect: .defect
        case .cancelled: .cancelled
        }
    }

    public var message: String {
        switch self {
        case .node(let name, let op, let reason), .tooLarge(let name, let op, let reason): "node \(name) (\(op)): \(reason)"
        case .unsupported(let node, let op, let reason): "node \(node) (\(op)) is not supported: \(reason)"
        case .missingInput(let name, _): "input \(name) has no value"
        case .inputMismatch(let name, let expected, let found): "input \(name) must be \(expected), this one is \(found)"
        case .structure(let reason): "the graph is not well formed: \(reason)"
        case .defect(let reason): "defect of the engine: \(reason)"
        case .cancelled: "stopped"
        }
    }

    public var advice: String? {
        switch self {
        case .node: "the model contradicts itself for these inputs; `calor model info` shows the shapes it declares"
        case .unsupported: "`calor model check` lists every operator of the model and whether it is supported"
        case .missingInput(_, let known): "the inputs are: \(known.joined(separator: ", "))"
        case .inputMismatch: "`calor model info` shows the inputs that the model declares"
        case .tooLarge: "run the model on a smaller image or on tiles"
        case .structure: "export the model again; `calor model check` validates it"
        case .defect: "please report this with the model"
        case .cancelled: nil
        }
    }
}
