import CalorGraph
import CalorTensor

/// Operations element by element, and those that only move elements.
extension NetworkGenerator {
    mutating func activation() {
        guard let x = pick() else { return }
        let y: ValueID
        switch choices.number(0...14) {
        case 0: y = node("Relu", [x.value])
        case 1: y = node("LeakyRelu", [x.value], ["alpha": .float(choices.one(of: [0.1, 0.2, -0.3]))])
        case 2:
            guard x.shape.rank == 4 else { return }
            y = node("PRelu", [x.value, constant(noise([x.shape[1], 1, 1]))])
        case 3: y = node("Sigmoid", [x.value])
        case 4: y = node("Tanh", [x.value])
        case 5: y = node("HardSwish", [x.value])
        case 6: y = node("HardSigmoid", [x.value], ["alpha": .float(0.25), "beta": .float(0.4)])
        case 7: y = node("Clip", [x.value, floats([], [-0.5]), floats([], [0.75])])
        case 8: y = node("Mul", [x.value, node("Sigmoid", [x.value])])
        case 9: y = node("Gelu", [x.value], ["approximate": .string(choices.flag() ? "tanh" : "none")])
        case 10:
            // GELU as PyTorch exports it.
            let scaled = node("Div", [x.value, floats([], [Float(2).squareRoot()])])
            let sum = node("Add", [node("Erf", [scaled]), floats([], [1])])
            y = node("Mul", [node("Mul", [x.value, sum]), floats([], [0.5])])
        case 11: y = node("Softplus", [x.value])
        case 12: y = node("Elu", [x.value], ["alpha": .float(0.7)])
        case 13: y = node("Neg", [node("Abs", [x.value])])
        default: y = node("Sqrt", [node("Add", [node("Abs", [x.value]), floats([], [0.25])])])
        }
        keep(y, x.shape.dims)
    }

    /// Two values of one shape, or of shapes that broadcast.
    mutating func sum() {
        guard let a = pick() else { return }
        let op = choices.one(of: ["Add", "Add", "Sub", "Mul", "Max", "Min"])
        guard let b = pick({ Shape.broadcast($0, a.shape) != nil }), let shape = Shape.broadcast(a.shape, b.shape) else { return }
        var y = node(op, [a.value, b.value])
        if op == "Mul" { y = node("Tanh", [y]) }
        keep(y, shape.dims)
    }

    /// Scale and shift by numbers or by vectors of channels.
    mutating func affine() {
        guard let x = pick({ $0.rank >= 3 }) else { return }
        let column = Shape([x.shape[1]] + [Int](repeating: 1, count: x.shape.rank - 2))
        let shapes: [Shape] = [[], [1], column, [x.shape[-1]], x.shape]
        var y = x.value
        for _ in 0..<choices.number(1...2) {
            let other = constant(noise(choices.one(of: shapes)))
            let op = choices.one(of: ["Mul", "Add", "Sub"])
            y = choices.flag() ? node(op, [y, other]) : node(op, [other, y])
        }
        keep(y, x.shape.dims)
    }

    mutating func concatenation() {
        guard let first = pick({ $0.rank >= 2 }) else { return }
        let axis = first.shape.rank == 4 ? choices.one(of: [1, 1, 1, 2, 3]) : 1
        var parts = [first]
        for _ in 0..<choices.number(1...3) {
            let next = pick { shape in
                shape.rank == first.shape.rank && shape.dims.indices.allSatisfy { $0 == axis || shape[$0] == first.shape[$0] }
            }
            if let next { parts.append(next) }
        }
        var dims = first.shape.dims
        dims[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
        keep(node("Concat", parts.map(\.value), ["axis": .int(Int64(choices.flag() ? axis : axis - dims.count))]), dims)
    }

    mutating func split() {
        guard let x = pick({ $0.rank >= 2 && $0[1] > 1 }) else { return }
        let axis = x.shape.rank == 4 && choices.flag(oneIn: 4) && x.shape[3] > 1 ? 3 : 1
        let first = choices.number(1...x.shape[axis] - 1)
        let sizes = [first, x.shape[axis] - first]
        let parts = many("Split", [x.value, ints(sizes)], outputs: 2, ["axis": .int(Int64(axis))])
        for (part, size) in zip(parts, sizes) {
            var dims = x.shape.dims
            dims[axis] = size
            keep(part, dims)
        }
    }

    mutating func movement() {
        guard let x = pick({ $0.rank >= 2 }) else { return }
        switch choices.number(0...3) {
        case 0:
            var order = Array(0..<x.shape.rank)
            for i in order.indices.dropLast() { order.swapAt(i, choices.number(i...order.count - 1)) }
            keep(node("Transpose", [x.value], ["perm": .ints(order.map(Int64.init))]), order.map { x.shape[$0] })
        case 1:
            let axis = choices.number(0...x.shape.rank - 1)
            let start = choices.number(0...x.shape[axis] - 1)
            let end = choices.number(start + 1...x.shape[axis])
            let step = choices.number(1...2)
            var dims = x.shape.dims
            dims[axis] = (end - start + step - 1) / step
            keep(node("Slice", [x.value, ints([start]), ints([end]), ints([axis]), ints([step])]), dims)
        case 2:
            let y = node("Flatten", [x.value], ["axis": .int(1)])
            keep(y, [x.shape[0], x.shape.dims.dropFirst().reduce(1, *)])
        default:
            // A cyclic shift: two slices and a concatenation.
            let axis = x.shape.rank - 1
            guard x.shape[axis] > 1 else { return }
            let cut = choices.number(1...x.shape[axis] - 1)
            let head = node("Slice", [x.value, ints([0]), ints([cut]), ints([axis])])
            let tail = node("Slice", [x.value, ints([cut]), ints([x.shape[axis]]), ints([axis])])
            keep(node("Concat", [tail, head], ["axis": .int(Int64(axis))]), x.shape.dims)
        }
    }

    /// A shape taken from a value, changed and used, as tracing exporters write it.
    mutating func shapeArithmetic() {
        guard let x = image() else { return }
        let shape = node("Shape", [x.value])
        let head = node("Slice", [shape, ints([0]), ints([2]), ints([0])])
        let target = node("Concat", [head, ints([-1])], ["axis": .int(0)])
        let flat = node("Reshape", [x.value, target])
        keep(flat, [x.shape[0], x.shape[1], x.shape[2] * x.shape[3]])
        if choices.flag() { keep(node("Reshape", [flat, shape]), x.shape.dims) }
    }
}
