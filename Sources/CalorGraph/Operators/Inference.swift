import CalorTensor

/// Shape rules that many operators share.
enum Infer {
    static let first: Operator.Inference = { call throws(GraphFault) in [try call.type(0)] }

    /// The type of the first input, of which the attribute `axis` must name an axis.
    static func first(alongAxisOr standard: @escaping @Sendable (OperatorCall) -> (axis: Int, inclusive: Bool))
        -> Operator.Inference
    {
        { call throws(GraphFault) in
            let type = try call.type(0)
            let (axis, inclusive) = standard(call)
            _ = try call.axis(try call.int("axis") ?? axis, rank: type.shape.rank, inclusive: inclusive)
            return [type]
        }
    }

    /// All inputs broadcast together; the type of the first.
    static let broadcast: Operator.Inference = { call throws(GraphFault) in [try broadcastAll(call)] }

    /// All inputs broadcast together; bool.
    static let comparison: Operator.Inference = { call throws(GraphFault) in
        [ValueType(.bool, try broadcastAll(call).shape)]
    }

    static func broadcastAll(_ call: OperatorCall) throws(GraphFault) -> ValueType {
        var shape = try call.shape(0)
        for index in call.types.indices.dropFirst() { shape = try call.broadcast(shape, try call.legacyShape(index)) }
        let dtype = try call.dtype(0)
        return ValueType(dtype, try call.checked(shape.dims, dtype))
    }
}

extension OperatorCall {
    /// The shape of input `index`, aligned at attribute `axis` as operator sets before 7 did.
    func legacyShape(_ index: Int) throws(GraphFault) -> Shape {
        let own = try shape(index)
        // The slopes of PRelu were one per channel.
        if opset < 7, node.op == "PRelu", own.rank == 1, try shape(0).rank > 1, own.count > 1 {
            return Shape(own.dims + [Int](repeating: 1, count: try shape(0).rank - 2))
        }
        guard opset < 7, try flag("broadcast"), let place = try int("axis") else { return own }
        let rank = try shape(0).rank
        let start = try axis(place, rank: rank, inclusive: true)
        guard start + own.rank <= rank else { throw fault("shape \(own) does not fit at axis \(place)") }
        return Shape(own.dims + [Int](repeating: 1, count: rank - start - own.rank))
    }
}
