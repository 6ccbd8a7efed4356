import CalorTensor

@testable import CalorGraph

/// A block of window attention in the spellings of several exporters.
struct TransformerSpec: CustomStringConvertible, Sendable {
    enum Projection: Sendable { case apart, gather, split, slice, gemm }
    enum Gelu: Sendable { case halfFirst, halfInside, halfLast, tanh, tanhProducts, op }
    enum Scale: Sendable { case query, queryQuotient, scores, scoresQuotient, none }
    enum Layout: Sendable { case channelsLast, channelsFirst, windowsFirst }

    var window = 4
    var heads = 2
    var depth = 8
    var shift = 0
    var hasBias = true
    var hasMask = false
    var projection = Projection.gather
    var gelu = Gelu.halfFirst
    var scale = Scale.query
    var layout = Layout.channelsLast
    var spellsNorm = false

    var channels: Int { heads * depth }

    var description: String {
        "window \(window) heads \(heads) depth \(depth) shift \(shift) bias \(hasBias) mask \(hasMask) \(projection) \(gelu) "
            + "scale \(scale) \(layout) spelled norm \(spellsNorm)"
    }

    static let all: [TransformerSpec] = [
        TransformerSpec(), TransformerSpec(window: 8, heads: 3, depth: 16, shift: 4, hasMask: true, projection: .split),
        TransformerSpec(
            window: 7, heads: 2, depth: 15, shift: 3, hasMask: true, projection: .slice, gelu: .halfInside, scale: .scores),
        TransformerSpec(heads: 4, depth: 6, hasBias: false, projection: .apart, gelu: .halfLast, scale: .queryQuotient),
        TransformerSpec(window: 8, heads: 2, depth: 24, projection: .gemm, gelu: .tanh, scale: .scoresQuotient, spellsNorm: true),
        TransformerSpec(heads: 1, depth: 32, shift: 2, projection: .apart, gelu: .tanhProducts, scale: .none, spellsNorm: true),
        TransformerSpec(window: 8, heads: 2, depth: 16, gelu: .op, layout: .channelsFirst),
        TransformerSpec(window: 4, heads: 3, depth: 8, shift: 2, hasMask: true, gelu: .halfInside, layout: .channelsFirst),
        TransformerSpec(window: 8, heads: 2, depth: 12, shift: 4, hasMask: true, gelu: .halfInside, layout: .windowsFirst),
    ]
}

extension NetBuilder {
    mutating func transposed(_ x: ValueID, _ order: [Int]) -> ValueID {
        op("Transpose", x, attributes: ["perm": .ints(order.map { Int64($0) })])
    }

    mutating func reshaped(_ x: ValueID, _ dims: [Int]) -> ValueID {
        op("Reshape", x, constant(Tensor([dims.count], dims.map { Int64($0) })))
    }

    mutating func sliced(_ x: ValueID, _ axis: Int, _ start: Int, _ end: Int) -> ValueID {
        op("Slice", x, ints(Int64(start)), ints(Int64(end)), ints(Int64(axis)))
    }

    /// As `torch.roll` is exported: two slices, put together the other way round.
    mutating func rolled(_ x: ValueID, _ axis: Int, by count: Int, of extent: Int) -> ValueID {
        let first = sliced(x, axis, 0, count)
        let rest = sliced(x, axis, count, extent)
        return concat([rest, first], axis: Int64(axis))
    }

    mutating func linear(_ x: ValueID, _ inner: Int, _ columns: Int) -> ValueID {
        let product = op("MatMul", x, weights([inner, columns], fan: inner))
        return op("Add", product, constant(random.tensor([columns], scale: 0.1)))
    }

    mutating func pointwise(_ x: ValueID, _ inner: Int, _ columns: Int) -> ValueID { conv(x, inner, columns, k: 1) }

    mutating func gelu(_ x: ValueID, _ form: TransformerSpec.Gelu) -> ValueID {
        func half(_ b: inout NetBuilder, _ y: ValueID) -> ValueID { b.op("Mul", y, b.number(0.5)) }
        func gate(_ b: inout NetBuilder) -> ValueID {
            b.op("Add", b.op("Erf", b.op("Div", x, b.number(Float(2).squareRoot()))), b.number(1))
        }
        switch form {
        case .halfFirst:
            let e = op("Erf", op("Mul", x, number(0.70710678)))
            return op("Mul", half(&self, x), op("Add", e, number(1)))
        case .halfInside: return op("Mul", x, half(&self, gate(&self)))
        case .halfLast: return half(&self, op("Mul", x, gate(&self)))
        case .tanh:
            let cube = op("Mul", op("Pow", x, number(3)), number(0.044715))
            let t = op("Tanh", op("Mul", op("Add", x, cube), number(0.7978845608)))
            return op("Mul", half(&self, x), op("Add", t, number(1)))
        case .tanhProducts:
            let cube = op("Mul", number(0.044715), op("Mul", x, op("Mul", x, x)))
            let t = op("Tanh", op("Mul", number(0.7978845608), op("Add", cube, x)))
            return op("Mul", x, half(&self, op("Add", number(1), t)))
        case .op: return op("Gelu", x)
        }
    }

    mutating func layerNorm(_ x: ValueID, _ c: Int, spelled: Bool) -> ValueID {
        let (gamma, beta) = (constant(random.tensor([c])), constant(random.tensor([c])))
        if !spelled { return op("LayerNormalization", x, gamma, beta, attributes: ["axis": .int(-1), "epsilon": .float(1e-5)]) }
        let last: [String: Attribute] = ["axes": .ints([-1]), "keepdims": .int(1)]
        let centred = op("Sub", x, op("ReduceMean", x, attributes: last))
        let variance = op("ReduceMean", op("Pow", centred, number(2)), attributes: last)
        let root = op("Sqrt", op("Add", variance, number(1e-5)))
        return op("Add", op("Mul", op("Div", centred, root), gamma), beta)
    }
}

enum TransformerNet {
    /// One block on a picture of `tiles` windows each way; the head and the tail are convolutions.
    static func make(_ s: TransformerSpec, tiles: (Int, Int) = (2, 3), seed: UInt64 = 1) -> Graph {
        var b = NetBuilder(channels: 3, seed: seed)
        let (c, n, w) = (s.channels, s.window * s.window, s.window)
        let (height, width) = (tiles.0 * w, tiles.1 * w)
        let windows = tiles.0 * tiles.1
        var x = b.conv(b.input, 3, c)
        switch s.layout {
        case .channelsLast:
            x = b.transposed(x, [0, 2, 3, 1])
            let short = x
            var y = b.layerNorm(x, c, spelled: s.spellsNorm)
            if s.shift > 0 { y = b.rolled(b.rolled(y, 1, by: s.shift, of: height), 2, by: s.shift, of: width) }
            y = b.transposed(b.reshaped(y, [1, tiles.0, w, tiles.1, w, c]), [0, 1, 3, 2, 4, 5])
            y = attention(&b, b.reshaped(y, [windows, n, c]), s, windows)
            y = b.transposed(b.reshaped(y, [1, tiles.0, tiles.1, w, w, c]), [0, 1, 3, 2, 4, 5])
            y = b.reshaped(y, [1, height, width, c])
            if s.shift > 0 {
                y = b.rolled(b.rolled(y, 1, by: height - s.shift, of: height), 2, by: width - s.shift, of: width)
            }
            x = b.op("Add", short, y)
            y = b.linear(b.layerNorm(x, c, spelled: s.spellsNorm), c, 2 * c)
            x = b.op("Add", x, b.linear(b.gelu(y, s.gelu), 2 * c, c))
            x = b.transposed(x, [0, 3, 1, 2])
        case .channelsFirst, .windowsFirst:
            let short = x
            var y = x
            if s.shift > 0 { y = b.rolled(b.rolled(y, 2, by: s.shift, of: height), 3, by: s.shift, of: width) }
            y = b.reshaped(y, [1, c, tiles.0, w, tiles.1, w])
            if s.layout == .channelsFirst {
                y = b.reshaped(b.transposed(y, [0, 2, 4, 3, 5, 1]), [windows, n, c])
                y = b.reshaped(attention(&b, y, s, windows), [1, tiles.0, tiles.1, w, w, c])
                y = b.transposed(y, [0, 5, 1, 3, 2, 4])
            } else {
                y = b.reshaped(b.transposed(y, [0, 2, 4, 1, 3, 5]), [windows, c, w, w])
                y = b.reshaped(planesAttention(&b, y, s, windows), [1, tiles.0, tiles.1, c, w, w])
                y = b.transposed(y, [0, 3, 1, 4, 2, 5])
            }
            y = b.reshaped(y, [1, c, height, width])
            if s.shift > 0 {
                y = b.rolled(b.rolled(y, 2, by: height - s.shift, of: height), 3, by: width - s.shift, of: width)
            }
            x = b.op("Add", short, y)
            y = b.gelu(b.pointwise(x, c, 2 * c), s.gelu)
            x = b.op("Add", x, b.pointwise(y, 2 * c, c))
        }
        let result = b.conv(x, c, 3)
        return b.finished(result)
    }

    /// Attention of tokens `[windows][n][c]`.
    private static func attention(_ b: inout NetBuilder, _ x: ValueID, _ s: TransformerSpec, _ windows: Int) -> ValueID {
        let (c, n) = (s.channels, s.window * s.window)
        func heads(_ b: inout NetBuilder, _ y: ValueID) -> ValueID {
            b.transposed(b.reshaped(y, [windows, n, s.heads, s.depth]), [0, 2, 1, 3])
        }
        var qkv: [ValueID]
        switch s.projection {
        case .apart:
            qkv = (0..<3).map { _ in
                let y = b.linear(x, c, c); return heads(&b, y)
            }
        case .gemm:
            let flat = b.reshaped(x, [windows * n, c])
            qkv = (0..<3).map { _ in
                let w = b.weights([c, c], fan: c)
                let y = b.op("Gemm", flat, w, b.constant(b.random.tensor([c], scale: 0.1)), attributes: ["transB": .int(1)])
                return heads(&b, b.reshaped(y, [windows, n, c]))
            }
        case .split:
            let y = b.linear(x, c, 3 * c)
            let parts = b.many("Split", [y, b.ints(Int64(c), Int64(c), Int64(c))], outputs: 3, ["axis": .int(-1)])
            qkv = parts.map { heads(&b, $0) }
        case .gather, .slice:
            let y = b.transposed(b.reshaped(b.linear(x, c, 3 * c), [windows, n, 3, s.heads, s.depth]), [2, 0, 3, 1, 4])
            qkv = (0..<3).map { index in
                if s.projection == .gather {
                    return b.op("Gather", y, b.constant(Tensor([], [Int64(index)])), attributes: ["axis": .int(0)])
                }
                return b.op("Squeeze", b.sliced(y, 0, index, index + 1), b.ints(0))
            }
        }
        let result = b.transposed(product(&b, qkv[0], b.transposed(qkv[1], [0, 1, 3, 2]), qkv[2], s, windows), [0, 2, 1, 3])
        return b.linear(b.reshaped(result, [windows, n, c]), c, c)
    }

    /// Attention of planes `[windows][c][w][w]`, all projections 1×1 convolutions.
    private static func planesAttention(_ b: inout NetBuilder, _ x: ValueID, _ s: TransformerSpec, _ windows: Int) -> ValueID {
        let (c, n) = (s.channels, s.window * s.window)
        let y = b.reshaped(b.pointwise(x, c, 3 * c), [windows, 3, s.heads, s.depth, n])
        let ordered = b.transposed(y, [1, 0, 2, 4, 3])
        let qkv = (0..<3).map { index in
            b.op("Gather", ordered, b.constant(Tensor([], [Int64(index)])), attributes: ["axis": .int(0)])
        }
        let result = product(&b, qkv[0], b.transposed(qkv[1], [0, 1, 3, 2]), qkv[2], s, windows)
        return b.pointwise(b.reshaped(b.transposed(result, [0, 1, 3, 2]), [windows, c, s.window, s.window]), c, c)
    }

    private static func product(
        _ b: inout NetBuilder, _ q: ValueID, _ k: ValueID, _ v: ValueID, _ s: TransformerSpec, _ windows: Int
    ) -> ValueID {
        let n = s.window * s.window
        let factor = 1 / Float(s.depth).squareRoot()
        var q = q
        if s.scale == .query { q = b.op("Mul", q, b.number(factor)) }
        if s.scale == .queryQuotient { q = b.op("Div", q, b.number(1 / factor)) }
        var scores = b.op("MatMul", q, k)
        if s.scale == .scores { scores = b.op("Mul", scores, b.number(factor)) }
        if s.scale == .scoresQuotient { scores = b.op("Div", scores, b.number(1 / factor)) }
        if s.hasBias { scores = b.op("Add", scores, b.constant(b.random.tensor([1, s.heads, n, n]))) }
        if s.hasMask {
            var mask: Tensor = b.random.tensor([1, windows, 1, n, n])
            mask = Tensor(mask.shape, mask.floats.map { $0 > 0.4 ? Float(-100) : Float(0) })
            scores = b.op("Add", b.reshaped(scores, [1, windows, s.heads, n, n]), b.constant(mask))
            scores = b.reshaped(scores, [windows, s.heads, n, n])
        }
        return b.op("MatMul", b.op("Softmax", scores, attributes: ["axis": .int(-1)]), v)
    }
}
