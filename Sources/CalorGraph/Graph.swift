import CalorTensor

/// A value that flows along an edge of a graph.
public struct ValueID: Hashable, Sendable, Comparable {
    public let index: Int
    public init(_ index: Int) { self.index = index }
    public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// A constant that belongs to a node.
public enum Attribute: Sendable {
    case int(Int64)
    case float(Float)
    case string(String)
    case tensor(Tensor)
    case ints([Int64])
    case floats([Float])
    case strings([String])
}

/// One operation. `op` and the attributes are those of the ONNX operator set `Graph.opset`.
public struct Node: Sendable {
    public var name: String
    public var op: String
    /// nil for an optional input that is left out.
    public var inputs: [ValueID?]
    /// nil for an optional output that nobody asked for.
    public var outputs: [ValueID?]
    public var attributes: [String: Attribute]

    public init(name: String, op: String, inputs: [ValueID?], outputs: [ValueID?], attributes: [String: Attribute] = [:]) {
        self.name = name
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.attributes = attributes
    }
}

/// One extent of a declared shape: known, or named, or nothing.
public enum Dimension: Sendable, Equatable, CustomStringConvertible {
    case fixed(Int)
    case symbol(String)

    public var description: String {
        switch self {
        case .fixed(let n): String(n)
        case .symbol(let name): name
        }
    }
}

/// An input or output as the model declares it.
public struct ValueInfo: Sendable {
    public var name: String
    public var value: ValueID
    public var dtype: DType
    /// nil when the model does not say the rank.
    public var dims: [Dimension]?

    public init(name: String, value: ValueID, dtype: DType, dims: [Dimension]?) {
        self.name = name
        self.value = value
        self.dtype = dtype
        self.dims = dims
    }
}

/// A network: nodes in topological order, constants, inputs and outputs. Built once, then frozen and shared.
public struct Graph: Sendable {
    public var name: String
    public var opset: Int
    public var inputs: [ValueInfo]
    public var outputs: [ValueInfo]
    public var nodes: [Node]
    /// Weights and folded constants.
    public var constants: [ValueID: Tensor]
    /// Names of values, for messages.
    public var valueNames: [ValueID: String]
    public var valueCount: Int

    public init(
        name: String, opset: Int, inputs: [ValueInfo], outputs: [ValueInfo], nodes: [Node], constants: [ValueID: Tensor],
        valueNames: [ValueID: String], valueCount: Int
    ) {
        self.name = name
        self.opset = opset
        self.inputs = inputs
        self.outputs = outputs
        self.nodes = nodes
        self.constants = constants
        self.valueNames = valueNames
        self.valueCount = valueCount
    }

    /// A new value that no node produces yet.
    public mutating func makeValue(named name: String? = nil) -> ValueID {
        defer { valueCount += 1 }
        let id = ValueID(valueCount)
        if let name { valueNames[id] = name }
        return id
    }
}
