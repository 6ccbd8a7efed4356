import CalorTensor

/// Operators that make tensors from attributes or sizes.
enum GeneratorOperators {
    static let all: [Operator] = [
        Operator(
            "Constant", 0...0, "a constant of the model", infer: { call throws(GraphFault) in [try constant(call).type] },
            evaluate: { call throws(GraphFault) in [try constant(call)] }),
        Operator(
            "ConstantOfShape", 1...1, shapedBy: [0], "one value everywhere",
            infer: { call throws(GraphFault) in
                [ValueType(try value(call).dtype, try filledShape(call))]
            }, evaluate: { call throws(GraphFault) in [try value(call).expanded(to: filledShape(call))] }),
        Operator(
            "Range", 3...3, shapedBy: [0, 1, 2], "numbers from start to limit",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try call.checked([rangeCount(call)], call.dtype(0)))]
            }, evaluate: { call throws(GraphFault) in [try range(call)] }),
        Operator(
            "EyeLike", 1...1, "ones on a diagonal",
            infer: { call throws(GraphFault) in
                [ValueType(try eyeType(call), try call.shape(0))]
            }, evaluate: { call throws(GraphFault) in [try eye(call)] }),
        Operator(
            "OneHot", 3...3, shapedBy: [1], "one value at an index, another elsewhere",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(2), try oneHotShape(call).shape)]
            }, evaluate: { call throws(GraphFault) in [try oneHot(call)] }),
        Operator(
            "Trilu", 1...2, "the upper or lower triangle", infer: Infer.first,
            evaluate: { call throws(GraphFault) in [try triangle(call)] }),
    ]

    static func constant(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        switch call.node.attributes.first(where: { $0.key.hasPrefix("value") })?.value {
        case .tensor(let tensor)?: return tensor
        case .int(let value)?: return Tensor([], [value])
        case .float(let value)?: return Tensor([], [value])
        case .ints(let values)?: return Tensor([values.count], values)
        case .floats(let values)?: return Tensor([values.count], values)
        case .string?, .strings?: throw call.unsupported("constants of text")
        case nil: throw call.fault("has no value")
        }
    }

    private static func value(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        guard case .tensor(let tensor)? = call.node.attributes["value"] else { return Tensor([], [Float(0)]) }
        try call.require(tensor.count == 1, "value must have one element")
        return tensor.reshaped(to: [])
    }

    private static func filledShape(_ call: OperatorCall) throws(GraphFault) -> Shape {
        try call.checked(call.integers(at: 0) ?? [], value(call).dtype)
    }

    // MARK: - Range

    private static func rangeCount(_ call: OperatorCall) throws(GraphFault) -> Int {
        guard let start = try call.number(at: 0), let limit = try call.number(at: 1), let delta = try call.number(at: 2) else {
            throw call.fault("start, limit or delta is missing")
        }
        let dtype = try call.dtype(0)
        let others = [try call.dtype(1), try call.dtype(2)]
        try call.require(others == [dtype, dtype], "start, limit and delta differ in type")
        let count = ((limit - start) / delta).rounded(.up)
        try call.require(count.isFinite, "delta must not be 0")
        try call.require(count < 1e12, "\(count) elements are too many")
        return count <= 0 ? 0 : Int(count)
    }

    private static func range(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let dtype = try call.dtype(0)
        let shape = try call.checked([rangeCount(call)], .f64)
        let (start, delta) = (try call.number(at: 0) ?? 0, try call.number(at: 2) ?? 1)
        let values = Tensor.filled(.f64, shape, Double.self) { out in for i in out.indices { out[i] = start + Double(i) * delta } }
        return try CastOperators.cast(call, values, to: dtype)
    }

    // MARK: - Diagonals

    private static func eyeType(_ call: OperatorCall) throws(GraphFault) -> DType {
        guard let code = try call.int("dtype") else { return try call.dtype(0) }
        guard let dtype = DType(onnxCode: code) else { throw call.unsupported("element type \(code)") }
        return dtype
    }

    private static func eye(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let shape = try call.shape(0)
        try call.require(shape.rank == 2, "needs two axes, not \(shape)")
        let k = try call.int("k") ?? 0
        let ones = Tensor.filled(.f64, try call.checked(shape.dims, .f64), Double.self) { out in
            for row in 0..<shape[0] {
                let column = row.addingReportingOverflow(k).partialValue
                if column >= 0, column < shape[1] { out[row * shape[1] + column] = 1 }
            }
        }
        return try CastOperators.cast(call, ones, to: eyeType(call))
    }

    private static func triangle(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        var tensor = try call.tensor(0)
        try call.require(tensor.shape.rank >= 2, "needs two axes or more, not \(tensor.shape)")
        let upper = try call.flag("upper", default: true)
        let k = min(max(try call.integer(at: 1) ?? 0, -(1 << 40)), 1 << 40)
        let (rows, columns, width) = (tensor.shape[-2], tensor.shape[-1], tensor.dtype.bytes)
        tensor.withUnsafeMutableBytes { bytes in
            for row in 0..<(rows * columns == 0 ? 0 : bytes.count / (columns * width)) {
                for column in 0..<columns {
                    let place = column - row % rows - k
                    if upper ? place < 0 : place > 0 {
                        for b in 0..<width { bytes[(row * columns + column) * width + b] = 0 }
                    }
                }
            }
        }
        return tensor
    }

    // MARK: - One hot

    private static func oneHotShape(_ call: OperatorCall) throws(GraphFault) -> (axis: Int, shape: Shape) {
        let indices = try call.shape(0)
        guard let number = try call.number(at: 1), number.isFinite, number >= 0, number < 1e12 else {
            throw call.fault("depth is wrong")
        }
        let axis = try call.axis(try call.int("axis") ?? -1, rank: indices.rank + 1)
        var dims = indices.dims
        dims.insert(Int(number), at: axis)
        return (axis, try call.checked(dims, call.dtype(2)))
    }

    private static func oneHot(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let (axis, shape) = try oneHotShape(call)
        let values = try call.tensor(2)
        try call.require(values.count == 2, "needs two values: off and on")
        let depth = shape.dims[axis]
        let indices = try call.tensor(0).doubles
        let inner = shape.product(axis + 1..<shape.rank)
        var picks = [Int](repeating: 0, count: shape.count)
        for (place, index) in indices.enumerated() where index >= -Double(depth) && index < Double(depth) {
            let hot = Int(index) < 0 ? Int(index) + depth : Int(index)
            picks[(place / inner * depth + hot) * inner + place % inner] = 1
        }
        return values.reshaped(to: [2]).gathered([picks]).reshaped(to: shape)
    }
}
