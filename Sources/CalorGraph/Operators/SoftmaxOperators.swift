import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Operators that look at one axis as a whole: softmax and its kin, norms, sums along the way.
enum SoftmaxOperators {
    enum Kind: Sendable { case softmax, logSoftmax, hardmax }

    static let all: [Operator] = [
        softmax("Softmax", .softmax, "exponentials that sum to 1"), softmax("LogSoftmax", .logSoftmax, "logarithm of Softmax"),
        softmax("Hardmax", .hardmax, "1 at the greatest, else 0"),
        Operator(
            "LpNormalization", 1...1, "divided by its norm along an axis", infer: Infer.first { _ in (axis: -1, inclusive: false) }
        ) { call throws(GraphFault) in
            let source = try call.tensor(0)
            try call.requireFloating(source.dtype)
            let p = try call.int("p") ?? 2
            try call.require(p == 1 || p == 2, "p must be 1 or 2")
            let axis = try call.axis(try call.int("axis") ?? -1, rank: source.shape.rank)
            return [
                Lines.map(source, axis) { line in
                    let norm = p == 1 ? line.reduce(0) { $0 + abs($1) } : sqrt(line.reduce(0) { $0 + $1 * $1 })
                    // The reference divides 0 by 0 to 0.
                    return norm == 0 ? line.map { _ in 0 } : line.map { $0 / norm }
                }
            ]
        },
        Operator("CumSum", 2...2, "sums of all elements so far", infer: Infer.first) { call throws(GraphFault) in
            let source = try call.tensor(0)
            let axis = try call.axis(try call.integer(at: 1) ?? 0, rank: source.shape.rank)
            let (exclusive, reverse) = (try call.flag("exclusive"), try call.flag("reverse"))
            let wide = source.widened()
            let sums = Sums(source: wide, axis: axis, exclusive: exclusive, reverse: reverse)
            return [try wide.dtype.visitWide(sums).narrowed(to: source.dtype)]
        },
    ]

    private static func softmax(_ name: String, _ kind: Kind, _ summary: String) -> Operator {
        let infer = Infer.first { $0.opset >= 13 ? (axis: -1, inclusive: false) : (axis: 1, inclusive: true) }
        return Operator(name, 1...1, summary, infer: infer) { call throws(GraphFault) in
            let source = try call.tensor(0)
            try call.requireFloating(source.dtype)
            if call.opset >= 13 {
                let axis = try call.axis(try call.int("axis") ?? -1, rank: source.shape.rank)
                return [apply(kind, source, axis: axis)]
            }
            // Before operator set 13 everything behind `axis` was one row.
            let axis = try call.axis(try call.int("axis") ?? 1, rank: source.shape.rank, inclusive: true)
            let flat: Shape = [source.shape.product(0..<axis), source.shape.product(axis..<source.shape.rank)]
            return [apply(kind, source.reshaped(to: flat), axis: 1).reshaped(to: source.shape)]
        }
    }

    /// Sums run in `Double`, in index order.
    static func apply(_ kind: Kind, _ source: Tensor, axis: Int) -> Tensor {
        Lines.map(source, axis) { line in
            guard let top = line.max() else { return [] }
            switch kind {
            case .hardmax:
                let hot = line.firstIndex(of: top)
                return line.indices.map { $0 == hot ? 1 : 0 }
            case .softmax:
                let powers = line.map { exp($0 - top) }
                let sum = powers.reduce(0, +)
                return powers.map { $0 / sum }
            case .logSoftmax:
                let sum = log(line.reduce(0) { $0 + exp($1 - top) })
                return line.map { $0 - top - sum }
            }
        }
    }

    private struct Sums: WideVisitor {
        let source: Tensor
        let axis: Int
        let exclusive: Bool
        let reverse: Bool

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            let lines = Lines(source.shape, axis)
            return source.withElements(N.self) { all in
                Tensor.filled(N.dtype, source.shape, N.self) { out in
                    for line in 0..<lines.count {
                        var sum = N.zero
                        for k in 0..<lines.length {
                            let place = lines.place(line, reverse ? lines.length - 1 - k : k)
                            if exclusive { out[place] = sum }
                            sum = N.plus(sum, all[place])
                            if !exclusive { out[place] = sum }
                        }
                    }
                }
            }
        }
    }
}

/// All lines of a tensor along one axis.
struct Lines {
    let length: Int
    let step: Int
    let count: Int

    init(_ shape: Shape, _ axis: Int) {
        length = shape.dims[axis]
        step = shape.product(axis + 1..<shape.rank)
        count = length == 0 ? 0 : shape.count / length
    }

    func place(_ line: Int, _ k: Int) -> Int { (line / step * length + k) * step + line % step }

    /// Every line of a floating tensor through `transform`, in `Double`.
    static func map(_ source: Tensor, _ axis: Int, _ transform: ([Double]) -> [Double]) -> Tensor {
        let lines = Lines(source.shape, axis)
        let wide = source.widened()
        func run<F: BinaryFloatingPoint & BitwiseCopyable>(_: F.Type) -> Tensor {
            wide.withElements(F.self) { all in
                Tensor.filled(wide.dtype, source.shape, F.self) { out in
                    var buffer = [Double](repeating: 0, count: lines.length)
                    for line in 0..<lines.count {
                        for k in 0..<lines.length { buffer[k] = Double(all[lines.place(line, k)]) }
                        let result = transform(buffer)
                        for k in 0..<lines.length { out[lines.place(line, k)] = F(result[k]) }
                    }
                }
            }
        }
        return wide.dtype == .f64 ? run(Double.self) : run(Float.self).narrowed(to: source.dtype)
    }
}
