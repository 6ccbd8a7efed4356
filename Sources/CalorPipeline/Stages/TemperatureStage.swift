import CalorBase
import CalorImage
import CalorThermal

/// Counts of a radiometric camera to kelvin, and what is hot and cold for the metrics.
struct TemperatureStage: WholeStage {
    static let description = StageDescription(
        name: "temperature", summary: "radiometric counts to kelvin (f32); hot and cold spots in the metrics",
        parameters: [
            ParameterDescription("emissivity", .number(0.001...1), "of the object; the file's value when not given"),
            ParameterDescription("distance", .number(0...1e6), "metres to the object; the file's value when not given"),
            ParameterDescription(
                "reflected", .number(-273...5000), "apparent temperature of what the object reflects, °C; else the file's value"),
            ParameterDescription("atmospheric", .number(-273...5000), "temperature of the air, °C; else the file's value"),
            ParameterDescription("humidity", .number(0...1), "relative humidity of the air, 0 to 1; else the file's value"),
            ParameterDescription("window", .number(-273...5000), "temperature of an infrared window, °C; else the file's value"),
            ParameterDescription(
                "window-transmission", .number(0.001...1), "of that window, 1 without one; else the file's value"),
            ParameterDescription(
                "path", .choice(PlanckModel.Path.allCases.map(\.rawValue)), standard: .text("halves"),
                "halves: air on both sides of the window, as Thermimage; whole: one layer, as FLIR's own formula"),
            ParameterDescription("gain", .number(1e-9...1e9), "kelvin per count of a camera with linear output (with offset)"),
            ParameterDescription("offset", .number(-1e9...1e9), "kelvin at 0 counts of a camera with linear output (with gain)"),
            ParameterDescription("above", .number(-273...100_000), "°C: how much of the image is hotter, for the metrics"),
            ParameterDescription("below", .number(-273...100_000), "°C: how much of the image is colder, for the metrics"),
        ])

    private let site: StageSite
    private let changes: SceneChanges
    private let path: PlanckModel.Path
    private let line: TemperatureScale?
    private let above: Kelvin?
    private let below: Kelvin?

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        func celsius(_ name: String) -> Kelvin? { parameters.number(name).map { Kelvin(celsius: $0) } }
        var changes = SceneChanges()
        changes.emissivity = parameters.number("emissivity")
        changes.distanceMetres = parameters.number("distance")
        changes.reflected = celsius("reflected")
        changes.atmospheric = celsius("atmospheric")
        changes.relativeHumidity = parameters.number("humidity")
        changes.window = celsius("window")
        changes.windowTransmission = parameters.number("window-transmission")
        self.changes = changes
        path = parameters.text("path").flatMap(PlanckModel.Path.init(rawValue:)) ?? .halves
        above = celsius("above")
        below = celsius("below")
        switch (parameters.number("gain"), parameters.number("offset")) {
        case (nil, nil): line = nil
        case (let gain?, let offset): line = .line(gain: gain, offset: offset ?? 0)
        case (nil, .some):
            throw .parameterConflict(
                place: site.place, stage: site.id, problem: "offset without gain is no line",
                advice: "give gain (kelvin per count), for example gain: 0.04")
        }
        guard line == nil || changes == SceneChanges() else {
            throw .parameterConflict(
                place: site.place, stage: site.id,
                problem: "gain replaces the camera's model, which emissivity and the like belong to",
                advice: "give either gain and offset, or the parameters of the scene")
        }
    }

    /// Kelvin. No camera sees a scene whose hottest point is below this; degrees Celsius that are taken for kelvin mostly look like one.
    private static let coldestScene = 150.0

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType {
        guard input.colour.isGrey else {
            throw .type(place: site.place, stage: site.id, found: input.name, expected: "counts of an infrared camera")
        }
        guard input.meaning != .display else { throw .wrapped(ThermalFault.notRadiometric(what: "image", reason: nil)) }
        return ImageType(colour: .grey, meaning: .kelvin, format: .f32, size: input.size)
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost {
        StageCost(scratchBytes: 4 * input.size.pixels + (1 << 20))
    }

    func run(_ image: Image, reference: Image?, in environment: StageEnvironment) throws(PipelineFault) -> StageResult {
        do {
            var values: [String: JSON] = [:]
            let plane: Plane
            let isKelvin = image.meaning == .kelvin && line == nil
            if isKelvin {
                guard changes == SceneChanges() else { throw ThermalFault.sceneOfKelvin }
                plane = image.planes[0]
                let found = PlaneStatistics(of: plane)
                guard found.nonFinite == found.samples || found.maximum >= Self.coldestScene else {
                    throw ThermalFault.notKelvin(hottest: compact(found.maximum))
                }
                values["model"] = .text("the input is in kelvin already")
            } else {
                let scale =
                    try line
                    ?? TemperatureScale(of: image.metadata.radiometry, what: Self.name(of: image), path: path, changes: changes)
                plane = scale.kelvin(of: image.planes[0])
                values.merge(Self.values(of: scale)) { $1 }
                if case .planck = scale {
                    for (name, value) in Self.scene(changes.applied(to: image.metadata.radiometry?.scene)) {
                        values[name] = .number(value)
                    }
                }
            }
            let temperatures = plane.aboveZero
            values.merge(try TemperatureMetrics(above: above, below: below).values(of: temperatures)) { $1 }
            var result = image.replacing(planes: [isKelvin ? plane : temperatures], colour: .grey, meaning: .kelvin)
            result.metadata.describe("temperatures in kelvin")
            return StageResult(image: result, values: values)
        } catch { throw PipelineFault(error) }
    }

    /// For messages: whose counts they are.
    private static func name(of image: Image) -> String {
        image.metadata.radiometry.map { "\($0.source.rawValue) file" } ?? "image"
    }

    private static func values(of scale: TemperatureScale) -> [String: JSON] {
        switch scale {
        case .line(let gain, let offset): ["model": .text("line"), "gain": .number(gain), "offset": .number(offset)]
        case .planck(let model): ["model": .text("planck"), "transmission": .number(model.transmission)]
        }
    }

    private static func scene(_ scene: Radiometry.Scene) -> [(String, Double)] {
        [
            ("emissivity", scene.emissivity), ("distanceMetres", scene.distanceMetres),
            ("reflectedCelsius", scene.reflected.celsius),
            ("atmosphericCelsius", scene.atmospheric.celsius), ("relativeHumidity", scene.relativeHumidity),
        ]
    }
}

extension Plane {
    /// NaN where a sample is no temperature: at zero kelvin and below.
    fileprivate var aboveZero: Plane {
        let samples = floats()
        guard samples.contains(where: { $0 <= 0 }) else { return self }
        return Plane(size: size, samples: .f32(samples.map { $0 > 0 ? $0 : .nan }))
    }
}

/// What the metrics say about a plane of kelvin.
struct TemperatureMetrics {
    var above: Kelvin?
    var below: Kelvin?

    func values(of plane: Plane) throws(ThermalFault) -> [String: JSON] {
        let spots = try SpotStatistics(of: plane)
        func celsius(_ kelvin: Double) -> JSON { .number(Self.rounded(Kelvin(kelvin).celsius)) }
        func spot(_ spot: SpotStatistics.Spot) -> JSON {
            .object([
                .init("kelvin", .number(Self.rounded(spot.value))), .init("celsius", celsius(spot.value)),
                .init("x", .integer(spot.x)),
                .init("y", .integer(spot.y)),
            ])
        }
        var values: [String: JSON] = [
            "hot": spot(spots.hottest), "cold": spot(spots.coldest), "meanCelsius": celsius(spots.mean),
            "percentilesCelsius": .object(spots.percentiles.map { .init(compact($0.percent), celsius($0.value)) }),
        ]
        if spots.count < plane.size.pixels { values["withoutTemperature"] = .integer(plane.size.pixels - spots.count) }
        if let above { area(SpotStatistics.pixels(of: plane, above: above.value), of: spots.count, "above", into: &values) }
        if let below { area(SpotStatistics.pixels(of: plane, below: below.value), of: spots.count, "below", into: &values) }
        return values
    }

    private func area(_ pixels: Int, of count: Int, _ name: String, into values: inout [String: JSON]) {
        values["\(name)Pixels"] = .integer(pixels)
        values["\(name)Share"] = .number(Double(pixels) / Double(count))
    }

    /// A tenth of a millikelvin, which is what f32 can hold near 300 K.
    private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
