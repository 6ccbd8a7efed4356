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
        options.avoidsHarm = parameters.flag("no-harm")
        options.consistency = parameters.text("guidance.consistency").flatMap(RestoreOptions.Consistency.init) ?? .none
        options.guidance.spectrum = parameters.number("guidance.spectrum") ?? 0
        options.guidance.features = parameters.number("guidance.features") ?? 0
        options.guidance.iterations = parameters.integer("guidance.iterations") ?? 4
        if let path = parameters.text("guidance.network") { options.guidance.network = try context.featureNetwork(path) }
        if let path = parameters.text("guidance.prior") {
            do { options.guidance.prior = try SpectrumPrior(path: path) } catch { throw PipelineFault(error) }
        }
        options.ensemble = parameters.text("ensemble").flatMap(Int.init) ?? 1
        options.stripRows = parameters.integer("strip")
        options.mode = parameters.text("mode").flatMap(RestoreOptions.Mode.init) ?? .fidelity
        options.noise = parameters.number("noise") ?? 1
        options.steps = parameters.integer("steps")
        options.seed = UInt64(max(context.seed ?? parameters.integer("seed") ?? 0, 0))
        options.search = NoiseSearch(
            width: parameters.integer("search.width") ?? 1, depth: parameters.integer("search.depth") ?? 1)
        do { try restorer.check(options) } catch { throw PipelineFault(error) }
        self.options = options
    }

    var digest: String {
        restorer.digest + (options.guidance.network?.sha256 ?? "") + (options.guidance.prior?.sha256 ?? "")
    }

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

    func run(
        _ image: Image, reference: Image? = nil, in environment: StageEnvironment
    ) throws(PipelineFault) -> StageResult {
        do {
            let result = try restorer.restore(
                image, options: options, reference: reference, pool: environment.pool, cancelled: environment.cancelled)
            var values = result.values.mapValues(JSON.number)
            values["finite"] = .flag(true)
            if !result.steps.isEmpty { values["guidance"] = .list(result.steps.map(Self.json)) }
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

    /// One step of guidance: where it was taken, and each term before and after it.
    private static func json(_ step: GuidanceStep) -> JSON {
        .object([
            JSON.Member("step", .integer(step.step)), JSON.Member("iteration", .integer(step.iteration)),
            JSON.Member("spectrumBefore", .number(step.spectrumBefore)), JSON.Member("spectrumAfter", .number(step.spectrumAfter)),
            JSON.Member("featuresBefore", .number(step.featuresBefore)), JSON.Member("featuresAfter", .number(step.featuresAfter)),
            JSON.Member("lossBefore", .number(step.lossBefore)), JSON.Member("lossAfter", .number(step.lossAfter)),
            JSON.Member("change", .number(step.change)),
        ])
    }
}

/// Settings of every stage with a network.
private enum NetworkParameters {
    static let model = ParameterDescription(
        "model", .text, isRequired: true, "a model of the catalogue, or the path of an .onnx file")
    static let ensemble = ParameterDescription(
        "ensemble", .choice(RestoreOptions.ensembles.map(String.init)), standard: .text("1"),
        "turned and mirrored pictures whose results are averaged: better by a little, at as many times the cost")
    static let strip = ParameterDescription(
        "strip", .integer(16...65_536),
        "rows that the network is given at once, beside their halo; left out: as many as memory allows, with the same result")
    static let steps = ParameterDescription(
        "steps", .integer(1...1000), "steps of a model that is a sampler; left out: as many as its model.yaml says, or all")
    static let mode = ParameterDescription(
        "mode", .choice(RestoreOptions.Mode.allCases.map(\.rawValue)), standard: .text("fidelity"),
        "fidelity: the expected picture; texture: a sampler draws plausible detail that nobody measured")
    static let noise = ParameterDescription(
        "noise", .number(0...1), standard: .number(1),
        "share of the noise in texture mode: with less of it, less texture and a result nearer to the truth")
    static let seed = ParameterDescription(
        "seed", .integer(0...Int(Int32.max)), "of the noise that a sampler draws in texture mode")
}

/// Removes noise, compression damage and stripes with a network; the size stays.
struct EnhanceStage: WholeStage {
    static let description = StageDescription(
        name: "enhance", summary: "removes noise and compression damage with a network, in one step",
        parameters: [
            NetworkParameters.model,
            ParameterDescription(
                "strength", .number(0...1), standard: .number(1), "0 leaves the image as it is, 1 is the network's full effect"),
            ParameterDescription(
                "no-harm", .flag, standard: .flag(true),
                "takes less of the effect where the network finds little to repair, so that clean images stay as they are"),
            NetworkParameters.ensemble, NetworkParameters.strip, NetworkParameters.steps, NetworkParameters.mode,
            NetworkParameters.noise, NetworkParameters.seed,
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
/// `steps`, `mode` and `seed` concern models that are samplers; the others work in one pass and draw no noise.
struct SuperResolveStage: WholeStage {
    static let description = StageDescription(
        name: "super-resolve", summary: "enlarges with a network",
        parameters: [
            NetworkParameters.model,
            ParameterDescription("strength", .number(0...1), standard: .number(1), "0 is bicubic, 1 is the network's full effect"),
            NetworkParameters.ensemble, NetworkParameters.strip, NetworkParameters.steps, NetworkParameters.mode,
            NetworkParameters.noise, NetworkParameters.seed,
            ParameterDescription(
                "search.width", .integer(1...64), standard: .integer(1),
                "branches at each of the first draws of noise, of which the best is kept; 1 is no search"),
            ParameterDescription("search.depth", .integer(1...16), standard: .integer(1), "draws at which a search branches"),
            ParameterDescription(
                "guidance.consistency", .choice(RestoreOptions.Consistency.allCases.map(\.rawValue)), standard: .text("none"),
                "exact: the result, reduced again, is the input; noisy: up to the input's estimated noise"),
            ParameterDescription(
                "guidance.spectrum", .number(0...1), standard: .number(0),
                "strength towards the spectrum that the input predicts; gives texture, costs PSNR"),
            ParameterDescription(
                "guidance.prior", .text,
                "path of a table by training/fit_spectrum.py for one kind of camera; left out: the one beside the model"),
            ParameterDescription(
                "guidance.features", .number(0...1), standard: .number(0),
                "strength with which flat areas and edges of the network's own picture are kept"),
            ParameterDescription(
                "guidance.network", .text,
                "path of an .onnx file whose outputs are compared as features, by its gradient; left out: a bank of filters"),
            ParameterDescription(
                "guidance.reference", .source,
                "the true picture, for evaluation: the published rule of DifIISR is applied instead of the guides"),
            ParameterDescription(
                "guidance.iterations", .integer(1...100), standard: .integer(4), "steps of guidance after each step of the network"),
        ])

    private let network: NetworkStage

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        network = try NetworkStage(site: site, parameters: parameters, context: context, purpose: .superResolution)
    }

    var digest: String { network.digest }
    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType { try network.outputType(for: input) }
    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { try network.cost(for: input) }
    func run(_ image: Image, reference: Image?, in environment: StageEnvironment) throws(PipelineFault) -> StageResult {
        try network.run(image, reference: reference, in: environment)
    }
}
