import CalorBase

// Goals, in order: the same bits however the picture is cut (every operation is on single samples, noise is looked up by place);
// the published arithmetic; speed.

/// From an enlarged picture y to a sharp one: starts at y plus noise and moves back along a residual-shifting process.
///
/// The arithmetic alone: networks, pictures and guidance come in as closures, so that the same code runs in pixels and in latents.
///
/// *Precision*: f32 states, coefficients in double; within 1e-4 of the published code with the same noise (`SamplerTests`).
/// *Source*: arXiv 2307.12348 (stochastic), arXiv 2311.14760 (deterministic).
public struct ResidualShiftSampler: Sendable {
    public var schedule: ShiftSchedule
    public var prediction: Prediction
    public var scaling: InputScaling
    /// SinSR's step, which draws no noise, instead of the posterior.
    public var isDeterministic: Bool
    /// Factor of the noise in the prior: 0 starts at y itself.
    public var noiseGain: Double
    /// x̂₀ is clamped to this; nil in latents.
    public var range: ClosedRange<Float>?

    public init(
        schedule: ShiftSchedule, prediction: Prediction, scaling: InputScaling, isDeterministic: Bool = true,
        noiseGain: Double = 1, range: ClosedRange<Float>? = nil
    ) {
        self.schedule = schedule
        self.prediction = prediction
        self.scaling = scaling
        self.isDeterministic = isDeterministic
        self.noiseGain = noiseGain
        self.range = range
    }

    /// Which noise is wanted: that of the prior, or that of the step from index `t` down; of the branches of a search, which one.
    public enum Draw: Sendable, Equatable {
        case prior(branch: Int = 0)
        case step(Int, branch: Int = 0)

        /// Channels of one draw lie apart from those of every other; a picture has 16 at most, a process 1000 steps.
        public var channelOffset: Int {
            switch self {
            case .prior(let branch): 16 * 1001 * branch
            case .step(let t, let branch): 16 * (1001 * branch + t + 1)
            }
        }
    }

    /// The pictures and functions that a run works with.
    public struct Parts {
        /// The enlarged picture, planes one after the other.
        public var y: [Float]
        /// Standard normal numbers for a draw, as many as `y` has samples.
        public var noise: (Draw) -> [Float]
        /// The network's output for a scaled state and an index.
        public var network: ([Float], Int) throws(RestorationFault) -> [Float]
        /// May change x̂₀ after a step; called once a step, from the noisy end.
        public var guide: (inout [Float], Int) throws(RestorationFault) -> [GuidanceStep]

        public init(
            y: [Float], noise: @escaping (Draw) -> [Float], network: @escaping ([Float], Int) throws(RestorationFault) -> [Float],
            guide: @escaping (inout [Float], Int) throws(RestorationFault) -> [GuidanceStep] = { _, _ in [] }
        ) {
            self.y = y
            self.noise = noise
            self.network = network
            self.guide = guide
        }
    }

    /// The sharp picture and the steps of guidance on the way.
    ///
    /// *Throws*: what the network or the guide throws.
    public func sample(_ parts: Parts) throws(RestorationFault) -> (result: [Float], steps: [GuidanceStep]) {
        var state = start(parts, branch: 0)
        var steps: [GuidanceStep] = []
        for t in (0..<schedule.steps).reversed() {
            let (estimate, taken) = try estimate(state, parts, t)
            steps += taken
            guard t > 0 else { return (estimate, steps) }
            step(&state, estimate, parts, t, branch: 0)
        }
        return (state, steps)
    }

    // MARK: - The parts of a run

    /// y plus the noise of the last index.
    func start(_ parts: Parts, branch: Int) -> [Float] {
        var state = parts.y
        let gain = Float(schedule.kappa * schedule.roots[schedule.steps - 1] * noiseGain)
        guard gain != 0 else { return state }
        let drawn = parts.noise(.prior(branch: branch))
        for i in state.indices { state[i] += gain * drawn[i] }
        return state
    }

    /// x̂₀ from a state, guided.
    func estimate(
        _ state: [Float], _ parts: Parts, _ t: Int
    ) throws(RestorationFault) -> (estimate: [Float], steps: [GuidanceStep]) {
        var estimate = try parts.network(scaled(state, y: parts.y, t), schedule.indices[t])
        recover(&estimate, state: state, y: parts.y, t)
        if let range { for i in estimate.indices { estimate[i] = min(max(estimate[i], range.lowerBound), range.upperBound) } }
        let steps = try parts.guide(&estimate, t)
        return (estimate, steps)
    }

    /// From x_t to x_{t−1}. In a deterministic run, branches above 0 add half of what the posterior would draw.
    func step(_ state: inout [Float], _ estimate: [Float], _ parts: Parts, _ t: Int, branch: Int) {
        let step = isDeterministic ? schedule.deterministicStep(t) : schedule.stochasticStep(t)
        let (a, b, c) = (Float(step.state), Float(step.estimate), Float(step.condition))
        for i in state.indices { state[i] = a * state[i] + b * estimate[i] + c * parts.y[i] }
        let amount = Float(isDeterministic ? (branch > 0 ? 0.5 * schedule.stochasticStep(t).noise : 0) : step.noise)
        guard amount != 0 else { return }
        let drawn = parts.noise(.step(t, branch: branch))
        for i in state.indices { state[i] += amount * drawn[i] }
    }

    /// What the network is given for a state.
    func scaled(_ state: [Float], y: [Float], _ t: Int) -> [Float] {
        let factor = Float(scaling.factor(schedule, t))
        if case .preconditioned = scaling { return zip(state, y).map { ($0 - $1) * factor } }
        return factor == 1 ? state : state.map { $0 * factor }
    }

    /// From the network's output to x̂₀, in place.
    func recover(_ output: inout [Float], state: [Float], y: [Float], _ t: Int) {
        if let c = scaling.preconditioning(schedule, t) {
            let (skip, gain) = (Float(c.skip), Float(c.output))
            for i in output.indices { output[i] = y[i] + skip * (state[i] - y[i]) + gain * output[i] }
            return
        }
        guard prediction != .start else { return }
        let w = prediction.weights(schedule, t)
        let (a, b, c) = (Float(w.output), Float(w.state), Float(w.condition))
        for i in output.indices { output[i] = a * output[i] + b * state[i] + c * y[i] }
    }
}
