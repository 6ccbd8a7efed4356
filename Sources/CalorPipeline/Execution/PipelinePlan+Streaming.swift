import CalorBase
import CalorImage

// Which images can go through a plan without being held: the plan is one chain of region stages.

extension PipelinePlan {
    /// A part of the chain whose strips go through together. A part ends where an output is taken, and where the next stage must
    /// first see the whole of its input.
    struct StreamSegment {
        /// Empty in front of the first stage.
        var nodes: Range<Int>
        /// Indices of the outputs that are its result.
        var outputs: [Int]
        var result: ImageType
    }

    /// Nil when images of this type have to be held.
    func streamSegments(for input: ImageType) throws(PipelineFault) -> [StreamSegment]? {
        guard inputs.count == 1 else { return nil }
        let types = try types(for: [input])
        func outputs(of source: Source) -> [Int] { self.outputs.indices.filter { self.outputs[$0].source == source } }
        var segments: [StreamSegment] = []
        var begin = 0
        for i in -1..<nodes.count {
            let source = i < 0 ? Source.input(0) : .stage(i)
            let type = i < 0 ? input : types[i]
            if i >= 0 {
                let before: Source = i == 0 ? .input(0) : .stage(i - 1)
                guard nodes[i].source == before, nodes[i].reference == nil, nodes[i].stage is any RegionStage else { return nil }
            }
            var surveys = false
            if i + 1 < nodes.count, let next = nodes[i + 1].stage as? any RegionStage, next.surveys(type) {
                guard next.survey(for: type) != nil else { return nil }
                surveys = true
            }
            let taken = outputs(of: source)
            if surveys || !taken.isEmpty || i == nodes.count - 1 {
                segments.append(StreamSegment(nodes: begin..<i + 1, outputs: taken, result: type))
                begin = i + 1
            }
        }
        return segments
    }

    /// An upper estimate of what one streamed job holds: groups of strips on their way in, through and out.
    func streamedPeakBytes(for input: ImageType, threads: Int) throws(PipelineFault) -> Int {
        let types = [input] + (try types(for: [input]))
        let widest = types.map { $0.size.width * $0.colour.planes }.max() ?? 1
        // Samples, their float copies, and both passes of a resampling.
        return 48 << 20 + 4 * StreamRunner.stripsAtOnce(threads) * max(StreamRunner.stripPixels, 8 * widest) * 16
    }
}

/// Looks at an image strip by strip before the stage that needs it begins.
public protocol StripSurvey: AnyObject {
    /// The next rows, from the top to the bottom.
    func add(_ strip: Image)
    /// After the last row.
    func operation() throws(PipelineFault) -> any RegionOperation
}
