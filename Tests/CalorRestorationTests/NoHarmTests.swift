import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorRestoration

/// A clean image stays as it is, a damaged one is repaired.
@Suite struct NoHarmTests {
    private static func image(noise: Float, format: SampleFormat = .u8) -> Image {
        let size = Size(width: 96, height: 80)
        let source = CounterNoise(seed: 5)
        let values = (0..<size.pixels).map { i -> Float in
            let (x, y) = (i % size.width, i / size.width)
            // Slopes, a disc, and fine texture in a corner.
            let disc: Float = (x - 50) * (x - 50) + (y - 40) * (y - 40) < 400 ? 60 : 0
            let texture: Float = x < 40 && y < 30 ? Float((x * 7 + y * 13) % 11) * 3 : 0
            return min(max(60 + Float(x) / 2 + disc + texture + noise * source.normal(x: x, y: y), 0), 255)
        }
        return Image(planes: [Plane(size: size, floats: values, format: format)], colour: .grey)
    }

    @Test func thresholds() {
        #expect(NoHarm(change: 0).share == NoHarm.leastShare && NoHarm(change: 0.5).share == NoHarm.leastShare)
        #expect(NoHarm(change: 2).share == 1 && NoHarm(change: 9).share == 1)
        #expect(abs(NoHarm(change: 1.25).share - (1 + NoHarm.leastShare) / 2) < 1e-12)
        // Three quarters of the blocks changed by 4 levels of 255, in a range of 2: the lower quartile is one of the others.
        let size = Size(width: 32, height: 8)
        let quiet = [Float](repeating: 0, count: size.pixels)
        let loud = quiet.indices.map { $0 % 32 < 8 ? Float(0) : 8 / 255 }
        #expect(NoHarm(of: [loud], from: [quiet], size: size, span: 2).change == 0)
        let all = [Float](repeating: 8 / 255, count: size.pixels)
        #expect(abs(NoHarm(of: [all], from: [quiet], size: size, span: 2).change - 4) < 1e-4)
    }

    @Test func cleanImagesChangeLessAndNoisyOnesAsMuch() throws {
        let restorer = try Restorer(model: try RestorerTests.catalogue.find("enhance-ir"))
        var plain = RestoreOptions()
        var careful = RestoreOptions()
        plain.avoidsHarm = false
        careful.avoidsHarm = true
        func change(_ image: Image, _ options: RestoreOptions) throws -> (rms: Double, values: [String: Double]) {
            let result = try restorer.restore(image, options: options)
            let squares = zip(result.image.planes[0].floats(), image.planes[0].floats()).map { Double(($0 - $1) * ($0 - $1)) }
            return ((squares.reduce(0, +) / Double(squares.count)).squareRoot(), result.values)
        }
        let clean = Self.image(noise: 0)
        let (before, after) = (try change(clean, plain), try change(clean, careful))
        #expect(after.rms < 0.6 * before.rms && after.values["effect"]! < 0.5, "\(before.rms), \(after)")
        #expect(20 * log10(255 / after.rms) >= 40, "\(after)")
        let noisy = Self.image(noise: 10)
        #expect(try change(noisy, plain).rms == change(noisy, careful).rms)
        let values = try change(noisy, careful).values
        #expect(values["effect"] == 1)
        // The estimate of the noise, in levels.
        #expect(abs(values["noise"]! - 10) < 1.5 && values["noiseAfter"]! < 4, "\(values)")
    }

    /// Strength scales what the rule leaves.
    @Test func strengthIsASecondFactor() throws {
        let restorer = try Restorer(model: try RestorerTests.catalogue.find("enhance-ir"))
        var options = RestoreOptions()
        options.avoidsHarm = true
        let whole = try restorer.restore(Self.image(noise: 0), options: options).values["effect"]!
        options.strength = 0.5
        let half = try restorer.restore(Self.image(noise: 0), options: options).values["effect"]!
        #expect(abs(half - 0.5 * whole) < 1e-6)
    }
}
