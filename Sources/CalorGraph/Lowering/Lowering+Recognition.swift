import CalorTensor

/// Which kind of operation a node is, by its operator, types and constants. What is not recognised stays with the interpreter.
extension Lowering {
    func recognised(_ node: Node) throws(GraphFault) -> LoweredNode {
        if let found = try fast(node) { return found }
        return LoweredNode(kind: .fallback, inputs: node.inputs.compactMap { $0 }, outputs: node.outputs, origin: node)
    }

    private func fast(_ node: Node) throws(GraphFault) -> LoweredNode? {
        guard let first = node.inputs.first, let x = first, let outputType = node.outputs.first.flatMap({ $0 }).flatMap(type),
            outputType.dtype == .f32, outputType.shape.count > 0, let shape = shape(x)
        else { return nil }
        let call = OperatorCall(
            node: node, opset: graph.opset, types: node.inputs.map { $0.flatMap(type) },
            tensors: node.inputs.map { $0.flatMap { graph.constants[$0] } })
        func make(_ kind: LoweredNode.Kind, _ inputs: [ValueID]? = nil) -> LoweredNode {
            LoweredNode(kind: kind, inputs: inputs ?? [x], outputs: node.outputs, origin: node)
        }
        if ["Add", "Sub", "Mul", "Div", "Min", "Max", "Pow"].contains(node.op) { return binary(node, call, outputType.shape) }
        guard type(x)?.dtype == .f32, shape.count > 0 else { return nil }
        if let unary = try unary(call) { return make(.unary(unary, slopes: [])) }
        switch node.op {
        case "PRelu":
            guard let slopes = node.inputs.count == 2 ? channelVector(node.inputs[1], shape) : nil, outputType.shape == shape else {
                return nil
            }
            if slopes.count == 1 { return make(.unary(.activation(.leakyRelu(slope: slopes[0])), slopes: [])) }
            return make(.unary(.activation(.prelu), slopes: slopes))
        case "Conv": return try convolved(call, shape, outputType.shape).map { make($0) }
        case "BatchNormalization": return try batchNormalisation(call, shape).map { make(.affine($0)) }
        case "InstanceNormalization":
            guard shape.rank >= 3, shape[0] == 1, let scale = floats(node.inputs[1]), let shift = floats(node.inputs[2]),
                scale.count == shape[1], shift.count == shape[1]
            else { return nil }
            let epsilon = Float(try call.float("epsilon") ?? 1e-5)
            return make(.normalisation(FusedNormalisation(groups: shape[1], epsilon: epsilon, scale: scale, shift: shift)))
        case "GroupNormalization": return try groupNormalisation(call, shape).map { make(.normalisation($0)) }
        case "LayerNormalization": return try layerNormalisation(call, shape).map { make($0) }
        case "MatMul", "Gemm": return try product(call)
        case "Softmax":
            let axis = try call.int("axis") ?? (graph.opset >= 13 ? -1 : 1)
            guard try call.axis(axis, rank: shape.rank) == shape.rank - 1 else { return nil }
            return make(.softmax(rows: shape.count / shape[-1], columns: shape[-1]))
        case "Attention": return try attentionOperator(call)
        case "ReduceMean": return try mean(call, shape, outputType.shape).map { make($0) }
        case "Slice": return try slice(call, shape, outputType.shape).map { make($0) }
        case "Gather": return try gather(call, shape).map { make($0) }
        case "Concat":
            guard let axis = try call.int("axis") else { return nil }
            let values = node.inputs.compactMap { $0 }
            // An empty operand brings nothing and has no memory.
            guard values.count == node.inputs.count,
                values.allSatisfy({ type($0)?.dtype == .f32 && (self.shape($0)?.count ?? 0) > 0 })
            else { return nil }
            return make(.concat(axis: try call.axis(axis, rank: shape.rank)), values)
        case "Split":
            let axis = try call.axis(try call.int("axis") ?? 0, rank: shape.rank)
            let sizes = node.outputs.map { $0.flatMap(self.shape).map { $0[axis] } ?? 0 }
            guard sizes.allSatisfy({ $0 > 0 }), sizes.reduce(0, +) == shape[axis] else { return nil }
            return make(.split(axis: axis, sizes: sizes))
        case "DepthToSpace", "SpaceToDepth": return try shuffle(call, shape).map { make($0) }
        case "Resize", "Upsample":
            if let repeated = try nearest(call, shape, outputType.shape) { return make(repeated) }
            return try resample(call, shape, outputType.shape).map { make($0) }
        case "MaxPool", "AveragePool": return try pool(call, shape, outputType.shape).map { make($0) }
        case "GlobalAveragePool": return shape.rank == 4 && shape[0] == 1 ? make(.globalMean) : nil
        case "Transpose":
            let order = try call.ints("perm") ?? Array((0..<shape.rank).reversed())
            return shape.rank > 0 ? make(.transpose(order)) : nil
        case "Reshape", "Flatten", "Squeeze", "Unsqueeze":
            return outputType.shape.count == shape.count ? make(.alias) : nil
        default: return nil
        }
    }

    // MARK: - Constants

    /// The numbers of a constant f32 value.
    func floats(_ value: ValueID?) -> [Float]? {
        guard let value, let tensor = graph.constants[value], tensor.dtype == .f32 else { return nil }
        return tensor.floats
    }

    /// A constant that broadcasts over `shape` as one number, or as one number per channel of a rank-4 value with batch 1.
    func channelVector(_ value: ValueID?, _ shape: Shape) -> [Float]? {
        guard let value, let tensor = graph.constants[value], tensor.dtype == .f32, tensor.shape.rank <= shape.rank else {
            return nil
        }
        if tensor.count == 1 { return tensor.floats }
        guard shape.rank == 4, shape[0] == 1 else { return nil }
        let padded = [Int](repeating: 1, count: 4 - tensor.shape.rank) + tensor.shape.dims
        return padded == [1, shape[1], 1, 1] ? tensor.floats : nil
    }

    // MARK: - Element by element

    private func unary(_ call: OperatorCall) throws(GraphFault) -> UnaryOperation? {
        switch call.node.op {
        case "Relu": return .activation(.relu)
        case "LeakyRelu": return .activation(.leakyRelu(slope: Float(try call.float("alpha") ?? 0.01)))
        case "Sigmoid": return .activation(.sigmoid)
        case "Tanh": return .activation(.tanh)
        case "Gelu": return .activation(try call.string("approximate") == "tanh" ? .geluTanh : .gelu)
        case "HardSigmoid":
            return .activation(
                .hardSigmoid(alpha: Float(try call.float("alpha") ?? 0.2), beta: Float(try call.float("beta") ?? 0.5)))
        case "HardSwish": return .activation(.hardSwish)
        case "Elu": return .activation(.elu(alpha: Float(try call.float("alpha") ?? 1)))
        case "Softplus": return .activation(.softplus)
        case "Mish": return .activation(.mish)
        case "Softsign": return .activation(.softsign)
        case "Clip":
            guard graph.opset >= 11 else {
                return .activation(
                    .clip(
                        lower: Float(try call.float("min") ?? -Double(Float.greatestFiniteMagnitude)),
                        upper: Float(try call.float("max") ?? Double(Float.greatestFiniteMagnitude))))
            }
            let lower = call.has(1) ? call.optionalTensor(1) : Tensor([], [-Float.infinity])
            let upper = call.has(2) ? call.optionalTensor(2) : Tensor([], [Float.infinity])
            guard let lower, let upper, lower.count == 1, upper.count == 1, lower.dtype == .f32, upper.dtype == .f32,
                lower.floats[0] <= upper.floats[0]
            else { return nil }
            return .activation(.clip(lower: lower.floats[0], upper: upper.floats[0]))
        case "Neg": return .negate
        case "Abs": return .absolute
        case "Sqrt": return .squareRoot
        case "Reciprocal": return .reciprocal
        case "Exp": return .exponential
        case "Log": return .logarithm
        case "Erf": return .erf
        case "Floor": return .floor
        case "Ceil": return .ceiling
        case "Round": return .roundHalfToEven
        case "Sign": return .sign
        case "Sin": return .sine
        case "Cos": return .cosine
        default: return nil
        }
    }

    private func binary(_ node: Node, _ call: OperatorCall, _ output: Shape) -> LoweredNode? {
        guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1], type(a)?.dtype == .f32, type(b)?.dtype == .f32
        else { return nil }
        func make(_ kind: LoweredNode.Kind, _ inputs: [ValueID]) -> LoweredNode {
            LoweredNode(kind: kind, inputs: inputs, outputs: node.outputs, origin: node)
        }
        func affine(_ value: ValueID, _ scale: [Float], _ shift: [Float]) -> LoweredNode {
            make(.affine(FusedAffine(scale: scale, shift: shift)), [value])
        }
        if shape(a) == output, let constant = channelVector(b, output) {
            switch node.op {
            case "Add": return affine(a, [1], constant)
            case "Sub": return affine(a, [1], constant.map { -$0 })
            case "Mul": return affine(a, constant, [0])
            // A reciprocal would round twice; only powers of two are exact.
            case "Div" where constant.allSatisfy({ $0.isNormal && $0.significand == 1 }):
                return affine(a, constant.map { 1 / $0 }, [0])
            case "Pow" where constant == [2]: return make(.unary(.square, slopes: []), [a])
            default: break
            }
        }
        if shape(b) == output, let constant = channelVector(a, output) {
            switch node.op {
            case "Add": return affine(b, [1], constant)
            case "Sub": return affine(b, [-1], constant)
            case "Mul": return affine(b, constant, [0])
            default: break
            }
        }
        let operations: [String: BinaryOperation] = [
            "Add": .add, "Sub": .subtract, "Mul": .multiply, "Div": .divide, "Min": .minimum, "Max": .maximum, "Pow": .power,
        ]
        return operations[node.op].map { make(.binary($0), [a, b]) }
    }
}
