import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Scaled dot-product attention with grouped heads, masks and a cache of keys and values.
enum AttentionOperators {
    static let all: [Operator] = [
        Operator(
            "Attention", 3...7, outputs: 4, "softmax(Q Kᵀ) V",
            infer: { call throws(GraphFault) in
                let sizes = try Sizes(call)
                let (dtype, valueType) = (try call.dtype(0), try call.dtype(2))
                return [
                    ValueType(dtype, sizes.result),
                    ValueType(try call.dtype(1), [sizes.batch, sizes.kvHeads, sizes.total, sizes.keySize]),
                    ValueType(valueType, [sizes.batch, sizes.kvHeads, sizes.total, sizes.valueSize]),
                    ValueType(dtype, [sizes.batch, sizes.heads, sizes.queries, sizes.total]),
                ]
            }, evaluate: { call throws(GraphFault) in try run(call) })
    ]

    private struct Sizes {
        let batch: Int, heads: Int, kvHeads: Int
        let queries: Int, keys: Int, past: Int
        let keySize: Int, valueSize: Int
        let flat: Bool

        var total: Int { past + keys }
        var result: Shape { flat ? [batch, queries, heads * valueSize] : [batch, heads, queries, valueSize] }

        init(_ call: OperatorCall) throws(GraphFault) {
            let (q, k, v) = (try call.shape(0), try call.shape(1), try call.shape(2))
            try call.require(
                (q.rank == 3 || q.rank == 4) && k.rank == q.rank && v.rank == q.rank, "Q \(q), K \(k) and V \(v) do not fit")
            flat = q.rank == 3
            batch = q[0]
            if flat {
                guard let heads = try call.int("q_num_heads"), let kvHeads = try call.int("kv_num_heads") else {
                    throw call.fault("the numbers of heads are missing")
                }
                try call.require(
                    heads > 0 && kvHeads > 0 && q[2] % heads == 0 && k[2] % kvHeads == 0 && v[2] % kvHeads == 0,
                    "the heads do not divide Q, K or V")
                (self.heads, self.kvHeads) = (heads, kvHeads)
                (queries, keys, keySize, valueSize) = (q[1], k[1], k[2] / kvHeads, v[2] / kvHeads)
                try call.require(v[1] == keys && q[2] / heads == keySize, "Q \(q), K \(k) and V \(v) do not fit")
            } else {
                (heads, kvHeads) = (q[1], k[1])
                (queries, keys, keySize, valueSize) = (q[2], k[2], k[3], v[3])
                try call.require(v[1] == kvHeads && v[2] == keys && q[3] == keySize, "Q \(q), K \(k) and V \(v) do not fit")
            }
            try call.require(
                k[0] == batch && v[0] == batch && kvHeads > 0 && heads % kvHeads == 0,
                "\(heads) heads of Q do not share \(kvHeads) of K")
            past = call.has(4) ? try call.shape(4).dims.dropFirst(2).first ?? 0 : 0
            if call.has(4) || call.has(5) {
                let caches = [try call.shape(4), try call.shape(5)]
                try call.require(
                    caches == [[batch, kvHeads, past, keySize], [batch, kvHeads, past, valueSize]],
                    "the cached keys or values do not fit")
            }
            _ = try call.checked([batch, heads, queries, past + keys], .f64)
            _ = try call.checked([batch, heads, past + keys, max(keySize, valueSize)], .f64)
        }
    }

    private static func run(_ call: OperatorCall) throws(GraphFault) -> [Tensor?] {
        let sizes = try Sizes(call)
        let dtype = try call.dtype(0)
        try call.requireFloating(dtype)
        /// Heads before places; f16 is widened once and rounded at the end.
        func heads(_ index: Int, _ count: Int, _ width: Int) throws(GraphFault) -> Tensor {
            let tensor = try call.tensor(index)
            if !sizes.flat { return tensor.widened() }
            return tensor.reshaped(to: [sizes.batch, tensor.shape[1], count, width]).transposed([0, 2, 1, 3]).widened()
        }
        let q = try heads(0, sizes.heads, sizes.keySize)
        var (k, v) = (try heads(1, sizes.kvHeads, sizes.keySize), try heads(2, sizes.kvHeads, sizes.valueSize))
        if call.has(4) {
            k = joined(try call.tensor(4).widened(), k, sizes)
            v = joined(try call.tensor(5).widened(), v, sizes)
        }
        let present = [k.narrowed(to: try call.dtype(1)), v.narrowed(to: try call.dtype(2))]
        if sizes.heads != sizes.kvHeads {
            let share = sizes.heads / sizes.kvHeads
            let places = (0..<sizes.heads).map { $0 / share }
            func repeated(_ tensor: Tensor) -> Tensor {
                tensor.gathered([Array(0..<sizes.batch), places, Array(0..<tensor.shape[2]), Array(0..<tensor.shape[3])])
            }
            (k, v) = (repeated(k), repeated(v))
        }
        let scale = try call.float("scale") ?? 1 / sqrt(Double(sizes.keySize))
        var scores = try LinearOperators.product(call, Elementwise.mapDoubles(q) { $0 * scale }, k.transposed([0, 1, 3, 2]))
        let mode = try call.int("qk_matmul_output_mode") ?? 0
        var report = scores
        if let cap = try call.float("softcap"), cap > 0 {
            scores = Elementwise.mapDoubles(scores) { cap * tanh($0 / cap) }
            if mode == 1 { report = scores }
        }
        if let bias = try Mask(call, sizes.past, sizes.queries, sizes.total).bias(call, dtype: scores.dtype) {
            scores = try ArithmeticOperators.combine(call, .add, scores, bias)
            try call.require(scores.shape == report.shape, "the mask does not fit \(report.shape)")
        }
        if mode == 2 { report = scores }
        let weights = SoftmaxOperators.apply(.softmax, scores, axis: 3)
        if mode == 3 { report = weights }
        var result = try LinearOperators.product(call, weights, v)
        if sizes.flat { result = result.transposed([0, 2, 1, 3]).reshaped(to: sizes.result) }
        return [result.narrowed(to: dtype)] + present + [report.narrowed(to: dtype)]
    }

    /// The cache before the new places, along the axis of places.
    private static func joined(_ past: Tensor, _ new: Tensor, _ sizes: Sizes) -> Tensor {
        let (width, blocks) = (new.shape[3] * new.dtype.bytes, sizes.batch * sizes.kvHeads)
        var result = Tensor(new.dtype, [sizes.batch, sizes.kvHeads, sizes.total, new.shape[3]])
        result.withUnsafeMutableBytes { out in
            for (part, start, count) in [(past, 0, sizes.past), (new, sizes.past, sizes.keys)] where width * count > 0 {
                part.withUnsafeBytes { source in
                    for block in 0..<blocks {
                        let target = (block * sizes.total + start) * width
                        UnsafeMutableRawBufferPointer(rebasing: out[target..<target + count * width])
                            .copyMemory(
                                from: UnsafeRawBufferPointer(rebasing: source[block * count * width..<(block + 1) * count * width]))
                    }
                }
            }
        }
        return result
    }

    // MARK: - Masks

    /// What is added to the scores: 0 where a query may look, minus infinity where it may not.
    private struct Mask {
        let past: Int
        let queries: Int
        let total: Int
        let causal: Bool

        init(_ call: OperatorCall, _ past: Int, _ queries: Int, _ total: Int) throws(GraphFault) {
            (self.past, self.queries, self.total) = (past, queries, total)
            causal = try call.flag("is_causal")
        }

        func bias(_ call: OperatorCall, dtype: DType) throws(GraphFault) -> Tensor? {
            var parts: [Tensor] = []
            if let mask = call.optionalTensor(3) { parts.append(try given(call, mask)) }
            if causal {
                let values = (0..<queries).flatMap { i in (0..<total).map { j in j > past + i ? -Double.infinity : 0 } }
                parts.append(Tensor(.f64, [queries, total], copying: values))
            }
            if call.has(6) {
                let lengths = try call.integers(at: 6) ?? []
                let values = lengths.flatMap { length in (0..<total).map { $0 < length ? 0 : -Double.infinity } }
                parts.append(Tensor(.f64, [lengths.count, 1, 1, total], copying: values))
            }
            guard var sum = parts.first else { return nil }
            for part in parts.dropFirst() { sum = try ArithmeticOperators.combine(call, .add, sum, part) }
            return try CastOperators.cast(call, sum, to: dtype)
        }

        /// The mask of the node as f64; places behind its end are hidden.
        private func given(_ call: OperatorCall, _ mask: Tensor) throws(GraphFault) -> Tensor {
            try call.require(
                mask.shape.rank >= 2 && mask.shape.rank <= 4 && mask.shape[-1] <= total, "the mask \(mask.shape) does not fit")
            let values = mask.doubles
            let bias = mask.dtype == .bool ? values.map { $0 == 0 ? -Double.infinity : 0 } : values
            let tensor = Tensor(.f64, mask.shape, copying: bias)
            if mask.shape[-1] == total { return tensor }
            let maps = mask.shape.dims.dropLast().map { Array(0..<$0) } + [(0..<total).map { $0 < mask.shape[-1] ? $0 : -1 }]
            return tensor.gathered(maps, fill: Tensor(.f64, [], copying: [-Double.infinity]))
        }
    }
}
