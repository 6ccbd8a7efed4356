import CalorBase
import CalorImage
import Testing

@testable import CalorThermal

@Suite struct GainControlTests {
    struct Golden: Decodable {
        struct Case: Decodable {
            var columns: Int
            var rows: Int
            var clip: Double
            var width: Int
            var height: Int
            var values: [Int]
        }
        var width: Int
        var height: Int
        var source: [Float]
        var cases: [Case]
    }

    @Test("adaptive equalisation equals OpenCV's CLAHE, ± 1 level")
    func openCV() throws {
        let golden: Golden = try golden("clahe.json")
        let source = Plane(
            size: Size(width: golden.width, height: golden.height), floats: golden.source, format: .u8)
        for item in golden.cases {
            let plane = source.cropped(to: Region(x: 0, y: 0, width: item.width, height: item.height))
            let result = try AdaptiveGain(columns: item.columns, rows: item.rows, clipLimit: item.clip)
                .applied(to: plane)
            let worst = zip(result.floats(), item.values).map { abs(Int($0) - $1) }.max() ?? 255
            #expect(
                worst <= 1, "\(item.columns)×\(item.rows), clip \(item.clip), \(plane.size): \(worst)")
        }
    }

    /// Counts of a sensor: a narrow part of 16 bits, with one dead and one hot pixel.
    private func scene(_ format: SampleFormat) -> Plane {
        let noise = CounterNoise(seed: 4)
        var values = (0..<96 * 80).map { i -> Float in
            let (x, y) = (i % 96, i / 96)
            let body: Float = (x - 60) * (x - 60) + (y - 40) * (y - 40) < 200 ? 400 : 0
            return 7000 + Float(x) + body + 5 * noise.normal(x: x, y: y)
        }
        values[5] = 0
        values[500] = 60_000
        return Plane(size: Size(width: 96, height: 80), floats: values, format: format)
    }

    private var controls: [(String, any GainControl)] {
        get throws {
            [
                ("linear", LinearGain()), ("given range", try LinearGain(low: 6900, high: 7600)),
                ("percentile", try PercentileGain()),
                ("plateau", try PlateauGain()), ("adaptive", try AdaptiveGain()),
            ]
        }
    }

    @Test("regions have the bits of the whole", arguments: [SampleFormat.u16, .f32])
    func regions(format: SampleFormat) throws {
        let plane = scene(format)
        for (name, control) in try controls {
            let mapping = try control.analyse(plane)
            let whole = mapping.apply(to: plane)
            #expect(whole.format == .u8)
            for tile in Region(plane.size).tiles(of: Size(width: 31, height: 17)) {
                let part = mapping.apply(to: plane.cropped(to: tile), x: tile.x, y: tile.y)
                #expect(part == whole.cropped(to: tile), "\(name), \(format), \(tile)")
            }
        }
    }

    @Test("a whole-image control keeps the order of counts", arguments: [SampleFormat.u16, .f32])
    func monotone(format: SampleFormat) throws {
        let plane = scene(format)
        for (name, control) in try controls where name != "adaptive" {
            let pairs = zip(plane.floats(), try control.applied(to: plane).floats()).sorted {
                $0.0 < $1.0
            }
            #expect(zip(pairs, pairs.dropFirst()).allSatisfy { $0.1 <= $1.1 }, "\(name), \(format)")
            #expect(pairs.first?.1 == 0 && pairs.last?.1 == 255, "\(name), \(format)")
        }
    }

    @Test("percentiles give the scene contrast that two bad pixels take from the linear range")
    func contrast() throws {
        let plane = scene(.u16)
        let linear = PlaneStatistics(of: try LinearGain().applied(to: plane)).standardDeviation
        let percentile = PlaneStatistics(of: try PercentileGain().applied(to: plane)).standardDeviation
        #expect(linear < 4 && percentile > 40, "\(linear), \(percentile)")
        let mapping = try PercentileGain().analyse(plane)
        #expect(mapping.low > 6900 && mapping.high < 7600)
    }

    @Test("the plateau decides how much a large background may claim")
    func plateau() throws {
        // 90 % of the pixels share one count; 100 further counts share the rest.
        let values = (0..<10_000).map { i -> Float in i < 9000 ? 500 : Float(501 + (i - 9000) / 10) }
        let plane = Plane(size: Size(width: 100, height: 100), floats: values, format: .u16)
        let full = try PlateauGain(plateau: 1).applied(to: plane).floats()
        let limited = try PlateauGain(plateau: 0.001).applied(to: plane).floats()
        #expect(full[9000] > 225, "plain equalisation jumps over the background: \(full[9000])")
        #expect(limited[9000] < 4, "every count gets the same share: \(limited[9000])")
        #expect(full[0] == 0 && limited[0] == 0 && full[9999] == 255 && limited[9999] == 255)
    }

    @Test("a flat image becomes flat, and NaN becomes 0", arguments: SampleFormat.allCases)
    func flat(format: SampleFormat) throws {
        var plane = Plane(size: Size(width: 16, height: 16), format: format, repeating: 9)
        for (name, control) in try controls where name != "given range" {
            let result = try control.applied(to: plane).floats()
            #expect(Set(result).count == 1, "\(name), \(format): \(Set(result))")
        }
        guard format == .f32, case .f32(var values) = plane.samples else { return }
        values[3] = .nan
        plane = Plane(size: plane.size, samples: .f32(values))
        for (name, control) in try controls where name != "adaptive" && name != "plateau" {
            #expect(try control.applied(to: plane).floats()[3] == 0, "\(name)")
        }
        let nothing = Plane(size: plane.size, format: .f32, repeating: .nan)
        for (name, control) in try controls where name != "given range" {
            #expect(throws: ThermalFault.nothingFinite, "\(name)") { try control.analyse(nothing) }
        }
    }

    @Test("parameters out of range say what is allowed")
    func parameters() {
        #expect(throws: ThermalFault.self) { try LinearGain(low: 5, high: 5) }
        #expect(throws: ThermalFault.self) { try LinearGain(low: 5, high: .infinity) }
        #expect(throws: ThermalFault.self) { try PercentileGain(lowPercent: -1) }
        #expect(throws: ThermalFault.self) { try PercentileGain(lowPercent: 60, highPercent: 50) }
        #expect(throws: ThermalFault.self) { try PlateauGain(plateau: 0) }
        #expect(throws: ThermalFault.self) { try PlateauGain(plateau: .nan) }
        #expect(throws: ThermalFault.self) { try AdaptiveGain(columns: 0) }
        #expect(throws: ThermalFault.self) { try AdaptiveGain(clipLimit: 0.5) }
        #expect(throws: ThermalFault.self) { try Destripe(strength: 2) }
        let fault = ThermalFault.parameter(name: "the plateau", value: "2.0", allowed: "a share")
        #expect(
            fault.message == "the plateau cannot be 2.0" && fault.advice == "give a share"
                && fault.kind == .usage)
        #expect(
            throws: ThermalFault.tooSmall(what: "8×8 tiles", size: "4×9", minimum: "one pixel per tile")
        ) {
            try AdaptiveGain().analyse(Plane(size: Size(width: 4, height: 9), format: .u8))
        }
    }

    @Test("an image keeps its alpha, rescaled, and its metadata")
    func image() throws {
        let plane = scene(.u16)
        var image = Image(
            planes: [plane, Plane(size: plane.size, format: .u16, repeating: 65_535)], colour: .greyAlpha,
            meaning: .counts)
        image.metadata.texts = [.init(key: "Title", value: "kept")]
        let result = try PercentileGain().applied(to: image)
        #expect(
            result.colour == .greyAlpha && result.format == .u8 && result.meaning == .display
                && result.metadata == image.metadata)
        #expect(result.planes[1].floats().allSatisfy { $0 == 255 })
    }
}
