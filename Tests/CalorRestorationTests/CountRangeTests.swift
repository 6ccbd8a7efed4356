import CalorImage
import Testing

@testable import CalorRestoration

@Suite struct CountRangeTests {
    @Test(arguments: [SampleFormat.u8, .u16, .f32])
    func displayImagesMapByFullScale(format: SampleFormat) {
        let plane = Plane(size: Size(width: 4, height: 4), format: format, repeating: 0.5)
        let range = CountRange(of: Image(planes: [plane], colour: .grey))
        #expect(range.low == 0 && range.high == format.fullScale)
    }

    @Test(
        arguments: [([0, 4, 8, 12], 0, 12), ([-3, 0.5, 0.5, 0.5], -3, 1), ([280, 290, 300, 310], 0, 310)]
            as [([Float], Float, Float)])
    func displayFloatsBeyondOneMapByTheirOwnRange(values: [Float], low: Float, high: Float) {
        let plane = Plane(size: Size(width: 2, height: 2), samples: .f32(values))
        let range = CountRange(of: Image(planes: [plane], colour: .grey))
        #expect(range.low == low && range.high == high, "\(values)")
    }

    @Test func countsMapByPercentilesSoThatOneHotPixelDoesNotSqueezeTheRest() {
        var counts = (0..<10_000).map { UInt16(3000 + $0 % 100) }
        counts[5] = 65_535
        let image = Image(
            planes: [Plane(size: Size(width: 100, height: 100), samples: .u16(counts))], colour: .grey, meaning: .counts)
        let range = CountRange(of: image)
        #expect(range.low == 3000 && range.high == 3099)
    }

    @Test func kelvinMapsByPercentilesAndIgnoresWhatIsNotFinite() {
        var kelvin = (0..<4000).map { 280 + Float($0) / 100 }
        kelvin[7] = .nan
        kelvin[8] = .infinity
        let image = Image(
            planes: [Plane(size: Size(width: 80, height: 50), samples: .f32(kelvin))], colour: .grey, meaning: .kelvin)
        let range = CountRange(of: image)
        #expect(abs(range.low - 280.03) < 0.02 && abs(range.high - 319.95) < 0.05)
    }

    @Test func aFlatImageKeepsAnInvertibleMap() {
        let image = Image(
            planes: [Plane(size: Size(width: 9, height: 9), format: .u16, repeating: 77)], colour: .grey, meaning: .counts)
        let range = CountRange(of: image)
        #expect(range.low == 77 && range.high == 78)
    }
}
