import Foundation

/// The shifting sequence of a residual-shifting process, by its square roots q_t = √η_t, and the noise gain κ.
///
/// The forward process is x_t = x₀ + η_t (y − x₀) + κ q_t ε; η before the first step is 0. The roots are stored with the weights and
/// never derived again at run time: released code bases disagree about how to derive them.
///
/// *Source*: Z. Yue and others, "ResShift", arXiv 2307.12348; Y. Wang and others, "SinSR", arXiv 2311.14760.
public struct ShiftSchedule: Sendable, Equatable {
    public let roots: [Double]
    public let kappa: Double
    /// The index that the network is given for each step: the one it was trained with, also when steps are left out.
    public let indices: [Int]

    /// nil unless the roots rise strictly from above 0 to at most 1 and κ is not negative.
    ///
    /// - Parameter indices: the numbers by which the network knows the steps; nil stands for 0, 1, …
    public init?(roots: [Double], kappa: Double, indices: [Int]? = nil) {
        guard !roots.isEmpty, kappa >= 0, kappa.isFinite, roots[0] > 0, (roots.last ?? 2) <= 1,
            zip(roots, roots.dropFirst()).allSatisfy({ $0 < $1 }), indices?.count ?? roots.count == roots.count
        else { return nil }
        self.init(checked: roots, kappa: kappa, indices: indices ?? Array(roots.indices))
    }

    private init(checked roots: [Double], kappa: Double, indices: [Int]) {
        self.roots = roots
        self.kappa = kappa
        self.indices = indices
    }

    /// The sequence as the published code makes it.
    ///
    /// - Parameters:
    ///   - end: the last square root, although the configurations call it `etas_end`.
    ///   - clamped: with the bound √0.001 on q₀ of ResShift's first release, SinSR and DifIISR; newer ResShift code lacks it.
    public static func published(
        steps: Int, minimumNoise: Double, kappa: Double, power: Double = 0.3, end: Double = 0.99, clamped: Bool
    ) -> ShiftSchedule? {
        guard steps > 0, kappa > 0 else { return nil }
        var first = min(minimumNoise / kappa, minimumNoise)
        if clamped { first = min(first, 0.001.squareRoot()) }
        guard steps > 1 else { return ShiftSchedule(roots: [end], kappa: kappa) }
        let roots = (0..<steps).map { t in
            first * pow(end / first, pow(Double(t) / Double(steps - 1), power))
        }
        return ShiftSchedule(roots: roots, kappa: kappa)
    }

    public var steps: Int { roots.count }
    public func eta(_ t: Int) -> Double { t < 0 ? 0 : roots[t] * roots[t] }
    public func alpha(_ t: Int) -> Double { eta(t) - eta(t - 1) }

    /// `count` of the steps, evenly spread, the last always among them and the first when there is more than one.
    ///
    /// *Source*: the respacing of the published code keeps the roots at the chosen indices and the original index for the network.
    public func thinned(to count: Int) -> ShiftSchedule? {
        guard count >= 1, count <= steps else { return nil }
        let chosen =
            count == 1 ? [steps - 1] : (0..<count).map { Int((Double($0) * Double(steps - 1) / Double(count - 1)).rounded()) }
        return ShiftSchedule(checked: chosen.map { roots[$0] }, kappa: kappa, indices: chosen.map { indices[$0] })
    }

    // MARK: - One step back

    /// x_{t−1} = state · x_t + estimate · x̂₀ + condition · y + noise · ε.
    public struct Step: Sendable, Equatable {
        public var state: Double
        public var estimate: Double
        public var condition: Double
        public var noise: Double
    }

    /// The posterior of the process: mean (η_{t−1}/η_t) x_t + (α_t/η_t) x̂₀, variance κ² (η_{t−1}/η_t) α_t; no noise in the last step.
    public func stochasticStep(_ t: Int) -> Step {
        Step(
            state: eta(t - 1) / eta(t), estimate: alpha(t) / eta(t), condition: 0,
            noise: t == 0 ? 0 : kappa * (eta(t - 1) / eta(t) * alpha(t)).squareRoot())
    }

    /// SinSR: the noise that is found in x_t is carried on, so nothing is drawn. The three weights sum to 1.
    public func deterministicStep(_ t: Int) -> Step {
        let both = (eta(t - 1) * eta(t)).squareRoot()
        let state = (eta(t - 1) / eta(t)).squareRoot()
        return Step(
            state: state, estimate: 1 - eta(t - 1) + both - state, condition: eta(t - 1) - both, noise: 0)
    }
}
