import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Operators on two or more operands that broadcast.
enum ArithmeticOperators {
    enum Kind: Sendable {
        case add, sub, mul, div, min, max, mod, fmod, and, or, xor, equal, less, lessOrEqual, greater, greaterOrEqual, prelu
    }

    static let all: [Operator] = [
        binary("Add", .add, "a + b"), binary("Sub", .sub, "a − b"), binary("Mul", .mul, "a × b"), binary("Div", .div, "a / b"),
        binary("PRelu", .prelu, "x, or slope × x below zero"),
        Operator("Mod", 2...2, "the remainder, with the sign of the divisor, or of the dividend with fmod", infer: Infer.broadcast)
        {
            call throws(GraphFault) in [try apply(call, try call.flag("fmod") ? .fmod : .mod)]
        },
        Operator("Pow", 2...2, "a to the power of b", infer: Infer.broadcast) { call throws(GraphFault) in [try power(call)] },
        comparison("Equal", .equal, "a = b"), comparison("Less", .less, "a < b"), comparison("LessOrEqual", .lessOrEqual, "a ≤ b"),
        comparison("Greater", .greater, "a > b"), comparison("GreaterOrEqual", .greaterOrEqual, "a ≥ b"),
        comparison("And", .and, "both"), comparison("Or", .or, "either"), comparison("Xor", .xor, "one of the two"),
        variadic("Sum", .add, "the sum of all inputs"), variadic("Max", .max, "the greatest of all inputs"),
        variadic("Min", .min, "the least of all inputs"), variadic("Mean", .add, "the mean of all inputs"),
        Operator(
            "Where", 3...3, "a where the condition holds, else b",
            infer: { call throws(GraphFault) in
                let shape = try call.broadcast(try call.broadcast(try call.shape(0), try call.shape(1)), try call.shape(2))
                return [ValueType(try call.dtype(1), try call.checked(shape.dims, call.dtype(1)))]
            }, evaluate: { call throws(GraphFault) in [try choose(call)] }),
    ]

    private static func binary(_ name: String, _ kind: Kind, _ summary: String) -> Operator {
        Operator(name, 2...2, summary, infer: Infer.broadcast) { call throws(GraphFault) in [try apply(call, kind)] }
    }

    private static func comparison(_ name: String, _ kind: Kind, _ summary: String) -> Operator {
        Operator(name, 2...2, summary, infer: Infer.comparison) { call throws(GraphFault) in [try apply(call, kind)] }
    }

    private static func variadic(_ name: String, _ kind: Kind, _ summary: String) -> Operator {
        Operator(name, 1...4096, summary, infer: Infer.broadcast) { call throws(GraphFault) in
            var sum = try call.tensor(0)
            for index in call.types.indices.dropFirst() { sum = try combine(call, kind, sum, try call.aligned(index)) }
            guard name == "Mean" else { return [sum] }
            let count = Double(call.types.count)
            try call.requireFloating(sum.dtype)
            return [Elementwise.mapDoubles(sum) { $0 / count }]
        }
    }

    private static func apply(_ call: OperatorCall, _ kind: Kind) throws(GraphFault) -> Tensor {
        try combine(call, kind, try call.tensor(0), try call.aligned(1))
    }

    static func combine(_ call: OperatorCall, _ kind: Kind, _ a: Tensor, _ b: Tensor) throws(GraphFault) -> Tensor {
        try call.require(a.dtype == b.dtype, "the inputs are \(a.dtype) and \(b.dtype)")
        let shape = try call.checked(try call.broadcast(a.shape, b.shape).dims, a.dtype)
        let (x, y) = (a.widened(), b.widened())
        if [.div, .mod, .fmod].contains(kind), !x.dtype.isFloating, shape.count > 0 {
            try call.require(!y.doubles.contains(0), "an integer is divided by zero")
        }
        let result = try x.dtype.visitWide(Pairs(kind: kind, a: x, b: y, shape: shape))
        return result.dtype == .bool ? result : result.narrowed(to: a.dtype)
    }

    private struct Pairs: WideVisitor {
        let kind: Kind
        let a: Tensor
        let b: Tensor
        let shape: Shape

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            switch kind {
            case .add: numbers { (x: N, y: N) in N.plus(x, y) }
            case .sub: numbers { (x: N, y: N) in N.minus(x, y) }
            case .mul: numbers { (x: N, y: N) in N.times(x, y) }
            case .div: numbers { (x: N, y: N) in N.over(x, y) }
            case .prelu: numbers { (x: N, y: N) in x < N.zero ? N.times(x, y) : x }
            case .min: numbers { (x: N, y: N) in x.isNotANumber || x < y ? x : y }
            case .max: numbers { (x: N, y: N) in x.isNotANumber || x > y ? x : y }
            case .mod: numbers { (x: N, y: N) in Remainders.floored(x, y) }
            case .fmod: numbers { (x: N, y: N) in Remainders.truncated(x, y) }
            case .and: flags { (x: N, y: N) in x != N.zero && y != N.zero }
            case .or: flags { (x: N, y: N) in x != N.zero || y != N.zero }
            case .xor: flags { (x: N, y: N) in (x != N.zero) != (y != N.zero) }
            case .equal: flags { (x: N, y: N) in x == y }
            case .less: flags { (x: N, y: N) in x < y }
            case .lessOrEqual: flags { (x: N, y: N) in x <= y }
            case .greater: flags { (x: N, y: N) in x > y }
            case .greaterOrEqual: flags { (x: N, y: N) in x >= y }
            }
        }

        @inline(__always)
        private func numbers<N: WideNumber>(_ combine: (N, N) -> N) -> Tensor {
            Elementwise.map(a, b, shape, N.self, N.dtype, combine)
        }

        @inline(__always)
        private func flags<N: WideNumber>(_ combine: (N, N) -> Bool) -> Tensor {
            Elementwise.map(a, b, shape, N.self, .bool) { combine($0, $1) ? 1 : 0 as UInt8 }
        }
    }

    enum Remainders {
        static func truncated<N: WideNumber>(_ a: N, _ b: N) -> N {
            switch (a, b) {
            case (let x as Int64, let y as Int64): x.remainderReportingOverflow(dividingBy: y).partialValue as? N ?? .zero
            case (let x as UInt64, let y as UInt64): (x % y) as? N ?? .zero
            default: N(number: fmod(a.number, b.number))
            }
        }

        static func floored<N: WideNumber>(_ a: N, _ b: N) -> N {
            let rest = truncated(a, b)
            return rest != .zero && (rest < .zero) != (b < .zero) ? N.plus(rest, b) : rest
        }
    }

    // MARK: - Pow and Where

    private static func power(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let (a, b) = (try call.tensor(0), try call.aligned(1))
        let shape = try call.checked(try call.broadcast(a.shape, b.shape).dims, .f64)
        let base = Tensor(.f64, a.shape, copying: a.doubles)
        let exponent = Tensor(.f64, b.shape, copying: b.doubles)
        let result = Elementwise.map(base, exponent, shape, Double.self, .f64) { pow($0, $1) }
        return try CastOperators.cast(call, result, to: a.dtype)
    }

    private static func choose(_ call: OperatorCall) throws(GraphFault) -> Tensor {
        let (mask, a, b) = (try call.tensor(0), try call.tensor(1), try call.tensor(2))
        try call.require(
            mask.dtype == .bool && a.dtype == b.dtype, "needs a bool and two of one type, not \(mask.dtype), \(a.dtype), \(b.dtype)"
        )
        let shape = try call.checked(try call.broadcast(try call.broadcast(mask.shape, a.shape), b.shape).dims, a.dtype)
        let flags = mask.expanded(to: shape)
        var result = b.expanded(to: shape)
        let source = a.expanded(to: shape)
        let width = a.dtype.bytes
        flags.withUnsafeBytes { flags in
            source.withUnsafeBytes { source in
                result.withUnsafeMutableBytes { out in
                    for i in 0..<flags.count where flags[i] != 0 {
                        for k in 0..<width { out[i * width + k] = source[i * width + k] }
                    }
                }
            }
        }
        return result
    }
}
