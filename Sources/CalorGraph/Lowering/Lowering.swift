import CalorTensor

/// Turns a specialised graph into fused operations.
///
/// One walk in topological order: every node becomes a `LoweredNode` and is then merged with its producers for as long as they have no
/// other reader (`Lowering+Absorption.swift`). A merged operation takes the place of its last part, so everything it reads exists.
struct Lowering {
    let graph: Graph
    let types: [ValueID: ValueType]
    /// nil where an operation was merged into a later one.
    private(set) var nodes: [LoweredNode?] = []
    private var producers: [ValueID: Int] = [:]
    /// Readers of a value: nodes that are not visited yet, operations that are alive, outputs of the graph.
    private var uses: [ValueID: Int] = [:]
    /// How often each fusion was applied.
    private(set) var fusions: [String: Int] = [:]

    init(_ specialised: SpecialisedGraph) {
        graph = specialised.graph
        types = specialised.types
        for node in graph.nodes { for case let input? in node.inputs { uses[input, default: 0] += 1 } }
        for output in graph.outputs { uses[output.value, default: 0] += 1 }
    }

    /// All operations in order.
    static func lowered(_ specialised: SpecialisedGraph) throws(GraphFault) -> (nodes: [LoweredNode], fusions: [String: Int]) {
        var lowering = Lowering(specialised)
        for node in specialised.graph.nodes {
            let recognised = try lowering.recognised(node)
            for case let input? in node.inputs { lowering.uses[input, default: 1] -= 1 }
            lowering.append(recognised)
        }
        return (lowering.nodes.compactMap { $0 }, lowering.fusions)
    }

    // MARK: - What absorption sees

    func type(_ value: ValueID) -> ValueType? { types[value] }

    func shape(_ value: ValueID) -> Shape? { types[value]?.shape }

    /// The operation that makes `value`, when nothing else reads it.
    func soleProducer(_ value: ValueID) -> LoweredNode? { uses[value] == 1 ? producer(value) : nil }

    func producer(_ value: ValueID) -> LoweredNode? { producers[value].flatMap { nodes[$0] } }

    /// Position of the producer, for picking the later one of two.
    func order(_ value: ValueID) -> Int { producers[value] ?? -1 }

    func useCount(_ value: ValueID) -> Int { uses[value] ?? 0 }

    /// Takes the producer of `value` out, to be merged into the operation at hand.
    mutating func remove(producerOf value: ValueID) {
        guard let index = producers[value], let node = nodes[index] else { return }
        for input in node.inputs { uses[input, default: 1] -= 1 }
        for case let output? in node.outputs { producers[output] = nil }
        nodes[index] = nil
    }

    /// Takes the producer of `value` out and lets the one operation that reads `value` read what it read.
    mutating func bypass(_ value: ValueID, readBy result: ValueID) {
        guard let index = producers[value], let inner = nodes[index]?.inputs.first, let reader = producers[result],
            var node = nodes[reader]
        else { return }
        node.inputs = node.inputs.map { $0 == value ? inner : $0 }
        nodes[reader] = node
        producers[value] = nil
        uses[value] = nil
        nodes[index] = nil
    }

    mutating func count(_ fusion: String) { fusions[fusion, default: 0] += 1 }

    private mutating func append(_ node: LoweredNode) {
        var node = node
        for input in node.inputs { uses[input, default: 0] += 1 }
        while let merged = absorbed(node) {
            // `absorbed` removed the producers; this operation's own reads move to the merged one.
            for input in node.inputs { uses[input, default: 1] -= 1 }
            node = merged
            for input in node.inputs { uses[input, default: 0] += 1 }
        }
        for case let output? in node.outputs { producers[output] = nodes.count }
        nodes.append(node)
    }
}
