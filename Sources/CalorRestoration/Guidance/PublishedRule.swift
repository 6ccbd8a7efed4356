import CalorBase
import CalorImage

/// DifIISR's guidance by the true picture, as its released code applies it, for evaluation: a real input has no true picture.
///
/// L = 0.01 · (spectrum of `StandardisedSpectrum`) + 0.01 · (features of a network); ε is moved by ρ κ q ∂L/∂x_t with ρ = 1, which moves
/// the estimate by −ρ κ² η/(1 − η)² ∂L/∂x̂₀ because ε is held fixed when the gradient is taken. The step has no line search: it may raise
/// its own loss, and the metrics say when it does.
///
/// *Units*: pictures in −1...1 inside, as published.
/// *Source*: arXiv 2503.01187 with the training code of repository zirui0625/DifIISR (W_vis = W_per = 0.01, ρ = 1).
struct PublishedRule: Sendable {
    static let visualWeight = 0.01
    static let perceptualWeight = 0.01
    /// κ² η/(1 − η)² of the published process at its last index, for networks that work in one pass as the released one does.
    static let onePassGain = 4 * 0.9801 / (0.0199 * 0.0199)

    private let size: Size
    private let visual: StandardisedSpectrum
    private let network: FeatureNetwork?
    private let features: [[Float]]

    /// *Units*: `reference` is in 0...1 for full scale.
    init(reference: [Double], size: Size, network: FeatureNetwork?, pool: WorkerPool?) throws(RestorationFault) {
        self.size = size
        visual = StandardisedSpectrum(reference: reference.map { 2 * $0 - 1 }, size: size)
        self.network = network
        features = try network?.features(reference, size: size, pool: pool) ?? []
    }

    func apply(
        to x: inout [Double], step: Int, schedule: ShiftSchedule?, pool: WorkerPool?
    ) throws(RestorationFault) -> GuidanceStep {
        let signed = x.map { 2 * $0 - 1 }
        let (spectrum, byVisual) = visual.gradient(signed)
        var gradient = byVisual.map { Self.visualWeight * $0 }
        var perceptual = 0.0
        if let network {
            let (value, g) = try network.gradient(x, size: size, target: features, pool: pool)
            perceptual = value
            // The network sees 0...1: a picture in −1...1 moves it half as far.
            for i in gradient.indices { gradient[i] += Self.perceptualWeight * 0.5 * g[i] }
        }
        let gain =
            schedule.map { s in
                let eta = s.eta(step)
                return s.kappa * s.kappa * eta / ((1 - eta) * (1 - eta))
            } ?? Self.onePassGain
        for i in x.indices { x[i] -= 0.5 * gain * gradient[i] }
        let after = visual.value(x.map { 2 * $0 - 1 })
        let perceptualAfter = try network?.value(x, size: size, target: features, pool: pool) ?? 0
        return GuidanceStep(
            step: step, iteration: 0, spectrumBefore: spectrum, spectrumAfter: after, featuresBefore: perceptual,
            featuresAfter: perceptualAfter,
            lossBefore: Self.visualWeight * spectrum + Self.perceptualWeight * perceptual,
            lossAfter: Self.visualWeight * after + Self.perceptualWeight * perceptualAfter,
            change: 0.5 * gain * DataConsistency.rms(gradient))
    }
}
