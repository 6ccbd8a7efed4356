import CalorTensor

/// The vocabulary in which rules are written; each word is one node, or a few.
extension GradientBuilder {
    mutating func add(_ a: ValueID, _ b: ValueID) throws(GraphFault) -> ValueID { try emit("Add", [a, b]) }
    mutating func subtract(_ a: ValueID, _ b: ValueID) throws(GraphFault) -> ValueID { try emit("Sub", [a, b]) }
    mutating func multiply(_ a: ValueID, _ b: ValueID) throws(GraphFault) -> ValueID { try emit("Mul", [a, b]) }
    mutating func divide(_ a: ValueID, _ b: ValueID) throws(GraphFault) -> ValueID { try emit("Div", [a, b]) }
    mutating func apply(_ op: String, _ a: ValueID) throws(GraphFault) -> ValueID { try emit(op, [a]) }

    mutating func scale(_ a: ValueID, by factor: Double) throws(GraphFault) -> ValueID {
        try multiply(a, try constant([factor], [], try type(a).dtype))
    }

    mutating func shift(_ a: ValueID, by term: Double) throws(GraphFault) -> ValueID {
        try add(a, try constant([term], [], try type(a).dtype))
    }

    /// 1 above zero, 0 elsewhere.
    mutating func positive(_ a: ValueID) throws(GraphFault) -> ValueID { try apply("Sign", try apply("Relu", a)) }

    mutating func square(_ a: ValueID) throws(GraphFault) -> ValueID { try multiply(a, a) }

    mutating func reshape(_ a: ValueID, to shape: Shape) throws(GraphFault) -> ValueID {
        if try self.shape(a) == shape { return a }
        return try emit("Reshape", [a, constant(shape.dims)])
    }

    mutating func transpose(_ a: ValueID, _ order: [Int]) throws(GraphFault) -> ValueID {
        if order == Array(order.indices) { return a }
        return try emit("Transpose", [a], ["perm": .ints(order.map(Int64.init))])
    }

    /// The sum over axes, which stay with extent 1.
    mutating func sum(_ a: ValueID, over axes: [Int]) throws(GraphFault) -> ValueID {
        if axes.isEmpty { return a }
        if opset >= 13 { return try emit("ReduceSum", [a, constant(axes)], ["keepdims": .int(1)]) }
        return try emit("ReduceSum", [a], ["axes": .ints(axes.map(Int64.init)), "keepdims": .int(1)])
    }

    mutating func mean(_ a: ValueID, over axes: [Int]) throws(GraphFault) -> ValueID {
        let shape = try shape(a)
        return try scale(try sum(a, over: axes), by: 1 / Double(max(axes.reduce(1) { $0 * shape[$1] }, 1)))
    }

    /// Sums what broadcasting repeated.
    mutating func unbroadcast(_ gradient: ValueID, to value: ValueID) throws(GraphFault) -> ValueID {
        let (wide, narrow) = (try shape(gradient), try shape(value))
        if wide == narrow { return gradient }
        let extra = wide.rank - narrow.rank
        let axes = wide.dims.indices.filter { $0 < extra || (narrow[$0 - extra] == 1 && wide[$0] != 1) }
        return try reshape(try sum(gradient, over: axes), to: narrow)
    }

    /// A value repeated to a shape that it broadcasts to.
    mutating func expand(_ a: ValueID, to shape: Shape) throws(GraphFault) -> ValueID {
        if try self.shape(a) == shape { return a }
        return try emit("Expand", [a, constant(shape.dims)])
    }

    mutating func zeros(_ shape: Shape, _ dtype: DType) -> ValueID { constant(Tensor(dtype, shape)) }

    mutating func concatenate(_ parts: [ValueID], along axis: Int) throws(GraphFault) -> ValueID {
        parts.count == 1 ? parts[0] : try emit("Concat", parts, ["axis": .int(Int64(axis))])
    }

    /// Zeros before and behind along an axis.
    mutating func surround(_ a: ValueID, axis: Int, before: Int, after: Int) throws(GraphFault) -> ValueID {
        let type = try type(a)
        func border(_ extent: Int) -> Shape {
            var dims = type.shape.dims
            dims[axis] = extent
            return Shape(dims)
        }
        var parts: [ValueID] = []
        if before > 0 { parts.append(zeros(border(before), type.dtype)) }
        parts.append(a)
        if after > 0 { parts.append(zeros(border(after), type.dtype)) }
        return try concatenate(parts, along: axis)
    }

    /// `range` of an axis.
    mutating func slice(_ a: ValueID, axis: Int, _ range: Range<Int>) throws(GraphFault) -> ValueID {
        if try shape(a)[axis] == range.count { return a }
        if opset >= 10 {
            return try emit("Slice", [a, constant([range.lowerBound]), constant([range.upperBound]), constant([axis])])
        }
        return try emit(
            "Slice", [a],
            [
                "starts": .ints([Int64(range.lowerBound)]), "ends": .ints([Int64(range.upperBound)]),
                "axes": .ints([Int64(axis)]),
            ])
    }

    /// Every line along an axis times a matrix `[extent][result]`, row by row.
    mutating func product(_ a: ValueID, axis: Int, matrix: [Double], result: Int) throws(GraphFault) -> ValueID {
        let type = try type(a)
        let rank = type.shape.rank
        var order = Array(0..<rank)
        order.swapAt(axis, rank - 1)
        let right = try constant(matrix, [type.shape[axis], result], type.dtype)
        return try transpose(try emit("MatMul", [try transpose(a, order), right]), order)
    }

    /// The transpose of a choice of elements along an axis: `places[k]` is where element `k` of the gradient came from, −1 for nowhere.
    mutating func scattered(_ a: ValueID, axis: Int, places: [Int], extent: Int) throws(GraphFault) -> ValueID {
        var matrix = [Double](repeating: 0, count: places.count * extent)
        for (k, place) in places.enumerated() where place >= 0 { matrix[k * extent + place] = 1 }
        return try product(a, axis: axis, matrix: matrix, result: extent)
    }
}
