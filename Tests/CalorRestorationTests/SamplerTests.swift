import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

/// Trajectories against a PyTorch reference with the same noise (Golden/make_sampler.py).
@Suite struct SamplerTests {
    struct Golden: Decodable {
        struct Case: Decodable {
            var name: String
            var roots: [Double]
            var kappa: Double
            var prediction: String
            var scaling: String
            var deviation: Double?
            var deterministic: Bool
            var clip: Bool
            var thinned: Int?
            var estimates: [[Double]]
            var final: [Double]
        }
        var width: Int
        var height: Int
        var seed: UInt64
        var imageKey: UInt64
        var y: [Double]
        var cases: [Case]
    }

    static func network(_ x: [Float], _ index: Int) -> [Float] {
        x.map { tanh(0.8 * $0 + 0.05 * Float(index)) * 0.7 - 0.1 * $0 }
    }

    @Test func trajectoriesAreThoseOfTheReference() throws {
        let golden: Golden = try golden("sampler.json")
        let source = CounterNoise(seed: golden.seed, imageKey: golden.imageKey)
        for one in golden.cases {
            var schedule = try #require(ShiftSchedule(roots: one.roots, kappa: one.kappa))
            if let count = one.thinned { schedule = try #require(schedule.thinned(to: count)) }
            let scaling: InputScaling =
                switch one.scaling {
                case "latent": .latent
                case "pixel": .pixel
                case "preconditioned": .preconditioned(residualDeviation: one.deviation ?? 1)
                default: .none
                }
            let sampler = ResidualShiftSampler(
                schedule: schedule, prediction: try #require(Prediction(rawValue: one.prediction)), scaling: scaling,
                isDeterministic: one.deterministic, range: one.clip ? -1...1 : nil)
            var estimates: [[Float]] = []
            let parts = ResidualShiftSampler.Parts(
                y: golden.y.map(Float.init),
                noise: { draw in
                    (0..<golden.y.count).map {
                        source.normal(x: $0 % golden.width, y: $0 / golden.width, channel: draw.channelOffset)
                    }
                }, network: { Self.network($0, $1) },
                guide: { estimate, _ in
                    estimates.append(estimate)
                    return []
                })
            let final = try sampler.sample(parts).result
            #expect(estimates.count == one.estimates.count, "\(one.name)")
            for (step, (found, expected)) in zip(estimates, one.estimates).enumerated() {
                let worst = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
                #expect(worst <= 1e-4, "\(one.name), step \(step): \(worst)")
            }
            let worst = zip(final, one.final).map { abs(Double($0) - $1) }.max() ?? .infinity
            #expect(worst <= 1e-4, "\(one.name), final: \(worst)")
        }
        #expect(golden.cases.count == 9)
    }

    /// Without noise and in one step the process is the network.
    @Test func oneStepWithoutNoiseIsAPlainPass() throws {
        let sampler = ResidualShiftSampler(
            schedule: try #require(ShiftSchedule(roots: [0.99], kappa: 2)), prediction: .start, scaling: .none, noiseGain: 0)
        let y: [Float] = [0.1, -0.4, 0.9]
        let parts = ResidualShiftSampler.Parts(
            y: y,
            noise: { _ in
                Issue.record("no noise is wanted")
                return []
            }, network: { Self.network($0, $1) })
        let result = try sampler.sample(parts).result
        #expect(result == Self.network(y, 0))
    }

    /// A network that knows the truth leads to it, whatever it predicts and however it is scaled.
    @Test(arguments: Prediction.allCases)
    func aPerfectNetworkLeadsToTheTruth(prediction: Prediction) throws {
        let schedule = try ScheduleTests.four()
        let truth: [Float] = [0.3, -0.2, 0.7, 0]
        let y: [Float] = [0.1, 0.1, 0.5, 0.2]
        for deterministic in [true, false] {
            let sampler = ResidualShiftSampler(
                schedule: schedule, prediction: prediction, scaling: .none, isDeterministic: deterministic)
            let parts = ResidualShiftSampler.Parts(
                y: y, noise: { _ in [0.5, -1, 2, 0.1] },
                network: { state, t in
                    let eta = Float(schedule.eta(t))
                    return state.indices.map { i in
                        let scaledNoise = state[i] - (1 - eta) * truth[i] - eta * y[i]
                        return switch prediction {
                        case .start: truth[i]
                        case .residual: y[i] - truth[i]
                        case .epsilon: scaledNoise / Float(schedule.kappa * schedule.roots[t])
                        case .scaledEpsilon: scaledNoise
                        }
                    }
                })
            let result = try sampler.sample(parts).result
            let worst = zip(result, truth).map { abs($0 - $1) }.max()!
            #expect(worst < 1e-4, "\(prediction), \(deterministic): \(worst)")
        }
    }

    /// A search finds a leaf that is at least as good as the plain run, says what it cost, and is the same every time.
    @Test(arguments: [true, false])
    func aSearchKeepsTheBestLeaf(deterministic: Bool) throws {
        let sampler = ResidualShiftSampler(
            schedule: try ScheduleTests.four(), prediction: .start, scaling: .latent, isDeterministic: deterministic)
        let source = CounterNoise(seed: 3)
        let y: [Float] = [0.2, -0.3, 0.5, 0.1, 0]
        nonisolated(unsafe) var passes = 0
        let parts = ResidualShiftSampler.Parts(
            y: y, noise: { draw in y.indices.map { source.normal(x: $0, y: 0, channel: draw.channelOffset) } },
            network: {
                passes += 1
                return Self.network($0, $1)
            })
        let score: ([Float]) -> Double = { x in -Double(x.reduce(0) { $0 + ($1 - 0.3) * ($1 - 0.3) }) }
        let plain = try sampler.sample(parts).result
        for (width, depth) in [(1, 1), (3, 1), (2, 3), (2, 9)] {
            let search = NoiseSearch(width: width, depth: depth)
            passes = 0
            let found = try search.run(sampler, parts, score: score)
            #expect(passes == search.passes(steps: 4) && found.leaves == search.leaves(steps: 4))
            #expect(found.firstScore == score(plain) && found.score >= found.firstScore)
            #expect(score(found.result) == found.score)
            #expect(try search.run(sampler, parts, score: score).result == found.result)
        }
        #expect(NoiseSearch(width: 3, depth: 1).passes(steps: 4) == 12 && NoiseSearch(width: 2, depth: 3).passes(steps: 4) == 22)
        #expect(NoiseSearch(width: 64, depth: 3).leaves(steps: 4) == nil)
    }
}
