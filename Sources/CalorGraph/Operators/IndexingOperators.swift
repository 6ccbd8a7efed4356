import CalorTensor

/// Operators that read or write at places which other tensors name.
enum IndexingOperators {
    static let all: [Operator] = [
        Operator(
            "Gather", 2...2, "slices at indices along an axis",
            infer: { call throws(GraphFault) in
                let (axis, shape) = try gatheredShape(call)
                if call.optionalTensor(1) != nil {
                    let extent = try call.shape(0).dims[axis]
                    for index in try call.integers(at: 1) ?? [] { _ = try checkedIndex(call, index, extent) }
                }
                return [ValueType(try call.dtype(0), shape)]
            }, evaluate: { call throws(GraphFault) in [try gather(call)] }),
        Operator(
            "GatherElements", 2...2, "elements at indices along an axis",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try call.shape(1))]
            },
            evaluate: { call throws(GraphFault) in
                let source = try call.tensor(0)
                let places = try elementPlaces(call, source.shape)
                return [source.reshaped(to: [source.count]).gathered([places]).reshaped(to: try call.shape(1))]
            }),
        Operator(
            "GatherND", 2...2, "slices at index tuples",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try tuples(call, batchAxes: batchAxes(call)).result)]
            }, evaluate: { call throws(GraphFault) in [try gatherND(call)] }),
        Operator("ScatterElements", 3...3, "with elements replaced at indices along an axis", infer: Infer.first) {
            call throws(GraphFault) in
            let (source, updates) = (try call.tensor(0), try call.tensor(2))
            try call.require(try call.shape(1) == updates.shape, "indices and updates differ in shape")
            return [try scatter(call, source, updates, places: elementPlaces(call, source.shape), width: 1)]
        },
        Operator("ScatterND", 3...3, "with slices replaced at index tuples", infer: Infer.first) { call throws(GraphFault) in
            let (source, updates) = (try call.tensor(0), try call.tensor(2))
            let plan = try tuples(call, batchAxes: 0)
            try call.require(updates.shape == plan.result, "updates are \(updates.shape), not \(plan.result)")
            return [try scatter(call, source, updates, places: offsets(call, plan), width: plan.width)]
        },
        Operator(
            "TopK", 1...2, outputs: 2, shapedBy: [1], "the k greatest or least along an axis, and where they are",
            infer: { call throws(GraphFault) in
                let shape = try topShape(call).shape
                return [ValueType(try call.dtype(0), shape), ValueType(.i64, shape)]
            }, evaluate: { call throws(GraphFault) in try top(call) }),
    ]

    /// An index of a file, counted from the front and checked.
    private static func checkedIndex(_ call: OperatorCall, _ index: Int, _ extent: Int) throws(GraphFault) -> Int {
        let found = index < 0 ? index &+ extent : index
        guard found >= 0, found < extent else { throw call.fault("index \(index) is outside of an axis of \(extent)") }
        return found
    }

    // MARK: - Gather

    private static func gatheredShape(_ call: OperatorCall) throws(GraphFault) -> (axis: Int, shape: Shape) {
        let source = try call.type(0)
        let axis = try call.axis(try call.int("axis") ?? 0, rank: source.shape.rank)
        let dims = source.shape.dims[..<axis] + (try call.shape(1).dims) + source.shape.dims[(axis + 1)...]
        return (axis, try call.checked(Array(dims), source.dtype))
    }

    private static func gather(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        let (axis, shape) = try gatheredShape(call)
        let extent = source.shape.dims[axis]
        var indices: [Int] = []
        for index in try call.integers(at: 1) ?? [] { indices.append(try checkedIndex(call, index, extent)) }
        let (outer, inner) = (source.shape.product(0..<axis), source.shape.product(axis + 1..<source.shape.rank))
        let flat = source.reshaped(to: [outer, extent, inner])
        return flat.gathered([Array(0..<outer), indices, Array(0..<inner)]).reshaped(to: shape)
    }

    /// For every index of GatherElements and ScatterElements, its place in the flat data.
    private static func elementPlaces(_ call: OperatorCall, _ source: Shape) throws(GraphFault) -> [Int] {
        let shape = try call.shape(1)
        try call.require(shape.rank == source.rank && source.rank > 0, "indices \(shape) and data \(source) differ in rank")
        let axis = try call.axis(try call.int("axis") ?? 0, rank: source.rank)
        for other in 0..<source.rank where other != axis {
            try call.require(shape.dims[other] <= source.dims[other], "indices \(shape) do not fit data \(source)")
        }
        var strides = source.strides
        let step = strides[axis]
        strides[axis] = 0
        var walk = Odometer(shape.dims, [strides])
        var places: [Int] = []
        for index in try call.integers(at: 1) ?? [] {
            places.append(walk.offsets[0] + (try checkedIndex(call, index, source.dims[axis])) * step)
            walk.advance()
        }
        return places
    }

    // MARK: - Index tuples

    private struct Tuples {
        var batchAxes: Int
        var depth: Int
        /// Elements of one slice.
        var width: Int
        var result: Shape
    }

    private static func batchAxes(_ call: OperatorCall) throws(GraphFault) -> Int { try call.int("batch_dims") ?? 0 }

    private static func tuples(_ call: OperatorCall, batchAxes: Int) throws(GraphFault) -> Tuples {
        let (source, indices) = (try call.type(0), try call.shape(1))
        try call.require(indices.rank >= 1, "indices must not be a scalar")
        let depth = indices[-1]
        try call.require(
            batchAxes >= 0 && batchAxes < indices.rank && batchAxes + depth <= source.shape.rank
                && source.shape.dims.prefix(batchAxes) == indices.dims.prefix(batchAxes),
            "indices \(indices) do not fit data \(source.shape)")
        let slice = Array(source.shape.dims[(batchAxes + depth)...])
        let result = try call.checked(indices.dims.dropLast() + slice, source.dtype)
        return Tuples(batchAxes: batchAxes, depth: depth, width: slice.reduce(1, *), result: result)
    }

    /// The place of the first element of every slice.
    private static func offsets(_ call: OperatorCall, _ plan: Tuples) throws(GraphFault) -> [Int] {
        let (source, shape) = (try call.shape(0), try call.shape(1))
        let strides = source.strides
        let indices = try call.integers(at: 1) ?? []
        let tuples = shape.product(0..<shape.rank - 1)
        let batches = source.product(0..<plan.batchAxes)
        let perBatch = batches == 0 ? 0 : tuples / batches
        let batchStep = source.product(plan.batchAxes..<source.rank)
        var places: [Int] = []
        for tuple in 0..<tuples {
            var place = tuple / max(perBatch, 1) * batchStep
            for k in 0..<plan.depth {
                let axis = plan.batchAxes + k
                place += try checkedIndex(call, indices[tuple * plan.depth + k], source.dims[axis]) * strides[axis]
            }
            places.append(place)
        }
        return places
    }

    private static func gatherND(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        let plan = try tuples(call, batchAxes: batchAxes(call))
        let starts = try offsets(call, plan)
        let places = starts.flatMap { start in (0..<plan.width).map { start + $0 } }
        return source.reshaped(to: [source.count]).gathered([places]).reshaped(to: plan.result)
    }

    // MARK: - Scatter

    private static func scatter(
        _ call: OperatorCall, _ source: Tensor, _ updates: Tensor, places: [Int], width: Int
    ) throws(GraphFault) -> Tensor {
        try call.require(updates.dtype == source.dtype, "data and updates differ in type")
        let reduction = try call.string("reduction") ?? "none"
        try call.require(["none", "add", "mul", "min", "max"].contains(reduction), "reduction \(reduction) is not known")
        let wide = source.widened()
        let loop = Scatter(source: wide, updates: updates.widened(), places: places, width: width, reduction: reduction)
        return try wide.dtype.visitWide(loop).narrowed(to: source.dtype)
    }

    private struct Scatter: WideVisitor {
        let source: Tensor
        let updates: Tensor
        let places: [Int]
        let width: Int
        let reduction: String

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            var result = source
            updates.withElements(N.self) { values in
                result.withUnsafeMutableBytes { bytes in
                    let out = bytes.bindMemory(to: N.self)
                    for (k, start) in places.enumerated() {
                        for i in 0..<width {
                            let (old, new) = (out[start + i], values[k * width + i])
                            switch reduction {
                            case "add": out[start + i] = N.plus(old, new)
                            case "mul": out[start + i] = N.times(old, new)
                            case "min": out[start + i] = new < old ? new : old
                            case "max": out[start + i] = new > old ? new : old
                            default: out[start + i] = new
                            }
                        }
                    }
                }
            }
            return result
        }
    }

    // MARK: - TopK

    private static func topShape(_ call: OperatorCall) throws(GraphFault) -> (axis: Int, k: Int, shape: Shape) {
        var dims = try call.shape(0).dims
        let axis = try call.axis(try call.int("axis") ?? -1, rank: dims.count)
        let attribute = try call.int("k")
        guard let k = try call.integer(at: 1) ?? attribute else { throw call.fault("k is missing") }
        try call.require(k >= 0 && k <= dims[axis], "k of \(k) does not fit an axis of \(dims[axis])")
        dims[axis] = k
        return (axis, k, try call.checked(dims, .i64))
    }

    private static func top(_ call: OperatorCall) throws(GraphFault) -> [Tensor?] {
        let source = try call.tensor(0)
        let (axis, k, shape) = try topShape(call)
        let largest = try call.flag("largest", default: true)
        let finder = Best(source: source.widened(), axis: axis, k: k, shape: shape, largest: largest)
        let (values, indices) = try finder.source.dtype.visitWide(finder)
        return [values.narrowed(to: source.dtype), indices]
    }

    private struct Best: WideVisitor {
        let source: Tensor
        let axis: Int
        let k: Int
        let shape: Shape
        let largest: Bool

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> (Tensor, Tensor) {
            let (from, to) = (Lines(source.shape, axis), Lines(shape, axis))
            let all = source.array(of: N.self)
            var values = [N](repeating: .zero, count: shape.count)
            var indices = [Int64](repeating: 0, count: shape.count)
            for line in 0..<(k == 0 ? 0 : from.count) {
                let order = (0..<from.length).sorted { a, b in
                    let (x, y) = (all[from.place(line, a)], all[from.place(line, b)])
                    return x == y ? a < b : largest ? x > y : x < y
                }
                for rank in 0..<k {
                    values[to.place(line, rank)] = all[from.place(line, order[rank])]
                    indices[to.place(line, rank)] = Int64(order[rank])
                }
            }
            return (Tensor(N.dtype, shape, copying: values), Tensor(.i64, shape, copying: indices))
        }
    }
}
