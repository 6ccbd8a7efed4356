import CalorTensor

/// Operations that move elements: the gradient moves back, and what was dropped gets zeros.
enum MovementGradients {
    static let rules: [String: GradientRule] = [
        "Reshape": sameElements, "Flatten": sameElements, "Squeeze": sameElements, "Unsqueeze": sameElements,
        "Dropout": GradientTable.linear { _, _, g throws(GraphFault) in g },
        "Transpose": GradientTable.linear { b, node, g throws(GraphFault) in
            let rank = try b.shape(try b.input(node, 0)).rank
            let order = try b.call(node).ints("perm") ?? (0..<rank).reversed()
            var back = order
            for (to, from) in order.enumerated() { back[from] = to }
            return try b.transpose(g, back)
        },
        "Expand": GradientTable.linear { b, node, g throws(GraphFault) in try b.unbroadcast(g, to: try b.input(node, 0)) },
        "Concat": concat, "Split": split, "Slice": slice, "Pad": pad, "Tile": tile, "Gather": gather,
        "DepthToSpace": GradientTable.linear { b, node, g throws(GraphFault) in try toDepth(&b, node, g) },
        "SpaceToDepth": GradientTable.linear { b, node, g throws(GraphFault) in
            try b.emit(
                "DepthToSpace", [g],
                ["blocksize": .int(Int64(try b.call(node).int("blocksize") ?? 1)), "mode": .string("DCR")])
        },
    ]

    private static let sameElements = GradientTable.linear { b, node, g throws(GraphFault) in
        try b.reshape(g, to: try b.shape(try b.input(node, 0)))
    }

    /// Back from pixels to channels. SpaceToDepth undoes the DCR order; the CRD order needs its channels rearranged as well.
    private static func toDepth(_ b: inout GradientBuilder, _ node: Node, _ g: ValueID) throws(GraphFault) -> ValueID {
        let block = try b.call(node).int("blocksize") ?? 1
        let made = try b.emit("SpaceToDepth", [g], ["blocksize": .int(Int64(block))])
        guard try b.call(node).string("mode") == "CRD" else { return made }
        let shape = try b.shape(made)
        let channels = shape[1] / (block * block)
        let parts = try b.reshape(made, to: [shape[0], block * block, channels, shape[2], shape[3]])
        return try b.reshape(try b.transpose(parts, [0, 2, 1, 3, 4]), to: shape)
    }

    private static let concat: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return node.inputs.map { _ in nil } }
        let rank = try b.shape(g).rank
        let axis = try b.call(node).axis(try b.call(node).int("axis") ?? 1, rank: rank)
        var results: [ValueID?] = []
        var start = 0
        for input in node.inputs {
            guard let input else {
                results.append(nil)
                continue
            }
            let extent = try b.shape(input)[axis]
            results.append(b.isActive(input) ? try b.slice(g, axis: axis, start..<start + extent) : nil)
            start += extent
        }
        return results
    }

    private static let split: GradientRule = { b, node, gradients throws(GraphFault) in
        let x = try b.input(node, 0)
        let type = try b.type(x)
        let axis = try b.call(node).axis(try b.call(node).int("axis") ?? 0, rank: type.shape.rank)
        // Outputs that nobody reads may have been dropped; their extents follow from inference.
        let call = b.call(node)
        let found = try Interpreter.infer(node: node, opset: b.opset, types: call.types, constants: call.tensors)
        var parts: [ValueID] = []
        for (gradient, part) in zip(gradients, found) {
            guard let part else { throw b.unsupported("the extents of its parts are not constant") }
            parts.append(gradient ?? b.zeros(part.shape, type.dtype))
        }
        return [try b.concatenate(parts, along: axis)] + [ValueID?](repeating: nil, count: node.inputs.count - 1)
    }

    private static let slice: GradientRule = { b, node, gradients throws(GraphFault) in
        let absent = [ValueID?](repeating: nil, count: node.inputs.count - 1)
        guard var g = gradients[0] else { return [nil] + absent }
        let shape = try b.shape(try b.input(node, 0))
        for (axis, range) in try Slices(b.call(node)).axes.enumerated() {
            let extent = shape[axis]
            if range.step == 1 {
                if range.count == extent { continue }
                g = try b.surround(g, axis: axis, before: range.start, after: extent - range.start - range.count)
            } else {
                let places = (0..<range.count).map { range.start + $0 * range.step }
                g = try b.scattered(g, axis: axis, places: places, extent: extent)
            }
        }
        return [g] + absent
    }

    /// Borders by value are cut off; mirrored and repeated ones give their gradient back to where they came from.
    private static let pad: GradientRule = { b, node, gradients throws(GraphFault) in
        let absent = [ValueID?](repeating: nil, count: node.inputs.count - 1)
        guard var g = gradients[0] else { return [nil] + absent }
        let call = b.call(node)
        let shape = try b.shape(try b.input(node, 0))
        guard let pads = try call.integers(at: 1, or: "pads") else { throw b.unsupported("its borders are not constant") }
        let axes = try call.axes(try call.integers(at: 3) ?? Array(0..<shape.rank), rank: shape.rank)
        guard pads.count == 2 * axes.count else { throw b.unsupported("its borders do not fit its axes") }
        for (k, axis) in axes.enumerated() {
            let (before, after) = (pads[k], pads[k + axes.count])
            if before == 0, after == 0 { continue }
            if try call.string("mode") ?? "constant" == "constant", before >= 0, after >= 0 {
                g = try b.slice(g, axis: axis, before..<before + shape[axis])
            } else {
                let places = try sources(b, node, extent: shape[axis], before: before, after: after)
                g = try b.scattered(g, axis: axis, places: places, extent: shape[axis])
            }
        }
        return [g] + absent
    }

    /// Where each element of one padded axis came from, found by padding their numbers.
    private static func sources(
        _ b: GradientBuilder, _ node: Node, extent: Int, before: Int, after: Int
    ) throws(GraphFault) -> [Int] {
        var single = node
        let numbers = Tensor([extent], (0..<extent).map { Float($0 + 1) })
        var inputs: [Tensor?] = [numbers]
        if b.opset >= 11 {
            inputs.append(Tensor([2], [Int64(before), Int64(after)]))
        } else {
            single.attributes["pads"] = .ints([Int64(before), Int64(after)])
        }
        single.attributes["value"] = nil
        single.inputs = inputs.map { _ in ValueID(0) }
        single.outputs = [ValueID(0)]
        guard let first = try Interpreter.evaluate(node: single, opset: b.opset, inputs: inputs).first, let padded = first else {
            throw b.unsupported("its borders cannot be followed")
        }
        return padded.floats.map { Int($0) - 1 }
    }

    private static let tile: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil, nil] }
        let shape = try b.shape(try b.input(node, 0))
        guard let repeats = try b.call(node).integers(at: 1), repeats.count == shape.rank else {
            throw b.unsupported("its repeats are not constant")
        }
        let apart = zip(repeats, shape.dims).flatMap { [$0, $1] }
        let sum = try b.sum(try b.reshape(g, to: Shape(apart)), over: repeats.indices.map { 2 * $0 })
        return [try b.reshape(sum, to: shape), nil]
    }

    private static let gather: GradientRule = { b, node, gradients throws(GraphFault) in
        guard let g = gradients[0] else { return [nil, nil] }
        let shape = try b.shape(try b.input(node, 0))
        let axis = try b.call(node).axis(try b.call(node).int("axis") ?? 0, rank: shape.rank)
        guard let indices = try b.call(node).integers(at: 1) else { throw b.unsupported("its indices are not constant") }
        let extent = shape[axis]
        let places = indices.map { $0 < 0 ? $0 + extent : $0 }
        var flat = shape.dims
        flat[axis] = places.count
        let lines = try b.reshape(g, to: Shape(flat))
        if places.count == 1 {
            return [try b.surround(lines, axis: axis, before: places[0], after: extent - 1 - places[0]), nil]
        }
        return [try b.scattered(lines, axis: axis, places: places, extent: extent), nil]
    }
}
