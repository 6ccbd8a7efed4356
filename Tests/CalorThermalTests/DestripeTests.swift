import CalorBase
import CalorImage
import Testing

@testable import CalorThermal

@Suite struct DestripeTests {
    private static let size = Size(width: 128, height: 96)

    /// A scene in levels: slopes, a warm disc, texture, and an edge from top to bottom in the middle.
    private static func scene(texture: Float = 0.7, offset: Float = 60) -> [Float] {
        let noise = CounterNoise(seed: 21)
        return (0..<size.pixels).map { i in
            let (x, y) = (i % size.width, i / size.width)
            let (dx, dy) = (x - 90, y - 50)
            var value = offset + 0.25 * Float(x) + 0.1 * Float(y)
            if dx * dx + dy * dy < 300 { value += 70 }
            if x >= 64 { value += 50 }
            return value + texture * noise.normal(x: x, y: y)
        }
    }

    private static func offsets(_ count: Int, deviation: Float) -> [Float] {
        let noise = CounterNoise(seed: 77)
        return (0..<count).map { deviation * noise.normal(x: $0, y: 0) }
    }

    private static func plane(_ values: [Float], _ format: SampleFormat = .u8) -> Plane {
        Plane(size: size, floats: values, format: format)
    }

    private static func rms(_ a: Plane, _ b: Plane) -> Float {
        let differences = zip(a.floats(), b.floats()).map { ($0 - $1) * ($0 - $1) }
        return (differences.reduce(0, +) / Float(differences.count)).squareRoot()
    }

    @Test(
        "stripes of any strength lose at least 10 dB", arguments: [Float(2), 4, 8],
        SampleFormat.allCases)
    func columns(deviation: Float, format: SampleFormat) throws {
        // Counts have finer steps than levels; floating point has none.
        let unit: Float = format == .u16 ? 25 : 1
        let clean = Self.scene()
        let stripes = Self.offsets(Self.size.width, deviation: deviation)
        let striped = clean.indices.map { clean[$0] + stripes[$0 % Self.size.width] }
        let truth = Self.plane(clean.map { $0 * unit }, format)
        let damaged = Self.plane(striped.map { $0 * unit }, format)
        let result = try Destripe().applied(to: damaged)
        let gain = Self.rms(truth, damaged) / Self.rms(truth, result)
        #expect(
            gain > 3.16,
            "\(format), σ \(deviation): \(Self.rms(truth, damaged)) → \(Self.rms(truth, result))")
        #expect(result.format == format)
        let (before, after) = (PlaneStatistics(of: damaged), PlaneStatistics(of: result))
        #expect(
            abs(before.mean - after.mean) < Double(0.1 * unit) && after.minimum >= before.minimum
                && after.maximum <= before.maximum
        )
    }

    @Test("rows and both directions", arguments: [Destripe.Direction.rows, .both])
    func rows(direction: Destripe.Direction) throws {
        let clean = Self.scene()
        let rows = Self.offsets(Self.size.height, deviation: 4)
        let columns =
            Self.offsets(Self.size.width, deviation: direction == .both ? 3 : 0).reversed() as [Float]
        let damaged = Self.plane(
            clean.indices.map { clean[$0] + rows[$0 / Self.size.width] + columns[$0 % Self.size.width] })
        let truth = Self.plane(clean)
        let result = try Destripe(direction: direction).applied(to: damaged)
        #expect(
            Self.rms(truth, result) < 0.5 * Self.rms(truth, damaged),
            "\(direction): \(Self.rms(truth, result))")
    }

    @Test("a clean image stays as it is", arguments: [Float(0), 0.3, 0.7, 2, 5])
    func clean(texture: Float) throws {
        let image = Self.plane(Self.scene(texture: texture))
        for direction in Destripe.Direction.allCases {
            let change = Self.rms(image, try Destripe(direction: direction).applied(to: image))
            // 45 dB is 1.43 levels; textures of pure noise have column means that cannot be told from stripes of σ / √height.
            let allowed: Float = max(0.1, 0.15 * texture)
            #expect(change < allowed, "texture \(texture), \(direction): \(change)")
        }
    }

    @Test(
        "an edge from top to bottom keeps its height, with and without stripes",
        arguments: [Float(0), 3])
    func edge(deviation: Float) throws {
        let stripes = Self.offsets(Self.size.width, deviation: deviation)
        let clean = Self.scene(texture: 0.5)
        let damaged = Self.plane(clean.indices.map { clean[$0] + stripes[$0 % Self.size.width] }, .f32)
        let correction = try Destripe().analyse(damaged)
        let step = correction.columns[64] - correction.columns[63] - (stripes[64] - stripes[63])
        #expect(abs(step) < 2.5, "σ \(deviation): the edge of 50 changed by \(step)")
    }

    @Test("regions have the bits of the whole, and strength scales")
    func regions() throws {
        let clean = Self.scene()
        let stripes = Self.offsets(Self.size.width, deviation: 4)
        let damaged = Self.plane(clean.indices.map { clean[$0] + stripes[$0 % Self.size.width] })
        let correction = try Destripe(direction: .both).analyse(damaged)
        let whole = correction.apply(to: damaged)
        for tile in Region(Self.size).tiles(of: Size(width: 37, height: 20)) {
            #expect(
                correction.apply(to: damaged.cropped(to: tile), x: tile.x, y: tile.y)
                    == whole.cropped(to: tile), "\(tile)")
        }
        let half = try Destripe(strength: 0.5).analyse(damaged).columns
        let full = try Destripe().analyse(damaged).columns
        let worst = zip(half, full).map { abs($0 * 2 - $1) }.max() ?? 1
        #expect(worst < 1e-4)
        #expect(try Destripe(strength: 0).applied(to: damaged) == damaged)
    }

    @Test("NaN stays where it is, flat and small planes come back unchanged")
    func oddPlanes() throws {
        var values = Self.scene()
        values[500] = .nan
        let result = try Destripe(direction: .both).applied(to: Self.plane(values, .f32)).floats()
        #expect(result[500].isNaN && result.indices.allSatisfy { $0 == 500 || result[$0].isFinite })
        for size in [
            Size(width: 1, height: 1), Size(width: 15, height: 40), Size(width: 40, height: 3),
            Size(width: 64, height: 64),
        ] {
            let plane = Plane(size: size, format: .u16, repeating: 7000)
            #expect(try Destripe(direction: .both).applied(to: plane) == plane, "\(size)")
        }
        #expect(throws: ThermalFault.nothingFinite) {
            try Destripe().analyse(Plane(size: Self.size, format: .f32, repeating: .nan))
        }
    }
}
