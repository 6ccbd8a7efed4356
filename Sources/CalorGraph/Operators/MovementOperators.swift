import CalorTensor

/// Operators that move elements to new places: transposes, tiles, slices, borders, joins and splits.
enum MovementOperators {
    static let all: [Operator] = [
        Operator(
            "Transpose", 1...1, "axes in another order",
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                let order = try permutation(call)
                return [ValueType(type.dtype, Shape(order.map { type.shape.dims[$0] }))]
            }, evaluate: { call throws(GraphFault) in [try call.tensor(0).transposed(permutation(call))] }),
        Operator(
            "Expand", 2...2, shapedBy: [1], "repeated to a broadcast shape",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try expandedShape(call))]
            }, evaluate: { call throws(GraphFault) in [try call.tensor(0).expanded(to: expandedShape(call))] }),
        mapped(
            "Tile", 2...2, shapedBy: [1], "repeated along every axis",
            sizes: { call throws(GraphFault) in
                let shape = try call.shape(0)
                return try repeats(call).enumerated().map { axis, n throws(GraphFault) in
                    try call.multiplyAdd(shape.dims[axis], n, 0)
                }
            },
            maps: { call throws(GraphFault) in
                let shape = try call.shape(0)
                return try repeats(call).enumerated().map { axis, n in
                    let extent = shape.dims[axis]
                    return extent == 0 ? [] : (0..<extent * n).map { $0 % extent }
                }
            }),
        mapped(
            "Slice", 1...5, shapedBy: [1, 2, 3, 4], "a range of every axis",
            sizes: { call throws(GraphFault) in
                try Slices(call).axes.map(\.count)
            },
            maps: { call throws(GraphFault) in
                try Slices(call).axes.map { axis in (0..<axis.count).map { axis.start + $0 * axis.step } }
            }),
        Operator(
            "Pad", 1...4, shapedBy: [1, 3], "with a border",
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                return [ValueType(type.dtype, try Border(call).shape(call))]
            }, evaluate: { call throws(GraphFault) in [try pad(call)] }),
        Operator(
            "Concat", 1...4096, "joined along an axis",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try joined(call).shape)]
            }, evaluate: { call throws(GraphFault) in [try concat(call)] }),
        Operator(
            "Split", 1...2, outputs: 4096, shapedBy: [1], "cut along an axis",
            infer: { call throws(GraphFault) in
                let type = try call.type(0)
                let (axis, parts) = try parts(call)
                return parts.map { part in
                    var dims = type.shape.dims
                    dims[axis] = part
                    return ValueType(type.dtype, Shape(dims))
                }
            }, evaluate: { call throws(GraphFault) in try split(call) }),
        blocks(
            "DepthToSpace", "channels to pixels",
            { call, n, c, h, w, block throws(GraphFault) in
                let (square, overflow) = block.multipliedReportingOverflow(by: block)
                try call.require(!overflow && c % square == 0, "\(c) channels are not a multiple of \(block)²")
                let columnFirst = try call.string("mode") == "CRD"
                let result = [n, c / square, try call.multiplyAdd(h, block, 0), try call.multiplyAdd(w, block, 0)]
                return columnFirst
                    ? ([n, c / square, block, block, h, w], [0, 1, 4, 2, 5, 3], result)
                    : ([n, block, block, c / square, h, w], [0, 3, 4, 1, 5, 2], result)
            }),
        blocks(
            "SpaceToDepth", "pixels to channels",
            { call, n, c, h, w, block throws(GraphFault) in
                try call.require(h % block == 0 && w % block == 0, "\(h)×\(w) pixels are not a multiple of \(block)")
                let channels = try call.multiplyAdd(try call.multiplyAdd(c, block, 0), block, 0)
                return (
                    [n, c, h / block, block, w / block, block], [0, 3, 5, 1, 2, 4], [n, channels, h / block, w / block]
                )
            }),
    ]

    /// An operator whose result is given by one source index per place and axis.
    private static func mapped(
        _ name: String, _ inputs: ClosedRange<Int>, shapedBy: [Int], _ summary: String,
        sizes: @escaping @Sendable (OperatorCall) throws(GraphFault) -> [Int],
        maps: @escaping @Sendable (OperatorCall) throws(GraphFault) -> [[Int]]
    ) -> Operator {
        Operator(
            name, inputs, shapedBy: shapedBy, summary,
            infer: { call throws(GraphFault) in
                let dtype = try call.dtype(0)
                return [ValueType(dtype, try call.checked(sizes(call), dtype))]
            },
            evaluate: { call throws(GraphFault) in
                _ = try call.checked(sizes(call), call.dtype(0))
                return [try call.tensor(0).gathered(maps(call))]
            })
    }

    private typealias Blocking = (split: [Int], order: [Int], result: [Int])

    private static func blocks(
        _ name: String, _ summary: String,
        _ plan: @escaping @Sendable (OperatorCall, Int, Int, Int, Int, Int) throws(GraphFault) -> Blocking
    ) -> Operator {
        @Sendable func blocking(_ call: OperatorCall) throws(GraphFault) -> Blocking {
            let shape = try call.shape(0)
            try call.require(shape.rank == 4, "needs four axes, not \(shape)")
            guard let block = try call.int("blocksize"), block > 0 else { throw call.fault("blocksize must be above 0") }
            return try plan(call, shape[0], shape[1], shape[2], shape[3], block)
        }
        return Operator(
            name, 1...1, summary,
            infer: { call throws(GraphFault) in
                let dtype = try call.dtype(0)
                let blocking = try blocking(call)
                _ = try call.checked(blocking.split, dtype)
                return [ValueType(dtype, try call.checked(blocking.result, dtype))]
            },
            evaluate: { call throws(GraphFault) in
                let blocking = try blocking(call)
                _ = try call.checked(blocking.split, call.dtype(0))
                _ = try call.checked(blocking.result, call.dtype(0))
                return [
                    try call.tensor(0).reshaped(to: Shape(blocking.split)).transposed(blocking.order).reshaped(
                        to: Shape(blocking.result))
                ]
            })
    }

    private static func permutation(_ call: OperatorCall) throws(GraphFault) -> [Int] {
        let rank = try call.shape(0).rank
        guard let order = try call.ints("perm") else { return (0..<rank).reversed() }
        try call.require(order.count == rank, "perm has \(order.count) entries for a tensor of rank \(rank)")
        return try call.axes(order, rank: rank)
    }

    private static func expandedShape(_ call: OperatorCall) throws(GraphFault) -> Shape {
        let dims = try call.integers(at: 1) ?? []
        let wanted = try call.checked(dims, call.dtype(0))
        return try call.checked(try call.broadcast(try call.shape(0), wanted).dims, call.dtype(0))
    }

    private static func repeats(_ call: OperatorCall) throws(GraphFault) -> [Int] {
        let repeats = try call.integers(at: 1) ?? []
        try call.require(
            try repeats.count == call.shape(0).rank && repeats.allSatisfy { $0 >= 0 }, "needs one repeat count for each axis")
        return repeats
    }

    // MARK: - Joining and cutting

    private static func joined(_ call: OperatorCall) throws(GraphFault) -> (axis: Int, shape: Shape) {
        let first = try call.type(0)
        let axis = try call.axis(try call.int("axis") ?? 1, rank: first.shape.rank)
        var dims = first.shape.dims
        for index in call.types.indices.dropFirst() {
            let other = try call.type(index)
            var aligned = other.shape.dims
            if aligned.count == dims.count { aligned[axis] = dims[axis] }
            try call.require(aligned == dims && other.dtype == first.dtype, "\(other) does not join \(first) along axis \(axis)")
            dims[axis] += other.shape.dims[axis]
        }
        return (axis, try call.checked(dims, first.dtype))
    }

    private static func concat(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let parts = try call.allTensors()
        let (axis, shape) = try joined(call)
        let dtype = try call.dtype(0)
        var result = Tensor(dtype, shape)
        let outer = shape.product(0..<axis)
        let row = shape.product(axis..<shape.rank) * dtype.bytes
        result.withUnsafeMutableBytes { out in
            var column = 0
            for part in parts {
                let width = part.shape.product(axis..<shape.rank) * dtype.bytes
                if width == 0 { continue }
                part.withUnsafeBytes { source in
                    for i in 0..<outer {
                        UnsafeMutableRawBufferPointer(rebasing: out[i * row + column..<i * row + column + width])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[i * width..<(i + 1) * width]))
                    }
                }
                column += width
            }
        }
        return result
    }

    private static func parts(_ call: OperatorCall) throws(GraphFault) -> (axis: Int, parts: [Int]) {
        let shape = try call.shape(0)
        let axis = try call.axis(try call.int("axis") ?? 0, rank: shape.rank)
        let extent = shape.dims[axis]
        if let parts = try call.integers(at: 1, or: "split") {
            var sum = 0
            for part in parts {
                try call.require(part >= 0, "a part of \(part) is negative")
                sum = try call.multiplyAdd(1, part, sum)
            }
            try call.require(sum == extent, "the parts \(parts) do not add up to \(extent)")
            try call.require(parts.count >= call.node.outputs.count, "there are more outputs than parts")
            return (axis, parts)
        }
        let count = try call.int("num_outputs") ?? call.node.outputs.count
        try call.require(count > 0 && count >= call.node.outputs.count && count <= 4096, "cannot be cut into \(count) parts")
        let size = (extent + count - 1) / count
        var rest = extent
        return (
            axis,
            (0..<count).map { _ in
                defer { rest -= min(size, rest) }
                return min(size, rest)
            }
        )
    }

    private static func split(_ call: OperatorCall) throws(GraphFault) -> [Tensor?] {
        let source = try call.tensor(0)
        let (axis, parts) = try parts(call)
        let strides = source.shape.strides
        var start = 0
        var results: [Tensor?] = []
        for part in parts {
            var dims = source.shape.dims
            dims[axis] = part
            results.append(source.strided(to: Shape(dims), strides: strides, offset: start * strides[axis]))
            start += part
        }
        return results
    }

    private static func pad(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        let border = try Border(call)
        _ = try border.shape(call)
        var fill = Tensor(source.dtype, [])
        if let value = call.optionalTensor(2) {
            try call.require(value.count == 1 && value.dtype == source.dtype, "the value of the border must be one \(source.dtype)")
            fill = value.reshaped(to: [])
        } else if let value = try call.float("value"), value != 0 {
            fill = Tensor([], [Float(value)])
            try call.require(source.dtype == .f32, "attribute value needs f32")
        }
        return source.gathered(try border.maps(call), fill: fill)
    }
}
