import CalorTensor

/// GELU as exporters spell it: x · s · (1 + erf(x / √2)) or with tanh, the half before, inside or after.
extension Lowering {
    /// (x / 2) · gate and x · (gate / 2).
    mutating func absorbGelu(_ node: LoweredNode, _ a: ValueID, _ b: ValueID) -> LoweredNode? {
        for (x, gate) in [(a, b), (b, a)] {
            if let half = soleProducer(x), case .affine(let factor) = half.kind, factor.scale == [0.5], factor.shift == [0],
                let source = half.inputs.first, let found = errorGate(gate, of: source, height: 1)
            {
                remove(found.values + [x])
                count("recognise GELU")
                return activation(found.activation, of: source, node)
            }
            if let found = errorGate(gate, of: x, height: 0.5) {
                remove(found.values)
                count("recognise GELU")
                return activation(found.activation, of: x, node)
            }
        }
        return nil
    }

    /// (x · gate) / 2
    mutating func absorbGeluHalf(_ node: LoweredNode, _ product: ValueID) -> LoweredNode? {
        guard let producer = soleProducer(product), case .binary(.multiply) = producer.kind else { return nil }
        for (x, gate) in [(producer.inputs[0], producer.inputs[1]), (producer.inputs[1], producer.inputs[0])] {
            guard let found = errorGate(gate, of: x, height: 1) else { continue }
            remove(found.values + [product])
            count("recognise GELU")
            return activation(found.activation, of: x, node)
        }
        return nil
    }

    private mutating func remove(_ values: [ValueID]) {
        for value in values { remove(producerOf: value) }
    }

    private typealias Gate = (activation: Activation, values: [ValueID])

    /// Whether `gate` is height · (1 + erf(x / √2)) or its approximation by tanh, read by nothing else; the values that vanish with it.
    private func errorGate(_ gate: ValueID, of x: ValueID, height: Float) -> Gate? {
        guard let sum = soleProducer(gate), case .affine(let line) = sum.kind, line.scale == [height], line.shift == [height],
            let curve = sum.inputs.first, let function = soleProducer(curve), let argument = function.inputs.first
        else { return nil }
        switch function.kind {
        case .unary(.erf, _):
            guard let (inner, factor) = multiple(argument), inner == x, abs(factor - 0.707_106_77) < 1e-6 else { return nil }
            return (.gelu, [gate, curve, argument])
        case .unary(.activation(.tanh), _):
            guard let inner = cubicArgument(argument, of: x) else { return nil }
            return (.geluTanh, [gate, curve] + inner)
        default: return nil
        }
    }

    /// The value that `x` is a constant multiple of, and the factor, when nothing else reads `x`.
    func multiple(_ x: ValueID) -> (ValueID, Float)? {
        guard let producer = soleProducer(x) else { return nil }
        switch producer.kind {
        case .affine(let affine) where affine.scale.count == 1 && affine.shift == [0]: return (producer.inputs[0], affine.scale[0])
        case .binary(.divide), .binary(.multiply):
            guard let (inner, constant) = constantOperand(producer), constant.count == 1, constant.floats[0] != 0,
                shape(inner) == shape(x)
            else { return nil }
            if case .binary(.multiply) = producer.kind { return (inner, constant.floats[0]) }
            return inner == producer.inputs[0] ? (inner, 1 / constant.floats[0]) : nil
        default: return nil
        }
    }

    /// √(2/π) · (x + 0.044715 · x³), in this form or multiplied out; the values on the way.
    private func cubicArgument(_ argument: ValueID, of x: ValueID) -> [ValueID]? {
        guard let (sum, factor) = multiple(argument), abs(factor - 0.797_884_56) < 1e-5, let addition = soleProducer(sum),
            case .binary(.add) = addition.kind
        else { return nil }
        for (first, second) in [(addition.inputs[0], addition.inputs[1]), (addition.inputs[1], addition.inputs[0])] where first == x
        {
            guard let (cube, small) = multiple(second), abs(small - 0.044_715) < 1e-6, let inner = powers(cube, of: x) else {
                continue
            }
            return [argument, sum, second] + inner
        }
        return nil
    }

    /// The values between x and `cube`, its third power.
    private func powers(_ cube: ValueID, of x: ValueID) -> [ValueID]? {
        guard let producer = soleProducer(cube), producer.inputs.count == 2 else { return nil }
        switch producer.kind {
        case .binary(.power):
            guard producer.inputs[0] == x, let exponent = graph.constants[producer.inputs[1]], exponent.dtype == .f32,
                exponent.count == 1, exponent.floats == [3]
            else { return nil }
            return [cube]
        case .binary(.multiply):
            for (first, second) in [(producer.inputs[0], producer.inputs[1]), (producer.inputs[1], producer.inputs[0])]
            where first == x {
                guard let square = soleProducer(second) else { continue }
                if case .unary(.square, _) = square.kind, square.inputs == [x] { return [cube, second] }
                if case .binary(.multiply) = square.kind, square.inputs == [x, x] { return [cube, second] }
            }
            return nil
        default: return nil
        }
    }
}
