import CalorTensor

/// The border of a Pad node: elements before and after each axis; negative ones cut.
struct Border {
    let before: [Int]
    let after: [Int]

    init(_ call: OperatorCall) throws(GraphFault) {
        let rank = try call.shape(0).rank
        guard let pads = try call.opset < 2 ? call.ints("paddings") : call.integers(at: 1, or: "pads") else {
            throw call.fault("pads are missing")
        }
        let places = try call.axes(try call.integers(at: 3) ?? Array(0..<rank), rank: rank)
        try call.require(pads.count == 2 * places.count, "has \(pads.count) pads for \(places.count) axes")
        var before = [Int](repeating: 0, count: rank)
        var after = before
        for (k, axis) in places.enumerated() {
            before[axis] = pads[k]
            after[axis] = pads[k + places.count]
        }
        self.before = before
        self.after = after
    }

    func shape(_ call: OperatorCall) throws(GraphFault) -> Shape {
        let type = try call.type(0)
        var dims: [Int] = []
        for (axis, extent) in type.shape.dims.enumerated() {
            dims.append(try call.multiplyAdd(1, before[axis], try call.multiplyAdd(1, after[axis], extent)))
        }
        return try call.checked(dims, type.dtype)
    }

    /// For every axis the source index of every place, -1 where the constant goes.
    func maps(_ call: OperatorCall) throws(GraphFault) -> [[Int]] {
        let source = try call.shape(0)
        let target = try shape(call)
        let mode = try call.string("mode") ?? "constant"
        try call.require(["constant", "reflect", "edge", "wrap"].contains(mode), "mode \(mode) is not known")
        var maps: [[Int]] = []
        for axis in 0..<source.rank {
            let extent = source.dims[axis]
            try call.require(mode == "constant" || extent > 0 || target.dims[axis] == 0, "an empty axis cannot be continued")
            maps.append((0..<target.dims[axis]).map { Self.place($0 &- before[axis], extent, mode) })
        }
        return maps
    }

    private static func place(_ index: Int, _ extent: Int, _ mode: String) -> Int {
        if index >= 0 && index < extent { return index }
        switch mode {
        case "edge": return index < 0 ? 0 : extent - 1
        case "wrap": return ((index % extent) + extent) % extent
        case "reflect":
            if extent == 1 { return 0 }
            let period = 2 * (extent - 1)
            let folded = ((index % period) + period) % period
            return folded < extent ? folded : period - folded
        default: return -1
        }
    }
}
