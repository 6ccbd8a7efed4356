import CalorBase
import CalorGraph
import CalorImage
import CalorTensor

/// A sampler with its networks: one step in pixels, or one step in latents with an autoencoder around it.
struct SamplingProcess: Sendable {
    let model: ModelDescription
    let sampler: SamplerDescription
    private let network: StripNetwork
    private let encoder: StripNetwork?
    private let decoder: StripNetwork?

    init(model: ModelDescription, sampler: SamplerDescription, network: StripNetwork) throws(RestorationFault) {
        self.model = model
        self.sampler = sampler
        self.network = network
        guard let latent = sampler.latent else {
            encoder = nil
            decoder = nil
            return
        }
        guard latent.factor == model.scale else {
            throw .notAnImageNetwork(
                model: model.name,
                reason: "a latent of \(latent.factor) pixels does not lie on the grid of an input enlarged ×\(model.scale)")
        }
        encoder = try Self.part(latent.encoder, of: model)
        decoder = try Self.part(latent.decoder, of: model)
    }

    private static func part(
        _ file: SamplerDescription.NetworkFileName, of model: ModelDescription
    ) throws(RestorationFault) -> StripNetwork {
        let session = try NetworkFile.session(
            path: file.path, sha256: file.sha256, name: model.name, vouched: model.externalData)
        guard let output = session.graph.outputs.first, session.graph.inputs.count == 1 else {
            throw .notAnImageNetwork(model: model.name, reason: "\(file.path) must have one input and an output")
        }
        return StripNetwork(
            session: session, model: model.name, outputName: output.name, receptiveField: nil, multiple: model.multiple,
            blends: model.blends)
    }

    /// Estimates are pictures and can be guided; those of a latent process cannot before they are decoded.
    var guidesEveryStep: Bool { sampler.latent == nil }

    // MARK: - One image

    struct Run {
        var planes: [[Float]]
        var steps: [GuidanceStep]
        var values: [String: Double]
    }

    /// *Shapes*: planes of the input in the network's range to planes `model.scale` times as large.
    func run(
        _ inputs: [[Float]], size: Size, options: RestoreOptions, guidance: PlaneGuidance?, pool: WorkerPool?,
        cancelled: @escaping @Sendable () -> Bool
    ) throws(RestorationFault) -> Run {
        let source = CounterNoise(seed: options.seed, imageKey: Self.key(of: inputs, size: size))
        guard let tiles = sampler.tiles else {
            return try sample(
                inputs, size: size, source: source, origin: (0, 0), options: options, guidance: guidance, pool: pool,
                cancelled: cancelled)
        }
        return try tiled(tiles, inputs, size: size, source: source, options: options, pool: pool, cancelled: cancelled)
    }

    /// One run for each tile. Noise belongs to the pixels of the picture: where tiles overlap they draw the same.
    private func tiled(
        _ tiles: PictureTiles, _ inputs: [[Float]], size: Size, source: CounterNoise, options: RestoreOptions,
        pool: WorkerPool?, cancelled: @escaping @Sendable () -> Bool
    ) throws(RestorationFault) -> Run {
        let scale = model.scale
        let full = size.scaled(by: scale)
        var sums = [[Float]](repeating: [Float](repeating: 0, count: full.pixels), count: inputs.count)
        var counts = [Float](repeating: 0, count: full.pixels)
        var result = Run(planes: [], steps: [], values: [:])
        let regions = tiles.regions(of: size)
        for region in regions {
            let padded = Size(width: network.rounded(region.width), height: network.rounded(region.height))
            let parts = inputs.map { PictureTiles.cut(region, of: $0, size: size, paddedTo: padded) }
            let run = try sample(
                parts, size: padded, source: source, origin: (region.x, region.y), options: options, guidance: nil, pool: pool,
                cancelled: cancelled)
            result.values.merge(run.values) { $1 }
            for y in 0..<region.height * scale {
                let from = y * padded.width * scale
                let to = (region.y * scale + y) * full.width + region.x * scale
                for x in 0..<region.width * scale {
                    for channel in sums.indices {
                        let value = run.planes[channel][from + x]
                        sums[channel][to + x] += min(max(value, model.range.lowerBound), model.range.upperBound)
                    }
                    counts[to + x] += 1
                }
            }
        }
        for channel in sums.indices { for i in counts.indices { sums[channel][i] /= counts[i] } }
        result.planes = sums
        result.values["tiles"] = Double(regions.count)
        return result
    }

    /// - Parameters:
    ///   - source: of the noise.
    ///   - origin: where the planes lie in the picture, whose pixels the noise belongs to.
    private func sample(
        _ inputs: [[Float]], size: Size, source: CounterNoise, origin: (x: Int, y: Int), options: RestoreOptions,
        guidance: PlaneGuidance?, pool: WorkerPool?, cancelled: @escaping @Sendable () -> Bool
    ) throws(RestorationFault) -> Run {
        let full = size.scaled(by: model.scale)
        let enlarged = inputs.map { sampler.enlargement.enlarged($0, from: size, to: full) }
        let (y, grid) = try encoded(enlarged, size: size, options: options, pool: pool, cancelled: cancelled)
        let field = grid.pixels
        let channels = y.count
        let schedule = try schedule(options)
        let process = ResidualShiftSampler(
            schedule: schedule, prediction: sampler.prediction, scaling: sampler.scaling,
            isDeterministic: sampler.isDeterministic || options.mode == .fidelity,
            noiseGain: options.mode == .fidelity ? 0 : options.noise, range: sampler.latent == nil ? model.range : nil)
        let stateScale = sampler.latent == nil ? model.scale : 1
        @Sendable func planes(_ flat: [Float]) -> [[Float]] {
            (0..<channels).map { Array(flat[$0 * field..<($0 + 1) * field]) }
        }
        var strips = 1
        let parts = ResidualShiftSampler.Parts(
            y: y.flatMap { $0 }, noise: { Self.field(source, $0, channels: channels, size: grid, origin: origin) },
            network: { (state, index) throws(RestorationFault) in
                let made = try network.run(
                    [
                        .init(name: sampler.stateInput, planes: planes(state), scale: stateScale),
                        .init(name: sampler.lowInput, planes: inputs),
                    ], extras: try stepInput(index), grid: size, output: .init(channels: channels, scale: stateScale),
                    options: options, pool: pool, cancelled: cancelled)
                strips = made.strips
                return made.planes.flatMap { $0 }
            },
            guide: { (estimate, t) throws(RestorationFault) in
                guard let guidance, guidesEveryStep else { return [] }
                var parts = planes(estimate)
                var steps: [GuidanceStep] = []
                for i in parts.indices {
                    steps += try guidance.apply(to: &parts[i], channel: i, step: t, schedule: schedule, pool: pool)
                }
                estimate = parts.flatMap { $0 }
                return steps
            })
        var run = Run(planes: [], steps: [], values: ["steps": Double(schedule.steps)])
        if options.search.isOn, let guidance {
            let found = try options.search.run(process, parts) {
                guidance.score(planes($0), scale: model.scale, size: size, pool: pool)
            }
            run.planes = planes(found.result)
            run.steps = found.steps
            run.values["searchLeaves"] = Double(found.leaves)
            run.values["searchScore"] = found.score
            run.values["searchScoreFirst"] = found.firstScore
        } else {
            let (result, steps) = try process.sample(parts)
            run.planes = planes(result)
            run.steps = steps
        }
        run.values["strips"] = Double(strips)
        guard let decoder else { return run }
        run.planes = try decoder.run(
            [.init(name: decoder.session.graph.inputs[0].name, planes: run.planes)], grid: size,
            output: .init(channels: inputs.count, scale: model.scale), options: options, pool: pool,
            cancelled: cancelled
        ).planes
        return run
    }

    private static func field(
        _ source: CounterNoise, _ draw: ResidualShiftSampler.Draw, channels: Int, size: Size, origin: (x: Int, y: Int)
    ) -> [Float] {
        var values = [Float](repeating: 0, count: channels * size.pixels)
        values.withUnsafeMutableBufferPointer { all in
            for row in 0..<channels * size.height {
                source.fillNormals(
                    UnsafeMutableBufferPointer(rebasing: all[row * size.width..<(row + 1) * size.width]), x: origin.x,
                    y: origin.y + row % size.height, channel: draw.channelOffset + row / size.height)
            }
        }
        return values
    }

    private func encoded(
        _ enlarged: [[Float]], size: Size, options: RestoreOptions, pool: WorkerPool?, cancelled: @escaping @Sendable () -> Bool
    ) throws(RestorationFault) -> (planes: [[Float]], grid: Size) {
        guard let encoder, let latent = sampler.latent else { return (enlarged, size.scaled(by: model.scale)) }
        let planes = try encoder.run(
            [.init(name: encoder.session.graph.inputs[0].name, planes: enlarged, scale: model.scale)], grid: size,
            output: .init(channels: latent.channels, scale: 1), options: options, pool: pool,
            cancelled: cancelled
        ).planes
        return (planes, size)
    }

    /// Noise is keyed by what the image holds, not by its name: a renamed file gives the same picture.
    private static func key(of inputs: [[Float]], size: Size) -> UInt64 {
        var key = UInt64(truncatingIfNeeded: size.width) &* 0x100_0000_01B3 ^ UInt64(truncatingIfNeeded: size.height)
        for plane in inputs { for value in plane { key = (key ^ UInt64(value.bitPattern)) &* 0x100_0000_01B3 } }
        return key
    }

    func stepCount(_ options: RestoreOptions) -> Int { options.steps ?? sampler.usualSteps }

    private func schedule(_ options: RestoreOptions) throws(RestorationFault) -> ShiftSchedule {
        let steps = stepCount(options)
        guard steps != sampler.schedule.steps else { return sampler.schedule }
        guard let thinned = sampler.schedule.thinned(to: steps) else {
            throw .steps(model: model.name, wanted: steps, most: sampler.schedule.steps)
        }
        return thinned
    }

    /// The index as the network declares it: whole or floating, a scalar or a list of one.
    private func stepInput(_ index: Int) throws(RestorationFault) -> [String: Tensor] {
        guard let name = sampler.stepInput else { return [:] }
        guard let input = network.session.graph.inputs.first(where: { $0.name == name }) else {
            throw .notAnImageNetwork(model: model.name, reason: "it has no input \(name)")
        }
        let shape = input.dims?.isEmpty == true ? Shape([]) : Shape([1])
        switch input.dtype {
        case .i64: return [name: Tensor(shape, [Int64(index)])]
        case .f32: return [name: Tensor(shape, [Float(index)])]
        default:
            throw .notAnImageNetwork(model: model.name, reason: "input \(name) must be i64 or f32, it is \(input.dtype)")
        }
    }

    // MARK: - Memory and arithmetic

    func estimate(for size: Size, options: RestoreOptions) throws(RestorationFault) -> (peakBytes: Int, flops: Double) {
        guard let tiles = sampler.tiles else { return try sampleEstimate(for: size, options: options) }
        let tile = Size(
            width: network.rounded(min(tiles.side, size.width)), height: network.rounded(min(tiles.side, size.height)))
        let (peak, flops) = try sampleEstimate(for: tile, options: options)
        // The sums of all channels, and how many tiles lie on a pixel.
        let sums = 4 * (model.channels + 1) * size.scaled(by: model.scale).pixels
        return (peak + sums, flops * Double(tiles.regions(of: size).count))
    }

    private func sampleEstimate(
        for size: Size, options: RestoreOptions
    ) throws(RestorationFault) -> (peakBytes: Int, flops: Double) {
        let count = try schedule(options).steps
        let passes = options.search.isOn ? options.search.passes(steps: count) : count
        let stateScale = sampler.latent == nil ? model.scale : 1
        let channels = sampler.latent?.channels ?? model.channels
        var extras: [String: Shape] = [:]
        for (name, tensor) in try stepInput(0) { extras[name] = tensor.shape }
        var (peak, flops) = try network.estimate(
            [(sampler.stateInput, channels, stateScale), (sampler.lowInput, model.channels, 1)], extras: extras, grid: size,
            output: .init(channels: channels, scale: stateScale), options: options)
        flops *= Double(passes)
        // The state, y, the estimate and one draw of noise; a search keeps a state for each level and the best leaf.
        let states = 4 * (options.search.isOn ? 6 + 2 * count : 4) * channels * size.pixels * stateScale * stateScale
        if let encoder, let decoder {
            for (part, ends) in [
                (encoder, (model.channels, model.scale, channels, 1)), (decoder, (channels, 1, model.channels, model.scale)),
            ] {
                let cost = try part.estimate(
                    [(part.session.graph.inputs[0].name, ends.0, ends.1)], grid: size,
                    output: .init(channels: ends.2, scale: ends.3), options: options)
                peak = max(peak, cost.peakBytes)
                flops += cost.flops
            }
        }
        return (peak + states, flops)
    }
}
