import CalorTensor

/// A graph for one set of input shapes: shape arithmetic folded, dead nodes removed, every type known where it can be.
public struct SpecialisedGraph: Sendable {
    /// The nodes that are left, in topological order. Inputs and outputs are those of the original; their dims are now fixed.
    public var graph: Graph
    /// Type and concrete shape of every value that `graph` still has, where they do not depend on values fed at run time.
    public var types: [ValueID: ValueType]
    /// What the passes did, in order.
    public var applied: [PassReport]
    /// Of a value of one image of a batch: what it is a part of. All images share the weights of its operation.
    var twins: [ValueID: ValueID] = [:]

    public func type(of value: ValueID) -> ValueType? { types[value] }

    /// A new value that no node produces yet.
    mutating func value(_ type: ValueType) -> ValueID {
        let value = graph.makeValue()
        types[value] = type
        return value
    }

    mutating func constant(_ tensor: Tensor) -> ValueID {
        let value = value(tensor.type)
        graph.constants[value] = tensor
        return value
    }

    /// This graph with the nodes that `emit` replaces, by appending others and returning true; the rest stay, in order.
    func rewritten(_ pass: String, _ emit: (Node, inout SpecialisedGraph) -> Bool) -> SpecialisedGraph {
        var result = self
        var count = 0
        result.graph.nodes = []
        for node in graph.nodes {
            if emit(node, &result) { count += 1 } else { result.graph.nodes.append(node) }
        }
        if count > 0 { result.applied.append(PassReport(pass: pass, nodes: count)) }
        return result
    }
}

/// What one pass did.
public struct PassReport: Sendable, Equatable {
    public var pass: String
    /// Nodes removed, folded or rewritten.
    public var nodes: Int

    public init(pass: String, nodes: Int) {
        self.pass = pass
        self.nodes = nodes
    }
}
