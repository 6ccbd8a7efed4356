import CalorTensor

/// Convolutions. Sums run over input channels, then over the kernel in row-major order, in the computing type.
enum ConvolutionOperators {
    static let all: [Operator] = [
        Operator(
            "Conv", 2...3, "convolution",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try Plan(call, transposed: false).result)]
            }, evaluate: { call throws(GraphFault) in [try run(call, transposed: false)] }),
        Operator(
            "ConvTranspose", 2...3, "transposed convolution",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try Plan(call, transposed: true).result)]
            }, evaluate: { call throws(GraphFault) in [try run(call, transposed: true)] }),
    ]

    struct Plan {
        let window: Window
        let batch: Int
        let groups: Int
        /// Channels per group.
        let inputs: Int
        let outputs: Int
        let result: Shape

        init(_ call: OperatorCall, transposed: Bool) throws(GraphFault) {
            let (source, weights) = (try call.shape(0), try call.shape(1))
            let dtype = try call.dtype(0)
            try call.requireFloating(dtype)
            let others = [try call.dtype(1), call.has(2) ? try call.dtype(2) : dtype]
            try call.require(others == [dtype, dtype], "input, weights and bias differ in type")
            try call.require(source.rank >= 3 && weights.rank == source.rank, "input \(source) and weights \(weights) do not fit")
            let kernel = Array(weights.dims.dropFirst(2))
            groups = try call.int("group") ?? 1
            batch = source[0]
            try call.require(
                groups > 0 && source[1] % groups == 0 && weights[0] % groups == 0, "\(groups) groups do not divide the channels")
            inputs = source[1] / groups
            outputs = transposed ? weights[1] : weights[0] / groups
            try call.require(
                transposed ? weights[0] == source[1] : weights[1] == inputs,
                "weights \(weights) with \(groups) groups do not fit an input of \(source[1]) channels")
            window = transposed ? try .transposed(call, weights: kernel) : try .sliding(call, weights: kernel)
            let channels = try call.multiplyAdd(groups, outputs, 0)
            if call.has(2) {
                let bias = try call.shape(2)
                try call.require(bias == [channels], "the bias \(bias) does not fit \(channels) channels")
            }
            result = try call.checked([batch, channels] + window.output, call.dtype(0).wide)
        }
    }

    private static func run(_ call: OperatorCall, transposed: Bool) throws(GraphFault) -> Tensor {
        let (source, weights) = (try call.tensor(0), try call.tensor(1))
        let bias = call.optionalTensor(2)
        try call.require(
            weights.dtype == source.dtype && bias?.dtype ?? source.dtype == source.dtype, "input, weights and bias differ in type")
        let plan = try Plan(call, transposed: transposed)
        let kernel = plan.window.kernel
        // Even a tap that meets no pixel is looked at.
        try call.checkWork(kernel)
        try call.checkWork([plan.result.count, plan.inputs] + kernel)
        let loop = Loop(
            plan: plan, transposed: transposed, source: source.widened(),
            weights: weights.widened(),
            bias: bias?.widened())
        return try call.visitFloating(source.dtype, loop).narrowed(to: source.dtype)
    }

    private struct Loop: FloatingVisitor {
        let plan: Plan
        let transposed: Bool
        let source: Tensor
        let weights: Tensor
        let bias: Tensor?

        func visit<N: WideNumber & BinaryFloatingPoint>(_: N.Type) throws(GraphFault) -> Tensor {
            let biases = bias?.array(of: N.self)
            let pixels = plan.window.output.reduce(1, *)
            return source.withElements(N.self) { image in
                weights.withElements(N.self) { kernel in
                    Tensor.filled(N.dtype, plan.result, N.self) { out in
                        if out.isEmpty { return }
                        if let biases {
                            for channel in 0..<out.count / pixels {
                                UnsafeMutableBufferPointer(rebasing: out[channel * pixels..<(channel + 1) * pixels])
                                    .update(repeating: biases[channel % biases.count])
                            }
                        }
                        if image.isEmpty { return }
                        let taps = Taps(plan.window, transposed: transposed)
                        for batch in 0..<plan.batch { accumulate(image, kernel, out, batch, taps) }
                    }
                }
            }
        }

        @inline(__always)
        private func accumulate<N: WideNumber & BinaryFloatingPoint>(
            _ image: UnsafeBufferPointer<N>, _ kernel: UnsafeBufferPointer<N>, _ out: UnsafeMutableBufferPointer<N>, _ batch: Int,
            _ taps: Taps
        ) {
            let inputPixels = plan.window.input.reduce(1, *)
            let outputPixels = plan.window.output.reduce(1, *)
            let size = plan.window.kernel.reduce(1, *)
            for group in 0..<plan.groups {
                for output in 0..<plan.outputs {
                    let target = ((batch * plan.groups + group) * plan.outputs + output) * outputPixels
                    for input in 0..<plan.inputs {
                        let origin = ((batch * plan.groups + group) * plan.inputs + input) * inputPixels
                        let filter =
                            (transposed
                                ? (group * plan.inputs + input) * plan.outputs + output
                                : (group * plan.outputs + output) * plan.inputs + input) * size
                        for (tap, runs) in taps.runs.enumerated() {
                            let weight = kernel[filter + tap]
                            for run in runs {
                                var (p, q) = (origin + run.source, target + run.target)
                                for _ in 0..<run.count {
                                    out[q] += weight * image[p]
                                    p += taps.sourceStep
                                    q += taps.targetStep
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// For every place of a kernel, the runs of pixels that it connects.
struct Taps {
    struct Run {
        var source: Int
        var target: Int
        var count: Int
    }

    let runs: [[Run]]
    let sourceStep: Int
    let targetStep: Int

    init(_ window: Window, transposed: Bool) {
        // A transposed convolution is a convolution with the image and the result in exchanged roles.
        let (near, far) = transposed ? (window.output, window.input) : (window.input, window.output)
        let last = window.rank - 1
        let (nearStrides, farStrides) = (Shape(near).strides, Shape(far).strides)
        let (kernelShape, rows) = (Shape(window.kernel), Shape(Array(far.dropLast())))
        func first(_ axis: Int, _ k: Int) -> Int { k * window.dilations[axis] - window.before[axis] }
        var all: [[Run]] = []
        var tap = Odometer(kernelShape.dims, [])
        for _ in 0..<kernelShape.count {
            var runs: [Run] = []
            let start = first(last, tap.index[last])
            let stride = window.strides[last]
            let low = start >= 0 ? 0 : (-start + stride - 1) / stride
            let high = min(far[last] - 1, start >= near[last] ? -1 : (near[last] - 1 - start) / stride)
            if high >= low {
                var row = Odometer(rows.dims, [])
                for _ in 0..<rows.count {
                    var nearBase = start + low * stride
                    var farBase = low
                    var inside = true
                    for axis in 0..<last {
                        let place = row.index[axis] * window.strides[axis] + first(axis, tap.index[axis])
                        if place < 0 || place >= near[axis] { inside = false }
                        nearBase += place * nearStrides[axis]
                        farBase += row.index[axis] * farStrides[axis]
                    }
                    if inside {
                        runs.append(
                            transposed
                                ? Run(source: farBase, target: nearBase, count: high - low + 1)
                                : Run(source: nearBase, target: farBase, count: high - low + 1))
                    }
                    row.advance()
                }
            }
            all.append(runs)
            tap.advance()
        }
        runs = all
        sourceStep = transposed ? 1 : window.strides[last]
        targetStep = transposed ? window.strides[last] : 1
    }
}
