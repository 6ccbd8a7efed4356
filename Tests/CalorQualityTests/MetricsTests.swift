import CalorBase
import CalorImage
import Testing

@testable import CalorQuality

@Suite struct MetricsTests {
    struct Golden: Decodable {
        struct Small: Decodable {
            var values: [Float]
            var consistency: Double
        }
        struct Case: Decodable {
            var width: Int
            var height: Int
            var peak: Double
            var reference: [[Float]]
            var candidate: [[Float]]
            var metrics: [String: Double]
            var order: [Int]
            var small: Small?

            var size: Size { Size(width: width, height: height) }
            func image(_ planes: [[Float]]) -> Image {
                let format: SampleFormat = peak == 255 ? .u8 : .u16
                return Image(
                    planes: planes.map { Plane(size: size, floats: $0, format: format) }, colour: planes.count == 1 ? .grey : .rgb)
            }
        }
        struct Transform: Decodable {
            var input: [[Double]]
            var output: [[Double]]
        }
        var cases: [Case]
        var transforms: [Transform]
    }

    @Test("metrics equal NumPy, SciPy and scikit-image")
    func references() throws {
        let golden: Golden = try golden("metrics.json")
        for item in golden.cases {
            let reference = item.image(item.reference)
            let candidate = item.image(item.candidate)
            let comparison = try Comparison(reference: reference, candidate: candidate)
            let measured: [String: Double?] = [
                "psnrGrey": comparison.psnrGrey, "psnrLuma": comparison.psnrLuma, "ssim": comparison.ssim,
                "psnrRGB": try psnrRGB(reference: reference, candidate: candidate),
                "mae": comparison.differences.mae, "maximum": comparison.differences.maximum, "rmse": comparison.differences.rmse,
                "bias": comparison.differences.bias, "gradientSimilarity": comparison.gradientSimilarity,
                "spectrum": comparison.spectrumDistance?.decibels, "entropy": try entropy(of: reference.planes[0]),
                "noise": try noiseEstimate(of: candidate.planes[0]),
            ]
            for (name, expected) in item.metrics {
                let value = try #require(measured[name] ?? nil, "\(name)")
                // Colour luma is kept as float, which is where the fifth digit goes.
                let tolerance = (reference.colour == .rgb ? 2e-6 : 1e-7) * max(1, abs(expected))
                #expect(abs(value - expected) < tolerance, "\(name) of \(item.size), peak \(item.peak): \(value), not \(expected)")
            }
            #expect([comparison.thermalOrder?.pairs, comparison.thermalOrder?.violations] == item.order, "\(item.size)")
            if let small = item.small {
                let low = Plane(
                    size: Size(width: item.width / 4, height: item.height / 4), floats: small.values, format: candidate.format)
                let rms = try consistencyRMS(lowResolution: low, superResolved: candidate.planes[0])
                #expect(abs(rms - small.consistency) < 1e-4, "\(rms)")
            }
        }
    }

    @Test("transforms of any length equal NumPy's")
    func transforms() throws {
        let golden: Golden = try golden("metrics.json")
        for item in golden.transforms {
            var real = item.input[0]
            var imaginary = item.input[1]
            FourierTransform(length: real.count).transform(&real, &imaginary)
            let worst = zip(real + imaginary, item.output[0] + item.output[1]).map { abs($0 - $1) }.max() ?? 1
            #expect(worst < 1e-12, "length \(real.count): \(worst)")
        }
    }

    @Test("grey content: luma PSNR is 1.32 dB above grey PSNR, and RGB PSNR equals it")
    func lumaOffset() throws {
        let a = plane(SIMD2(20, 20), seed: 1)
        let b = plane(SIMD2(20, 20), seed: 2)
        let grey = try Comparison(reference: Image(planes: [a], colour: .grey), candidate: Image(planes: [b], colour: .grey))
        #expect(abs(grey.psnrLuma - grey.psnrGrey - 1.3219) < 1e-3, "\(grey.psnrLuma) and \(grey.psnrGrey)")
        let mixed = try Comparison(reference: Image(planes: [a], colour: .grey), candidate: Image(planes: [b, b, b], colour: .rgb))
        #expect(mixed.psnrGrey == grey.psnrGrey && mixed.psnrRGB == nil)
        #expect(
            try abs(
                psnrRGB(reference: Image(planes: [a], colour: .grey), candidate: Image(planes: [b, b, b], colour: .rgb))
                    - grey.psnrGrey) < 1e-9)
    }

    @Test("equal pictures are identical in every metric")
    func identical() throws {
        let image = Image(planes: [plane(SIMD2(33, 21), seed: 1)], colour: .grey)
        let comparison = try Comparison(reference: image, candidate: image)
        #expect(comparison.identical && comparison.psnrGrey == .infinity && comparison.psnrLuma == .infinity)
        #expect(abs((comparison.ssim ?? 0) - 1) < 1e-12 && abs((comparison.gradientSimilarity ?? 0) - 1) < 1e-12)
        #expect(comparison.spectrumDistance?.decibels == 0 && comparison.thermalOrder?.violations == 0)
        #expect(comparison.differences.maximum == 0)
    }

    @Test("a crop looks only at the inside")
    func crop() throws {
        let a = plane(SIMD2(40, 30), seed: 1)
        var b = a
        b.paste(Plane(size: Size(width: 40, height: 2), format: .u8), x: 0, y: 0)
        let images = [a, b].map { Image(planes: [$0], colour: .grey) }
        #expect(try !Comparison(reference: images[0], candidate: images[1]).identical)
        #expect(try Comparison(reference: images[0], candidate: images[1], cropPixels: 2).identical)
    }

    @Test("a turned order is counted at any scale")
    func order() throws {
        let ramp = Plane(size: Size(width: 32, height: 8), floats: (0..<256).map { Float($0 % 32 * 4) }, format: .u8)
        let turned = Plane(size: ramp.size, floats: ramp.floats().map { 200 - $0 }, format: .u8)
        #expect(try ThermalOrder(reference: ramp, candidate: ramp).rate == 0)
        #expect(try ThermalOrder(reference: ramp, candidate: turned).rate == 1)
        let large = ramp.resampled(to: Size(width: 128, height: 32), using: .bicubic)
        #expect(try ThermalOrder(reference: ramp, candidate: large, patchPixels: 2).violations == 0)
    }

    @Test("noise of known deviation is found in a flat scene", arguments: [2.0, 5, 12])
    func noise(sigma: Double) throws {
        let noise = CounterNoise(seed: 8)
        let values = (0..<128 * 128).map { 128 + Float(sigma) * noise.normal(x: $0 % 128, y: $0 / 128) }
        let estimate = try noiseEstimate(of: Plane(size: Size(width: 128, height: 128), floats: values, format: .u8))
        #expect(abs(estimate - sigma) < 0.03 * sigma + 0.2, "\(estimate) for \(sigma)")
    }

    @Test("temperatures are compared in kelvin")
    func kelvin() throws {
        let size = Size(width: 4, height: 1)
        let a = Plane(size: size, samples: .f32([300, 310, 290, 280]))
        let b = Plane(size: size, samples: .f32([300.5, 309.5, 290.5, 280.5]))
        let error = try TemperatureError(reference: a, candidate: b)
        #expect(
            error.biasKelvin == 0.25 && error.meanAbsoluteKelvin == 0.5 && error.rmseKelvin == 0.5 && error.maximumKelvin == 0.5)
    }

    private func plane(_ size: SIMD2<Int>, seed: UInt64) -> Plane {
        let noise = CounterNoise(seed: seed)
        let values = (0..<size.x * size.y).map { noise.uniform(x: $0 % size.x, y: $0 / size.x) * 255 }
        return Plane(size: Size(width: size.x, height: size.y), floats: values, format: .u8)
    }
}

@Suite struct QualityFaultTests {
    private func image(_ width: Int, _ height: Int, _ format: SampleFormat = .u8, value: Float = 7) -> Image {
        Image(planes: [Plane(size: Size(width: width, height: height), format: format, repeating: value)], colour: .grey)
    }

    @Test("every fault is found before anything is measured")
    func faults() {
        let sizes = QualityFault.sizes(reference: Size(width: 4, height: 4), candidate: Size(width: 4, height: 5))
        #expect(throws: sizes) { try Comparison(reference: image(4, 4), candidate: image(4, 5)) }
        #expect(throws: QualityFault.formats(reference: .u8, candidate: .u16)) {
            try Comparison(reference: image(4, 4), candidate: image(4, 4, .u16))
        }
        #expect(throws: QualityFault.tooSmall(metric: "a crop of 2 pixels", size: Size(width: 4, height: 4), least: 5)) {
            try Comparison(reference: image(4, 4), candidate: image(4, 4), cropPixels: 2)
        }
        #expect(throws: QualityFault.peak(-1)) { try Comparison(reference: image(4, 4), candidate: image(4, 4), peak: -1) }
        #expect(throws: QualityFault.nonFinite(samples: 16)) {
            try Comparison(reference: image(4, 4, .f32), candidate: image(4, 4, .f32, value: .nan))
        }
        #expect(throws: QualityFault.notAMultiple(small: Size(width: 4, height: 4), large: Size(width: 8, height: 12))) {
            try consistencyRMS(lowResolution: image(4, 4).planes[0], superResolved: image(8, 12).planes[0])
        }
        #expect(throws: QualityFault.tooSmall(metric: "SSIM", size: Size(width: 10, height: 40), least: 11)) {
            try ssim(reference: image(10, 40).planes[0], candidate: image(10, 40).planes[0])
        }
    }

    @Test("messages say what to do")
    func messages() {
        let faults: [QualityFault] = [
            .sizes(reference: Size(width: 1, height: 2), candidate: Size(width: 3, height: 4)),
            .formats(reference: .u8, candidate: .f32),
            .tooSmall(metric: "SSIM", size: Size(width: 1, height: 2), least: 11),
            .notAMultiple(small: Size(width: 2, height: 2), large: Size(width: 3, height: 3)), .nonFinite(samples: 2), .peak(0),
        ]
        for fault in faults { #expect(fault.advice != nil && !fault.message.hasSuffix("."), "\(fault.identifier)") }
        #expect(faults[0].message == "the reference is 1×2 and the candidate is 3×4")
        #expect(Set(faults.map(\.identifier)).count == faults.count)
    }
}
