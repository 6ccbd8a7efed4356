import CalorBase
import CalorImage
import Testing

@testable import CalorThermal

@Suite struct RepairTests {
    private static let size = Size(width: 160, height: 120)

    /// Counts of a scene: slopes, a warm disc with a soft edge, a hard vertical edge, noise of two counts.
    private static func scene() -> [Float] {
        let noise = CounterNoise(seed: 5)
        return (0..<size.pixels).map { i in
            let (x, y) = (i % size.width, i / size.width)
            let (dx, dy) = (Float(x - 100), Float(y - 60))
            let disc = min(max((30 - (dx * dx + dy * dy).squareRoot()) / 3, 0), 1)
            let edge: Float = x >= 50 ? 120 : 0
            return 7000 + 1.5 * Float(x) + Float(y) + 300 * disc + edge + 2 * noise.normal(x: x, y: y)
        }
    }

    private static func plane(_ values: [Float], _ format: SampleFormat = .u16) -> Plane {
        Plane(size: size, floats: values, format: format)
    }

    private static func rms(_ a: Plane, _ b: Plane) -> Double {
        let (x, y) = (a.floats(), b.floats())
        let squares = x.indices.reduce(0.0) { $0 + Double((x[$1] - y[$1]) * (x[$1] - y[$1])) }
        return (squares / Double(x.count)).squareRoot()
    }

    // MARK: - Dead and hot pixels

    /// Half a percent of the pixels, dead (0) and hot (full scale) by turns, some of them in pairs.
    private static func defects() -> [Int] {
        let chance = CounterNoise(seed: 9)
        return (0..<size.pixels).filter { i in
            chance.uniform(x: i, y: 0) < 0.004 || (i > 0 && chance.uniform(x: i - 1, y: 0) < 0.001)
        }
    }

    @Test("dead and hot pixels are found and filled", arguments: [SampleFormat.u16, .f32])
    func pixels(format: SampleFormat) throws {
        let truth = Self.plane(Self.scene(), format)
        let defects = Self.defects()
        var values = truth.floats()
        for (n, at) in defects.enumerated() { values[at] = n % 2 == 0 ? 0 : 16_383 }
        let damaged = Self.plane(values, format)
        let repair = try PixelRepair()
        let found = Set(try repair.detect(in: damaged))
        let hits = defects.filter(found.contains).count
        #expect(Double(hits) >= 0.97 * Double(defects.count), "\(hits) of \(defects.count) found")
        #expect(found.count - hits <= Self.size.pixels / 1000, "\(found.count - hits) healthy pixels taken for defects")
        let repaired = try repair.applied(to: damaged)
        let (before, after) = (Self.rms(damaged, truth), Self.rms(repaired, truth))
        #expect(after * 8 < before, "\(before) → \(after) counts")
        #expect(repaired.format == format)
    }

    @Test("with a map every defect is filled, in clusters too")
    func map() throws {
        let truth = Self.plane(Self.scene())
        var defects = Self.defects()
        for y in 20..<23 { for x in 30..<33 { defects.append(y * Self.size.width + x) } }
        defects = Set(defects).sorted()
        var values = truth.floats()
        for at in defects { values[at] = 0 }
        let damaged = Self.plane(values)
        let correction = try #require(PixelRepair.replacements(for: defects, in: damaged))
        let after = Self.rms(correction.apply(to: damaged), truth)
        #expect(after < 6, "\(after) counts")
        // The same, cut into rows.
        let whole = correction.apply(to: damaged)
        for y in stride(from: 0, to: Self.size.height, by: 7) {
            let rows = Region(x: 0, y: y, width: Self.size.width, height: min(7, Self.size.height - y))
            #expect(correction.apply(to: damaged.cropped(to: rows), y: y) == whole.cropped(to: rows))
        }
    }

    @Test("a healthy image stays as it is, but for a few pixels at most")
    func healthy() throws {
        let found = try PixelRepair().detect(in: Self.plane(Self.scene()))
        #expect(found.count <= Self.size.pixels / 2000, "\(found.count)")
        #expect(try PixelRepair().detect(in: Plane(size: Self.size, format: .u16, repeating: 7000)).isEmpty)
    }

    @Test("what is no picture with single defects is refused, not blurred")
    func tooMany() throws {
        let chance = CounterNoise(seed: 1)
        let salt = Self.plane((0..<Self.size.pixels).map { chance.uniform(x: $0, y: 0) < 0.12 ? 16_000 : 7000 })
        #expect(throws: ThermalFault.self) { try PixelRepair().detect(in: salt) }
        #expect(throws: ThermalFault.self) { try PixelRepair().detect(in: Plane(size: Size(width: 4, height: 9), format: .u16)) }
        #expect(PixelRepair.replacements(for: [0, 1], in: Plane(size: Size(width: 2, height: 1), format: .u16)) == nil)
    }

    // MARK: - Flat field

    /// Sensitivity of every pixel: vignetting of a third towards the corners, and 2 % from pixel to pixel.
    private static func sensitivity(pixels: Float) -> [Float] {
        let noise = CounterNoise(seed: 31)
        return (0..<size.pixels).map { i in
            let dx = (Float(i % size.width) - 79.5) / 100
            let dy = (Float(i / size.width) - 59.5) / 100
            return 1 / (1 + 0.5 * (dx * dx + dy * dy)) * (1 + pixels * noise.normal(x: i % size.width, y: i / size.width))
        }
    }

    @Test("gain: vignetting and sensitivity go, the level stays")
    func gain() throws {
        let truth = Self.scene()
        let sensitivity = Self.sensitivity(pixels: 0.02)
        let mean = sensitivity.reduce(0, +) / Float(sensitivity.count)
        let damaged = Self.plane(zip(truth, sensitivity).map { $0 * $1 / mean }, .f32)
        let reference = Self.plane(sensitivity.map { 9000 * $0 }, .u16)
        let field = try FlatField(method: .gain, reference: reference)
        let level = PlaneStatistics(of: Self.plane(truth, .f32)).mean
        let result = field.apply(to: damaged)
        // The mean of 1 / sensitivity is not 1 / its mean: one factor for the whole image is left, as everywhere with one reference.
        let factor = PlaneStatistics(of: result).mean / level
        let rest = Self.rms(Self.plane(result.floats().map { $0 / Float(factor) }, .f32), Self.plane(truth, .f32))
        let before = Self.rms(damaged, Self.plane(truth, .f32))
        #expect(rest * 200 < before && abs(factor - 1) < 0.03, "\(before) → \(rest) counts, factor \(factor)")
    }

    @Test("radial: one noisy frame is enough for the vignetting")
    func radial() throws {
        let noise = CounterNoise(seed: 77)
        let vignette = Self.sensitivity(pixels: 0)
        let frame = Self.plane(vignette.indices.map { 9000 * vignette[$0] + 60 * noise.normal(x: $0, y: 3) }, .u16)
        let damaged = Self.plane(vignette.map { 8000 * $0 }, .f32)
        func unevenness(_ field: FlatField) -> Double {
            let statistics = PlaneStatistics(of: field.apply(to: damaged))
            return statistics.standardDeviation / statistics.mean
        }
        let before = PlaneStatistics(of: damaged)
        let smooth = unevenness(try FlatField(method: .gain, reference: frame, surface: .radial))
        let pixels = unevenness(try FlatField(method: .gain, reference: frame))
        #expect(smooth < 0.001 && smooth * 5 < pixels, "\(before.standardDeviation / before.mean) → \(smooth), by pixels \(pixels)")
    }

    @Test("two points: gain and offset of every pixel at once")
    func twoPoints() throws {
        let truth = Self.scene()
        let noise = CounterNoise(seed: 13)
        func seen(_ values: [Float]) -> [Float] {
            values.indices.map { i in
                (1 + 0.03 * noise.normal(x: i, y: 1)) * values[i] + 90 * noise.normal(x: i, y: 2)
            }
        }
        let damaged = Self.plane(seen(truth), .f32)
        let cold = Self.plane(seen([Float](repeating: 6800, count: truth.count)), .f32)
        let warm = Self.plane(seen([Float](repeating: 7800, count: truth.count)), .f32)
        let field = try FlatField(method: .both, reference: cold, second: warm)
        let (before, after) = (
            Self.rms(damaged, Self.plane(truth, .f32)), Self.rms(field.apply(to: damaged), Self.plane(truth, .f32))
        )
        #expect(after * 20 < before, "\(before) → \(after) counts")
    }

    @Test("offset: drift goes, counts keep their mean")
    func offset() throws {
        let truth = Self.scene()
        let noise = CounterNoise(seed: 15)
        let drift = truth.indices.map { (25 * noise.normal(x: $0, y: 0)).rounded() }
        let damaged = Self.plane(zip(truth, drift).map { $0 + $1 })
        let field = try FlatField(method: .offset, reference: Self.plane(drift.map { 7500 + $0 }))
        let result = field.apply(to: damaged)
        let (before, after) = (Self.rms(damaged, Self.plane(truth)), Self.rms(result, Self.plane(truth)))
        #expect(after * 20 < before, "\(before) → \(after) counts")
        #expect(abs(PlaneStatistics(of: result).mean - PlaneStatistics(of: damaged).mean) < 0.5)
    }

    @Test("references that make no sense are refused")
    func references() {
        let small = Plane(size: Size(width: 4, height: 4), format: .u16, repeating: 9)
        let dead = Self.plane([Float](repeating: 0, count: Self.size.pixels))
        #expect(throws: ThermalFault.self) { try FlatField(method: .gain, reference: dead) }
        #expect(throws: ThermalFault.self) { try FlatField(method: .both, reference: small) }
        #expect(throws: ThermalFault.self) { try FlatField(method: .both, reference: small, second: small) }
        #expect(throws: ThermalFault.self) { try FlatField(method: .gain, reference: small, second: dead) }
        #expect(throws: ThermalFault.nothingFinite) {
            try FlatField(method: .gain, reference: Plane(size: Size(width: 1, height: 1), samples: .f32([.nan])))
        }
    }

    // MARK: - Dark frames

    @Test("the median of dark frames takes the sensor's own pattern away, whatever hits single frames")
    func dark() throws {
        let truth = Self.scene()
        let noise = CounterNoise(seed: 21)
        let pattern = truth.indices.map { 400 + 30 * noise.normal(x: $0, y: 0) }
        let frames = (0..<9).map { frame in
            Self.plane(
                pattern.indices.map { i in
                    let hit: Float = (i * 7 + frame * 1301) % 5003 == 0 ? 9000 : 0
                    return pattern[i] + 6 * noise.normal(x: i, y: frame + 1) + hit
                })
        }
        let damaged = Self.plane(zip(truth, pattern).map { $0 + $1 - 400 }, .f32)
        let dark = try DarkFrame(frames: frames)
        let (before, after) = (
            Self.rms(damaged, Self.plane(truth, .f32)), Self.rms(dark.subtract(from: damaged), Self.plane(truth, .f32))
        )
        #expect(after * 8 < before, "\(before) → \(after) counts")
        let gone = dark.subtract(from: damaged, keepsLevel: false)
        #expect(abs(PlaneStatistics(of: damaged).mean - PlaneStatistics(of: gone).mean - 400) < 2)
        #expect(throws: ThermalFault.self) { try DarkFrame(frames: []) }
        #expect(throws: ThermalFault.self) {
            try DarkFrame(frames: [frames[0], Plane(size: Size(width: 2, height: 2), format: .u16)])
        }
    }
}
