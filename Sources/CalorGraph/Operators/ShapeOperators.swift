import CalorTensor

/// Operators that read, change or restore shapes without touching elements.
enum ShapeOperators {
    static let all: [Operator] = [
        Operator(
            "Shape", 1...1, "the extents of a tensor",
            infer: { call throws(GraphFault) in
                [ValueType(.i64, [try shapeRange(call, call.shape(0)).count])]
            }, evaluate: { call throws(GraphFault) in try value(call, of: call.shape(0)) }),
        Operator(
            "Size", 1...1, "the number of elements", infer: { _ throws(GraphFault) in [ValueType(.i64, [])] },
            evaluate: { call throws(GraphFault) in try value(call, of: call.shape(0)) }),
        Operator("Identity", 1...1, "its input", infer: Infer.first, evaluate: { call throws(GraphFault) in [try call.tensor(0)] }),
        reshaping("Reshape", 1...2, shapedBy: [1], "the same elements under another shape", reshapedDims),
        reshaping("Flatten", 1...1, "two axes, split at `axis`", flattenedDims),
        reshaping("Squeeze", 1...2, shapedBy: [1], "without axes of extent 1", squeezedDims),
        reshaping("Unsqueeze", 1...2, shapedBy: [1], "with new axes of extent 1", unsqueezedDims),
    ]

    /// The result of Shape or Size for an input of `shape`.
    static func value(_ call: OperatorCall, of shape: Shape) throws(GraphFault) -> [Tensor?] {
        if call.node.op == "Size" { return [Tensor([], [Int64(shape.count)])] }
        let range = try shapeRange(call, shape)
        return [Tensor([range.count], shape.dims[range].map(Int64.init))]
    }

    private static func shapeRange(_ call: OperatorCall, _ shape: Shape) throws(GraphFault) -> Range<Int> {
        func place(_ index: Int) -> Int { min(max(index < 0 ? index &+ shape.rank : index, 0), shape.rank) }
        let start = place(try call.int("start") ?? 0)
        return start..<max(start, place(try call.int("end") ?? shape.rank))
    }

    private static func reshaping(
        _ name: String, _ inputs: ClosedRange<Int>, shapedBy: [Int] = [], _ summary: String,
        _ dims: @escaping @Sendable (OperatorCall) throws(GraphFault) -> [Int]
    ) -> Operator {
        Operator(
            name, inputs, shapedBy: shapedBy, summary,
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                return [ValueType(type.dtype, try matching(call, dims(call)))]
            }, evaluate: { call throws(GraphFault) in [try call.tensor(0).reshaped(to: matching(call, dims(call)))] })
    }

    private static func matching(_ call: OperatorCall, _ dims: [Int]) throws(GraphFault) -> Shape {
        let type = try call.type(0)
        let shape = try call.checked(dims, type.dtype)
        try call.require(
            shape.count == type.shape.count, "\(type.shape) has \(type.shape.count) elements, \(shape) would have \(shape.count)")
        return shape
    }

    private static func reshapedDims(_ call: OperatorCall) throws(GraphFault) -> [Int] {
        let source = try call.shape(0)
        guard var dims = try call.integers(at: 1, or: "shape") else { throw call.fault("the new shape is missing") }
        let allowZero = try call.flag("allowzero")
        var open: Int?
        var known = 1
        for (axis, extent) in dims.enumerated() {
            if extent == -1 {
                try call.require(open == nil, "more than one extent is -1")
                open = axis
                continue
            }
            if extent == 0, !allowZero {
                try call.require(axis < source.rank, "extent 0 at axis \(axis) copies from \(source), which has no such axis")
                dims[axis] = source.dims[axis]
            }
            try call.require(dims[axis] >= 0, "the extent \(extent) is negative")
            known = try call.multiplyAdd(known, dims[axis], 0)
        }
        if let open {
            try call.require(
                known > 0 && source.count % known == 0, "\(source) cannot become \(dims.map(String.init).joined(separator: "×"))")
            dims[open] = source.count / known
        }
        return dims
    }

    private static func flattenedDims(_ call: OperatorCall) throws(GraphFault) -> [Int] {
        let shape = try call.shape(0)
        let axis = try call.axis(try call.int("axis") ?? 1, rank: shape.rank, inclusive: true)
        return [shape.product(0..<axis), shape.product(axis..<shape.rank)]
    }

    private static func squeezedDims(_ call: OperatorCall) throws(GraphFault) -> [Int] {
        let shape = try call.shape(0)
        guard let list = try call.integers(at: 1, or: "axes") else { return shape.dims.filter { $0 != 1 } }
        let axes = try call.axes(list, rank: shape.rank)
        for axis in axes {
            try call.require(shape.dims[axis] == 1, "axis \(axis) of \(shape) has extent \(shape.dims[axis]), not 1")
        }
        return shape.removing(axes).dims
    }

    private static func unsqueezedDims(_ call: OperatorCall) throws(GraphFault) -> [Int] {
        let shape = try call.shape(0)
        guard let list = try call.integers(at: 1, or: "axes") else { throw call.fault("axes are missing") }
        try call.require(list.count <= 64, "too many axes")
        let axes = try call.axes(list, rank: shape.rank + list.count)
        var rest = shape.dims[...]
        return (0..<shape.rank + list.count).map { axes.contains($0) ? 1 : rest.removeFirst() }
    }
}
