/// What the network of a residual-shifting process says, and how the clean picture follows from it.
public enum Prediction: String, Sendable, CaseIterable {
    /// The clean picture itself; every released model does this.
    case start
    /// y − x₀.
    case residual
    /// The noise ε. Ill conditioned at the last index, where 1 − η is small.
    case epsilon
    /// κ q_t ε.
    case scaledEpsilon = "epsilon-scale"

    /// x̂₀ = output · f + state · x_t + condition · y.
    public struct Weights: Sendable, Equatable {
        public var output: Double
        public var state: Double
        public var condition: Double
    }

    public func weights(_ schedule: ShiftSchedule, _ t: Int) -> Weights {
        let eta = schedule.eta(t)
        switch self {
        case .start: return Weights(output: 1, state: 0, condition: 0)
        case .residual: return Weights(output: -1, state: 0, condition: 1)
        case .epsilon:
            return Weights(
                output: -schedule.kappa * schedule.roots[t] / (1 - eta), state: 1 / (1 - eta), condition: -eta / (1 - eta))
        case .scaledEpsilon: return Weights(output: -1 / (1 - eta), state: 1 / (1 - eta), condition: -eta / (1 - eta))
        }
    }
}

/// How the state is scaled before the network sees it.
public enum InputScaling: Sendable, Equatable {
    case none
    /// x_t / √(1 + κ² η_t), for states of unit variance. *Source*: ResShift, `latent_flag`.
    case latent
    /// x_t / (1 + 3 κ q_t), for pictures in −1...1. *Source*: the same code without `latent_flag`.
    case pixel
    /// The network sees and predicts only what the process perturbs, r = x_t − y, at unit variance.
    ///
    /// x̂₀ = y + c_skip r + c_out F, with V = (1 − η)² s² + κ² η, c_in = 1/√V, c_skip = (1 − η) s²/V, c_out = s κ q/√V, for residuals
    /// x₀ − y of standard deviation s. *Source*: the reasoning of T. Karras and others, "EDM", 2022, applied to this process.
    case preconditioned(residualDeviation: Double)

    public struct Preconditioning: Sendable, Equatable {
        public var input: Double
        public var skip: Double
        public var output: Double
    }

    /// The factor of the state (or of its difference to y, when preconditioned).
    public func factor(_ schedule: ShiftSchedule, _ t: Int) -> Double {
        switch self {
        case .none: 1
        case .latent: 1 / (1 + schedule.kappa * schedule.kappa * schedule.eta(t)).squareRoot()
        case .pixel: 1 / (1 + 3 * schedule.kappa * schedule.roots[t])
        case .preconditioned: preconditioning(schedule, t)?.input ?? 1
        }
    }

    public func preconditioning(_ schedule: ShiftSchedule, _ t: Int) -> Preconditioning? {
        guard case .preconditioned(let deviation) = self else { return nil }
        let eta = schedule.eta(t)
        let signal = deviation * deviation
        let variance = (1 - eta) * (1 - eta) * signal + schedule.kappa * schedule.kappa * eta
        return Preconditioning(
            input: 1 / variance.squareRoot(), skip: (1 - eta) * signal / variance,
            output: deviation * schedule.kappa * schedule.roots[t] / variance.squareRoot())
    }
}
