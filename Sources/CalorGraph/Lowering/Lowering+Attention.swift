import CalorTensor

/// softmax(scale · Q · Kᵀ + constants) · V as exporters spell it, and as ONNX's own operator.
extension Lowering {
    /// Tables of constants above this many numbers stay additions of their own.
    private static let termLimit = 1 << 26

    mutating func absorbAttention(_ node: LoweredNode, _ product: BatchedProduct) -> LoweredNode? {
        // V · Pᵀ is the transposed result; P is read as it is stored.
        let isTransposed = product.transposedRight
        let (weights, values) = isTransposed ? (node.inputs[1], node.inputs[0]) : (node.inputs[0], node.inputs[1])
        let (queries, valueDepth) = isTransposed ? (product.columns, product.rows) : (product.rows, product.columns)
        guard product.scale == 1, let softmax = soleProducer(weights), case .softmax(_, let columns) = softmax.kind,
            columns == product.inner, var x = softmax.inputs.first
        else { return nil }
        var removed = [weights]
        var scale: Float = 1
        var terms: [FusedAttention.Term] = []
        while let producer = soleProducer(x) {
            switch producer.kind {
            case .alias:
                guard let inner = producer.inputs.first, shape(inner)?.dims.suffix(2) == [queries, product.inner] else {
                    return nil
                }
                removed.append(x)
                x = inner
            case .binary(.add):
                guard let (inner, constant) = constantOperand(producer),
                    let term = term(constant, shape(x), scale: scale), shape(inner) == shape(x), terms.count < 2
                else { return nil }
                terms.append(term)
                removed.append(x)
                x = inner
            case .matmul(let scores):
                guard scores.batch == product.batch, scores.rows == queries, scores.columns == product.inner,
                    terms.allSatisfy({ product.batch % ($0.count * $0.each) == 0 })
                else { return nil }
                removed.append(x)
                var (query, key) = (producer.inputs[0], producer.inputs[1])
                scale *= scores.scale
                for _ in 0..<2 {
                    if let (inner, factor) = factor(query) {
                        removed.append(query)
                        (query, scale) = (inner, scale * factor)
                    }
                    if let (inner, factor) = factor(key) {
                        removed.append(key)
                        (key, scale) = (inner, scale * factor)
                    }
                }
                // A factor before the heads were put in order.
                var hidden: [(value: ValueID, reader: ValueID)] = []
                for operand in query == key ? [] : [query, key] {
                    if let found = hiddenFactor(operand) {
                        hidden.append((found.value, found.reader))
                        scale *= found.factor
                    }
                }
                var merged = node
                merged.kind = .attention(
                    FusedAttention(
                        queries: queries, keys: product.inner, depth: scores.inner, valueDepth: valueDepth, scale: scale,
                        terms: terms, hasTransposedKey: !scores.transposedRight, hasTransposedValue: isTransposed))
                merged.inputs = [query, key, values]
                for value in removed { remove(producerOf: value) }
                for hidden in hidden { bypass(hidden.value, readBy: hidden.reader) }
                count("fuse attention")
                return merged
            default:
                guard let (inner, value) = factor(x) else { return nil }
                scale *= value
                removed.append(x)
                x = inner
            }
        }
        return nil
    }

    /// The value that `x` is a constant multiple of, when nothing else reads `x`.
    private func factor(_ x: ValueID) -> (ValueID, Float)? {
        guard let producer = soleProducer(x) else { return nil }
        switch producer.kind {
        case .affine(let affine) where affine.scale.count == 1 && affine.shift == [0]: return (producer.inputs[0], affine.scale[0])
        case .binary(.divide):
            guard let divisor = graph.constants[producer.inputs[1]], divisor.dtype == .f32, divisor.count == 1,
                shape(producer.inputs[0]) == shape(x), divisor.floats[0] != 0
            else { return nil }
            return (producer.inputs[0], 1 / divisor.floats[0])
        case .binary(.multiply):
            guard let (inner, constant) = constantOperand(producer), constant.count == 1, shape(inner) == shape(x) else {
                return nil
            }
            return (inner, constant.floats[0])
        default: return nil
        }
    }

    /// A constant multiple that `x` rearranges, when nothing else reads what lies between.
    private func hiddenFactor(_ x: ValueID) -> (value: ValueID, reader: ValueID, factor: Float)? {
        var reader = x
        for _ in 0..<4 {
            guard let producer = soleProducer(reader), let inner = producer.inputs.first else { return nil }
            switch producer.kind {
            case .alias, .transpose:
                if let (_, factor) = factor(inner), self.producer(inner)?.inputs.first.map({ graph.constants[$0] == nil }) ?? false
                {
                    return (inner, reader, factor)
                }
                reader = inner
            default: return nil
            }
        }
        return nil
    }

    /// The value and the constant of an operation on both.
    func constantOperand(_ node: LoweredNode) -> (ValueID, Tensor)? {
        guard node.inputs.count == 2 else { return nil }
        for (x, other) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
            if let tensor = graph.constants[other], tensor.dtype == .f32, graph.constants[x] == nil { return (x, tensor) }
        }
        return nil
    }

    /// A constant over scores of `shape` as tables; nil when its axes repeat in no simple order.
    private func term(_ constant: Tensor, _ shape: Shape?, scale: Float) -> FusedAttention.Term? {
        guard let shape, shape.rank >= 2, constant.shape.rank <= shape.rank else { return nil }
        let dims = [Int](repeating: 1, count: shape.rank - constant.shape.rank) + constant.shape.dims
        guard zip(dims, shape.dims).allSatisfy({ $0 == 1 || $0 == $1 }) else { return nil }
        // Leading axes: some ones, then whole ones, then ones again.
        var (each, count, state) = (1, 1, 0)
        for (own, full) in zip(dims, shape.dims).dropLast(2).reversed() where full > 1 {
            if own == 1, state == 0 {
                each *= full
            } else if own > 1, state < 2 {
                (count, state) = (count * full, 1)
            } else if own == 1 {
                state = 2
            } else {
                return nil
            }
        }
        let (queries, keys) = (shape[-2], shape[-1])
        guard count * queries * keys <= Self.termLimit else { return nil }
        let (rows, columns) = (dims[shape.rank - 2], dims[shape.rank - 1])
        let source = constant.floats
        var numbers: [Float] = []
        numbers.reserveCapacity(count * queries * keys)
        for table in 0..<count {
            for query in 0..<queries {
                let line = (table * rows + (rows == 1 ? 0 : query)) * columns
                for key in 0..<keys { numbers.append(source[line + (columns == 1 ? 0 : key)] * scale) }
            }
        }
        return FusedAttention.Term(numbers: numbers, count: count, each: state == 0 ? 1 : each)
    }

    /// ONNX's operator in its plain form: no past, no mask that the run computes, one head of keys for each of queries.
    func attentionOperator(_ call: OperatorCall) throws(GraphFault) -> LoweredNode? {
        let node = call.node
        guard node.inputs.count >= 3, node.inputs.dropFirst(4).allSatisfy({ $0 == nil }),
            node.outputs.dropFirst().allSatisfy({ $0 == nil }),
            let q = node.inputs[0], let k = node.inputs[1], let v = node.inputs[2], let a = shape(q), let b = shape(k),
            let c = shape(v),
            a.rank == b.rank, b.rank == c.rank, a.rank == 3 || a.rank == 4, [q, k, v].allSatisfy({ type($0)?.dtype == .f32 }),
            try call.int("is_causal") ?? 0 == 0, try call.float("softcap") ?? 0 == 0,
            try call.int("qk_matmul_output_mode") ?? 0 == 0
        else { return nil }
        let heads = a.rank == 3 ? try call.int("q_num_heads") ?? 0 : a[1]
        let keyHeads = a.rank == 3 ? try call.int("kv_num_heads") ?? 0 : b[1]
        guard heads > 0, heads == keyHeads, a[0] == b[0], b[0] == c[0], a.count > 0, b.count > 0, c.count > 0 else { return nil }
        let (queries, keys) = (a[-2], b[-2])
        let (depth, valueDepth) = a.rank == 3 ? (a[2] / heads, c[2] / heads) : (a[3], c[3])
        guard a.rank == 4 || a[2] % heads == 0 && b[2] == a[2] && c[2] % heads == 0, c[-2] == keys, a.rank == 3 || b[3] == depth
        else {
            return nil
        }
        var terms: [FusedAttention.Term] = []
        if node.inputs.count > 3, let mask = node.inputs[3] {
            guard let tensor = graph.constants[mask], tensor.dtype == .f32,
                let term = term(tensor, Shape([a[0], heads, queries, keys]), scale: 1)
            else { return nil }
            terms = [term]
        }
        let scale = Float(try call.float("scale") ?? 1 / Double(depth).squareRoot())
        return LoweredNode(
            kind: .attention(
                FusedAttention(
                    queries: queries, keys: keys, depth: depth, valueDepth: valueDepth, scale: scale, terms: terms,
                    hasTransposedKey: false, heads: a.rank == 3 ? heads : nil)), inputs: [q, k, v], outputs: node.outputs,
            origin: node)
    }
}
