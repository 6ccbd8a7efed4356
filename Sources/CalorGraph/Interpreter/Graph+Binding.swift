import CalorTensor

extension Graph {
    /// A value's name for messages.
    public func label(_ value: ValueID) -> String { valueNames[value] ?? "value \(value.index)" }

    /// The fed tensors by value, each checked against what the graph declares.
    ///
    /// *Throws*: `missingInput`, `inputMismatch`.
    public func bound(_ feeds: [String: Tensor]) throws(GraphFault) -> [(ValueID, Tensor)] {
        var pairs: [(ValueID, Tensor)] = []
        var symbols: [String: Int] = [:]
        for input in inputs {
            guard let tensor = feeds[input.name] else { throw .missingInput(name: input.name, known: inputs.map(\.name)) }
            guard tensor.dtype == input.dtype, input.accepts(tensor.shape, symbols: &symbols) else {
                throw .inputMismatch(name: input.name, expected: input.typeText, found: tensor.type.description)
            }
            pairs.append((input.value, tensor))
        }
        for name in feeds.keys.sorted() where !inputs.contains(where: { $0.name == name }) {
            throw .inputMismatch(
                name: name, expected: "one of \(inputs.map(\.name).joined(separator: ", "))", found: "not an input")
        }
        return pairs
    }

    /// The position of the last node that reads each value; `nodes.count` for outputs and constants.
    public func lastUses() -> [ValueID: Int] {
        var last: [ValueID: Int] = [:]
        for (position, node) in nodes.enumerated() { for input in node.inputs { if let input { last[input] = position } } }
        for output in outputs { last[output.value] = nodes.count }
        for constant in constants.keys { last[constant] = nodes.count }
        return last
    }
}

extension ValueInfo {
    /// Whether a tensor of `shape` may be fed: fixed extents must agree, a named extent must have one value everywhere.
    public func accepts(_ shape: Shape, symbols: inout [String: Int]) -> Bool {
        guard let dims else { return true }
        guard dims.count == shape.rank else { return false }
        for (dimension, extent) in zip(dims, shape.dims) {
            switch dimension {
            case .fixed(let n): if n != extent { return false }
            case .symbol(let name):
                if name.isEmpty || name == "?" { continue }
                if let known = symbols[name], known != extent { return false }
                symbols[name] = extent
            }
        }
        return true
    }

    /// For example `f32 1×3×h×w`.
    public var typeText: String {
        guard let dims else { return "\(dtype) of any shape" }
        return "\(dtype) " + (dims.isEmpty ? "scalar" : dims.map(\.description).joined(separator: "×"))
    }
}
