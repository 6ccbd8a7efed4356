import CalorTensor

extension SpecialisedGraph {
    /// This graph with slices that together are the whole of a picture's channels as one Split, which exporters spell either way.
    func withSplits() -> SpecialisedGraph {
        let lowering = Lowering(self)
        var parts: [ValueID: [Part]] = [:]
        for (index, node) in graph.nodes.enumerated() where node.op == "Slice" {
            if let part = Part(node, index, lowering), let x = node.inputs[0] { parts[x, default: []].append(part) }
        }
        // The first of the slices becomes the Split; the others go.
        var replaced: [Int: Node?] = [:]
        for (x, slices) in parts {
            let sorted = slices.sorted { $0.start < $1.start }
            var next = 0
            for part in sorted where part.start == next { next += part.count }
            guard sorted.count > 1, sorted.reduce(0, { $0 + $1.count }) == next, next == types[x]?.shape[1],
                let first = slices.map(\.index).min()
            else { continue }
            for part in sorted { replaced[part.index] = .some(nil) }
            replaced[first] = Node(
                name: graph.nodes[first].name, op: "Split", inputs: [x], outputs: sorted.map { graph.nodes[$0.index].outputs[0] },
                attributes: ["axis": .int(1)])
        }
        guard !replaced.isEmpty else { return self }
        var result = self
        result.graph.nodes = graph.nodes.enumerated().compactMap { index, node in replaced[index] ?? node }
        result.applied.append(PassReport(pass: "turn slices into splits", nodes: replaced.count))
        return result
    }

    /// Some consecutive channels of a picture.
    private struct Part {
        let index: Int
        let start: Int
        let count: Int

        init?(_ node: Node, _ index: Int, _ lowering: Lowering) {
            guard let x = node.inputs.first?.flatMap({ lowering.type($0) }), x.dtype == .f32, x.shape.rank == 4, x.shape[0] == 1,
                x.shape.count > 0, let output = node.outputs[0].flatMap({ lowering.shape($0) }), output.count > 0
            else { return nil }
            let call = OperatorCall(
                node: node, opset: lowering.graph.opset, types: node.inputs.map { $0.flatMap(lowering.type) },
                tensors: node.inputs.map { $0.flatMap { lowering.graph.constants[$0] } })
            guard case .slice(let ranges)?? = try? lowering.slice(call, x.shape, output), ranges.count == 1, ranges[0].axis == 1
            else { return nil }
            self.index = index
            start = ranges[0].start
            count = ranges[0].count
        }
    }
}
