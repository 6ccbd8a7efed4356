import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

/// What training computes in Python, computed here: schedules, trajectories, consistency (Golden/make_shifting.py).
@Suite struct TrainingReferenceTests {
    struct Golden: Decodable {
        struct Schedule: Decodable {
            var count: Int
            var leastNoise: Double
            var kappa: Double
            var clamped: Bool
            var roots, ofState, ofEstimate, deviation, k, m, j, cIn, cSkip, cOut, latentDivisor, pixelDivisor: [Double]

            enum CodingKeys: String, CodingKey {
                case count, kappa, clamped, roots, ofState, ofEstimate, deviation, k, m, j, cIn, cSkip, cOut
                case latentDivisor, pixelDivisor
                case leastNoise = "least_noise"
            }
        }
        struct Trajectory: Decodable {
            var schedule: String
            var roots: [Double]
            var steps: [Int]
            var kappa: Double
            var prediction: String
            var stochastic: Bool
            var y: [Double]
            var noises: [[Double]]
            var states: [[Double]]
        }
        struct Consistency: Decodable {
            var scale, height, width: Int
            var image, small, reduced, pseudoInverse, exact, within, nullSpace: [Double]
        }
        var schedules: [Schedule]
        var trajectories: [Trajectory]
        var consistency: [Consistency]
    }

    static func worst(_ a: [Double], _ b: [Double]) -> Double {
        a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }

    @Test func tablesAgree() throws {
        let golden: Golden = try golden("shifting.json")
        #expect(golden.schedules.count >= 7)
        for one in golden.schedules {
            let s = try #require(
                ShiftSchedule.published(steps: one.count, minimumNoise: one.leastNoise, kappa: one.kappa, clamped: one.clamped))
            let steps = (0..<one.count).map { (s.stochasticStep($0), s.deterministicStep($0)) }
            let own = (0..<one.count).compactMap { InputScaling.preconditioned(residualDeviation: 0.0314).preconditioning(s, $0) }
            let pairs: [(String, [Double], [Double])] = [
                ("q", s.roots, one.roots), ("state", steps.map { $0.0.state }, one.ofState),
                ("estimate", steps.map { $0.0.estimate }, one.ofEstimate), ("k", steps.map { $0.1.estimate }, one.k),
                ("m", steps.map { $0.1.state }, one.m), ("j", steps.map { $0.1.condition }, one.j),
                ("c_in", own.map(\.input), one.cIn), ("c_skip", own.map(\.skip), one.cSkip),
                ("c_out", own.map(\.output), one.cOut),
                ("latent", (0..<one.count).map { 1 / InputScaling.latent.factor(s, $0) }, one.latentDivisor),
                ("pixel", (0..<one.count).map { 1 / InputScaling.pixel.factor(s, $0) }, one.pixelDivisor),
            ]
            for (name, found, expected) in pairs {
                #expect(Self.worst(found, expected) < 1e-9, "\(one.count) steps, κ \(one.kappa): \(name)")
            }
            let noise = steps.map { $0.0.noise }
            #expect(Self.worst(Array(noise.dropFirst()), Array(one.deviation.dropFirst())) < 1e-9)
        }
    }

    @Test func trajectoriesAgree() throws {
        let golden: Golden = try golden("shifting.json")
        #expect(golden.trajectories.count >= 12)
        for one in golden.trajectories {
            let schedule = try #require(ShiftSchedule(roots: one.roots, kappa: one.kappa, indices: one.steps))
            let y = one.y.map(Float.init)
            let last = one.roots.count - 1
            let sampler = ResidualShiftSampler(
                schedule: schedule, prediction: try #require(Prediction(rawValue: one.prediction)), scaling: .none,
                isDeterministic: !one.stochastic, range: -1...1)
            let parts = ResidualShiftSampler.Parts(
                y: y,
                noise: { draw in
                    if case .step(let t, _) = draw { return one.noises[last - t + 1].map(Float.init) }
                    return one.noises[0].map(Float.init)
                },
                network: { x, step in zip(x, y).map { 0.5 * $0 + 0.25 * $1 - 0.01 * Float(step + 1) } })
            let found = try sampler.sample(parts).result.map(Double.init)
            let off = Self.worst(found, try #require(one.states.last))
            #expect(off <= 1e-4, "\(one.schedule), \(one.prediction), stochastic \(one.stochastic): \(off)")
        }
    }

    @Test func projectionsAgree() throws {
        let golden: Golden = try golden("shifting.json")
        #expect(golden.consistency.count >= 3)
        for one in golden.consistency {
            let low = Size(width: one.width / one.scale, height: one.height / one.scale)
            let reduction = Reduction(low: low, scale: one.scale)
            #expect(Self.worst(reduction.reduced(one.image), one.reduced) < 1e-9)
            var lifted = [Double](repeating: 0, count: one.image.count)
            reduction.lift(one.small, onto: &lifted)
            #expect(Self.worst(lifted, one.pseudoInverse) < 1e-8)
            #expect(Self.worst(reduction.nullSpacePart(of: one.image), one.nullSpace) < 1e-8)
            for (slack, expected) in [(0, one.exact), (0.5, one.within)] {
                var values = one.image.map(Float.init)
                // Floats without a range, so that nothing is clamped or rounded.
                _ = DataConsistency(low: low, scale: one.scale, format: .f32, slack: slack)
                    .apply(to: &values, low: one.small.map(Float.init))
                #expect(Self.worst(values.map(Double.init), expected) < 1e-3, "×\(one.scale), slack \(slack)")
            }
        }
    }
}
