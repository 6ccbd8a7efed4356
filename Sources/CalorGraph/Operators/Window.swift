import CalorTensor

/// The geometry of a sliding window over the pixel axes of an N×C×… tensor, shared by convolutions and pools.
struct Window {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    var before: [Int]
    var after: [Int]
    /// Extents of the pixel axes of the input and of the result.
    var input: [Int]
    var output: [Int]

    var rank: Int { kernel.count }
    /// Extents that the dilated kernel covers.
    var span: [Int] { zip(kernel, dilations).map { ($0 - 1) * $1 + 1 } }

    /// Reads kernel, strides, dilations and borders; `kernel` is that of the weights, nil for pools.
    init(_ call: OperatorCall, weights: [Int]?) throws(GraphFault) {
        let shape = try call.shape(0)
        try call.require(shape.rank >= 3, "needs a batch, channels and pixels, not \(shape)")
        input = Array(shape.dims.dropFirst(2))
        let rank = input.count
        guard let kernel = try call.ints("kernel_shape") ?? weights else { throw call.fault("kernel_shape is missing") }
        try call.require(weights.map { $0 == kernel } ?? true, "kernel_shape \(kernel) is not that of the weights")
        self.kernel = kernel
        strides = try call.ints("strides") ?? [Int](repeating: 1, count: rank)
        dilations = try call.ints("dilations") ?? [Int](repeating: 1, count: rank)
        let pads = try call.ints("pads") ?? [Int](repeating: 0, count: 2 * rank)
        try call.require(
            kernel.count == rank && strides.count == rank && dilations.count == rank && pads.count == 2 * rank,
            "kernel_shape, strides, dilations or pads do not fit \(rank) pixel axes")
        for value in kernel + strides + dilations {
            try call.require(value > 0 && value <= 1 << 31, "a kernel extent, stride or dilation of \(value) is not allowed")
        }
        for pad in pads { try call.require(abs(pad.clamped) < 1 << 31, "a border of \(pad) is not allowed") }
        before = Array(pads.prefix(rank))
        after = Array(pads.suffix(rank))
        output = input
    }

    /// The window of a convolution or a pool: fills in borders of `auto_pad` and the extents of the result.
    static func sliding(_ call: OperatorCall, weights: [Int]?) throws(GraphFault) -> Window {
        var window = try Window(call, weights: weights)
        let mode = try call.string("auto_pad") ?? "NOTSET"
        let ceiling = try call.flag("ceil_mode")
        let span = window.span
        for axis in 0..<window.rank {
            let (extent, stride) = (window.input[axis], window.strides[axis])
            switch mode {
            case "SAME_UPPER", "SAME_LOWER":
                window.output[axis] = (extent + stride - 1) / stride
                let total = max((window.output[axis] - 1) * stride + span[axis] - extent, 0)
                window.before[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
                window.after[axis] = total - window.before[axis]
            case "NOTSET", "VALID", "":
                if mode == "VALID" { (window.before[axis], window.after[axis]) = (0, 0) }
                let room = extent + window.before[axis] + window.after[axis] - span[axis]
                try call.require(room >= 0, "a kernel that covers \(span[axis]) does not fit \(extent) pixels with their border")
                window.output[axis] = (ceiling ? (room + stride - 1) / stride : room / stride) + 1
                // A window must not begin in the border behind the image.
                if ceiling, (window.output[axis] - 1) * stride >= extent + window.before[axis] { window.output[axis] -= 1 }
            default: throw call.fault("auto_pad \(mode) is not known")
            }
        }
        return window
    }

    /// The window of a transposed convolution.
    static func transposed(_ call: OperatorCall, weights: [Int]) throws(GraphFault) -> Window {
        var window = try Window(call, weights: weights)
        let mode = try call.string("auto_pad") ?? "NOTSET"
        let extra = try call.ints("output_padding") ?? [Int](repeating: 0, count: window.rank)
        var wanted = try call.ints("output_shape")
        if let list = wanted, list.count == window.rank + 2 { wanted = Array(list.dropFirst(2)) }
        try call.require(
            extra.count == window.rank && (wanted?.count ?? window.rank) == window.rank,
            "output_padding or output_shape has a wrong length")
        let span = window.span
        for axis in 0..<window.rank {
            try call.require(extra[axis] >= 0 && extra[axis] < 1 << 31, "output_padding \(extra[axis]) is not allowed")
            let full = try call.multiplyAdd(window.strides[axis], max(window.input[axis] - 1, 0), extra[axis] + span[axis])
            var target = full - window.before[axis] - window.after[axis]
            if let wanted {
                target = wanted[axis]
            } else if mode.hasPrefix("SAME") {
                target = try call.multiplyAdd(window.input[axis], window.strides[axis], 0)
            }
            if wanted != nil || mode.hasPrefix("SAME") {
                try call.require(target >= 0 && target < 1 << 40, "an extent of \(target) is not allowed")
                let total = max(full - target, 0)
                window.before[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
                window.after[axis] = total - window.before[axis]
            }
            try call.require(target >= 0, "the result would have a negative extent")
            window.output[axis] = target
        }
        return window
    }
}

extension Int {
    /// This number, with the one value that has no magnitude moved by one.
    var clamped: Int { self == .min ? .min + 1 : self }
}
