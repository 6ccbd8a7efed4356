import CalorTensor

/// Products of matrices.
enum LinearGradients {
    static let rules: [String: GradientRule] = ["MatMul": product, "Gemm": general]

    private static let product: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil, nil] }
        let (x, y) = (try b.input(node, 0), try b.input(node, 1))
        let (left, right) = (try b.shape(x), try b.shape(y))
        guard left.rank >= 1, right.rank >= 1 else { throw b.unsupported("a scalar cannot be multiplied as a matrix") }
        // A vector on the left is a row, one on the right a column.
        let wide = left.rank == 1 ? try b.reshape(x, to: Shape([1] + left.dims)) : x
        let tall = right.rank == 1 ? try b.reshape(y, to: Shape(right.dims + [1])) : y
        var dims = try b.shape(g).dims
        if left.rank == 1 { dims.insert(1, at: right.rank == 1 ? dims.count : dims.count - 1) }
        if right.rank == 1 { dims.append(1) }
        let full = try b.reshape(g, to: Shape(dims))
        var results: [ValueID?] = [nil, nil]
        if b.isActive(x) {
            let made = try b.emit("MatMul", [full, try swapped(&b, tall)])
            results[0] = try b.reshape(try b.unbroadcast(made, to: wide), to: left)
        }
        if b.isActive(y) {
            let made = try b.emit("MatMul", [try swapped(&b, wide), full])
            results[1] = try b.reshape(try b.unbroadcast(made, to: tall), to: right)
        }
        return results
    }

    /// The last two axes exchanged.
    private static func swapped(_ b: inout GradientBuilder, _ a: ValueID) throws(GraphFault) -> ValueID {
        let rank = try b.shape(a).rank
        return try b.transpose(a, Array(0..<rank - 2) + [rank - 1, rank - 2])
    }

    /// α A′ B′ + β C.
    private static let general: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        let call = b.call(node)
        let alpha = try call.float("alpha") ?? 1
        let beta = try call.float("beta") ?? 1
        let (turnsA, turnsB) = (try call.flag("transA"), try call.flag("transB"))
        let (x, y) = (try b.input(node, 0), try b.input(node, 1))
        var results = [ValueID?](repeating: nil, count: node.inputs.count)
        func scaled(_ b: inout GradientBuilder, _ v: ValueID, _ factor: Double) throws(GraphFault) -> ValueID {
            factor == 1 ? v : try b.scale(v, by: factor)
        }
        if b.isActive(x) {
            let other = turnsB ? y : try swapped(&b, y)
            let made = try b.emit("MatMul", [g, other])
            results[0] = try scaled(&b, turnsA ? try swapped(&b, made) : made, alpha)
        }
        if b.isActive(y) {
            let other = turnsA ? x : try swapped(&b, x)
            let made = try b.emit("MatMul", [other, g])
            results[1] = try scaled(&b, turnsB ? try swapped(&b, made) : made, alpha)
        }
        if node.inputs.count > 2, let c = node.inputs[2], b.isActive(c) {
            results[2] = try b.unbroadcast(try scaled(&b, g, beta), to: c)
        }
        return results
    }
}
