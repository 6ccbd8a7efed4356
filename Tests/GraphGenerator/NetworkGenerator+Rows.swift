import CalorGraph
import CalorTensor

/// Operations on rows: matrices, attention, softmax, layer normalisation.
extension NetworkGenerator {
    /// A product with a weight matrix, with bias, activation and residual behind it.
    mutating func linear() {
        guard let x = pick({ $0.rank >= 2 && $0.rank <= 3 && $0[-1] <= 512 }) else { return tokens() }
        let (inner, columns) = (x.shape[-1], choices.one(of: [16, 8, 1, 17, 33, x.shape[-1]]))
        if x.shape.rank == 2, choices.flag() {
            let transposed = choices.flag()
            let w = weights(transposed ? [columns, inner] : [inner, columns], fan: inner)
            let attributes: [String: Attribute] = [
                "transB": .int(transposed ? 1 : 0), "alpha": .float(choices.one(of: [1, 0.5])), "beta": .float(1),
            ]
            return keep(node("Gemm", [x.value, w, constant(noise([columns]))], attributes), [x.shape[0], columns])
        }
        var y = node("MatMul", [x.value, weights([inner, columns], fan: inner)])
        if choices.flag() { y = node("Add", [constant(noise([columns], scale: 0.2)), y]) }
        if choices.flag(oneIn: 3) { y = node("Relu", [y]) }
        if columns == inner, choices.flag() { y = node("Add", [y, x.value]) }
        keep(y, x.shape.dims.dropLast() + [columns])
    }

    /// An image as a list of pixels.
    mutating func tokens() {
        guard let x = image() else { return }
        let pixels = x.shape[2] * x.shape[3]
        let flat = node("Reshape", [x.value, ints([x.shape[0], x.shape[1], pixels])])
        keep(node("Transpose", [flat], ["perm": .ints([0, 2, 1])]), [x.shape[0], pixels, x.shape[1]])
    }

    /// A batched product of two values.
    mutating func product() {
        guard let a = pick({ $0.rank == 3 && $0[1] <= 256 }) else { return tokens() }
        let transposed = node("Transpose", [a.value], ["perm": .ints([0, 2, 1])])
        var y = node("MatMul", [a.value, transposed])
        y = node("Mul", [y, floats([], [1 / Float(a.shape[2])])])
        keep(choices.flag() ? node("Softmax", [y], ["axis": .int(-1)]) : y, [a.shape[0], a.shape[1], a.shape[1]])
    }

    /// Attention over one window, spelled as Swin networks export it.
    mutating func attention() {
        guard let x = pick({ $0.rank == 3 && $0[1] <= 128 && $0[2] <= 512 && $0[2] % 2 == 0 }) else { return tokens() }
        let (batch, count, width) = (x.shape[0], x.shape[1], x.shape[2])
        let heads = width % 4 == 0 && choices.flag() ? 4 : 2
        let head = width / heads
        let all = node("MatMul", [x.value, weights([width, 3 * width], fan: width)])
        let grid = node("Reshape", [all, ints([batch, count, 3, heads, head])])
        let order = node("Transpose", [grid], ["perm": .ints([2, 0, 3, 1, 4])])
        let parts = (0..<3).map { index in
            node("Gather", [order, constant(Tensor([], [Int64(index)]))], ["axis": .int(0)])
        }
        let query = node("Mul", [parts[0], floats([], [1 / Float(head).squareRoot()])])
        let keys = node("Transpose", [parts[1]], ["perm": .ints([0, 1, 3, 2])])
        var scores = node("MatMul", [query, keys])
        if choices.flag() { scores = node("Add", [scores, constant(noise([1, heads, count, count]))]) }
        let mixed = node("MatMul", [node("Softmax", [scores], ["axis": .int(-1)]), parts[2]])
        let back = node("Transpose", [mixed], ["perm": .ints([0, 2, 1, 3])])
        let rows = node("Reshape", [back, ints([batch, count, width])])
        let y = node("MatMul", [rows, weights([width, width], fan: width)])
        keep(choices.flag() ? node("Add", [x.value, y]) : y, x.shape.dims)
    }

    mutating func rows() {
        guard let x = pick({ $0.rank >= 2 && $0.rank <= 4 && $0[-1] > 1 }) else { return }
        switch choices.number(0...2) {
        case 0:
            let axis = choices.flag(oneIn: 3) ? 1 : x.shape.rank - 1
            keep(node("Softmax", [x.value], ["axis": .int(Int64(axis))]), x.shape.dims)
        case 1:
            let (scale, shift) = (constant(noise([x.shape[-1]])), constant(noise([x.shape[-1]])))
            let attributes: [String: Attribute] = ["axis": .int(-1), "epsilon": .float(1e-3)]
            keep(node("LayerNormalization", [x.value, scale, shift], attributes), x.shape.dims)
        default:
            // LayerNorm as older exporters spell it.
            let axes: [String: Attribute] = ["keepdims": .int(1)]
            let centred = node("Sub", [x.value, node("ReduceMean", [x.value, ints([-1])], axes)])
            let square = node("Pow", [centred, floats([], [2])])
            let variance = node("Add", [node("ReduceMean", [square, ints([-1])], axes), floats([], [1e-3])])
            let normal = node("Div", [centred, node("Sqrt", [variance])])
            let scaled = node("Mul", [normal, constant(noise([x.shape[-1]]))])
            keep(node("Add", [scaled, constant(noise([x.shape[-1]]))]), x.shape.dims)
        }
    }
}
