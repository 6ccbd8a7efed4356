import CalorImage
import CalorQuality
import CalorRestoration

/// What `enhance` and `super-resolve` have in common: a network of the catalogue, loaded once.
struct NetworkStage: Sendable {
    let site: StageSite
    let model: ModelDescription
    let restorer: Restorer
    let options: RestoreOptions

    init(
        site: StageSite, parameters: ParameterValues, context: PlanContext, purpose: ModelDescription.Purpose
    ) throws(PipelineFault) {
        self.site = site
        model = try context.model(parameters.text("model") ?? "")
        guard model.purpose == purpose else {
            throw .parameterConflict(
                place: site.place, stage: site.id, problem: "model \(model.name) is for \(model.purpose.rawValue)",
                advice: "use it in a stage \(model.purpose == .enhancement ? "enhance" : "super-resolve")")
        }
        restorer = try context.restorer(for: model)
        var options = RestoreOptions()
        options.strength = Float(parameters.number("strength") ?? 1)
        self.options = options
    }

    var digest: String { model.digest }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType {
        guard model.channels != 1 || input.colour.isGrey else {
            throw .type(place: site.place, stage: site.id, found: input.name, expected: "grey: model \(model.name) has one channel")
        }
        return input.with(size: restorer.outputSize(for: input.size))
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost {
        do {
            let estimate = try restorer.estimate(for: input.size, options: options)
            return StageCost(scratchBytes: estimate.peakBytes, flops: estimate.flops)
        } catch { throw PipelineFault(error) }
    }

    func run(_ image: Image, in environment: StageEnvironment) throws(PipelineFault) -> StageResult {
        do {
            let result = try restorer.restore(image, options: options, pool: environment.pool, cancelled: environment.cancelled)
            var values = result.values.mapValues(JSON.number)
            values["finite"] = .flag(true)
            if model.scale > 1, image.colour.isGrey,
                let rms = try? consistencyRMS(lowResolution: image.planes[0], superResolved: result.image.planes[0])
            {
                values["consistencyRMS"] = .number(rms)
            }
            var restored = result.image
            if let difference = CountsDifference(input: image, result: restored) {
                values.merge(difference.values(for: image.meaning)) { $1 }
                restored.metadata.describe(difference.sentence(stage: site.use, meaning: image.meaning))
            }
            return StageResult(image: restored, values: values)
        } catch { throw PipelineFault(error) }
    }
}

/// Removes noise, compression damage and stripes with a network; the size stays.
struct EnhanceStage: WholeStage {
    static let description = StageDescription(
        name: "enhance", summary: "removes noise and compression damage with a network, in one step",
        parameters: [
            ParameterDescription("model", .text, isRequired: true, "a model of the catalogue, or the path of an .onnx file"),
            ParameterDescription(
                "strength", .number(0...1), standard: .number(1), "0 leaves the image as it is, 1 is the network's full effect"),
        ])

    private let network: NetworkStage

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        network = try NetworkStage(site: site, parameters: parameters, context: context, purpose: .enhancement)
    }

    var digest: String { network.digest }
    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType { try network.outputType(for: input) }
    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { try network.cost(for: input) }
    func run(_ image: Image, reference: Image?, in environment: StageEnvironment) throws(PipelineFault) -> StageResult {
        try network.run(image, in: environment)
    }
}

/// Enlarges with a network.
///
/// The networks of this version work in one step without noise: `steps`, `seed` and `guidance` take only what says so.
struct SuperResolveStage: WholeStage {
    static let description = StageDescription(
        name: "super-resolve", summary: "enlarges with a network",
        parameters: [
            ParameterDescription("model", .text, isRequired: true, "a model of the catalogue, or the path of an .onnx file"),
            ParameterDescription("strength", .number(0...1), standard: .number(1), "0 is bicubic, 1 is the network's full effect"),
            ParameterDescription(
                "steps", .integer(1...1), standard: .integer(1), "one step: the networks of this version are not samplers"),
            ParameterDescription("seed", .integer(0...Int(Int32.max)), "recorded in the metrics; one-step networks draw no noise"),
            ParameterDescription(
                "guidance.consistency", .choice(["none"]), standard: .text("none"),
                "guidance needs a sampler, which this version lacks"),
        ])

    private let network: NetworkStage

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        network = try NetworkStage(site: site, parameters: parameters, context: context, purpose: .superResolution)
    }

    var digest: String { network.digest }
    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType { try network.outputType(for: input) }
    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { try network.cost(for: input) }
    func run(_ image: Image, reference: Image?, in environment: StageEnvironment) throws(PipelineFault) -> StageResult {
        try network.run(image, in: environment)
    }
}
