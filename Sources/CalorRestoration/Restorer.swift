import CalorBase
import CalorGraph
import CalorImage
import CalorTensor

/// A loaded network that turns images into images. Loaded once, shared by all jobs.
///
/// *Precision*: the same input gives the same bits for every pool and every `stripPixels`.
public final class Restorer: Sendable {
    public let model: ModelDescription
    let network: StripNetwork
    /// The process that the network is one step of; nil for a network that works in one pass.
    let process: SamplingProcess?
    let prior: SpectrumPrior?
    /// What decides the results beside the options: the digests of the network and of the files that belong to it.
    public let digest: String

    /// *Throws*: when the file is missing, is not the one that its sidecar describes, or holds a network that is not supported.
    public init(model: ModelDescription) throws(RestorationFault) {
        self.model = model
        let network = StripNetwork(
            session: try NetworkFile.session(of: model), model: model.name, outputName: model.outputName,
            receptiveField: model.receptiveField, multiple: model.multiple, blends: model.blends)
        self.network = network
        if let sampler = model.sampler {
            process = try SamplingProcess(model: model, sampler: sampler, network: network)
        } else {
            process = nil
        }
        var digest = model.digest + SHA256.hex(of: Array(model.settings.utf8))
        if let latent = model.sampler?.latent { digest += latent.encoder.sha256 + latent.decoder.sha256 }
        if let path = model.spectrumPath {
            let bytes = try NetworkFile.read(path)
            digest += SHA256.hex(of: bytes)
            prior = try SpectrumPrior(bytes: bytes, path: path)
        } else {
            prior = nil
        }
        self.digest = digest
    }

    public func outputSize(for size: Size) -> Size { size.scaled(by: model.scale) }

    /// *Throws*: when the model cannot do what the options ask for.
    public func check(_ options: RestoreOptions) throws(RestorationFault) {
        let most = process?.sampler.schedule.steps ?? 1
        if let steps = options.steps, steps < 1 || steps > most {
            throw .steps(model: model.name, wanted: steps, most: most)
        }
        if options.mode == .texture, process == nil { throw .textureMode(model: model.name) }
        if options.search.isOn {
            guard let process, process.guidesEveryStep, options.mode == .texture else {
                throw .guidance(model: model.name, reason: "a search needs a sampler on pixels in texture mode")
            }
            guard options.search.leaves(steps: process.stepCount(options)) != nil else {
                throw .guidance(
                    model: model.name, reason: "a search of more than \(NoiseSearch.maximumLeaves) leaves is not done")
            }
        }
        guard RestoreOptions.ensembles.contains(options.ensemble) else {
            throw .ensemble(model: model.name, reason: "of \(options.ensemble) pictures there is none")
        }
        if options.ensemble > 1, model.sampler?.latent != nil {
            throw .ensemble(model: model.name, reason: "its latents are not those of the turned picture, turned back")
        }
        guard options.guidance.isOn else { return }
        guard model.scale > 1 else { throw .guidance(model: model.name, reason: "it does not enlarge") }
        if options.guidance.spectrum > 0, (options.guidance.prior ?? prior)?.scale != model.scale {
            throw .guidance(model: model.name, reason: "there are no spectrum coefficients for ×\(model.scale)")
        }
    }

    /// Memory and arithmetic for one image of `size`, for the planner.
    public func estimate(for size: Size, options: RestoreOptions = .init()) throws(RestorationFault) -> (
        peakBytes: Int, flops: Double
    ) {
        let (network, flops) = try networkEstimate(size, options: options)
        let planes = model.channels * 4 * (size.pixels + outputSize(for: size).pixels)
        var scratch = network
        if options.consistency != .none, model.scale > 1 {
            scratch = max(scratch, DataConsistency.scratchBytes(low: size, scale: model.scale))
        }
        if options.guidance.isOn {
            scratch = max(scratch, PlaneGuidance.scratchBytes(low: size, scale: model.scale))
        }
        guard options.guidance.features > 0, let features = options.guidance.network else { return (scratch + planes, flops) }
        // A gradient, and a value for the step that is taken; more when steps are halved.
        let cost = try features.estimate(outputSize(for: size))
        let steps = Double(process?.stepCount(options) ?? 1) * Double(options.guidance.iterations * model.channels)
        return (max(scratch, cost.peakBytes) + planes, flops + 2 * steps * cost.flops)
    }

    private func networkEstimate(_ size: Size, options: RestoreOptions) throws(RestorationFault) -> (Int, Double) {
        if let process { return try process.estimate(for: size, options: options) }
        return try network.estimate(
            [(model.inputName, model.channels, 1)], grid: size, output: .init(channels: model.channels, scale: model.scale),
            options: options)
    }

    /// *Shapes*: output width and height are `model.scale` times the input's; sample format, colour model, meaning and metadata stay.
    /// *Units*: counts and kelvin keep their unit: the network works in a normalised range and the affine map is undone exactly.
    public func restore(
        _ image: Image, options: RestoreOptions = .init(), reference: Image? = nil, pool: WorkerPool? = nil,
        cancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(RestorationFault) -> Restoration {
        try check(options)
        try checkChannels(image)
        try checkSamples(image)
        let range = CountRange(of: image)
        let inputs = try networkPlanes(image, range: range)
        let guidance = try planeGuidance(
            inputs, image: image, range: range, reference: reference, options: options, pool: pool)
        var steps: [GuidanceStep] = []
        var values: [String: Double] = [:]
        var outputs: [[Float]]
        if let process {
            let run = try process.run(
                inputs, size: image.size, options: options, guidance: guidance, pool: pool, cancelled: cancelled)
            outputs = run.planes
            steps = run.steps
            values = run.values
            // A process can lose its numbers between two passes of the network: a schedule from a file may be any.
            let broken = outputs.reduce(0) { $0 + $1.reduce(0) { $1.isFinite ? $0 : $0 + 1 } }
            guard broken == 0 else { throw .notFinite(model: model.name, count: broken) }
        } else {
            let run = try network.run(
                [.init(name: model.inputName, planes: inputs)], grid: image.size,
                output: .init(channels: inputs.count, scale: model.scale), options: options, pool: pool, cancelled: cancelled)
            outputs = run.planes
            values["strips"] = Double(run.strips)
        }
        if let guidance, process?.guidesEveryStep != true {
            for i in outputs.indices {
                steps += try guidance.apply(to: &outputs[i], channel: i, step: 0, schedule: nil, pool: pool)
            }
        }
        if options.ensemble > 1 { values["ensemble"] = Double(options.ensemble) }
        var strength = options.strength
        if options.avoidsHarm, model.scale == 1 {
            let rule = NoHarm(
                of: outputs, from: inputs, size: image.size, span: model.range.upperBound - model.range.lowerBound)
            strength *= Float(rule.share)
            values["change"] = rule.change
            values["effect"] = Double(strength)
        }
        if strength != 1 { blend(&outputs, inputs, size: image.size, strength: strength) }
        if model.scale > 1 {
            let order = ThermalOrder(high: unit(outputs[0]), low: unit(inputs[0]), lowSize: image.size, scale: model.scale)
            values["orderViolations"] = order.rate
        }
        var planes = unitPlanes(outputs, image: image, range: range)
        outputs = []
        values.merge(agree(&planes, with: image, options: options, pool: pool)) { $1 }
        values.merge(self.values(planes, range: range)) { $1 }
        if model.scale == 1 {
            values["noise"] = image.colourPlanes.map { noiseDeviation(of: $0.floats(), size: image.size) }.max()
            values["noiseAfter"] = planes.map { noiseDeviation(of: $0, size: image.size) }.max()
        }
        return Restoration(
            image: assemble(image, planes, size: outputSize(for: image.size)), values: values, steps: steps)
    }

    /// nil when neither guidance nor, in a sampler, consistency is wanted.
    private func planeGuidance(
        _ inputs: [[Float]], image: Image, range: CountRange, reference: Image?, options: RestoreOptions, pool: WorkerPool?
    ) throws(RestorationFault) -> PlaneGuidance? {
        let isConsistent = options.consistency != .none && model.scale > 1
        guard
            options.guidance.isOn || options.search.isOn || reference != nil || (isConsistent && process?.guidesEveryStep == true)
        else { return nil }
        let noise =
            options.consistency == .noisy
            ? image.colourPlanes.map { noiseDeviation(of: $0.floats(), size: image.size) }.max() ?? 0 : 0
        var truth: [[Float]]?
        if let reference {
            guard reference.size == outputSize(for: image.size), reference.colour.colourPlanes == image.colour.colourPlanes else {
                throw .guidance(
                    model: model.name,
                    reason: "the reference is \(reference.size), \(reference.colour.rawValue); the result will be "
                        + "\(outputSize(for: image.size)), \(image.colour.rawValue)")
            }
            try checkSamples(reference)
            truth = try networkPlanes(reference, range: range)
        }
        return try PlaneGuidance(
            inputs: inputs, size: image.size, model: model, settings: options.guidance, prior: options.guidance.prior ?? prior,
            slack: isConsistent
                ? options.consistency.slack(noise: noise, isInteger: image.format != .f32) / Double(range.high - range.low) : nil,
            scores: options.search.isOn, reference: truth, pool: pool)
    }

    /// Values of the network's range as 0...1.
    private func unit(_ plane: [Float]) -> [Float] {
        let gain = 1 / (model.range.upperBound - model.range.lowerBound)
        return plane.map { ($0 - model.range.lowerBound) * gain }
    }
}
