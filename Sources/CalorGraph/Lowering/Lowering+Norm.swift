import CalorTensor

/// Layer normalisation as exporters spell it: (x − mean) / √(mean((x − mean)²) + ε), then a scale and a shift.
extension Lowering {
    /// The mean over the last axis, or over the channels of a picture.
    func mean(_ call: OperatorCall, _ input: Shape, _ output: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        var axes = try call.ints("axes")
        if call.has(1) {
            guard let tensor = call.optionalTensor(1), tensor.dtype == .i64 else { return nil }
            axes = tensor.array(of: Int64.self).map { Int($0) }
        }
        guard input.rank > 0, axes?.count == 1, let axis = axes?.first, input[-1] > 0 else { return nil }
        if input.rank == 4, input[0] == 1, axis == 1 || axis == -3, output == Shape([1, 1, input[2], input[3]]) {
            return .channelMean
        }
        guard axis == -1 || axis == input.rank - 1 else { return nil }
        return .rowMean(rows: input.count / input[-1], columns: input[-1])
    }

    /// The quotient that ends the normalisation, or the product with a reciprocal.
    mutating func absorbSpelledNorm(_ node: LoweredNode) -> LoweredNode? {
        let isQuotient: Bool
        if case .binary(.divide) = node.kind { isQuotient = true } else { isQuotient = false }
        let (a, b) = (node.inputs[0], node.inputs[1])
        for (centred, root) in isQuotient ? [(a, b)] : [(a, b), (b, a)] {
            guard let difference = producer(centred), case .binary(.subtract) = difference.kind,
                let x = difference.inputs.first, let dims = shape(x)?.dims, let columns = dims.last, shape(x) == shape(centred),
                let mean = producer(difference.inputs[1]), let axis = MeanAxis(mean.kind), mean.inputs == [x],
                let spread = spread(root, isRoot: isQuotient), let square = soleProducer(spread.variance),
                MeanAxis(square.kind) == axis, let squared = square.inputs.first,
                let power = soleProducer(squared), isSquare(power, of: centred)
            else { continue }
            // What is left of the pieces is only read by each other: the difference by its square, the quotient and nothing else.
            let readers = power.inputs.filter { $0 == centred }.count + 1
            guard useCount(centred) == readers, useCount(difference.inputs[1]) == 1 else { continue }
            var merged = node
            switch axis {
            case .last:
                merged.kind = .layerNorm(
                    rows: (shape(x)?.count ?? 0) / columns, columns: columns, scale: [Float](repeating: 1, count: columns),
                    shift: [Float](repeating: 0, count: columns), epsilon: spread.epsilon)
            case .channels:
                merged.kind = .channelNorm(
                    scale: [Float](repeating: 1, count: dims[1]), shift: [Float](repeating: 0, count: dims[1]),
                    epsilon: spread.epsilon)
            }
            merged.inputs = [x]
            let meanValue = difference.inputs[1]
            for value in spread.values + [spread.variance, squared, centred, meanValue] { remove(producerOf: value) }
            count("recognise LayerNorm")
            return merged
        }
        return nil
    }

    /// What a mean runs over.
    private enum MeanAxis {
        case last, channels

        init?(_ kind: LoweredNode.Kind) {
            switch kind {
            case .rowMean: self = .last
            case .channelMean: self = .channels
            default: return nil
            }
        }
    }

    private func isSquare(_ node: LoweredNode, of x: ValueID) -> Bool {
        switch node.kind {
        case .unary(.square, _): node.inputs == [x]
        case .binary(.multiply): node.inputs == [x, x]
        default: false
        }
    }

    /// √(variance + ε), or one over it.
    private func spread(_ root: ValueID, isRoot: Bool) -> (variance: ValueID, epsilon: Float, values: [ValueID])? {
        var values = [root]
        guard var node = soleProducer(root) else { return nil }
        if !isRoot {
            if case .unary(.reciprocal, _) = node.kind, let inner = node.inputs.first, let next = soleProducer(inner) {
                values.append(inner)
                node = next
            } else if case .binary(.power) = node.kind, graph.constants[node.inputs[1]]?.floats == [-0.5] {
                return offset(node.inputs[0]).map { ($0.variance, $0.epsilon, values + [node.inputs[0]]) }
            } else {
                return nil
            }
        }
        if case .unary(.squareRoot, _) = node.kind {
        } else if case .binary(.power) = node.kind, graph.constants[node.inputs[1]]?.floats == [0.5] {
        } else {
            return nil
        }
        return offset(node.inputs[0]).map { ($0.variance, $0.epsilon, values + [node.inputs[0]]) }
    }

    private func offset(_ value: ValueID) -> (variance: ValueID, epsilon: Float)? {
        guard let sum = soleProducer(value), case .affine(let affine) = sum.kind, affine.scale == [1], affine.shift.count == 1,
            let variance = sum.inputs.first
        else { return nil }
        return (variance, affine.shift[0])
    }

    /// A row of factors after a layer normalisation.
    mutating func absorbNormScale(_ node: LoweredNode) -> LoweredNode? {
        guard let (x, constant) = constantOperand(node), let producer = soleProducer(x),
            case .layerNorm(let rows, let columns, let scale, let shift, let epsilon) = producer.kind,
            isRow(constant, columns, shape(x)), shape(x) == node.outputs.first.flatMap({ $0 }).flatMap(shape)
        else { return nil }
        let factors = constant.floats
        var merged = node
        merged.kind = .layerNorm(
            rows: rows, columns: columns, scale: zip(scale, factors).map { $0 * $1 }, shift: zip(shift, factors).map { $0 * $1 },
            epsilon: epsilon)
        merged.inputs = producer.inputs
        merged.origin = producer.origin
        remove(producerOf: x)
        count("fold scale and shift")
        return merged
    }

    /// A row of numbers added after a layer normalisation.
    mutating func absorbNormShift(_ node: LoweredNode) -> LoweredNode? {
        guard let (x, constant) = constantOperand(node), let producer = soleProducer(x),
            case .layerNorm(let rows, let columns, let scale, let shift, let epsilon) = producer.kind,
            isRow(constant, columns, shape(x)), shape(x) == node.outputs.first.flatMap({ $0 }).flatMap(shape)
        else { return nil }
        var merged = node
        merged.kind = .layerNorm(
            rows: rows, columns: columns, scale: scale, shift: zip(shift, constant.floats).map { $0 + $1 }, epsilon: epsilon)
        merged.inputs = producer.inputs
        merged.origin = producer.origin
        remove(producerOf: x)
        count("fold scale and shift")
        return merged
    }

    private func isRow(_ constant: Tensor, _ columns: Int, _ shape: Shape?) -> Bool {
        guard let shape, constant.shape.rank > 0, constant.shape.rank <= shape.rank else { return false }
        return constant.count == columns && constant.shape[-1] == columns && shape[-1] == columns
    }

    // MARK: - Slices

    /// A slice with steps of one.
    func slice(_ call: OperatorCall, _ input: Shape, _ output: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        let starts: [Int]?
        let axes: [Int]?
        if graph.opset < 10 {
            (starts, axes) = (try call.ints("starts"), try call.ints("axes"))
        } else {
            func numbers(_ index: Int) -> [Int]? {
                guard call.has(index), let tensor = call.optionalTensor(index) else { return nil }
                switch tensor.dtype {
                case .i64: return tensor.array(of: Int64.self).map { Int(clamping: $0) }
                case .i32: return tensor.array(of: Int32.self).map { Int($0) }
                default: return nil
                }
            }
            (starts, axes) = (numbers(1), numbers(3))
            guard !call.has(3) || axes != nil, !call.has(4) || numbers(4)?.allSatisfy({ $0 == 1 }) == true else { return nil }
        }
        guard let starts, output.rank == input.rank, output.count > 0 else { return nil }
        var ranges: [SliceRange] = []
        for (position, start) in starts.enumerated() {
            guard axes == nil || position < axes?.count ?? 0 else { return nil }
            let axis = try call.axis(axes?[position] ?? position, rank: input.rank)
            let extent = input[axis]
            let first = min(max(start < 0 ? max(start, -extent) + extent : start, 0), extent)
            guard first + output[axis] <= extent else { return nil }
            ranges.append(SliceRange(axis: axis, start: first, count: output[axis]))
        }
        return .slice(ranges)
    }

    /// One index of an axis.
    func gather(_ call: OperatorCall, _ input: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        guard call.node.inputs.count == 2, let indices = call.optionalTensor(1), indices.count == 1, input.rank > 0 else {
            return nil
        }
        let index: Int
        switch indices.dtype {
        case .i64: index = Int(clamping: indices.array(of: Int64.self)[0])
        case .i32: index = Int(indices.array(of: Int32.self)[0])
        default: return nil
        }
        let axis = try call.axis(try call.int("axis") ?? 0, rank: input.rank)
        let first = index < 0 ? index + input[axis] : index
        guard first >= 0, first < input[axis] else { return nil }
        return .slice([SliceRange(axis: axis, start: first, count: 1)])
    }
}
