import CalorTensor

/// Operations of two numbers, with what broadcasting repeated summed again.
enum ArithmeticGradients {
    static let rules: [String: GradientRule] = [
        "Add": binary { b, g, _, _, _, side throws(GraphFault) in g },
        "Sub": binary { b, g, _, _, _, side throws(GraphFault) in side == 0 ? g : try b.apply("Neg", g) },
        "Mul": binary { b, g, x, y, _, side throws(GraphFault) in try b.multiply(g, side == 0 ? y : x) },
        "Div": binary { b, g, x, y, out, side throws(GraphFault) in
            side == 0 ? try b.divide(g, y) : try b.apply("Neg", try b.divide(try b.multiply(g, out), y))
        },
        "Pow": binary { b, g, x, y, out, side throws(GraphFault) in
            if side == 1 { return try b.multiply(g, try b.multiply(out, try b.apply("Log", x))) }
            if let power = b.tensor(y), power.count == 1, power.doubles[0] == 2 { return try b.multiply(g, try b.scale(x, by: 2)) }
            let less = try b.emit("Pow", [x, try b.shift(y, by: -1)])
            return try b.multiply(g, try b.multiply(y, less))
        },
        "Max": extreme(greatest: true),
        "Min": extreme(greatest: false),
        "Sum": { b, node, gradients throws(GraphFault) in
            guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
            return try each(node) { input throws(GraphFault) in b.isActive(input) ? try b.unbroadcast(g, to: input) : nil }
        },
        "Mean": { b, node, gradients throws(GraphFault) in
            guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
            let share = try b.scale(g, by: 1 / Double(node.inputs.count))
            return try each(node) { input throws(GraphFault) in b.isActive(input) ? try b.unbroadcast(share, to: input) : nil }
        },
        "Where": { b, node, gradients throws(GraphFault) in
            guard let g = gradients[0] else { return [nil, nil, nil] }
            let condition = try b.input(node, 0)
            let zero = try b.constant([0], [], try b.type(g).dtype)
            var results: [ValueID?] = [nil, nil, nil]
            for side in 1...2 {
                let input = try b.input(node, side)
                guard b.isActive(input) else { continue }
                let part = try b.emit("Where", side == 1 ? [condition, g, zero] : [condition, zero, g])
                results[side] = try b.unbroadcast(part, to: input)
            }
            return results
        },
        "Identity": { _, _, gradients throws(GraphFault) in [gradients[0]] },
        "Cast": { b, node, gradients throws(GraphFault) in
            let source = try b.type(try b.input(node, 0)).dtype
            guard let g = gradients[0], source.isFloating else { return [nil] }
            let code: Int64 = source == .f32 ? 1 : source == .f64 ? 11 : 10
            return [try b.emit("Cast", [g], ["to": .int(code)])]
        },
    ]

    /// The gradient of one side, before broadcasting is undone: from g, both inputs, the output, and which side.
    private typealias Side =
        @Sendable (inout GradientBuilder, ValueID, ValueID, ValueID, ValueID, Int) throws(GraphFault) -> ValueID

    private static func binary(_ side: @escaping Side) -> GradientRule {
        { b, node, gradients throws(GraphFault) in
            guard let g = gradients[0] else { return [nil, nil] }
            let inputs = [try b.input(node, 0), try b.input(node, 1)]
            let out = try b.output(node)
            var results: [ValueID?] = [nil, nil]
            for k in 0...1 where b.isActive(inputs[k]) {
                results[k] = try b.unbroadcast(try side(&b, g, inputs[0], inputs[1], out, k), to: inputs[k])
            }
            return results
        }
    }

    /// The gradient goes to the greater (or lesser) of two; of equals, to the second.
    private static func extreme(greatest: Bool) -> GradientRule {
        { b, node, gradients throws(GraphFault) in
            guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
            guard node.inputs.count == 2 else { throw b.unsupported("only two inputs can be compared") }
            let (x, y) = (try b.input(node, 0), try b.input(node, 1))
            let first = try b.positive(greatest ? try b.subtract(x, y) : try b.subtract(y, x))
            let toFirst = try b.multiply(g, first)
            return [
                b.isActive(x) ? try b.unbroadcast(toFirst, to: x) : nil,
                b.isActive(y) ? try b.unbroadcast(try b.subtract(g, toFirst), to: y) : nil,
            ]
        }
    }

    private static func each(
        _ node: Node, _ body: (ValueID) throws(GraphFault) -> ValueID?
    ) throws(GraphFault) -> [ValueID?] {
        var results: [ValueID?] = []
        for input in node.inputs {
            if let input { results.append(try body(input)) } else { results.append(nil) }
        }
        return results
    }
}
