import CalorTensor

/// Functions of one number: g · f′(x), from x or from f(x), whichever is cheaper.
enum ActivationGradients {
    typealias Derivative = @Sendable (inout GradientBuilder, Node, ValueID, ValueID) throws(GraphFault) -> ValueID

    static let rules: [String: GradientRule] = {
        var table: [String: GradientRule] = [:]
        for (op, derivative) in derivatives { table[op] = rule(derivative) }
        table["Neg"] = GradientTable.linear { b, _, g throws(GraphFault) in try b.apply("Neg", g) }
        table["PRelu"] = prelu
        table["Clip"] = clip
        return table
    }()

    private static func rule(_ derivative: @escaping Derivative) -> GradientRule {
        { b, node, gradients throws(GraphFault) in
            guard let g = gradients[0] else { return [nil] }
            let slope = try derivative(&b, node, try b.input(node, 0), try b.output(node))
            return [try b.multiply(g, slope)]
        }
    }

    private static let derivatives: [String: Derivative] = [
        "Relu": { b, _, _, y throws(GraphFault) in try b.apply("Sign", y) },
        "LeakyRelu": { b, node, x, _ throws(GraphFault) in
            let slope = try b.call(node).float("alpha") ?? 0.01
            return try b.shift(try b.scale(try b.positive(x), by: 1 - slope), by: slope)
        },
        "Sigmoid": { b, _, _, y throws(GraphFault) in try b.subtract(y, try b.square(y)) },
        "Tanh": { b, _, _, y throws(GraphFault) in try b.shift(try b.apply("Neg", try b.square(y)), by: 1) },
        "Exp": { _, _, _, y throws(GraphFault) in y },
        "Log": { b, _, x, _ throws(GraphFault) in try b.apply("Reciprocal", x) },
        "Sqrt": { b, _, _, y throws(GraphFault) in try b.scale(try b.apply("Reciprocal", y), by: 0.5) },
        "Reciprocal": { b, _, _, y throws(GraphFault) in try b.apply("Neg", try b.square(y)) },
        "Abs": { b, _, x, _ throws(GraphFault) in try b.apply("Sign", x) },
        "Sin": { b, _, x, _ throws(GraphFault) in try b.apply("Cos", x) },
        "Cos": { b, _, x, _ throws(GraphFault) in try b.apply("Neg", try b.apply("Sin", x)) },
        "Erf": { b, _, x, _ throws(GraphFault) in
            try b.scale(try b.apply("Exp", try b.apply("Neg", try b.square(x))), by: 2 / Double.pi.squareRoot())
        },
        "Softplus": { b, _, x, _ throws(GraphFault) in try b.apply("Sigmoid", x) },
        "Softsign": { b, _, x, _ throws(GraphFault) in
            try b.square(try b.apply("Reciprocal", try b.shift(try b.apply("Abs", x), by: 1)))
        },
        "Elu": { b, node, x, y throws(GraphFault) in
            try blend(&b, above: 1, below: try b.shift(y, by: try b.call(node).float("alpha") ?? 1), x)
        },
        "Celu": { b, node, x, _ throws(GraphFault) in
            let alpha = try b.call(node).float("alpha") ?? 1
            return try b.apply("Exp", try b.scale(try negativePart(&b, x), by: 1 / alpha))
        },
        "Selu": { b, node, x, _ throws(GraphFault) in
            let alpha = try b.call(node).float("alpha") ?? 1.6732632423543772
            let gamma = try b.call(node).float("gamma") ?? 1.0507009873554805
            let below = try b.scale(try b.apply("Exp", try negativePart(&b, x)), by: alpha * gamma)
            return try blend(&b, above: gamma, below: below, x)
        },
        "ThresholdedRelu": { b, node, x, _ throws(GraphFault) in
            try b.positive(try b.shift(x, by: -(try b.call(node).float("alpha") ?? 1)))
        },
        "HardSigmoid": { b, node, x, _ throws(GraphFault) in
            let alpha = try b.call(node).float("alpha") ?? 0.2
            let beta = try b.call(node).float("beta") ?? 0.5
            let line = try b.shift(try b.scale(x, by: alpha), by: beta)
            let below = try b.positive(try b.shift(try b.apply("Neg", line), by: 1))
            return try b.scale(try b.multiply(try b.positive(line), below), by: alpha)
        },
        "HardSwish": { b, _, x, _ throws(GraphFault) in
            let above = try b.positive(try b.shift(x, by: 3))
            let beyond = try b.positive(try b.shift(x, by: -3))
            // Between −3 and 3: x/3 + 1/2; beyond 3: 1.
            let inside = try b.multiply(try b.subtract(above, beyond), try b.shift(try b.scale(x, by: 1 / 3.0), by: 0.5))
            return try b.add(inside, beyond)
        },
        "Mish": { b, _, x, _ throws(GraphFault) in
            let t = try b.apply("Tanh", try b.apply("Softplus", x))
            let rest = try b.shift(try b.apply("Neg", try b.square(t)), by: 1)
            return try b.add(t, try b.multiply(try b.multiply(x, try b.apply("Sigmoid", x)), rest))
        },
        "Swish": { b, node, x, y throws(GraphFault) in
            let alpha = try b.call(node).float("alpha") ?? 1
            let s = try b.apply("Sigmoid", try b.scale(x, by: alpha))
            return try b.add(s, try b.scale(try b.multiply(y, try b.subtract(try constantOne(&b, s), s)), by: alpha))
        },
        "Gelu": { b, node, x, _ throws(GraphFault) in
            if try b.call(node).string("approximate") == "tanh" { return try geluTanh(&b, x) }
            let normal = try b.shift(try b.scale(try b.apply("Erf", try b.scale(x, by: 0.5.squareRoot())), by: 0.5), by: 0.5)
            let density = try b.scale(
                try b.apply("Exp", try b.scale(try b.square(x), by: -0.5)), by: 1 / (2 * Double.pi).squareRoot())
            return try b.add(normal, try b.multiply(x, density))
        },
    ]

    /// d/dx of x/2 · (1 + tanh u), u = c (x + 0.044715 x³).
    private static func geluTanh(_ b: inout GradientBuilder, _ x: ValueID) throws(GraphFault) -> ValueID {
        let c = (2 / Double.pi).squareRoot()
        let squared = try b.square(x)
        let u = try b.multiply(x, try b.shift(try b.scale(squared, by: c * 0.044715), by: c))
        let t = try b.apply("Tanh", u)
        let slope = try b.shift(try b.scale(squared, by: 3 * c * 0.044715), by: c)
        let rest = try b.shift(try b.apply("Neg", try b.square(t)), by: 1)
        let second = try b.multiply(try b.multiply(x, rest), slope)
        return try b.scale(try b.add(try b.shift(t, by: 1), second), by: 0.5)
    }

    // MARK: - Two branches

    /// min(x, 0).
    private static func negativePart(_ b: inout GradientBuilder, _ x: ValueID) throws(GraphFault) -> ValueID {
        try b.apply("Neg", try b.apply("Relu", try b.apply("Neg", x)))
    }

    private static func constantOne(_ b: inout GradientBuilder, _ like: ValueID) throws(GraphFault) -> ValueID {
        try b.constant([1], [], try b.type(like).dtype)
    }

    /// `above` where x > 0, `below` elsewhere.
    private static func blend(
        _ b: inout GradientBuilder, above: Double, below: ValueID, _ x: ValueID
    ) throws(GraphFault) -> ValueID {
        let step = try b.positive(x)
        let rest = try b.subtract(try constantOne(&b, step), step)
        return try b.add(try b.scale(step, by: above), try b.multiply(rest, below))
    }

    private static let prelu: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil, nil] }
        let (x, slope) = (try b.input(node, 0), try b.input(node, 1))
        let step = try b.positive(x)
        let rest = try b.subtract(try constantOne(&b, step), step)
        let dx = try b.multiply(g, try b.add(step, try b.multiply(rest, slope)))
        guard b.isActive(slope) else { return [dx, nil] }
        let dSlope = try b.unbroadcast(try b.multiply(g, try b.multiply(rest, x)), to: slope)
        return [dx, dSlope]
    }

    /// 1 between the ends, 0 beyond them.
    private static let clip: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil] }
        let x = try b.input(node, 0)
        let call = b.call(node)
        var lower = try call.float("min")
        var upper = try call.float("max")
        for index in 1...2 where call.has(index) {
            guard let end = call.optionalTensor(index), end.count == 1 else { throw b.unsupported("its ends are not constant") }
            if index == 1 { lower = end.doubles[0] } else { upper = end.doubles[0] }
        }
        var result = g
        if let lower, lower.isFinite { result = try b.multiply(result, try b.positive(try b.shift(x, by: -lower))) }
        if let upper, upper.isFinite {
            result = try b.multiply(result, try b.positive(try b.shift(try b.apply("Neg", x), by: upper)))
        }
        return [result] + [ValueID?](repeating: nil, count: node.inputs.count - 1)
    }
}
