import CalorBase
import CalorImage

// How a plan is carried out: which stages run fused, how long each image lives, and what that costs.

extension PipelinePlan {
    /// Runs of nodes that go through strips together; every other node is a group of its own.
    ///
    /// A node joins its predecessor when it alone takes that one's result and needs no look at the whole of it.
    func groups(for inputs: [ImageType]) throws(PipelineFault) -> [Range<Int>] {
        let types = try types(for: inputs)
        var groups: [Range<Int>] = []
        for i in nodes.indices {
            if let last = groups.last, last.upperBound == i, joins(i, type(of: nodes[i].source, inputs: inputs, stages: types)) {
                groups[groups.count - 1] = last.lowerBound..<i + 1
            } else {
                groups.append(i..<i + 1)
            }
        }
        return groups
    }

    private func joins(_ i: Int, _ type: ImageType) -> Bool {
        guard i > 0, nodes[i].source == .stage(i - 1), nodes[i - 1].stage is any RegionStage,
            let stage = nodes[i].stage as? any RegionStage,
            !stage.surveys(type)
        else { return false }
        return uses(of: .stage(i - 1)) == 1
    }

    /// How often the image at `source` is taken by stages and outputs.
    func uses(of source: Source) -> Int {
        nodes.reduce(0) { $0 + ($1.source == source ? 1 : 0) + ($1.reference == source ? 1 : 0) }
            + outputs.reduce(0) { $0 + ($1.source == source ? 1 : 0) }
    }

    /// Greatest number of bytes that one job holds: the files, live images, and what the stage at work needs.
    ///
    /// *Precision*: an upper estimate; buffers of the codecs are counted as one more copy of the image.
    public func peakBytes(for inputs: [ImageType], fileBytes: Int) throws(PipelineFault) -> Int {
        let types = try types(for: inputs)
        var peak = fileBytes + inputs.reduce(0) { $0 + $1.bytes } + (inputs.map(\.bytes).max() ?? 0)
        var live: [Source: Int] = [:]
        var left: [Source: Int] = [:]
        for (i, input) in inputs.enumerated() {
            left[.input(i)] = uses(of: .input(i))
            if left[.input(i)] != 0 { live[.input(i)] = input.bytes }
        }
        for group in try groups(for: inputs) {
            let last = group.upperBound - 1
            var scratch = 0
            for i in group {
                scratch = max(scratch, try cost(of: nodes[i], inputs: inputs, stages: types).scratchBytes)
            }
            peak = max(peak, live.values.reduce(0, +) + types[last].bytes + scratch)
            for i in group {
                for taken in [nodes[i].source, nodes[i].reference].compactMap({ $0 }) {
                    left[taken, default: 0] -= 1
                    if left[taken] == 0 { live[taken] = nil }
                }
            }
            let remaining = uses(of: .stage(last))
            if remaining > 0 {
                live[.stage(last)] = types[last].bytes
                left[.stage(last)] = remaining
            }
        }
        let written = outputs.map { type(of: $0.source, inputs: inputs, stages: types).bytes }
        return max(peak, live.values.reduce(0, +) + 2 * written.reduce(0, +))
    }

    /// Arithmetic of the networks for one image; nil when there are none.
    public func flops(for inputs: [ImageType]) throws(PipelineFault) -> Double? {
        let types = try types(for: inputs)
        var sum: Double?
        for node in nodes {
            if let flops = try cost(of: node, inputs: inputs, stages: types).flops { sum = (sum ?? 0) + flops }
        }
        return sum
    }

    private func cost(of node: Node, inputs: [ImageType], stages: [ImageType]) throws(PipelineFault) -> StageCost {
        try node.stage.cost(
            for: type(of: node.source, inputs: inputs, stages: stages),
            reference: node.reference.map { type(of: $0, inputs: inputs, stages: stages) })
    }
}
