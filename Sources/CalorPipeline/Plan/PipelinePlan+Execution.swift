import CalorBase
import CalorImage

// How a plan is carried out: which stages run fused, how long each image lives, and what that costs.

extension PipelinePlan {
    /// Runs of nodes that go through strips together; every other node is a group of its own.
    ///
    /// A node joins its predecessor when it alone takes that one's result and needs no look at the whole of it.
    func groups(for input: ImageType) throws(PipelineFault) -> [Range<Int>] {
        let types = try types(for: input)
        var groups: [Range<Int>] = []
        for i in nodes.indices {
            if let last = groups.last, last.upperBound == i, joins(i, type(of: nodes[i].source, input: input, stages: types)) {
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

    /// Greatest number of bytes that one job holds: the file, live images, and what the stage at work needs.
    ///
    /// *Precision*: an upper estimate; buffers of the codecs are counted as one more copy of the image.
    public func peakBytes(for input: ImageType, fileBytes: Int) throws(PipelineFault) -> Int {
        let types = try types(for: input)
        var peak = fileBytes + 2 * input.bytes
        var live: [Source: Int] = [.input: input.bytes]
        var left: [Source: Int] = [.input: uses(of: .input)]
        for group in try groups(for: input) {
            let last = group.upperBound - 1
            var scratch = 0
            for i in group {
                scratch = max(
                    scratch, try nodes[i].stage.cost(for: type(of: nodes[i].source, input: input, stages: types)).scratchBytes)
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
        let written = outputs.map { type(of: $0.source, input: input, stages: types).bytes }
        return max(peak, live.values.reduce(0, +) + 2 * written.reduce(0, +))
    }

    /// Arithmetic of the networks for one image; nil when there are none.
    public func flops(for input: ImageType) throws(PipelineFault) -> Double? {
        let types = try types(for: input)
        var sum: Double?
        for node in nodes {
            if let flops = try node.stage.cost(for: type(of: node.source, input: input, stages: types)).flops {
                sum = (sum ?? 0) + flops
            }
        }
        return sum
    }
}
