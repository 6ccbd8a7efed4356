import CalorTensor

/// Operations whose attributes describe windows, matrices and grids.
extension Lowering {
    // MARK: - Convolution and pooling

    func convolution(_ call: OperatorCall, _ input: Shape, _ output: Shape) throws(GraphFault) -> FusedConvolution? {
        guard input.rank == 4, output.rank == 4, call.node.inputs.count >= 2, let weightsID = call.node.inputs[1],
            let weights = graph.constants[weightsID], weights.dtype == .f32, weights.shape.rank == 4, weights.count > 0
        else { return nil }
        let (outChannels, kernel) = (weights.shape[0], [weights.shape[2], weights.shape[3]])
        let groups = try call.int("group") ?? 1
        guard let window = try window(call, input, kernel, output) else { return nil }
        let geometry = ConvolutionGeometry(
            inChannels: input[1], outChannels: outChannels, groups: groups, kernelHeight: kernel[0], kernelWidth: kernel[1],
            strideHeight: window.strides[0], strideWidth: window.strides[1], dilationHeight: window.dilations[0],
            dilationWidth: window.dilations[1], padTop: window.pads[0], padLeft: window.pads[1], padBottom: window.pads[2],
            padRight: window.pads[3])
        guard geometry.isValid, weights.shape[1] == input[1] / groups, geometry.outputHeight(input[2]) == output[2],
            geometry.outputWidth(input[3]) == output[3], output[1] == outChannels
        else { return nil }
        var bias = [Float](repeating: 0, count: outChannels)
        if call.has(2) {
            guard let constant = floats(call.node.inputs[2]), constant.count == outChannels else { return nil }
            bias = constant
        }
        return FusedConvolution(geometry: geometry, weights: weights.floats, bias: bias)
    }

    /// A convolution: of one image on its own kernels, 1×1 of a batch as a product of matrices.
    func convolved(_ call: OperatorCall, _ input: Shape, _ output: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        guard let part = try convolution(call, input, output) else { return nil }
        if input[0] == 1 { return .convolution(part) }
        guard part.geometry == ConvolutionGeometry(part.geometry.inChannels, part.geometry.outChannels, kernel: 1) else {
            return nil
        }
        let (inner, columns) = (part.geometry.inChannels, part.geometry.outChannels)
        return .linear(
            FusedLinear(
                rows: input.count / inner, inner: inner, columns: columns,
                weights: part.weights.transposed(rows: columns, columns: inner), bias: part.bias,
                channelsFirst: true))
    }

    func pool(_ call: OperatorCall, _ input: Shape, _ output: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        guard input.rank == 4, input[0] == 1, call.node.outputs.count == 1, let kernel = try call.ints("kernel_shape"),
            kernel.count == 2,
            let window = try window(call, input, kernel, output), window.dilations.allSatisfy({ $0 > 0 }),
            zip(window.pads, kernel + kernel).allSatisfy({ $0 < $1 })
        else { return nil }
        let ceiling = try call.flag("ceil_mode")
        let counting = try call.flag("count_include_pad")
        // A window that hangs over the padding has a divisor of its own where padding counts, and a window of nothing but padding a value
        // of its own; the interpreter knows those rules.
        if ceiling {
            let hangs = (0..<2).contains { axis in
                let last = (output[2 + axis] - 1) * window.strides[axis] - window.pads[axis]
                let reach = last + window.dilations[axis] * (kernel[axis] - 1)
                return last >= input[2 + axis] || counting && reach >= input[2 + axis] + window.pads[axis + 2]
            }
            guard !hangs else { return nil }
        }
        let kind: PoolingGeometry.Kind = call.node.op == "MaxPool" ? .maximum : counting ? .averageCountingPadding : .average
        return .pool(
            PoolingGeometry(
                kind: kind, kernelHeight: kernel[0], kernelWidth: kernel[1], strideHeight: window.strides[0],
                strideWidth: window.strides[1], dilationHeight: window.dilations[0], dilationWidth: window.dilations[1],
                padTop: window.pads[0], padLeft: window.pads[1]))
    }

    private typealias Window = (strides: [Int], dilations: [Int], pads: [Int])

    /// Strides, dilations and padding (top, left, bottom, right) of a node with a two-dimensional window.
    private func window(_ call: OperatorCall, _ input: Shape, _ kernel: [Int], _ output: Shape) throws(GraphFault) -> Window? {
        let strides = try call.ints("strides") ?? [1, 1]
        let dilations = try call.ints("dilations") ?? [1, 1]
        var pads = try call.ints("pads") ?? [0, 0, 0, 0]
        let sane = strides + dilations + kernel
        guard strides.count == 2, dilations.count == 2, pads.count == 4, sane.allSatisfy({ $0 > 0 && $0 < 1 << 20 }),
            pads.allSatisfy({ $0 >= 0 && $0 < 1 << 20 })
        else { return nil }
        switch try call.string("auto_pad") ?? "NOTSET" {
        case "NOTSET": break
        case "VALID": pads = [0, 0, 0, 0]
        case "SAME_UPPER", "SAME_LOWER":
            let lower = try call.string("auto_pad") == "SAME_LOWER"
            for axis in 0..<2 {
                let total = max(
                    0, (output[2 + axis] - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - input[2 + axis])
                pads[axis] = lower ? (total + 1) / 2 : total / 2
                pads[axis + 2] = total - pads[axis]
            }
        default: return nil
        }
        return (strides, dilations, pads)
    }

    // MARK: - Grids

    func shuffle(_ call: OperatorCall, _ input: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        guard input.rank == 4, input[0] == 1, let block = try call.int("blocksize"), block > 1 else { return nil }
        if call.node.op == "SpaceToDepth" { return .unshuffle(block: block) }
        return .shuffle(try call.string("mode") == "CRD" ? .crd : .dcr, block: block, addition: false)
    }

    /// A resize that repeats every pixel a whole number of times.
    func nearest(_ call: OperatorCall, _ input: Shape, _ output: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        guard input.rank == 4, input[0] == 1, output.rank == 4, output[0] == 1, output[1] == input[1],
            try call.string("mode") ?? "nearest" == "nearest", output[2] % input[2] == 0, output[3] % input[3] == 0
        else { return nil }
        let (vertical, horizontal) = (output[2] / input[2], output[3] / input[3])
        if call.node.op == "Resize", graph.opset >= 11 {
            // With half pixels the nearest source of every pixel of a block is the block's own; other roundings shift it.
            let grid = try call.string("coordinate_transformation_mode") ?? "half_pixel"
            let rounding = try call.string("nearest_mode") ?? "round_prefer_floor"
            let exact = grid == "asymmetric" && rounding == "floor" || grid == "half_pixel" && rounding.hasPrefix("round")
            guard exact else { return nil }
        }
        // Scales that only round to whole numbers sample other pixels.
        for index in 1..<call.node.inputs.count where call.has(index) && call.node.op == "Resize" {
            guard let tensor = call.optionalTensor(index), tensor.dtype == .f32, tensor.count > 0,
                index == call.node.inputs.count - 1 || index == 2
            else { continue }
            guard tensor.floats == [1, 1, Float(vertical), Float(horizontal)] else { return nil }
        }
        if call.node.op == "Upsample" {
            guard let scales = try call.floats("scales") ?? call.node.inputs.dropFirst().first.flatMap({ floats($0) }),
                scales == [1, 1, Float(vertical), Float(horizontal)]
            else { return nil }
        }
        return .nearest(scaleHeight: vertical, scaleWidth: horizontal)
    }

    /// A resize of rows and columns by weighted sums, or by a choice of pixels.
    func resample(_ call: OperatorCall, _ input: Shape, _ output: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        guard input.rank == 4, input[0] == 1, output.rank == 4, output[0] == 1, output[1] == input[1] else { return nil }
        let plan = try ResizePlan(call)
        guard plan.shape == output, plan.axes[0] == nil, plan.axes[1] == nil,
            let vertical = axisTable(plan, 2, input[2]), let horizontal = axisTable(plan, 3, input[3])
        else { return nil }
        return .resample(vertical: vertical, horizontal: horizontal)
    }

    /// The taps of one axis without those that weigh nothing everywhere; nil where a place lies outside of the image.
    private func axisTable(_ plan: ResizePlan, _ axis: Int, _ extent: Int) -> AxisTable? {
        guard let line = plan.axes[axis] else {
            return AxisTable(taps: 1, indices: (0..<extent).map { Int32($0) }, weights: [Float](repeating: 1, count: extent))
        }
        let sampler = Sampler(plan: plan)
        var places: [[Sampler.Tap]] = []
        for place in 0..<line.output {
            guard let taps = sampler.taps(line, place, extent) else { return nil }
            places.append(taps.filter { $0.weight != 0 })
        }
        let width = max(places.map(\.count).max() ?? 1, 1)
        guard width <= 64 else { return nil }
        for index in places.indices {
            let filler = Sampler.Tap(index: places[index].last?.index ?? 0, weight: 0)
            places[index] += [Sampler.Tap](repeating: filler, count: width - places[index].count)
        }
        return AxisTable(
            taps: width, indices: places.flatMap { $0.map { Int32($0.index) } },
            weights: places.flatMap { $0.map { Float($0.weight) } })
    }

    // MARK: - Matrices and rows

    func batchNormalisation(_ call: OperatorCall, _ input: Shape) throws(GraphFault) -> FusedAffine? {
        guard input.rank == 4, input[0] == 1, call.node.inputs.count == 5, call.node.outputs.dropFirst().allSatisfy({ $0 == nil }),
            try call.int("training_mode") ?? 0 == 0
        else { return nil }
        let vectors = call.node.inputs.dropFirst().compactMap { floats($0) }
        guard vectors.count == 4, vectors.allSatisfy({ $0.count == input[1] }) else { return nil }
        let epsilon = try call.float("epsilon") ?? 1e-5
        var (scale, shift) = ([Float](), [Float]())
        for channel in 0..<input[1] {
            let factor = Double(vectors[0][channel]) / (Double(vectors[3][channel]) + epsilon).squareRoot()
            scale.append(Float(factor))
            shift.append(Float(Double(vectors[1][channel]) - Double(vectors[2][channel]) * factor))
        }
        return FusedAffine(scale: scale, shift: shift)
    }

    func groupNormalisation(_ call: OperatorCall, _ input: Shape) throws(GraphFault) -> FusedNormalisation? {
        guard input.rank == 4, input[0] == 1, let groups = try call.int("num_groups"), groups > 0, input[1] % groups == 0,
            call.node.inputs.count == 3, let scale = floats(call.node.inputs[1]), let shift = floats(call.node.inputs[2]),
            scale.count == shift.count, scale.count == input[1] || scale.count == groups, try call.int("stash_type") ?? 1 == 1
        else { return nil }
        // Before opset 21 a group has one pair.
        let each = input[1] / scale.count
        return FusedNormalisation(
            groups: groups, epsilon: Float(try call.float("epsilon") ?? 1e-5), scale: (0..<input[1]).map { scale[$0 / each] },
            shift: (0..<input[1]).map { shift[$0 / each] })
    }

    func layerNormalisation(_ call: OperatorCall, _ input: Shape) throws(GraphFault) -> LoweredNode.Kind? {
        let axis = try call.axis(try call.int("axis") ?? -1, rank: input.rank)
        let columns = input.dims[axis...].reduce(1, *)
        guard call.node.outputs.dropFirst().allSatisfy({ $0 == nil }), call.node.inputs.count >= 2,
            let scale = floats(call.node.inputs[1]),
            scale.count == columns, try call.int("stash_type") ?? 1 == 1
        else { return nil }
        var shift = [Float](repeating: 0, count: columns)
        if call.has(2) {
            guard let constant = floats(call.node.inputs[2]), constant.count == columns else { return nil }
            shift = constant
        }
        return .layerNorm(
            rows: input.count / columns, columns: columns, scale: scale, shift: shift,
            epsilon: Float(try call.float("epsilon") ?? 1e-5))
    }

    func product(_ call: OperatorCall) throws(GraphFault) -> LoweredNode? {
        guard call.node.inputs.count >= 2, let x = call.node.inputs[0], let y = call.node.inputs[1], let a = shape(x),
            let b = shape(y),
            a.rank >= 2, b.rank >= 2, type(y)?.dtype == .f32, b.count > 0
        else { return nil }
        func make(_ kind: LoweredNode.Kind, _ inputs: [ValueID]) -> LoweredNode {
            LoweredNode(kind: kind, inputs: inputs, outputs: call.node.outputs, origin: call.node)
        }
        if call.node.op == "Gemm" {
            guard try call.int("transA") ?? 0 == 0, try call.float("alpha") ?? 1 == 1, try call.float("beta") ?? 1 == 1,
                var weights = floats(y)
            else { return nil }
            let transposed = try call.int("transB") ?? 0 != 0
            let columns = transposed ? b[0] : b[1]
            if transposed {
                weights = weights.transposed(rows: columns, columns: a[1])
            }
            var bias = [Float](repeating: 0, count: columns)
            if call.has(2) {
                guard let constant = floats(call.node.inputs[2]), constant.count == columns || constant.count == 1 else {
                    return nil
                }
                // A column of biases belongs to the rows.
                if let type = try? call.type(2), type.shape.rank == 2, type.shape[0] > 1, type.shape[0] == constant.count {
                    return nil
                }
                bias = constant.count == 1 ? [Float](repeating: constant[0], count: columns) : constant
            }
            return make(.linear(FusedLinear(rows: a[0], inner: a[1], columns: columns, weights: weights, bias: bias)), [x])
        }
        if b.rank == 2, let weights = floats(y) {
            return make(
                .linear(
                    FusedLinear(
                        rows: a.count / a[-1], inner: a[-1], columns: b[1], weights: weights,
                        bias: [Float](repeating: 0, count: b[1]))), [x])
        }
        guard a.rank == b.rank, a.dims.dropLast(2) == b.dims.dropLast(2) else { return nil }
        let batch = a.dims.dropLast(2).reduce(1, *)
        return make(.matmul(BatchedProduct(batch: batch, rows: a[-2], inner: a[-1], columns: b[-1])), [x, y])
    }
}

extension [Float] {
    /// A matrix of `rows` rows with rows and columns exchanged.
    fileprivate func transposed(rows: Int, columns: Int) -> [Float] {
        precondition(count == rows * columns, "\(count) numbers are no matrix of \(rows)×\(columns)")
        return [Float](unsafeUninitializedCapacity: count) { result, size in
            // Sixteen rows at a time: a cache line of the result is finished while it is there.
            for first in stride(from: 0, to: rows, by: 16) {
                let end = Swift.min(first + 16, rows)
                for column in 0..<columns {
                    for row in first..<end { result[column * rows + row] = self[row * columns + column] }
                }
            }
            size = count
        }
    }
}
