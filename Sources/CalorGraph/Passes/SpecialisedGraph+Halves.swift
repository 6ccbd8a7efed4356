import CalorTensor

extension SpecialisedGraph {
    /// This graph with 16-bit floats computed in 32 bits, for which there are kernels, and rounded once: inputs and outputs keep their
    /// type. Only networks are changed (graphs with a convolution or a product of matrices in 16 bits); what a single operator makes of
    /// 16 bits stays what ONNX says.
    ///
    /// *Precision*: nearer to the exact result than rounding after every operation; values above 65504 stay finite in between.
    func withFloatsForHalves() -> SpecialisedGraph {
        func isHalf(_ value: ValueID?) -> Bool { value.flatMap { types[$0] }?.dtype == .f16 }
        let isNetwork = graph.nodes.contains { Self.products.contains($0.op) && $0.outputs.contains(where: isHalf) }
        guard isNetwork, !graph.nodes.contains(where: \.namesHalves) else { return self }
        var result = self
        result.graph.nodes = []
        for (value, tensor) in graph.constants where tensor.dtype == .f16 {
            result.graph.constants[value] = tensor.widened()
            result.types[value] = ValueType(.f32, tensor.shape)
        }
        for (value, type) in types where type.dtype == .f16 { result.types[value] = ValueType(.f32, type.shape) }
        /// What a value is called inside, where its own name belongs to an input, an output or a conversion that is none any more.
        var names: [ValueID: ValueID] = [:]
        func cast(_ from: ValueID, _ to: ValueID, _ code: Int64) -> Node {
            Node(name: "type of \(graph.label(to))", op: "Cast", inputs: [from], outputs: [to], attributes: ["to": .int(code)])
        }
        for input in graph.inputs {
            guard let type = types[input.value], type.dtype == .f16 else { continue }
            let inside = result.value(ValueType(.f32, type.shape))
            names[input.value] = inside
            result.types[input.value] = type
            result.graph.nodes.append(cast(input.value, inside, 1))
        }
        let outputs = Set(graph.outputs.map(\.value).filter { isHalf($0) && graph.constants[$0] == nil && names[$0] == nil })
        for output in outputs.sorted() { names[output] = types[output].map { result.value(ValueType(.f32, $0.shape)) } }
        var changed = 0
        for node in graph.nodes {
            var node = node
            let touches = node.inputs.contains(where: isHalf) || node.outputs.contains(where: isHalf)
            changed += touches ? 1 : 0
            node.inputs = node.inputs.map { $0.map { names[$0] ?? $0 } }
            if node.op == "Cast", let from = node.inputs[0], let to = node.outputs[0] {
                let isFloat = isHalf(to) || types[to]?.dtype == .f32
                if touches, isFloat, result.types[from]?.dtype == .f32, !graph.outputs.contains(where: { $0.value == to }) {
                    // 32 bits to 32 bits.
                    names[to] = from
                    continue
                }
                if isHalf(to) { node.attributes = ["to": .int(1)] }
            }
            node.outputs = node.outputs.map { $0.map { outputs.contains($0) ? names[$0] ?? $0 : $0 } }
            result.graph.nodes.append(node)
        }
        for output in outputs.sorted() {
            guard let inside = names[output] else { continue }
            result.types[output] = types[output]
            result.graph.nodes.append(cast(inside, output, 10))
        }
        // An output that is a constant keeps its type.
        for output in graph.outputs where isHalf(output.value) {
            guard let tensor = graph.constants[output.value] else { continue }
            let value = result.constant(tensor)
            for index in result.graph.outputs.indices where result.graph.outputs[index].value == output.value {
                result.graph.outputs[index].value = value
            }
        }
        result.applied.append(PassReport(pass: "compute 16-bit floats in 32 bits", nodes: changed))
        return result
    }

    private static let products: Set = ["Conv", "ConvTranspose", "MatMul", "Gemm"]
}

extension Node {
    /// Whether an attribute other than a conversion's speaks of 16-bit floats, or the operator sees the bits.
    fileprivate var namesHalves: Bool {
        if ["BitCast", "QuantizeLinear", "DequantizeLinear"].contains(op) { return true }
        return attributes.contains { name, value in
            switch value {
            case .tensor(let tensor): tensor.dtype == .f16
            case .int(10): ["dtype", "output_dtype", "softmax_precision", "stash_type"].contains(name)
            default: false
            }
        }
    }
}
