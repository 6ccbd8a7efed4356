import CalorGraph
import CalorTensor

/// Random valid networks over the operators that have kernels, spelled as exporters spell them.
///
/// Sizes are small and awkward: channels around multiples of 8, sides around multiples of 4. Values stay near 1: weights are scaled by
/// their fan-in, and what could grow without bound is followed by something that does not.
public struct NetworkGenerator {
    public private(set) var graph: Graph
    public private(set) var inputs: [String: Tensor] = [:]
    var choices: Choices
    /// What later operations may read, with its shape; always f32.
    var live: [(value: ValueID, shape: Shape)] = []
    private var key: UInt64 = 1

    /// *Limits*: at most `operations` groups of nodes, 12 000 elements in a value.
    public init(_ choices: Choices, operations: Int = 14) {
        self.choices = choices
        graph = Graph(name: "random", opset: 18, inputs: [], outputs: [], nodes: [], constants: [:], valueNames: [:], valueCount: 0)
        addInput()
        if self.choices.flag(oneIn: 4) { addInput() }
        var left = self.choices.number(1...operations)
        while left > 0, self.choices.isOpen {
            step()
            left -= 1
        }
        finish()
    }

    static let elementLimit = 12_000

    // MARK: - Values

    private mutating func addInput() {
        let channels = choices.one(of: [1, 3, 8, 16, 5, 24, 2, 12])
        let batch = choices.flag(oneIn: 4) ? choices.number(2...3) : 1
        let (height, width) = (choices.number(1...21), choices.number(1...21))
        let name = "input\(inputs.count)"
        let shape = Shape([batch, channels, height, width])
        let value = graph.makeValue(named: name)
        graph.inputs.append(
            ValueInfo(
                name: name, value: value, dtype: .f32,
                dims: [.fixed(batch), .fixed(channels), .symbol("h\(inputs.count)"), .symbol("w\(inputs.count)")]))
        inputs[name] = noise(shape)
        live.append((value, shape))
    }

    mutating func noise(_ shape: Shape, scale: Float = 1) -> Tensor {
        key &+= 1
        return Tensor(shape, Choices.noise(shape.count, key: key &* 7919 &+ UInt64(choices.byte())).map { $0 * scale })
    }

    mutating func constant(_ tensor: Tensor) -> ValueID {
        let value = graph.makeValue()
        graph.constants[value] = tensor
        return value
    }

    mutating func weights(_ shape: Shape, fan: Int) -> ValueID {
        constant(noise(shape, scale: 1.5 / Float(max(fan, 1)).squareRoot()))
    }

    mutating func floats(_ shape: Shape, _ values: [Float]) -> ValueID { constant(Tensor(shape, values)) }
    mutating func ints(_ values: [Int]) -> ValueID { constant(Tensor([values.count], values.map(Int64.init))) }

    // MARK: - Nodes

    mutating func many(_ op: String, _ inputs: [ValueID?], outputs: Int, _ attributes: [String: Attribute] = [:]) -> [ValueID] {
        let values = (0..<outputs).map { _ in graph.makeValue() }
        graph.nodes.append(Node(name: "n\(graph.nodes.count)", op: op, inputs: inputs, outputs: values, attributes: attributes))
        return values
    }

    mutating func node(_ op: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:]) -> ValueID {
        many(op, inputs, outputs: 1, attributes)[0]
    }

    /// A value that the next operations may read; dropped when it is too large.
    mutating func keep(_ value: ValueID, _ dims: [Int]) {
        guard dims.reduce(1, *) <= Self.elementLimit, dims.allSatisfy({ $0 > 0 }) else { return }
        live.append((value, Shape(dims)))
    }

    /// A value that may be read: the last one half of the time.
    mutating func pick(_ accepts: (Shape) -> Bool = { _ in true }) -> (value: ValueID, shape: Shape)? {
        let fit = live.filter { accepts($0.shape) }
        guard let last = fit.last else { return nil }
        return choices.flag() ? last : choices.one(of: fit)
    }

    /// With so few channels that a convolution over them has weights of some megabytes at most.
    mutating func image() -> (value: ValueID, shape: Shape)? { pick { $0.rank == 4 && $0[1] <= 256 } }

    private mutating func step() {
        switch choices.number(0...23) {
        case 0, 1, 2: convolution()
        case 3: transposedConvolution()
        case 4: pool()
        case 5, 6: activation()
        case 7, 8: sum()
        case 9: affine()
        case 10: normalisation()
        case 11: squeezeAndExcite()
        case 12: gate()
        case 13: concatenation()
        case 14: split()
        case 15: shuffle()
        case 16: enlargement()
        case 17: border()
        case 18: linear()
        case 19: product()
        case 20: attention()
        case 21: rows()
        case 22: movement()
        default: shapeArithmetic()
        }
    }

    private mutating func finish() {
        var outputs = [live[live.count - 1].value]
        for _ in 0..<choices.number(0...2) { outputs.append(choices.one(of: live).value) }
        graph.outputs = outputs.enumerated().map { ValueInfo(name: "out\($0.offset)", value: $0.element, dtype: .f32, dims: nil) }
    }

    /// The nodes, one a line, for a message.
    public var listing: String {
        let shapes = inputs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.shape)" }
        let nodes = graph.nodes.map { node in
            let reads = node.inputs.map { $0.map { "v\($0.index)" + (graph.constants[$0].map { "[\($0.shape)]" } ?? "") } ?? "-" }
            let attributes = node.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let writes = node.outputs.map { $0.map { "v\($0.index)" } ?? "-" }
            return
                "\(writes.joined(separator: ",")) = \(node.op)(\(reads.joined(separator: ", "))) \(attributes.joined(separator: " "))"
        }
        return (shapes + nodes + ["outputs " + graph.outputs.map { "v\($0.value.index)" }.joined(separator: " ")])
            .joined(separator: "\n")
    }
}
