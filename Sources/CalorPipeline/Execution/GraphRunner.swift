import CalorBase
import CalorImage

/// Sends one image, or a pair, through the stages of a plan. Images are let go as soon as nothing takes them any more.
struct GraphRunner {
    let plan: PipelinePlan

    struct Outcome {
        /// In the order of the plan's outputs.
        var images: [Image]
        var metrics: [StageMetrics]
        var peakBytes: Int
    }

    /// *Throws*: the fault and the stage it happened in.
    func run(_ inputs: [Image], in environment: StageEnvironment) -> Result<Outcome, StageFailure> {
        var images: [PipelinePlan.Source: Image] = [:]
        var left: [PipelinePlan.Source: Int] = [:]
        for (i, input) in inputs.enumerated() {
            left[.input(i)] = plan.uses(of: .input(i))
            if left[.input(i)] != 0 { images[.input(i)] = input }
        }
        var metrics: [StageMetrics] = []
        var peak = inputs.reduce(0) { $0 + $1.bytes }
        let groups: [Range<Int>]
        do { groups = try plan.groups(for: inputs.map { ImageType(of: $0) }) } catch {
            return .failure(StageFailure(stage: "decode", fault: error))
        }
        for group in groups {
            let first = plan.nodes[group.lowerBound]
            do throws(PipelineFault) {
                guard !environment.cancelled() else { throw .cancelled }
                guard let image = images[first.source] else { preconditionFailure("an image was let go before its last use") }
                let live = images.values.reduce(0) { $0 + $1.bytes }
                let result =
                    try first.stage is any RegionStage
                    ? fused(group, image, environment) : [whole(first, image, first.reference.flatMap { images[$0] }, environment)]
                let output = result[result.count - 1].image
                for step in result {
                    var step = step.metrics
                    step.peakBytes = live + output.bytes + step.peakBytes
                    peak = max(peak, step.peakBytes)
                    metrics.append(step)
                }
                for i in group {
                    for taken in [plan.nodes[i].source, plan.nodes[i].reference].compactMap({ $0 }) {
                        left[taken, default: 0] -= 1
                        if left[taken] == 0 { images[taken] = nil }
                    }
                }
                let last = PipelinePlan.Source.stage(group.upperBound - 1)
                left[last] = plan.uses(of: last)
                if left[last] != 0 { images[last] = output }
            } catch {
                return .failure(StageFailure(stage: first.site.id, fault: error))
            }
        }
        let written = plan.outputs.compactMap { images[$0.source] }
        return .success(Outcome(images: written, metrics: metrics, peakBytes: peak))
    }

    private typealias Step = (image: Image, metrics: StageMetrics)

    private func fused(_ group: Range<Int>, _ image: Image, _ environment: StageEnvironment) throws(PipelineFault) -> [Step] {
        var operations: [any RegionOperation] = []
        var scratch: [Int] = []
        var type = ImageType(of: image)
        var survey: UInt64 = 0
        for i in group {
            guard let stage = plan.nodes[i].stage as? any RegionStage else { preconditionFailure("only region stages are fused") }
            let start = nanosecondsNow()
            operations.append(try stage.operation(for: type, surveying: i == group.lowerBound && stage.surveys(type) ? image : nil))
            if i == group.lowerBound { survey = nanosecondsNow() - start }
            scratch.append(try stage.cost(for: type).scratchBytes)
            type = try stage.outputType(for: type)
        }
        let outcome = try StripRunner(operations: operations).run(image, in: environment)
        return group.enumerated().map { position, i in
            let size = operations[position].outputSize
            let nanoseconds = outcome.nanoseconds[position] + (position == 0 ? survey : 0)
            let metrics = StageMetrics(
                id: plan.nodes[i].site.id, use: plan.nodes[i].site.use, nanoseconds: nanoseconds, pixels: size.pixels, flops: nil,
                peakBytes: scratch[position],
                values: operations[position].values.filter { $0.value.isFinite }.mapValues(JSON.number))
            return (outcome.image, metrics)
        }
    }

    private func whole(
        _ node: PipelinePlan.Node, _ image: Image, _ reference: Image?, _ environment: StageEnvironment
    ) throws(PipelineFault) -> Step {
        guard let stage = node.stage as? any WholeStage else { preconditionFailure("a stage works on regions or on whole images") }
        let cost = try stage.cost(for: ImageType(of: image), reference: reference.map { ImageType(of: $0) })
        let start = nanosecondsNow()
        let result = try stage.run(image, reference: reference, in: environment)
        let metrics = StageMetrics(
            id: node.site.id, use: node.site.use, nanoseconds: nanosecondsNow() - start, pixels: result.image.size.pixels,
            flops: cost.flops,
            peakBytes: cost.scratchBytes, values: result.values.filter { $0.value.number?.isFinite ?? true })
        return (result.image, metrics)
    }
}

/// A fault and where it happened.
public struct StageFailure: Error, Sendable {
    public var stage: String
    public var fault: PipelineFault
    /// The file that is at fault, where a job has several; nil: the job's first.
    public var file: String?

    public init(stage: String, fault: PipelineFault, file: String? = nil) {
        self.stage = stage
        self.fault = fault
        self.file = file
    }
}
