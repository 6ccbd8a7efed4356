import CalorBase
import Testing

@testable import CalorImage

@Suite struct ResamplingTests {
    struct Golden: Decodable {
        struct Case: Decodable {
            var filter: String
            var width: Int
            var height: Int
            var values: [Float]
        }
        var width: Int
        var height: Int
        var source: [Float]
        var cases: [Case]
        var percents: [Double]
        var percentiles: [Double]
        var mean: Double
        var deviation: Double
    }

    @Test("every filter equals Pillow's mode F")
    func pillow() throws {
        let golden: Golden = try golden("resampling.json")
        let plane = Plane(size: Size(width: golden.width, height: golden.height), samples: .f32(golden.source))
        for item in golden.cases {
            let filter = try #require(ResamplingFilter(rawValue: item.filter))
            let result = plane.resampled(to: Size(width: item.width, height: item.height), using: filter).floats()
            let worst = zip(result, item.values).map { abs($0 - $1) }.max() ?? 1
            #expect(worst < 2e-6, "\(item.filter) to \(item.width)×\(item.height): \(worst)")
        }
    }

    @Test("a region has the bits of the whole", arguments: ResamplingFilter.allCases)
    func regions(filter: ResamplingFilter) {
        let source = pattern(width: 37, height: 29, format: .f32)
        for target in [
            Size(width: 74, height: 58), Size(width: 11, height: 10), Size(width: 37, height: 50), Size(width: 80, height: 29),
        ] {
            let resampler = Resampler(from: source.size, to: target, using: filter)
            let whole = resampler.resample(source)
            for region in Region(target).tiles(of: Size(width: 13, height: 7)) {
                let needed = resampler.sourceRegion(for: region)
                for covered in [needed, needed.expanded(by: 3).clamped(to: source.size)] {
                    let part = resampler.resample(source.cropped(to: covered), covering: covered, to: region)
                    #expect(part == whole.cropped(to: region), "\(filter) to \(target), \(region) from \(covered)")
                }
            }
        }
    }

    @Test("a constant stays what it is, in every format", arguments: ResamplingFilter.allCases, SampleFormat.allCases)
    func constant(filter: ResamplingFilter, format: SampleFormat) {
        let value = format.fullScale == 1 ? 0.625 : format.fullScale
        let plane = Plane(size: Size(width: 9, height: 7), format: format, repeating: value)
        for size in [Size(width: 1, height: 1), Size(width: 4, height: 20), Size(width: 27, height: 21)] {
            let result = plane.resampled(to: size, using: filter).floats()
            #expect(result.allSatisfy { abs($0 - value) <= format.fullScale * 1e-6 }, "\(filter) \(format) \(size): \(result)")
        }
    }

    @Test("integers are clamped where a filter overshoots")
    func overshoot() {
        let step = Plane(size: Size(width: 8, height: 1), samples: .u8([0, 0, 0, 0, 255, 255, 255, 255]))
        guard case .u8(let values) = step.resampled(to: Size(width: 32, height: 1), using: .lanczos3).samples else { return }
        #expect(values.min() == 0 && values.max() == 255)
        #expect(values == values.reversed().map { 255 - $0 })
    }

    @Test("what is transparent does not bleed into what is not", arguments: [ResamplingFilter.bilinear, .bicubic, .lanczos3])
    func alpha(filter: ResamplingFilter) {
        let size = Size(width: 8, height: 8)
        // Left half: opaque 200. Right half: transparent, with a hidden 0.
        let left = (0..<64).map { $0 % 8 < 4 }
        var image = Image(
            planes: [
                Plane(size: size, samples: .u8(left.map { $0 ? 200 : 0 })),
                Plane(size: size, samples: .u8(left.map { $0 ? 255 : 0 })),
            ], colour: .greyAlpha)
        image.metadata.texts = [.init(key: "Title", value: "kept")]
        let result = image.resampled(to: Size(width: 24, height: 24), using: filter)
        #expect(result.metadata == image.metadata)
        let colours = result.planes[0].floats()
        let opacity = result.planes[1].floats()
        for i in colours.indices where opacity[i] >= 1 { #expect(abs(colours[i] - 200) <= 1, "\(filter) at \(i): \(colours[i])") }
        for i in colours.indices where opacity[i] == 0 { #expect(colours[i] == 0 || abs(colours[i] - 200) <= 1) }
    }

    @Test("statistics and percentiles equal NumPy's")
    func statistics() throws {
        let golden: Golden = try golden("resampling.json")
        let plane = Plane(size: Size(width: golden.width, height: golden.height), samples: .f32(golden.source))
        let statistics = PlaneStatistics(of: plane)
        #expect(abs(statistics.mean - golden.mean) < 1e-12)
        #expect(abs(statistics.standardDeviation - golden.deviation) < 1e-12)
        let order = OrderStatistics(of: plane)
        for (percent, expected) in zip(golden.percents, golden.percentiles) {
            #expect(abs(order.percentile(percent) - expected) < 1e-12, "\(percent) %")
        }
    }
}

/// A plane without symmetry that uses most of the format's range.
func pattern(width: Int, height: Int, format: SampleFormat) -> Plane {
    let noise = CounterNoise(seed: 5)
    let values = (0..<width * height).map { noise.uniform(x: $0 % width, y: $0 / width) * format.fullScale }
    return Plane(size: Size(width: width, height: height), floats: values, format: format)
}
