import CalorBase
import CalorImage

/// What guidance is asked for.
public struct GuidanceSettings: Sendable, Equatable {
    /// Strength of the spectral prior; 0 is off. Also the length of a step, in deviations of the residual.
    public var spectrum = 0.0
    /// Strength with which edges and textures of the network's own picture are kept.
    public var features = 0.0
    /// Steps after each step of the network.
    public var iterations = 4
    /// Predicts the spectrum instead of what lies beside the model: for one kind of camera.
    public var prior: SpectrumPrior?
    /// Compares features of this network instead of those of the filter bank.
    public var network: FeatureNetwork?

    public init() {}

    public var isOn: Bool { spectrum > 0 || features > 0 }
}

/// One step of guidance, for the metrics. Losses are those of the terms themselves, without their strengths.
public struct GuidanceStep: Sendable, Equatable {
    /// Index of the network's step, and of the guidance step after it.
    public var step: Int
    public var iteration: Int
    public var spectrumBefore: Double
    public var spectrumAfter: Double
    public var featuresBefore: Double
    public var featuresAfter: Double
    /// The sum that the step lowers.
    public var lossBefore: Double
    public var lossAfter: Double
    /// Root mean square of the change, in units of full scale.
    public var change: Double
}

/// Moves an estimate downhill on losses that need no ground truth, within what the reduction cannot see.
///
/// A step goes along −(g − A⁺A g), so that it cannot damage consistency; its root mean square is at most a quarter of the residual's
/// deviation; it is halved until the loss falls, and not taken when it never does: no step raises its own loss.
public struct Guide: Sendable {
    public let settings: GuidanceSettings
    let size: Size
    let reduction: Reduction
    let spectrum: SpectrumLoss?
    /// Standard deviation of x₀ − bicubic, in units of full scale.
    let residualDeviation: Double

    static let trust = 0.25
    static let halvings = 6

    public init(
        settings: GuidanceSettings, low: [Double], lowSize: Size, scale: Int, prior: SpectrumPrior?, residualDeviation: Double,
        pool: WorkerPool? = nil
    ) {
        self.settings = settings
        self.residualDeviation = residualDeviation
        size = lowSize.scaled(by: scale)
        reduction = Reduction(low: lowSize, scale: scale)
        spectrum = prior.map { SpectrumLoss(size: lowSize.scaled(by: scale), prior: $0, low: low, lowSize: lowSize, pool: pool) }
    }

    private struct Losses {
        var spectrum = 0.0
        var features = 0.0
        var total = 0.0
        /// Of the bands, where the spectrum counts: the next step need not find it again.
        var power: [Double]?
    }

    /// *Units*: `x` is in 0...1 for full scale.
    ///
    /// *Throws*: the fault of a feature network.
    public func improve(
        _ x: inout [Double], step: Int, pool: WorkerPool? = nil
    ) throws(RestorationFault) -> [GuidanceStep] {
        guard settings.isOn else { return [] }
        let anchor = try anchor(x, pool: pool)
        var steps: [GuidanceStep] = []
        var power: [Double]?
        for iteration in 0..<settings.iterations {
            guard let done = try downhill(&x, anchor, power: &power, step: step, iteration: iteration, pool: pool) else { break }
            steps.append(done)
        }
        return steps
    }

    /// What the picture's features are held to: those of the network's own estimate.
    private enum Anchor {
        case none
        case bank(FeatureBank)
        case network(FeatureNetwork, target: [[Float]], power: Double)
    }

    private func anchor(_ x: [Double], pool: WorkerPool?) throws(RestorationFault) -> Anchor {
        guard settings.features > 0 else { return .none }
        guard let network = settings.network else { return .bank(FeatureBank(base: x, size: size)) }
        let target = try network.features(x, size: size, pool: pool)
        let power = target.reduce(0.0) { sum, values in
            sum + values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(values.count, 1))
        }
        return .network(network, target: target, power: max(power, 1e-12))
    }

    private func downhill(
        _ x: inout [Double], _ anchor: Anchor, power: inout [Double]?, step: Int, iteration: Int, pool: WorkerPool?
    ) throws(RestorationFault) -> GuidanceStep? {
        var gradient = [Double](repeating: 0, count: x.count)
        var before = Losses()
        if let spectrum, settings.spectrum > 0 {
            let (value, g) = spectrum.gradient(x, power: power, pool: pool)
            before.spectrum = value
            for i in gradient.indices { gradient[i] += settings.spectrum * g[i] }
        }
        if let (value, g) = try featureGradient(x, anchor, pool: pool) {
            before.features = value
            for i in gradient.indices { gradient[i] += settings.features * g[i] }
        }
        before.total = total(before)
        let direction = reduction.nullSpacePart(of: gradient, pool: pool)
        let size = DataConsistency.rms(direction)
        guard size > 0 else { return nil }
        var length = min(max(settings.spectrum, settings.features), Self.trust) * residualDeviation
        for _ in 0...Self.halvings {
            let factor = length / size
            let moved = x.indices.map { x[$0] - factor * direction[$0] }
            let after = try losses(moved, anchor, pool: pool)
            if after.total < before.total {
                x = moved
                power = after.power
                return GuidanceStep(
                    step: step, iteration: iteration, spectrumBefore: before.spectrum, spectrumAfter: after.spectrum,
                    featuresBefore: before.features, featuresAfter: after.features, lossBefore: before.total,
                    lossAfter: after.total, change: length)
            }
            length /= 2
        }
        return nil
    }

    private func losses(_ x: [Double], _ anchor: Anchor, pool: WorkerPool?) throws(RestorationFault) -> Losses {
        var losses = Losses()
        if let spectrum, settings.spectrum > 0 {
            let power = spectrum.power(of: x, pool: pool)
            losses.spectrum = spectrum.value(power: power)
            losses.power = power
        }
        switch anchor {
        case .none: break
        case .bank(let bank): losses.features = bank.value(x, pool: pool) * bankUnit
        case .network(let network, let target, let power):
            losses.features = try network.value(x, size: size, target: target, pool: pool) / power
        }
        losses.total = total(losses)
        return losses
    }

    private func featureGradient(
        _ x: [Double], _ anchor: Anchor, pool: WorkerPool?
    ) throws(RestorationFault) -> (Double, [Double])? {
        switch anchor {
        case .none: return nil
        case .bank(let bank):
            let (value, g) = bank.gradient(x, pool: pool)
            return (value * bankUnit, g.map { $0 * bankUnit })
        case .network(let network, let target, let power):
            let (value, g) = try network.gradient(x, size: size, target: target, pool: pool)
            return (value / power, g.map { $0 / power })
        }
    }

    /// The filter bank's loss in units of the residual's variance, a network's in units of its features' power: numbers near 1.
    private var bankUnit: Double { 1 / (residualDeviation * residualDeviation) }

    private func total(_ losses: Losses) -> Double { settings.spectrum * losses.spectrum + settings.features * losses.features }
}
