import CalorTensor

extension SpecialisedGraph {
    /// This graph with transposed convolutions of equal strides as a convolution for every phase of the output and a pixel shuffle.
    ///
    /// Output pixel q · s + r takes the taps k = r + p + s · t of input pixel q − t. The phases r are channels of one convolution over t;
    /// a phase that has no tap for some t has a zero there.
    func withPhases() -> SpecialisedGraph {
        rewritten("split transposed convolutions") { node, result in
            guard let plan = PhasePlan(node, self) else { return false }
            plan.emit(node, into: &result)
            return true
        }
    }
}

private struct PhasePlan {
    private let output: Shape
    private let groups: Int
    private let stride: Int
    private let before: [Int]
    /// Taps of an axis: the first and the last t.
    private let first: [Int]
    private let last: [Int]
    /// Output pixels of the convolution.
    private let places: [Int]
    private let input: Shape
    private let weights: Tensor
    private let bias: [Float]?

    /// Zeros that a phase may be filled up with, for each weight.
    private static let widest = 4
    private static let widestStride = 64

    init?(_ node: Node, _ graph: SpecialisedGraph) {
        guard node.op == "ConvTranspose", let x = node.inputs.first?.flatMap({ graph.types[$0] }), x.dtype == .f32,
            x.shape.rank == 4, x.shape[0] == 1, x.shape.count > 0,
            let weights = node.inputs[1].flatMap({ graph.graph.constants[$0] }),
            weights.dtype == .f32, let type = node.outputs[0].flatMap({ graph.types[$0] }), type.shape.count > 0
        else { return nil }
        let biasInput = node.inputs.count > 2 ? node.inputs[2] : nil
        bias = biasInput.flatMap { graph.graph.constants[$0] }?.floats
        guard biasInput == nil || bias != nil else { return nil }
        let call = OperatorCall(
            node: node, opset: graph.graph.opset, types: node.inputs.map { $0.flatMap { graph.types[$0] } },
            tensors: node.inputs.map { $0.flatMap { graph.graph.constants[$0] } })
        guard let plan = try? ConvolutionOperators.Plan(call, transposed: true), plan.result == type.shape else { return nil }
        let window = plan.window
        guard window.strides[0] == window.strides[1], window.dilations == [1, 1], window.before.allSatisfy({ $0 >= 0 }) else {
            return nil
        }
        let stride = window.strides[0]
        let kernel = window.kernel
        guard stride <= Self.widestStride else { return nil }
        output = type.shape
        input = x.shape
        groups = plan.groups
        self.stride = stride
        self.weights = weights
        before = window.before
        first = window.before.map { -(($0 + stride - 1) / stride) }
        last = (0..<2).map { (kernel[$0] - 1 - window.before[$0]).quotient(by: stride) }
        places = [(type.shape[2] + stride - 1) / stride, (type.shape[3] + stride - 1) / stride]
        let taps = (0..<2).map { last[$0] - first[$0] + 1 }
        // Nothing is cut off a border: a convolution pads, it does not crop.
        guard taps.allSatisfy({ $0 > 0 }), (0..<2).allSatisfy({ last[$0] >= 0 && places[$0] - input[2 + $0] - first[$0] >= 0 }),
            taps[0] * taps[1] * stride * stride <= Self.widest * kernel[0] * kernel[1]
        else { return nil }
    }

    func emit(_ node: Node, into target: inout SpecialisedGraph) {
        guard let x = node.inputs[0], let result = node.outputs[0] else { return }
        let (inputs, outputs) = (weights.shape[0] / groups, weights.shape[1])
        let kernel = [weights.shape[2], weights.shape[3]]
        let taps = (0..<2).map { last[$0] - first[$0] + 1 }
        let phases = stride * stride
        let channels = groups * outputs * phases
        var packed = [Float](repeating: 0, count: channels * inputs * taps[0] * taps[1])
        let source = weights.floats
        for group in 0..<groups {
            for out in 0..<outputs {
                for phase in 0..<phases {
                    let channel = (group * outputs + out) * phases + phase
                    for inner in 0..<inputs {
                        for row in 0..<taps[0] {
                            // A convolution reads forwards: its first tap meets the input of the last t.
                            let y = phase / stride + before[0] + stride * (last[0] - row)
                            for column in 0..<taps[1] {
                                let x = phase % stride + before[1] + stride * (last[1] - column)
                                guard y >= 0, y < kernel[0], x >= 0, x < kernel[1] else { continue }
                                packed[((channel * inputs + inner) * taps[0] + row) * taps[1] + column] =
                                    source[(((group * inputs + inner) * outputs + out) * kernel[0] + y) * kernel[1] + x]
                            }
                        }
                    }
                }
            }
        }
        var operands: [ValueID?] = [x, target.constant(Tensor([channels, inputs, taps[0], taps[1]], packed))]
        if let bias {
            operands.append(target.constant(Tensor([channels], bias.flatMap { [Float](repeating: $0, count: phases) })))
        }
        let pads = [last[0], last[1], places[0] - input[2] - first[0], places[1] - input[3] - first[1]]
        let whole = Shape([output[0], output[1], places[0] * stride, places[1] * stride])
        let small = stride == 1 ? nil : target.value(ValueType(.f32, Shape([output[0], channels, places[0], places[1]])))
        let exact = whole == output
        let large = exact ? result : target.value(ValueType(.f32, whole))
        target.graph.nodes.append(
            Node(
                name: node.name, op: "Conv", inputs: operands, outputs: [small ?? large],
                attributes: ["group": .int(Int64(groups)), "pads": .ints(pads.map { Int64($0) })]))
        if let small {
            target.graph.nodes.append(
                Node(
                    name: node.name, op: "DepthToSpace", inputs: [small], outputs: [large],
                    attributes: ["blocksize": .int(Int64(stride)), "mode": .string("CRD")]))
        }
        if !exact { target.crop(large, to: output, node.name, result) }
    }
}

extension SpecialisedGraph {
    /// The first rows and columns.
    fileprivate mutating func crop(_ value: ValueID, to shape: Shape, _ name: String, _ result: ValueID) {
        let (starts, ends) = ([Int64(0), 0], [Int64(shape[2]), Int64(shape[3])])
        if graph.opset < 10 {
            graph.nodes.append(
                Node(
                    name: name, op: "Slice", inputs: [value], outputs: [result],
                    attributes: ["starts": .ints(starts), "ends": .ints(ends), "axes": .ints([2, 3])]))
            return
        }
        let operands = [constant(Tensor([2], starts)), constant(Tensor([2], ends)), constant(Tensor([2], [Int64(2), 3]))]
        graph.nodes.append(Node(name: name, op: "Slice", inputs: [value] + operands, outputs: [result]))
    }
}

extension Int {
    /// The quotient rounded down.
    fileprivate func quotient(by divisor: Int) -> Int { self >= 0 ? self / divisor : -((divisor - 1 - self) / divisor) }
}
