import CalorBase
import Foundation
import Testing

/// The noise of the training references is the noise of the product: both are looked up by seed, image and pixel.
struct KeyedNoiseTests {
    private struct Golden: Decodable {
        struct Noise: Decodable {
            let seed: UInt64
            let imageKey: UInt64
            let channel, height, width, top, left: Int
            let normal: [Double]
        }
        let noise: Noise
    }

    @Test func equalsTheReferenceOfTraining() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/shifting.json")
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file)).noise
        let noise = CounterNoise(seed: golden.seed, imageKey: golden.imageKey)
        try #require(golden.normal.count == golden.width * golden.height)
        for (i, expected) in golden.normal.enumerated() {
            let (x, y) = (golden.left + i % golden.width, golden.top + i / golden.width)
            let found = Double(noise.normal(x: x, y: y, channel: golden.channel))
            #expect(abs(found - expected) <= 1e-6, "x \(x), y \(y): \(found), expected \(expected)")
        }
    }
}
