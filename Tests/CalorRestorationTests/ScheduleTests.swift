import Testing

@testable import CalorRestoration

/// The published schedules and coefficients: tables made from the public code of ResShift and SinSR, to the digits they are printed with.
@Suite struct ScheduleTests {
    static func fifteen() throws -> ShiftSchedule {
        try #require(ShiftSchedule.published(steps: 15, minimumNoise: 0.04, kappa: 2, clamped: true))
    }

    static func four(clamped: Bool = false) throws -> ShiftSchedule {
        try #require(ShiftSchedule.published(steps: 4, minimumNoise: 0.2, kappa: 2, clamped: clamped))
    }

    static func agree(_ found: [Double], _ table: [Double], digits: Int, _ what: String) {
        let tolerance = 0.5 * ([1, 0.1, 0.01, 1e-3, 1e-4, 1e-5][digits]) * 1.01
        #expect(found.count == table.count, "\(what)")
        for (i, (a, b)) in zip(found, table).enumerated() { #expect(abs(a - b) <= tolerance, "\(what)[\(i)]: \(a), not \(b)") }
    }

    @Test func rootsOfFifteenSteps() throws {
        let s = try Self.fifteen()
        Self.agree(
            s.roots,
            [
                0.02, 0.11717, 0.1763, 0.23363, 0.29157, 0.35101, 0.41236, 0.47586, 0.54167, 0.60991, 0.68066, 0.75399, 0.82995,
                0.90861, 0.99,
            ], digits: 5, "q")
        Self.agree(
            (0..<15).map(s.eta),
            [
                0.0004, 0.01373, 0.03108, 0.05458, 0.08502, 0.12321, 0.17004, 0.22644, 0.29341, 0.37199, 0.4633, 0.56849, 0.68882,
                0.82557, 0.9801,
            ], digits: 5, "eta")
        Self.agree(
            s.roots.map { 2 * $0 },
            [0.04, 0.2343, 0.3526, 0.4673, 0.5831, 0.702, 0.8247, 0.9517, 1.0833, 1.2198, 1.3613, 1.508, 1.6599, 1.8172, 1.98],
            digits: 4, "kq")
    }

    @Test func theClampOfTheFirstReleasesChangesFourStepsAndNotFifteen() throws {
        Self.agree(try Self.four().roots, [0.1, 0.5201, 0.76138, 0.99], digits: 5, "q, no clamp")
        Self.agree((0..<4).map(try Self.four().eta), [0.01, 0.2705, 0.5797, 0.9801], digits: 4, "eta, no clamp")
        Self.agree(try Self.four(clamped: true).roots, [0.03162, 0.37644, 0.66732, 0.99], digits: 5, "q, clamp")
        Self.agree((0..<4).map(try Self.four(clamped: true).eta), [0.001, 0.14171, 0.44532, 0.9801], digits: 5, "eta, clamp")
        let free = try #require(ShiftSchedule.published(steps: 15, minimumNoise: 0.04, kappa: 2, clamped: false))
        #expect(try free == Self.fifteen())
    }

    @Test func smallGainsTakeTheNoiseLevelItself() throws {
        let s = try #require(ShiftSchedule.published(steps: 4, minimumNoise: 0.1, kappa: 0.1, clamped: false))
        Self.agree(s.roots, [0.1, 0.5201, 0.7614, 0.99], digits: 4, "q")
        Self.agree(s.roots.map { 0.1 * $0 }, [0.01, 0.052, 0.0761, 0.099], digits: 4, "noise")
        let two = try #require(ShiftSchedule.published(steps: 2, minimumNoise: 0.1, kappa: 0.1, clamped: false))
        Self.agree(two.roots, [0.1, 0.99], digits: 5, "q of two")
        let step = two.deterministicStep(1)
        Self.agree([step.estimate, step.state, step.condition], [0.988, 0.101, -0.089], digits: 3, "k m j of two")
    }

    @Test func posteriorOfFourSteps() throws {
        let s = try Self.four()
        Self.agree((0..<4).map { s.stochasticStep($0).state }, [0, 0.03697, 0.46662, 0.59147], digits: 5, "x_t")
        Self.agree((0..<4).map { s.stochasticStep($0).estimate }, [1, 0.96303, 0.53338, 0.40853], digits: 5, "x0")
        Self.agree((0..<4).map { s.stochasticStep($0).noise }, [0, 0.19627, 0.75968, 0.97329], digits: 5, "noise")
    }

    @Test func deterministicWeightsOfFifteenSteps() throws {
        let s = try Self.fifteen()
        let steps = (0..<15).map(s.deterministicStep)
        Self.agree(
            steps.map(\.estimate),
            [
                1, 0.83124, 0.34237, 0.25547, 0.21227, 0.18666, 0.1703, 0.15963, 0.15282, 0.14885, 0.14709, 0.14716, 0.14881,
                0.15185, 0.15617,
            ], digits: 5, "k")
        Self.agree(
            steps.map(\.state),
            [
                0, 0.1707, 0.66456, 0.75463, 0.80127, 0.83067, 0.85123, 0.86655, 0.8785, 0.88812, 0.89606, 0.90275, 0.90847,
                0.91343, 0.91778,
            ], digits: 5, "m")
        Self.agree(
            steps.map(\.condition),
            [
                0, -0.00194, -0.00693, -0.01011, -0.01354, -0.01733, -0.02153, -0.02619, -0.03132, -0.03696, -0.04315, -0.04991,
                -0.05728, -0.06528, -0.07395,
            ], digits: 5, "j")
        for step in steps { #expect(abs(step.estimate + step.state + step.condition - 1) < 1e-12) }
    }

    @Test func deterministicWeightsOfFourSteps() throws {
        let steps = (0..<4).map(try Self.four().deterministicStep)
        Self.agree(steps.map(\.estimate), [1, 0.84974, 0.4424, 0.40499], digits: 5, "k")
        Self.agree(steps.map(\.state), [0, 0.19227, 0.6831, 0.76907], digits: 5, "m")
        Self.agree(steps.map(\.condition), [0, -0.04201, -0.12549, -0.17407], digits: 5, "j")
    }

    @Test func divisorsOfTheState() throws {
        let s = try Self.four()
        Self.agree((0..<4).map { 1 / InputScaling.latent.factor(s, $0) }, [1.0198, 1.4429, 1.8218, 2.2182], digits: 4, "latent")
        Self.agree((0..<4).map { 1 / InputScaling.pixel.factor(s, $0) }, [1.6, 4.1206, 5.5683, 6.94], digits: 4, "pixel")
        #expect(abs(1 / InputScaling.pixel.factor(try Self.fifteen(), 14) - 6.94) < 1e-9)
    }

    /// Unit variance of input and target follow from the definition, for a residual of deviation s.
    @Test func preconditioningHasUnitVariance() throws {
        let s = try #require(ShiftSchedule.published(steps: 4, minimumNoise: 0.1, kappa: 0.1, clamped: false))
        let deviation = 0.0314
        for t in 0..<4 {
            let c = try #require(InputScaling.preconditioned(residualDeviation: deviation).preconditioning(s, t))
            let eta = s.eta(t)
            let state = (1 - eta) * (1 - eta) * deviation * deviation + s.kappa * s.kappa * eta
            #expect(abs(c.input * c.input * state - 1) < 1e-12)
            // Target F = (x0 − y − c_skip r) / c_out with r = (1 − η)(x0 − y) + κ q ε.
            let keep = 1 - c.skip * (1 - eta)
            let target = (keep * keep * deviation * deviation + c.skip * c.skip * s.kappa * s.kappa * eta) / (c.output * c.output)
            #expect(abs(target - 1) < 1e-9, "\(t): \(target)")
        }
        let first = try #require(InputScaling.preconditioned(residualDeviation: deviation).preconditioning(s, 0))
        let last = try #require(InputScaling.preconditioned(residualDeviation: deviation).preconditioning(s, 3))
        #expect(abs(first.input - 30.6) < 0.1 && abs(last.input - 10.1) < 0.1)
        #expect(abs(first.skip - 0.92) < 0.02 && abs(last.skip - 0.002) < 0.002)
        #expect(abs(first.output - 0.0096) < 1e-4 && abs(last.output - 0.0314) < 1e-4)
    }

    @Test func thinningKeepsTheOriginalIndices() throws {
        let s = try Self.fifteen()
        #expect(try #require(s.thinned(to: 1)).indices == [14])
        let five = try #require(s.thinned(to: 5))
        #expect(five.indices == [0, 4, 7, 11, 14] && five.roots == [0, 4, 7, 11, 14].map { s.roots[$0] })
        #expect(s.thinned(to: 16) == nil && s.thinned(to: 0) == nil)
    }

    @Test(arguments: [[], [0.5, 0.4], [0, 0.5], [0.5, 1.5], [0.5, .nan]] as [[Double]])
    func nonsenseIsNoSchedule(roots: [Double]) {
        #expect(ShiftSchedule(roots: roots, kappa: 1) == nil)
        #expect(ShiftSchedule(roots: [0.5], kappa: .nan) == nil)
    }
}
