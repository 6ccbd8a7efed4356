import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Operators that fold axes away. Sums of floating types run in `Double`, in index order.
enum ReductionOperators {
    enum Kind: Sendable { case sum, mean, max, min, prod, l1, l2, logSum, logSumExp, sumSquare }

    static let all: [Operator] = [
        reduction("ReduceSum", .sum, "sum"), reduction("ReduceMean", .mean, "mean"), reduction("ReduceMax", .max, "greatest"),
        reduction("ReduceMin", .min, "least"), reduction("ReduceProd", .prod, "product"),
        reduction("ReduceL1", .l1, "sum of magnitudes"),
        reduction("ReduceL2", .l2, "root of the sum of squares"), reduction("ReduceLogSum", .logSum, "logarithm of the sum"),
        reduction("ReduceLogSumExp", .logSumExp, "logarithm of the sum of exponentials"),
        reduction("ReduceSumSquare", .sumSquare, "sum of squares"),
        argument("ArgMax", greatest: true, "index of the greatest"), argument("ArgMin", greatest: false, "index of the least"),
        global("GlobalAveragePool", .mean, "mean over all pixels"), global("GlobalMaxPool", .max, "greatest over all pixels"),
    ]

    private static func reduction(_ name: String, _ kind: Kind, _ summary: String) -> Operator {
        Operator(
            name, 1...2, shapedBy: [1], summary,
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                return [
                    ValueType(
                        type.dtype, shape(type.shape, without: try axes(call), keeping: try call.flag("keepdims", default: true)))
                ]
            },
            evaluate: { call throws(GraphFault) in
                [try reduce(kind, call.tensor(0), axes: axes(call), keep: call.flag("keepdims", default: true))]
            })
    }

    private static func axes(_ call: OperatorCall) throws(GraphFault) -> [Int] {
        let rank = try call.shape(0).rank
        let list = try call.integers(at: 1, or: "axes") ?? []
        if list.isEmpty { return try call.flag("noop_with_empty_axes") ? [] : Array(0..<rank) }
        return try call.axes(list, rank: rank).sorted()
    }

    static func shape(_ shape: Shape, without axes: [Int], keeping: Bool) -> Shape {
        keeping ? Shape(shape.dims.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }) : shape.removing(axes)
    }

    /// `tensor` with `axes` folded. Also what normalisations and attention are written with.
    static func reduce(_ kind: Kind, _ tensor: Tensor, axes: [Int], keep: Bool) throws(GraphFault) -> Tensor {
        let rest = (0..<tensor.shape.rank).filter { !axes.contains($0) }
        let rows = axes == Array(rest.count..<tensor.shape.rank) ? tensor : tensor.transposed(rest + axes)
        let width = axes.reduce(1) { $0 * tensor.shape.dims[$1] }
        let target = shape(tensor.shape, without: axes, keeping: keep)
        let wide = rows.widened()
        return try wide.dtype.visitWide(Rows(kind: kind, source: wide, width: width, target: target)).narrowed(to: tensor.dtype)
    }

    private struct Rows: WideVisitor {
        let kind: Kind
        let source: Tensor
        let width: Int
        let target: Shape

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            source.withElements(N.self) { all in
                Tensor.filled(N.dtype, target, N.self) { out in
                    for i in out.indices { out[i] = fold(UnsafeBufferPointer(rebasing: all[i * width..<(i + 1) * width])) }
                }
            }
        }

        @inline(__always)
        private func fold<N: WideNumber>(_ row: UnsafeBufferPointer<N>) -> N {
            switch kind {
            case .max:
                return row.reduce(N.lowest) { $0.isNotANumber || $0 > $1 ? $0 : $1 }
            case .min:
                return row.reduce(N.highest) { $0.isNotANumber || $0 < $1 ? $0 : $1 }
            case .sum where !N.dtype.isFloating: return row.reduce(N.zero, N.plus)
            case .prod where !N.dtype.isFloating: return row.reduce(N.one, N.times)
            case .sumSquare where !N.dtype.isFloating: return row.reduce(N.zero) { N.plus($0, N.times($1, $1)) }
            case .l1 where !N.dtype.isFloating: return row.reduce(N.zero) { N.plus($0, $1 < N.zero ? N.minus(N.zero, $1) : $1) }
            case .sum: return N(number: row.reduce(0) { $0 + $1.number })
            case .prod: return N(number: row.reduce(1) { $0 * $1.number })
            case .mean: return N(number: row.reduce(0) { $0 + $1.number } / Double(row.count))
            case .l1: return N(number: row.reduce(0) { $0 + Swift.abs($1.number) })
            case .l2: return N(number: sqrt(row.reduce(0) { $0 + $1.number * $1.number }))
            case .sumSquare: return N(number: row.reduce(0) { $0 + $1.number * $1.number })
            case .logSum: return N(number: log(row.reduce(0) { $0 + $1.number }))
            case .logSumExp:
                let top = row.reduce(-Double.infinity) { Swift.max($0, $1.number) }
                guard top.isFinite else { return N(number: top) }
                return N(number: top + log(row.reduce(0) { $0 + exp($1.number - top) }))
            }
        }
    }

    private static func global(_ name: String, _ kind: Kind, _ summary: String) -> Operator {
        Operator(
            name, 1...1, summary,
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                return [ValueType(type.dtype, shape(type.shape, without: try pixelAxes(call), keeping: true))]
            }, evaluate: { call throws(GraphFault) in [try reduce(kind, call.tensor(0), axes: pixelAxes(call), keep: true)] })
    }

    private static func pixelAxes(_ call: OperatorCall) throws(GraphFault) -> [Int] {
        let shape = try call.shape(0)
        try call.require(shape.rank >= 3, "needs a batch, channels and pixels, not \(shape)")
        return Array(2..<shape.rank)
    }

    // MARK: - ArgMax, ArgMin

    private static func argument(_ name: String, greatest: Bool, _ summary: String) -> Operator {
        @Sendable func target(_ call: OperatorCall) throws(GraphFault) -> (axis: Int, shape: Shape) {
            let source = try call.shape(0)
            let axis = try call.axis(try call.int("axis") ?? 0, rank: source.rank)
            return (axis, shape(source, without: [axis], keeping: try call.flag("keepdims", default: true)))
        }
        return Operator(name, 1...1, summary, infer: { call throws(GraphFault) in [ValueType(.i64, try target(call).shape)] }) {
            call throws(GraphFault) in
            let source = try call.tensor(0)
            let (axis, shape) = try target(call)
            let extent = source.shape.dims[axis]
            try call.require(extent > 0, "the axis is empty")
            let rest = (0..<source.shape.rank).filter { $0 != axis }
            let rows = source.transposed(rest + [axis]).widened()
            let last = try call.flag("select_last_index")
            let finder = Finder(source: rows, width: extent, shape: shape, greatest: greatest, last: last)
            return [try rows.dtype.visitWide(finder)]
        }
    }

    private struct Finder: WideVisitor {
        let source: Tensor
        let width: Int
        let shape: Shape
        let greatest: Bool
        let last: Bool

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            source.withElements(N.self) { all in
                Tensor.filled(.i64, shape, Int64.self) { out in
                    for i in out.indices {
                        var best = 0
                        for k in 1..<max(width, 1) {
                            let (old, new) = (all[i * width + best], all[i * width + k])
                            if (greatest ? new > old : new < old) || (last && new == old) { best = k }
                        }
                        out[i] = Int64(best)
                    }
                }
            }
        }
    }
}
