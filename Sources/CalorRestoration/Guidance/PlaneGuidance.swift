import CalorBase
import CalorImage

/// Guidance of all planes of one image, in the network's range.
struct PlaneGuidance: Sendable {
    private let guides: [Guide]
    private let low: [[Double]]
    private let reduction: Reduction
    /// nil where estimates need not agree with the input; otherwise the slack, in units of full scale.
    private let slack: Double?
    private let range: ClosedRange<Float>
    /// With a reference picture the published rule is applied instead of the guides.
    private let published: [PublishedRule]

    /// - Parameters:
    ///   - inputs: planes of the image in the network's range.
    ///   - scores: whether leaves of a search will be scored.
    ///   - reference: planes of the true picture in the network's range, for evaluation.
    init(
        inputs: [[Float]], size: Size, model: ModelDescription, settings: GuidanceSettings, prior: SpectrumPrior?,
        slack: Double?, scores: Bool, reference: [[Float]]?, pool: WorkerPool?
    ) throws(RestorationFault) {
        let span = Double(model.range.upperBound - model.range.lowerBound)
        let lower = Double(model.range.lowerBound)
        let planes = inputs.map { $0.map { (Double($0) - lower) / span } }
        low = planes
        range = model.range
        reduction = Reduction(low: size, scale: model.scale)
        self.slack = slack
        let deviation: Double
        if let own = model.sampler?.residualDeviation, own > 0 {
            deviation = own / span
        } else {
            // Measured on infrared pictures: 0.0314 (×4) and 0.0142 (×2) of −1...1.
            deviation = model.scale > 2 ? 0.0157 : 0.0071
        }
        published = try Self.rules(reference, size: size, model: model, network: settings.network, pool: pool)
        guides = planes.map {
            Guide(
                settings: settings, low: $0, lowSize: size, scale: model.scale,
                prior: settings.spectrum > 0 || scores ? prior : nil,
                residualDeviation: deviation, pool: pool)
        }
    }

    private static func rules(
        _ reference: [[Float]]?, size: Size, model: ModelDescription, network: FeatureNetwork?, pool: WorkerPool?
    ) throws(RestorationFault) -> [PublishedRule] {
        var rules: [PublishedRule] = []
        let span = Double(model.range.upperBound - model.range.lowerBound)
        for plane in reference ?? [] {
            let unit = plane.map { (Double($0) - Double(model.range.lowerBound)) / span }
            rules.append(
                try PublishedRule(
                    reference: unit, size: size.scaled(by: model.scale), network: network,
                    pool: pool))
        }
        return rules
    }

    /// Guides one plane of an estimate and makes it agree with the input.
    ///
    /// - Parameter schedule: of the run, in which `step` is an index; nil for a network that works in one pass.
    func apply(
        to plane: inout [Float], channel: Int, step: Int, schedule: ShiftSchedule?, pool: WorkerPool?
    ) throws(RestorationFault) -> [GuidanceStep] {
        let span = Double(range.upperBound - range.lowerBound)
        let lower = Double(range.lowerBound)
        var x = plane.map { (Double($0) - lower) / span }
        let steps =
            published.isEmpty
            ? try guides[channel].improve(&x, step: step, pool: pool)
            : [try published[channel].apply(to: &x, step: step, schedule: schedule, pool: pool)]
        if let slack {
            let residual = zip(low[channel], reduction.reduced(x, pool: pool)).map { given, found in
                let difference = given - found
                return slack == 0 ? difference : (difference < 0 ? -1 : 1) * max(abs(difference) - slack, 0)
            }
            reduction.lift(residual, onto: &x, pool: pool)
        }
        for i in plane.indices { plane[i] = Float(x[i] * span + lower) }
        return steps
    }

    /// What a search maximises, without a true picture: minus the inconsistency above what rounding makes (0.32 levels), minus the
    /// deviation from the predicted spectrum, minus the share of turned-around thermal order.
    func score(_ planes: [[Float]], scale: Int, size: Size, pool: WorkerPool?) -> Double {
        let span = Double(range.upperBound - range.lowerBound)
        let lower = Double(range.lowerBound)
        var score = 0.0
        for (channel, plane) in planes.enumerated() {
            let x = plane.map { (Double($0) - lower) / span }
            let difference = zip(low[channel], reduction.reduced(x, pool: pool)).map { $0 - $1 }
            let excess = max(0, 255 * DataConsistency.rms(difference) - 0.32)
            score -= excess * excess
            score -= guides[channel].spectrum?.deviation(x, pool: pool) ?? 0
            let order = ThermalOrder(high: x.map { Float($0) }, low: low[channel].map { Float($0) }, lowSize: size, scale: scale)
            score -= 10 * order.rate
        }
        return score
    }

    /// Doubles for an estimate, its gradient, a direction, a trial and what the features keep; a row of tiles beside them.
    static func scratchBytes(low: Size, scale: Int) -> Int {
        let high = low.scaled(by: scale)
        return 8 * 8 * high.pixels + 3 * 8 * SpectrumPrior.side * SpectrumPrior.side * (2 * high.width / SpectrumPrior.side + 1)
    }
}
