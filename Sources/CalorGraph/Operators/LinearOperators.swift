import CalorTensor

/// Matrix products. Sums run over the inner axis in index order, in the computing type.
enum LinearOperators {
    static let all: [Operator] = [
        Operator(
            "MatMul", 2...2, "matrix product, batched",
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                return [ValueType(type.dtype, try call.checked(MatrixProduct(call, type.shape, call.shape(1)).result, type.dtype))]
            }, evaluate: { call throws(GraphFault) in [try product(call, call.tensor(0), call.tensor(1))] }),
        Operator(
            "Gemm", 2...3, "α A B + β C",
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                let (rows, _, columns) = try gemmSizes(call)
                return [ValueType(type.dtype, try call.checked([rows, columns], type.dtype))]
            }, evaluate: { call throws(GraphFault) in [try gemm(call)] }),
    ]

    /// The product of two tensors of one type under the rules of MatMul.
    static func product(_ call: OperatorCall, _ a: Tensor, _ b: Tensor) throws(GraphFault) -> Tensor {
        try call.require(a.dtype == b.dtype, "the inputs are \(a.dtype) and \(b.dtype)")
        let plan = try MatrixProduct(call, a.shape, b.shape)
        _ = try call.checked(plan.result, a.dtype.wide)
        try call.checkWork([plan.batch.count, plan.rows, plan.depth, plan.columns])
        let (x, y) = (a.widened(), b.widened())
        return try x.dtype.visitWide(Run(plan: plan, a: x, b: y)).narrowed(to: a.dtype)
    }

    private struct Run: WideVisitor {
        let plan: MatrixProduct
        let a: Tensor
        let b: Tensor

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            let (rows, depth, columns) = (plan.rows, plan.depth, plan.columns)
            return a.withElements(N.self) { left in
                b.withElements(N.self) { right in
                    Tensor.filled(N.dtype, Shape(plan.result), N.self) { out in
                        if out.isEmpty { return }
                        var walk = Odometer(plan.batch.dims, [plan.aStrides, plan.bStrides])
                        for batch in 0..<plan.batch.count {
                            let (p, q) = (walk.offsets[0], walk.offsets[1])
                            for row in 0..<rows {
                                let target = (batch * rows + row) * columns
                                for k in 0..<depth {
                                    let factor = left[p + row * depth + k]
                                    let source = q + k * columns
                                    for column in 0..<columns {
                                        out[target + column] = N.plus(out[target + column], N.times(factor, right[source + column]))
                                    }
                                }
                            }
                            walk.advance()
                        }
                    }
                }
            }
        }
    }

    private static func gemmSizes(_ call: OperatorCall) throws(GraphFault) -> (Int, Int, Int) {
        let (a, b) = (try call.shape(0), try call.shape(1))
        try call.require(a.rank == 2 && b.rank == 2, "needs two matrices, not \(a) and \(b)")
        let (flipA, flipB) = (try call.flag("transA"), try call.flag("transB"))
        let (rows, depth) = flipA ? (a[1], a[0]) : (a[0], a[1])
        let (other, columns) = flipB ? (b[1], b[0]) : (b[0], b[1])
        try call.require(depth == other, "\(a) and \(b) do not multiply")
        return (rows, depth, columns)
    }

    private static func gemm(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        var (a, b) = (try call.tensor(0), try call.tensor(1))
        let (rows, _, columns) = try gemmSizes(call)
        if try call.flag("transA") { a = a.transposed([1, 0]) }
        if try call.flag("transB") { b = b.transposed([1, 0]) }
        var result = try product(call, a, b)
        let (alpha, beta) = (try call.float("alpha") ?? 1, try call.float("beta") ?? 1)
        if alpha != 1 { result = try scaled(call, result, alpha) }
        guard call.has(2) else { return result }
        let c = try call.tensor(2)
        let sum = try ArithmeticOperators.combine(call, .add, result, beta == 1 ? c : scaled(call, c, beta))
        try call.require(sum.shape == [rows, columns], "C of \(c.shape) does not broadcast to \(rows)×\(columns)")
        return sum
    }

    private static func scaled(_ call: OperatorCall, _ tensor: Tensor, _ factor: Double) throws(GraphFault) -> Tensor {
        if tensor.dtype.isFloating { return Elementwise.mapDoubles(tensor) { $0 * factor } }
        let constant = try CastOperators.cast(call, Tensor(.f64, [], copying: [factor]), to: tensor.dtype)
        return try ArithmeticOperators.combine(call, .mul, tensor, constant)
    }
}

/// The sizes of a batched matrix product under NumPy's rules.
struct MatrixProduct {
    let batch: Shape
    let rows: Int
    let depth: Int
    let columns: Int
    let aStrides: [Int]
    let bStrides: [Int]
    /// Extents of the result, without the axes that a vector operand did not have.
    let result: [Int]

    init(_ call: OperatorCall, _ a: Shape, _ b: Shape) throws(GraphFault) {
        try call.require(a.rank >= 1 && b.rank >= 1, "a scalar cannot be multiplied as a matrix")
        let left = a.rank == 1 ? Shape([1] + a.dims) : a
        let right = b.rank == 1 ? Shape(b.dims + [1]) : b
        try call.require(left[-1] == right[-2], "\(a) and \(b) do not multiply")
        let (outerA, outerB) = (Shape(left.dims.dropLast(2)), Shape(right.dims.dropLast(2)))
        batch = try call.broadcast(outerA, outerB)
        (rows, depth, columns) = (left[-2], left[-1], right[-1])
        let (sizeA, sizeB) = (rows * depth, depth * columns)
        aStrides = outerA.broadcastStrides(to: batch).map { $0 * sizeA }
        bStrides = outerB.broadcastStrides(to: batch).map { $0 * sizeB }
        result = batch.dims + (a.rank == 1 ? [] : [rows]) + (b.rank == 1 ? [] : [columns])
    }
}
