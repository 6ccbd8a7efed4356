import CalorTensor

/// The ranges that a Slice node takes, one for every axis.
struct Slices {
    struct Axis {
        var start: Int
        var step: Int
        var count: Int
    }

    let axes: [Axis]

    init(_ call: OperatorCall) throws(GraphFault) {
        let shape = try call.shape(0)
        guard let starts = try call.integers(at: 1, or: "starts"), let ends = try call.integers(at: 2, or: "ends") else {
            throw call.fault("starts or ends are missing")
        }
        let places = try call.axes(try call.integers(at: 3, or: "axes") ?? Array(0..<min(starts.count, 64)), rank: shape.rank)
        let steps = try call.integers(at: 4) ?? [Int](repeating: 1, count: starts.count)
        try call.require(
            starts.count == ends.count && starts.count == places.count && starts.count == steps.count,
            "starts, ends, axes and steps differ in length")
        var axes = shape.dims.map { Axis(start: 0, step: 1, count: $0) }
        for (k, axis) in places.enumerated() {
            let extent = shape.dims[axis]
            let step = steps[k]
            try call.require(step != 0 && step != .min, "step \(step) is not allowed")
            let low = step > 0 ? 0 : -1
            let high = step > 0 ? extent : extent - 1
            func place(_ index: Int) -> Int { min(max(index < 0 ? index &+ extent : index, low), high) }
            let start = place(starts[k])
            let end = place(ends[k])
            let span = step > 0 ? end - start : start - end
            let stride = abs(step)
            axes[axis] = Axis(start: start, step: step, count: span <= 0 ? 0 : (span - 1) / stride + 1)
        }
        self.axes = axes
    }
}
