import CalorBase
import CalorImage
import Testing

@testable import CalorRestoration

@Suite struct DataConsistencyTests {
    static let sizes = [(1, 1), (2, 1), (1, 5), (3, 4), (7, 7), (20, 13), (64, 48)]

    static func noise(_ count: Int, seed: UInt64) -> [Double] {
        let source = CounterNoise(seed: seed)
        return (0..<count).map { Double(source.normal(x: $0, y: 3)) }
    }

    @Test(arguments: sizes, [2, 3, 4])
    func reducingWhatWasLiftedGivesItBack(size: (Int, Int), scale: Int) {
        let reduction = Reduction(low: Size(width: size.0, height: size.1), scale: scale)
        let v = Self.noise(reduction.low.pixels, seed: 5)
        var x = [Double](repeating: 0, count: reduction.high.pixels)
        reduction.lift(v, onto: &x)
        let back = reduction.reduced(x)
        let worst = zip(v, back).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst < 1e-11, "\(size) ×\(scale): \(worst)")
    }

    /// A⁺A is a projection: what is left of a picture is not seen, and taking the part again changes nothing.
    @Test(arguments: [2, 4])
    func theNullSpacePartIsInvisible(scale: Int) {
        let reduction = Reduction(low: Size(width: 17, height: 9), scale: scale)
        let g = Self.noise(reduction.high.pixels, seed: 8)
        let part = reduction.nullSpacePart(of: g)
        #expect(reduction.reduced(part).map(abs).max()! < 1e-11)
        let again = reduction.nullSpacePart(of: part)
        #expect(zip(part, again).map { abs($0 - $1) }.max()! < 1e-11)
        // Orthogonal to what was taken away: A⁺ is the pseudo-inverse and not just an inverse.
        let product = zip(part, g).reduce(0) { $0 + $1.0 * ($1.1 - $1.0) }
        #expect(abs(product) < 1e-9)
    }

    /// The resampler is held to Pillow by its own golden files.
    @Test(arguments: [2, 3, 4])
    func theReductionIsTheResamplersBicubic(scale: Int) {
        let low = Size(width: 23, height: 11)
        let reduction = Reduction(low: low, scale: scale)
        let x = Self.noise(reduction.high.pixels, seed: 2).map(Float.init)
        let expected = Resampler(from: reduction.high, to: low, using: .bicubic)
            .resample(x, covering: Region(reduction.high), to: Region(low))
        let worst = zip(reduction.reduced(x), expected).map { abs($0 - Double($1)) }.max()!
        #expect(worst < 2e-6, "\(worst)")
    }

    /// Edges, noise, and a burnt-out patch where `low` and `high` are the ends of the format.
    static func scene(_ size: Size, low: Float, high: Float) -> [Float] {
        let source = CounterNoise(seed: 11)
        return (0..<size.pixels).map { i in
            let (x, y) = (i % size.width, i / size.width)
            let isHot = x * 5 > size.width * 2 && x * 5 < size.width * 3 && y * 5 > size.height * 2 && y * 5 < size.height * 3
            let edge: Float = isHot ? 1.2 : (x / 9 + y / 7) % 3 == 0 ? 0.8 : (x / 5) % 4 == 1 ? 0.15 : 0.5
            let level: Float = edge + 0.05 * source.normal(x: x, y: y)
            return min(max(low + (high - low) * level, low), high)
        }
    }

    /// For an input that was made by the reduction, the enlarged picture comes back to it within half a count.
    @Test(arguments: [(SampleFormat.u8, Float(0), Float(255)), (.u16, 9_000, 31_000)], [(2, 0), (4, 0), (2, 0.25), (4, 0.25)])
    func halfACountIsHeldInEveryPixel(range: (format: SampleFormat, low: Float, high: Float), setting: (scale: Int, slack: Double))
    {
        let (format, scale) = (range.format, setting.scale)
        let low = Size(width: 31, height: 22)
        let full = low.scaled(by: scale)
        let truth = Plane(size: full, floats: Self.scene(full, low: range.low, high: range.high), format: format)
        let given = truth.resampled(to: low, using: .bicubic)
        var values = given.resampled(to: full, using: .bicubic).floats()
        let consistency = DataConsistency(low: low, scale: scale, format: format, slack: setting.slack)
        let report = consistency.apply(to: &values, low: given.floats())
        let output = Plane(size: full, floats: values, format: format)
        #expect(output.floats() == values, "what was checked is what is written")
        #expect(report.rmsBefore > 1 && report.rmsAfter < 0.3, "\(report)")
        #expect(report.maximumAfter <= 0.5, "\(report)")
        // And independently of the class: reduced by the resampler and rounded, a count off where half a count lies between.
        let again = output.resampled(to: low, using: .bicubic).floats()
        #expect(zip(given.floats(), again).map { abs($0 - $1) }.max()! <= 1)
    }

    /// Everything at the ends of the range: there may be no consistent picture in it, and the result is still much better than none.
    @Test func aPictureOfNothingButEndsOfTheRangeGetsBetter() {
        let low = Size(width: 31, height: 22)
        let full = low.scaled(by: 4)
        let truth = (0..<full.pixels).map { i in Float(((i % full.width) / 5 + i / full.width / 7) % 2 == 0 ? 0 : 255) }
        let given = Plane(size: full, floats: truth, format: .u8).resampled(to: low, using: .bicubic)
        var values = given.resampled(to: full, using: .bicubic).floats()
        let report = DataConsistency(low: low, scale: 4, format: .u8).apply(to: &values, low: given.floats())
        #expect(report.rmsAfter < 0.1 * report.rmsBefore && report.rounds > 1, "\(report)")
    }

    @Test func kelvinIsMatchedToTheLastDigitsOfAFloat() {
        let low = Size(width: 40, height: 31)
        let full = low.scaled(by: 4)
        let truth = Self.scene(full, low: 270, high: 330)
        let given = Resampler(from: full, to: low, using: .bicubic).resample(truth, covering: Region(full), to: Region(low))
        var values = Resampler(from: low, to: full, using: .bicubic).resample(given, covering: Region(low), to: Region(full))
        let report = DataConsistency(low: low, scale: 4, format: .f32).apply(to: &values, low: given)
        #expect(report.rmsBefore > 0.5 && report.maximumAfter < 1e-4, "\(report)")
    }

    @Test func theSlackIsLeftAloneAndNothingMore() {
        let low = Size(width: 24, height: 24)
        let given = Self.noise(low.pixels, seed: 3).map { Float(300 + $0) }
        var values = [Float](repeating: 300, count: low.pixels * 16)
        let report = DataConsistency(low: low, scale: 4, format: .f32, slack: 1.5).apply(to: &values, low: given)
        #expect(abs(report.maximumAfter - 1.5) < 1e-4)
    }

    @Test func theNoiseOfANoisyPictureIsFound() {
        let size = Size(width: 200, height: 150)
        let noise = Self.noise(size.pixels, seed: 21)
        let values: [Float] = noise.enumerated().map { place, noise in
            let ramp = 100 + 0.5 * Double(place % 200)
            return Float(ramp + 3 * noise)
        }
        #expect(abs(noiseDeviation(of: values, size: size) - 3) < 0.1)
        #expect(noiseDeviation(of: [Float](repeating: 4, count: 12), size: Size(width: 4, height: 3)) == 0)
        #expect(noiseDeviation(of: [4], size: Size(width: 1, height: 1)) == 0)
    }

    @Test func threadsDoNotChangeASingleBit() {
        let low = Size(width: 53, height: 38)
        let given = Self.scene(low, low: 0, high: 255).map { $0.rounded() }
        let start = Self.scene(low.scaled(by: 4), low: 0, high: 255)
        let consistency = DataConsistency(low: low, scale: 4, format: .u8)
        var alone = start
        var shared = start
        let first = consistency.apply(to: &alone, low: given)
        let second = consistency.apply(to: &shared, low: given, pool: WorkerPool(threads: 3))
        #expect(alone == shared && first == second)
    }
}
