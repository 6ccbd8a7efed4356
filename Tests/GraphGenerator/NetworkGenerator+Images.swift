import CalorGraph
import CalorTensor

/// Operations on N×C×H×W values.
extension NetworkGenerator {
    mutating func convolution() {
        guard let x = image() else { return }
        let channels = x.shape[1]
        let kernel = (choices.one(of: [3, 1, 3, 5, 2, 4, 7]), choices.one(of: [3, 1, 3, 5, 2, 4, 7]))
        let square = choices.flag(oneIn: 8) ? kernel : (kernel.0, kernel.0)
        let stride = choices.flag(oneIn: 4) ? choices.number(1...3) : 1
        let dilation = choices.flag(oneIn: 4) ? choices.number(2...5) : 1
        var groups = 1
        var outChannels = choices.one(of: [8, 16, 3, 1, 24, 32, 13, 7, 40, channels])
        if choices.flag(oneIn: 4) {
            groups = channels
            outChannels = choices.flag(oneIn: 4) ? 2 * channels : channels
        } else if channels % 2 == 0, choices.flag(oneIn: 6) {
            groups = 2
            outChannels += outChannels % 2
        }
        let same = !choices.flag(oneIn: 4)
        let reach = [dilation * (square.0 - 1), dilation * (square.1 - 1)]
        let pads =
            same
            ? [reach[0] / 2, reach[1] / 2, reach[0] - reach[0] / 2, reach[1] - reach[1] / 2]
            : (0..<4).map { _ in choices.number(0...2) }
        let (height, width) = (x.shape[2] + pads[0] + pads[2] - reach[0] - 1, x.shape[3] + pads[1] + pads[3] - reach[1] - 1)
        guard height >= 0, width >= 0 else { return }
        var operands: [ValueID?] = [
            x.value,
            weights([outChannels, channels / groups, square.0, square.1], fan: channels / groups * square.0 * square.1),
        ]
        if !choices.flag(oneIn: 4) { operands.append(constant(noise([outChannels], scale: 0.2))) }
        let y = node(
            "Conv", operands,
            [
                "kernel_shape": .ints([Int64(square.0), Int64(square.1)]), "pads": .ints(pads.map(Int64.init)),
                "strides": .ints([Int64(stride), Int64(stride)]), "dilations": .ints([Int64(dilation), Int64(dilation)]),
                "group": .int(Int64(groups)),
            ])
        keep(y, [x.shape[0], outChannels, height / stride + 1, width / stride + 1])
    }

    mutating func transposedConvolution() {
        guard let x = image() else { return }
        let (kernel, stride) = choices.one(of: [(2, 2), (3, 1), (4, 2), (3, 2), (3, 3), (5, 2), (9, 4), (2, 3)])
        let pad = choices.number(0...min(2, kernel - 1))
        let more = choices.number(0...stride - 1)
        let groups = x.shape[1] % 2 == 0 && choices.flag(oneIn: 4) ? 2 : 1
        let outChannels = choices.one(of: [8, 3, 16, 5])
        let (height, width) = (
            (x.shape[2] - 1) * stride + kernel - 2 * pad + more, (x.shape[3] - 1) * stride + kernel - 2 * pad + more
        )
        guard height > 0, width > 0, height * width * outChannels * groups <= Self.elementLimit else { return }
        let w = weights(
            [x.shape[1], outChannels, kernel, kernel], fan: max(1, x.shape[1] / groups * kernel * kernel / (stride * stride)))
        var operands: [ValueID?] = [x.value, w]
        if choices.flag() { operands.append(constant(noise([outChannels * groups], scale: 0.2))) }
        let y = node(
            "ConvTranspose", operands,
            [
                "kernel_shape": .ints([Int64(kernel), Int64(kernel)]), "strides": .ints([Int64(stride), Int64(stride)]),
                "pads": .ints([Int64(pad), Int64(pad), Int64(pad), Int64(pad)]), "group": .int(Int64(groups)),
                "output_padding": .ints([Int64(more), Int64(more)]),
            ])
        keep(y, [x.shape[0], outChannels * groups, height, width])
    }

    mutating func pool() {
        guard let x = image() else { return }
        if choices.flag(oneIn: 4) {
            let y = node(choices.flag() ? "GlobalAveragePool" : "GlobalMaxPool", [x.value])
            return keep(y, [x.shape[0], x.shape[1], 1, 1])
        }
        let (kernel, stride) = (choices.number(1...3), choices.number(1...2))
        let pad = choices.number(0...kernel / 2)
        let (height, width) = (x.shape[2] + 2 * pad - kernel, x.shape[3] + 2 * pad - kernel)
        guard height >= 0, width >= 0 else { return }
        var attributes: [String: Attribute] = [
            "kernel_shape": .ints([Int64(kernel), Int64(kernel)]), "strides": .ints([Int64(stride), Int64(stride)]),
            "pads": .ints([Int64](repeating: Int64(pad), count: 4)),
        ]
        let op = choices.flag() ? "MaxPool" : "AveragePool"
        if op == "AveragePool" { attributes["count_include_pad"] = .int(Int64(choices.number(0...1))) }
        keep(
            node(op, [x.value], attributes), [x.shape[0], x.shape[1], height / stride + 1, width / stride + 1])
    }

    mutating func normalisation() {
        guard let x = image(), x.shape[2] * x.shape[3] > 1 else { return }
        let channels = x.shape[1]
        let epsilon = Attribute.float(choices.one(of: [1e-2, 1e-3]))
        let scale = constant(noise([channels]))
        let shift = constant(noise([channels]))
        switch choices.number(0...4) {
        case 0:
            let mean = constant(noise([channels]))
            let variance = floats([channels], Choices.noise(channels, key: UInt64(channels)).map { 1 + 0.5 * $0 })
            keep(node("BatchNormalization", [x.value, scale, shift, mean, variance], ["epsilon": epsilon]), x.shape.dims)
        case 1:
            keep(node("InstanceNormalization", [x.value, scale, shift], ["epsilon": epsilon]), x.shape.dims)
        case 2:
            // Over the channels of each pixel, as NAFNet spells it.
            let keepDims: [String: Attribute] = ["keepdims": .int(1)]
            let centred = node("Sub", [x.value, node("ReduceMean", [x.value, ints([1])], keepDims)])
            let square = node("Pow", [centred, floats([], [2])])
            let spread = node("ReduceMean", [square, ints([choices.flag() ? 1 : -3])], keepDims)
            let variance = node("Add", [spread, floats([], [1e-2])])
            let normal = node("Div", [centred, node("Sqrt", [variance])])
            guard choices.flag() else { return keep(normal, x.shape.dims) }
            let scaled = node("Mul", [normal, constant(noise([1, channels, 1, 1]))])
            keep(node("Add", [scaled, constant(noise([1, channels, 1, 1]))]), x.shape.dims)
        default:
            // GroupNorm as PyTorch exports it.
            let groups = channels % 4 == 0 ? 4 : 1
            guard channels / groups * x.shape[2] * x.shape[3] > 1 else { return }
            let folded = node("Reshape", [x.value, ints([0, groups, -1])])
            let ones = floats([groups], [Float](repeating: 1, count: groups))
            let zeros = floats([groups], [Float](repeating: 0, count: groups))
            let normal = node("InstanceNormalization", [folded, ones, zeros], ["epsilon": epsilon])
            let whole = node("Reshape", [normal, ints(x.shape.dims)])
            let column = Shape([channels, 1, 1])
            let product = node("Mul", [whole, constant(noise(column))])
            var y = node("Add", [product, constant(noise(column))])
            if choices.flag() { y = node("Mul", [y, node("Sigmoid", [y])]) }
            keep(y, x.shape.dims)
        }
    }

    mutating func squeezeAndExcite() {
        guard let x = image() else { return }
        let channels = x.shape[1]
        var y: ValueID
        if choices.flag() {
            y = node("GlobalAveragePool", [x.value])
        } else {
            y = node("ReduceMean", [x.value, ints([2, 3])], ["keepdims": .int(1)])
        }
        let pointwise: [String: Attribute] = ["kernel_shape": .ints([1, 1])]
        y = node("Conv", [y, weights([channels, channels, 1, 1], fan: channels), constant(noise([channels]))], pointwise)
        if choices.flag() { y = node("Sigmoid", [y]) }
        y = choices.flag() ? node("Mul", [x.value, y]) : node("Mul", [y, x.value])
        keep(y, x.shape.dims)
    }

    /// x₁ · x₂ of the two halves of the channels (NAFNet).
    mutating func gate() {
        guard let x = pick({ $0.rank == 4 && $0[1] % 2 == 0 }) else { return }
        let half = x.shape[1] / 2
        let parts = many("Split", [x.value, ints([half, half])], outputs: 2, ["axis": .int(1)])
        let y = node("Tanh", [node("Mul", [parts[0], parts[1]])])
        keep(y, [x.shape[0], half, x.shape[2], x.shape[3]])
    }

    mutating func shuffle() {
        let block = choices.number(2...3)
        let mode = Attribute.string(choices.flag() ? "CRD" : "DCR")
        if choices.flag(), let x = pick({ $0.rank == 4 && $0[1] % (block * block) == 0 }) {
            let y = node("DepthToSpace", [x.value], ["blocksize": .int(Int64(block)), "mode": mode])
            keep(y, [x.shape[0], x.shape[1] / (block * block), x.shape[2] * block, x.shape[3] * block])
        } else if let x = pick({ $0.rank == 4 && $0[2] % block == 0 && $0[3] % block == 0 }) {
            let y = node("SpaceToDepth", [x.value], ["blocksize": .int(Int64(block))])
            keep(y, [x.shape[0], x.shape[1] * block * block, x.shape[2] / block, x.shape[3] / block])
        }
    }

    mutating func enlargement() {
        guard let x = image() else { return }
        let (vertical, horizontal) = choices.one(of: [(2, 2), (1, 2), (3, 3), (2, 1), (1.5, 0.75), (0.5, 0.5)] as [(Float, Float)])
        let (height, width) = (Int(Float(x.shape[2]) * vertical), Int(Float(x.shape[3]) * horizontal))
        guard height > 0, width > 0 else { return }
        let scales = floats([4], [1, 1, vertical, horizontal])
        let (mode, transform, rounding) = choices.one(of: [
            ("nearest", "asymmetric", "floor"), ("nearest", "half_pixel", "round_prefer_floor"), ("linear", "half_pixel", "floor"),
            ("cubic", "half_pixel", "floor"), ("linear", "align_corners", "floor"), ("linear", "pytorch_half_pixel", "floor"),
            ("nearest", "half_pixel", "ceil"),
        ])
        let y = node(
            "Resize", [x.value, nil, scales],
            [
                "mode": .string(mode), "coordinate_transformation_mode": .string(transform), "nearest_mode": .string(rounding),
            ])
        keep(y, [x.shape[0], x.shape[1], height, width])
    }

    mutating func border() {
        guard let x = image() else { return }
        let mode = choices.one(of: ["constant", "edge", "reflect"])
        let most = mode == "reflect" ? min(x.shape[2], x.shape[3], 4) - 1 : 3
        let pads = (0..<4).map { _ in most > 0 ? choices.number(0...most) : 0 }
        let y = node("Pad", [x.value, ints([0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]])], ["mode": .string(mode)])
        keep(y, [x.shape[0], x.shape[1], x.shape[2] + pads[0] + pads[2], x.shape[3] + pads[1] + pads[3]])
    }
}
