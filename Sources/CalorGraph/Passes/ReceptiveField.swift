import CalorTensor

/// How far around a pixel of the output a network looks, in pixels of its input.
public enum ReceptiveField: Sendable, Equatable {
    /// The output depends on so many pixels to every side of the place that it shows.
    case local(haloPixels: Int)
    /// The output depends on the whole image, because of this node.
    case whole(node: String)
}

extension SpecialisedGraph {
    /// The receptive field over rows and columns of N×C×H×W values; nil when the graph has no such input or output.
    ///
    /// A node that is not known to be local counts as looking at the whole image, so a halo is never too small.
    public func receptiveField() -> ReceptiveField? {
        var reaches: [ValueID: Reach] = [:]
        for input in graph.inputs where types[input.value]?.shape.rank == 4 { reaches[input.value] = .local(pixel: 1, halo: 0) }
        guard !reaches.isEmpty else { return nil }
        for node in graph.nodes {
            let reach = outputReach(of: node, reaches)
            for case let output? in node.outputs { reaches[output] = reach }
        }
        var halo = 0.0
        for output in graph.outputs {
            switch reaches[output.value] {
            case .local(_, let more)?:
                guard more < Self.widestHalo else { return .whole(node: output.name) }
                halo = max(halo, more)
            case .whole(let node)?: return .whole(node: node)
            case nil: continue
            }
        }
        // A position that falls between pixels counts as the next whole pixel.
        return .local(haloPixels: Int(halo.rounded(.up)))
    }

    /// No picture is wider; absurd strides multiply to more than an integer holds.
    private static let widestHalo = 1e6

    /// What one value sees: the size of its pixel and its halo, both in pixels of the input.
    private enum Reach {
        case local(pixel: Double, halo: Double)
        case whole(node: String)
    }

    private func outputReach(of node: Node, _ reaches: [ValueID: Reach]) -> Reach? {
        var (pixel, halo) = (0.0, 0.0)
        var isFed = false
        for case let input? in node.inputs {
            switch reaches[input] {
            case nil: continue
            case .whole(let node)?: return .whole(node: node)
            case .local(let size, let more)?:
                (pixel, halo) = (max(pixel, size), max(halo, more))
                isFed = true
            }
        }
        guard isFed else { return nil }
        guard let step = localStep(of: node) else { return .whole(node: node.name) }
        return .local(pixel: pixel * step.scale, halo: halo + pixel * step.reach)
    }

    /// The change of the pixel's size and the reach in the node's own input pixels; nil for a node that is not local.
    private func localStep(of node: Node) -> (scale: Double, reach: Double)? {
        guard let first = node.inputs.first, let source = first.flatMap({ types[$0] })?.shape else { return nil }
        let target = node.outputs.first.flatMap { $0 }.flatMap { types[$0] }?.shape
        switch node.op {
        case _ where Self.elementwise.contains(node.op): return (1, 0)
        case "Concat", "Split", "Slice", "Transpose":
            // Local as long as rows and columns stay what they are.
            guard let target, target.rank == 4, source.rank == 4, node.op != "Transpose" else { return nil }
            return target.dims.suffix(2) == source.dims.suffix(2) && axisIsOutside(node) ? (1, 0) : nil
        case "Conv", "MaxPool", "AveragePool":
            let weights =
                node.op == "Conv" && node.inputs.count > 1 ? node.inputs[1].flatMap { types[$0] }?.shape.dims.dropFirst(2) : nil
            let call = OperatorCall(node: node, opset: graph.opset, types: [ValueType(.f32, source)], tensors: [nil])
            guard source.rank == 4, let window = try? Window.sliding(call, weights: weights.map { Array($0) }) else { return nil }
            let reach = (0..<2).map { max(window.before[$0], window.span[$0] - 1 - window.before[$0]) }.max() ?? 0
            return window.strides[0] == window.strides[1] ? (Double(window.strides[0]), Double(reach)) : nil
        case "ReduceMean":
            // Over the channels of each pixel.
            guard let target, source.rank == 4, target.dims == [source[0], 1, source[2], source[3]] else { return nil }
            return source[2] * source[3] > 1 && source[1] > 1 ? (1, 0) : nil
        case "ConvTranspose":
            let call = OperatorCall(
                node: node, opset: graph.opset, types: node.inputs.map { $0.flatMap { types[$0] } },
                tensors: node.inputs.map { $0.flatMap { graph.constants[$0] } })
            guard source.rank == 4, let window = try? ConvolutionOperators.Plan(call, transposed: true).window,
                window.strides[0] == window.strides[1]
            else { return nil }
            let stride = window.strides[0]
            let reach = (0..<2).map { max(window.before[$0], window.span[$0] - 1 - window.before[$0], 0) / stride + 1 }.max() ?? 0
            return (1 / Double(stride), Double(reach))
        case "DepthToSpace", "SpaceToDepth":
            guard case .int(let block)? = node.attributes["blocksize"], block > 0 else { return nil }
            return node.op == "DepthToSpace" ? (1 / Double(block), 0) : (Double(block), Double(block - 1))
        case "Resize", "Upsample":
            guard let target, target.rank == 4, source.rank == 4, source[2] > 0, source[3] > 0, target[2] > 0 else { return nil }
            let scale = Double(target[2]) / Double(source[2])
            guard Double(target[3]) / Double(source[3]) == scale else { return nil }
            let reach: Double = node.attributes["mode"].map { if case .string("cubic") = $0 { 2.0 } else { 1.0 } } ?? 1
            return (1 / scale, max(reach, reach / scale))
        case "Pad":
            return target.map { $0.dims.prefix(2) == source.dims.prefix(2) } ?? false ? (1, padReach(node)) : nil
        default: return nil
        }
    }

    private func axisIsOutside(_ node: Node) -> Bool {
        if node.op == "Slice" { return true }
        guard case .int(let axis)? = node.attributes["axis"] else { return node.op == "Concat" }
        return axis == 0 || axis == 1 || axis == -3 || axis == -4
    }

    /// A border moves the picture: the reach covers the widest one.
    private func padReach(_ node: Node) -> Double {
        let call = OperatorCall(
            node: node, opset: graph.opset, types: node.inputs.map { $0.flatMap { types[$0] } },
            tensors: node.inputs.map { $0.flatMap { graph.constants[$0] } })
        guard let border = try? Border(call) else { return .infinity }
        return Double((border.before + border.after).map { $0.magnitude }.max() ?? 0)
    }

    private static let elementwise: Set<String> = [
        "Abs", "Add", "And", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Cos", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp",
        "Floor",
        "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Less",
        "LessOrEqual",
        "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Round",
        "Selu",
        "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Swish", "Tanh", "ThresholdedRelu", "Where", "Xor",
        "BatchNormalization", "LRN",
    ]
}
