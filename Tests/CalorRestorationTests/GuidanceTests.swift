import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

@Suite struct GuidanceTests {
    /// The picture of Golden/make_spectrum.py.
    static func picture(_ size: Size) -> [Double] {
        (0..<size.pixels).map { i in
            let (x, y) = (Double(i % size.width), Double(i / size.width))
            let slow: Double = 0.2 * sin(0.13 * x + 0.02 * y * y / 7)
            let fast: Double = 0.1 * cos(0.9 * y + 0.3 * x)
            let fine: Double = 0.05 * sin(2.1 * x * 0.7 + y)
            return 0.5 + slow + fast + fine
        }
    }

    static func prior(scale: Int = 4) -> SpectrumPrior {
        var rows: [[Double]] = []
        for band in 0..<SpectrumPrior.bands {
            var row: [Double] = [9 - 0.1 * Double(band)]
            for k in 1..<SpectrumPrior.lowBands { row.append(0.1 + 0.01 * Double(k * band % 5)) }
            rows.append(row)
        }
        let deviations = (0..<SpectrumPrior.bands).map { 0.5 + 0.02 * Double($0) }
        return SpectrumPrior(scale: scale, coefficients: rows, deviations: deviations)
    }

    struct Golden: Decodable {
        struct Case: Decodable {
            var width: Int
            var height: Int
            var side: Int
            var bands: Int
            var power: [Double]
        }
        var cases: [Case]
    }

    @Test func bandPowerIsThatOfNumPy() throws {
        let golden: Golden = try golden("spectrum.json")
        for one in golden.cases {
            let size = Size(width: one.width, height: one.height)
            let power = BandPower(tiles: WelchTiles(size: size, side: one.side), bands: one.bands)
                .power(Self.picture(size), pool: nil)
            for (band, (found, expected)) in zip(power, one.power).enumerated() {
                #expect(
                    abs(found - expected) <= 1e-10 * max(expected, 1e-6),
                    "\(one.width)×\(one.height), band \(band): \(found), not \(expected)")
            }
        }
        #expect(golden.cases.count == 4)
    }

    @Test func whiteNoiseHasItsVarianceInEveryBand() {
        let size = Size(width: 600, height: 520)
        let source = CounterNoise(seed: 4)
        let x = (0..<size.pixels).map { 0.1 * Double(source.normal(x: $0 % size.width, y: $0 / size.width)) }
        let power = BandPower(tiles: WelchTiles(size: size, side: 256), bands: 32).power(x, pool: nil)
        for band in 2..<32 { #expect(abs(power[band] / 0.01 - 1) < 0.1, "band \(band): \(power[band])") }
    }

    /// Central differences in double against the closed form, for samples in the middle, at a corner and on a border.
    static func relativeError(
        _ x: [Double], size: Size, step: Double, value: ([Double]) -> Double, gradient: [Double]
    ) -> Double {
        let places = [0, size.width / 2, size.pixels / 2 + 3, size.pixels - 1, size.width * (size.height / 3) + 7]
        let largest = gradient.map(abs).max() ?? 0
        return places.map { place in
            var up = x
            var down = x
            up[place] += step
            down[place] -= step
            let numeric = (value(up) - value(down)) / (2 * step)
            return abs(numeric - gradient[place]) / largest
        }.max() ?? .infinity
    }

    @Test(arguments: [(40, 28), (300, 270)])
    func spectrumGradientAgreesWithFiniteDifferences(width: Int, height: Int) {
        let size = Size(width: width, height: height)
        let lowSize = Size(width: width / 4, height: height / 4)
        let loss = SpectrumLoss(size: size, prior: Self.prior(), low: Self.picture(lowSize), lowSize: lowSize)
        let x = Self.picture(size)
        let (value, gradient) = loss.gradient(x)
        #expect(value > 0.1 && value == loss.value(x))
        let error = Self.relativeError(x, size: size, step: 1e-5, value: { loss.value($0) }, gradient: gradient)
        #expect(error < 1e-4, "\(error)")
    }

    @Test func featureGradientAgreesWithFiniteDifferences() {
        let size = Size(width: 31, height: 22)
        let bank = FeatureBank(base: Self.picture(size), size: size)
        let x = Self.picture(size).enumerated().map { $1 + 0.03 * sin(Double($0)) }
        let (value, gradient) = bank.gradient(x)
        #expect(value > 0 && value == bank.value(x))
        #expect(bank.value(Self.picture(size)) == 0)
        let error = Self.relativeError(x, size: size, step: 1e-4, value: { bank.value($0) }, gradient: gradient)
        #expect(error < 1e-6, "\(error)")
    }

    static func guided(
        spectrum: Double, features: Double, network: FeatureNetwork? = nil, pool: WorkerPool? = nil
    ) throws -> (before: [Double], after: [Double], steps: [GuidanceStep]) {
        let lowSize = Size(width: 70, height: 66)
        var settings = GuidanceSettings()
        settings.spectrum = spectrum
        settings.features = features
        settings.iterations = 6
        settings.network = network
        let guide = Guide(
            settings: settings, low: picture(lowSize), lowSize: lowSize, scale: 4, prior: prior(), residualDeviation: 0.0157)
        let before = picture(lowSize.scaled(by: 4))
        var after = before
        let steps = try guide.improve(&after, step: 2, pool: pool)
        return (before, after, steps)
    }

    /// A step that raises its own loss is a defect; none may, and the reduction must not see them.
    @Test(arguments: [(0.1, 0.0), (0.1, 0.05), (0.2, 1.0)])
    func everyStepLowersItsLossAndStaysInvisibleToTheReduction(spectrum: Double, features: Double) throws {
        let result = try Self.guided(spectrum: spectrum, features: features)
        #expect(result.steps.count >= 1)
        for step in result.steps {
            #expect(step.lossAfter < step.lossBefore, "\(step)")
            #expect(step.change <= 0.25 * 0.0157 + 1e-12 && step.step == 2)
        }
        for (a, b) in zip(result.steps, result.steps.dropFirst()) { #expect(a.lossAfter == b.lossBefore) }
        if features == 0 { #expect(result.steps.last!.spectrumAfter < 0.9 * result.steps[0].spectrumBefore) }
        let reduction = Reduction(low: Size(width: 70, height: 66), scale: 4)
        let seen = zip(reduction.reduced(result.before), reduction.reduced(result.after)).map { abs($0 - $1) }.max()!
        #expect(seen < 1e-10, "\(seen)")
    }

    @Test func threadsDoNotChangeASingleBit() throws {
        let alone = try Self.guided(spectrum: 0.1, features: 0.05)
        let shared = try Self.guided(spectrum: 0.1, features: 0.05, pool: WorkerPool(threads: 3))
        #expect(alone.after == shared.after && alone.steps == shared.steps)
    }

    /// The network of Tests/CalorONNXTests/Golden/make_gradients.py.
    static func featureNetwork() throws -> FeatureNetwork {
        var path = URL(fileURLWithPath: #filePath)
        for _ in 0..<2 { path.deleteLastPathComponent() }
        return try FeatureNetwork(path: path.appendingPathComponent("CalorONNXTests/Golden/vgg-any.onnx").path)
    }

    @Test func aNetworkOfTheUserIsAGuideThroughItsGradient() throws {
        let network = try Self.featureNetwork()
        let size = Size(width: 24, height: 20)
        let target = try network.features(Self.picture(size), size: size)
        let x = Self.picture(size).enumerated().map { $1 + 0.05 * sin(Double($0)) }
        let (value, gradient) = try network.gradient(x, size: size, target: target)
        #expect(try value > 0 && value == network.value(x, size: size, target: target))
        // f32 features: steps must be large against their rounding.
        var along = 0.0
        let direction = gradient.map { $0 / DataConsistency.rms(gradient) * 2e-4 }
        for i in direction.indices { along += direction[i] * gradient[i] }
        let up = try network.value(zip(x, direction).map { $0 + $1 }, size: size, target: target)
        let down = try network.value(zip(x, direction).map { $0 - $1 }, size: size, target: target)
        #expect(abs((up - down) / 2 - along) < 0.05 * along, "\((up - down) / 2), not \(along)")
        let result = try Self.guided(spectrum: 0.1, features: 0.05, network: network)
        #expect(result.steps.count >= 1 && result.steps.allSatisfy { $0.lossAfter < $0.lossBefore })
        #expect(result.steps.last!.featuresAfter > 0)
    }

    @Test(arguments: [(16, 12), (15, 11)])
    func publishedSpectrumGradientAgreesWithFiniteDifferences(width: Int, height: Int) {
        let size = Size(width: width, height: height)
        let loss = StandardisedSpectrum(reference: Self.picture(size).map { 2 * $0 - 1 }, size: size)
        let x = Self.picture(size).enumerated().map { 2 * $1 - 1 + 0.1 * sin(Double($0)) }
        let (value, gradient) = loss.gradient(x)
        #expect(value > 0 && abs(value - loss.value(x)) < 1e-12)
        #expect(loss.value(Self.picture(size).map { 2 * $0 - 1 }) == 0)
        let error = Self.relativeError(x, size: size, step: 1e-6, value: { loss.value($0) }, gradient: gradient)
        #expect(error < 1e-5, "\(error)")
    }

    /// The published shift of the estimate, −ρ κ² η/(1 − η)² ∂L/∂x̂₀, for a process and for a single pass.
    @Test func thePublishedRuleMovesByItsGain() throws {
        let size = Size(width: 16, height: 12)
        let truth = Self.picture(size)
        let start = truth.enumerated().map { $1 + 0.02 * sin(Double($0)) }
        let rule = try PublishedRule(reference: truth, size: size, network: nil, pool: nil)
        let schedule = try #require(ShiftSchedule(roots: [0.1, 0.5], kappa: 0.1))
        let gradient = StandardisedSpectrum(reference: truth.map { 2 * $0 - 1 }, size: size)
            .gradient(start.map { 2 * $0 - 1 }).gradient
        for (process, gain) in [(schedule, 0.01 * 0.25 / (0.75 * 0.75)), (nil, 4 * 0.9801 / (0.0199 * 0.0199))]
            as [(ShiftSchedule?, Double)]
        {
            var x = start
            let step = try rule.apply(to: &x, step: 1, schedule: process, pool: nil)
            let worst = x.indices.map { abs(x[$0] - (start[$0] - 0.5 * gain * 0.01 * gradient[$0])) }.max()!
            #expect(worst < 1e-12 && step.lossBefore > 0)
        }
    }

    @Test func orderIsCheckedBetweenNeighbours() {
        let lowSize = Size(width: 8, height: 4)
        let low = (0..<32).map { Float($0 % 8) * 0.1 }
        let high = (0..<32 * 16).map { Float($0 % 32) * 0.025 }
        let right = ThermalOrder(high: high, low: low, lowSize: lowSize, scale: 4)
        #expect(right.pairs == 6 && right.violations == 0)
        let wrong = ThermalOrder(high: high.map { 1 - $0 }, low: low, lowSize: lowSize, scale: 4)
        #expect(wrong.violations == 6 && wrong.rate == 1)
        #expect(ThermalOrder(high: [0.5], low: [0.5], lowSize: Size(width: 1, height: 1), scale: 1).rate == 0)
    }

    @Test(arguments: [
        "{}", "[1, 2]", #"{"scale":4,"bands":32,"smallBands":8,"coefficients":[[1]],"deviations":[1]}"#,
        #"{"scale":0,"bands":32,"smallBands":8,"coefficients":[],"deviations":[]}"#,
    ])
    func aWrongTableOfCoefficientsIsRefused(text: String) {
        #expect { try SpectrumPrior(bytes: Array(text.utf8), path: "m/spectrum.json") } throws: { error in
            (error as? RestorationFault)?.message.contains("m/spectrum.json") == true
        }
    }
}
