import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The discrete Fourier transform, summed as it is defined.
enum FourierOperators {
    static let all: [Operator] = [
        Operator(
            "DFT", 1...3, shapedBy: [1, 2], "discrete Fourier transform along an axis",
            infer: { call throws(GraphFault) in
                [ValueType(try call.dtype(0), try Plan(call).shape)]
            }, evaluate: { call throws(GraphFault) in [try transform(call)] })
    ]

    private struct Plan {
        let axis: Int
        let length: Int
        let inverse: Bool
        let oneSided: Bool
        let shape: Shape

        init(_ call: OperatorCall) throws(GraphFault) {
            let source = try call.shape(0)
            try call.require(
                source.rank >= 2 && (source[-1] == 1 || source[-1] == 2), "the last axis of \(source) must be 1 or 2 long")
            let place = try call.opset >= 20 ? call.integer(at: 2) ?? -2 : call.int("axis") ?? 1
            axis = try call.axis(place, rank: source.rank)
            try call.require(axis < source.rank - 1, "the axis must not be the last one")
            inverse = try call.flag("inverse")
            oneSided = try call.flag("onesided")
            let extent = source.dims[axis]
            length = try call.integer(at: 1) ?? (inverse && oneSided ? 2 * (extent - 1) : extent)
            try call.require(length > 0 && length < 1 << 31, "a length of \(length) is not allowed")
            var dims = source.dims
            dims[axis] = oneSided && !inverse ? length / 2 + 1 : length
            dims[dims.count - 1] = oneSided && inverse ? 1 : 2
            shape = try call.checked(dims, .f64)
        }
    }

    private static func transform(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let source = try call.tensor(0)
        try call.requireFloating(source.dtype)
        let plan = try Plan(call)
        let (n, parts) = (plan.length, source.shape[-1])
        try call.checkWork([plan.shape.count, n])
        _ = try call.checked([n, 2], .f64)
        let values = source.doubles
        // Lines run over whole complex numbers: the last axis stays together.
        let from = Lines(Shape(source.shape.dims.dropLast()), plan.axis)
        let to = Lines(Shape(plan.shape.dims.dropLast()), plan.axis)
        let turn = (plan.inverse ? 2 : -2) * Double.pi / Double(n)
        let wheel = (0..<n).map { (cos(turn * Double($0)), sin(turn * Double($0))) }
        let resultParts = plan.shape[-1]
        var out = [Double](repeating: 0, count: plan.shape.count)
        for line in 0..<to.count {
            var signal = (0..<n).map { k -> (Double, Double) in
                guard k < from.length else { return (0, 0) }
                let place = from.place(line, k) * parts
                return (values[place], parts == 2 ? values[place + 1] : 0)
            }
            if plan.inverse, plan.oneSided {
                // The other half of the spectrum of a real signal mirrors the first.
                for k in n / 2 + 1..<max(n, n / 2 + 1) { signal[k] = (signal[n - k].0, -signal[n - k].1) }
                signal[0].1 = 0
                if n % 2 == 0 { signal[n / 2].1 = 0 }
            }
            for k in 0..<to.length {
                var sum = (0.0, 0.0)
                for (m, x) in signal.enumerated() {
                    let w = wheel[m * k % n]
                    sum.0 += x.0 * w.0 - x.1 * w.1
                    sum.1 += x.0 * w.1 + x.1 * w.0
                }
                let scale = plan.inverse ? 1 / Double(n) : 1
                let place = to.place(line, k) * resultParts
                out[place] = sum.0 * scale
                if resultParts == 2 { out[place + 1] = sum.1 * scale }
            }
        }
        return try CastOperators.cast(call, Tensor(.f64, plan.shape, copying: out), to: source.dtype)
    }
}
