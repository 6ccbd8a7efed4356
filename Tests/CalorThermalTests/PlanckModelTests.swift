import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorThermal

@Suite struct PlanckModelTests {
    static let planck = Radiometry.Planck(r1: 17096.453125, r2: 0.0465820580720901, b: 1428, f: 1, o: -267)
    static let room = Kelvin(celsius: 20)
    static let scene = Radiometry.Scene(
        emissivity: 0.95, distanceMetres: 5, reflected: room, atmospheric: room, relativeHumidity: 0.5, window: room,
        windowTransmission: 0.9)

    /// Golden/planck.py: the published formulas, with NumPy.
    @Test("counts become the kelvin of the published formulas")
    func golden() throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/planck.csv")
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        let names = try #require(lines.first).split(separator: ",").map(String.init)
        var worst = 0.0
        for line in lines.dropFirst() {
            let fields = line.split(separator: ",").map(String.init)
            let row = Dictionary(uniqueKeysWithValues: zip(names, fields))
            func number(_ name: String) throws -> Double { try #require(row[name].flatMap(Double.init), "\(name) in \(line)") }
            let model = try PlanckModel(
                planck: .init(
                    r1: number("r1"), r2: number("r2"), b: number("b"), f: number("f"), o: number("o")),
                scene: .init(
                    emissivity: number("emissivity"), distanceMetres: number("distance"), reflected: Kelvin(number("reflected")),
                    atmospheric: Kelvin(number("air")), relativeHumidity: number("humidity"), window: Kelvin(number("window")),
                    windowTransmission: number("window_transmission")),
                atmosphere: .init(
                    alpha1: number("a1"), alpha2: number("a2"), beta1: number("b1"), beta2: number("b2"), x: number("x")),
                path: try #require(row["path"].flatMap(PlanckModel.Path.init(rawValue:))))
            worst = max(worst, abs(model.kelvin(counts: try number("counts")) - (try number("kelvin"))))
        }
        #expect(lines.count > 600)
        #expect(worst < 1e-6, "greatest difference \(worst) K")
    }

    @Test("kelvin to counts and back", arguments: [230.0, 273.15, 310, 450, 900])
    func inverse(kelvin: Double) throws {
        let model = try PlanckModel(planck: Self.planck, scene: Self.scene)
        #expect(abs(model.kelvin(counts: model.counts(kelvin: kelvin)) - kelvin) < 1e-9)
    }

    @Test("counts below every temperature are NaN, not a number that looks like one")
    func noTemperature() throws {
        let model = try PlanckModel(planck: Self.planck, scene: Self.scene)
        #expect(model.kelvin(counts: -1e6).isNaN)
        let scale = TemperatureScale.planck(model)
        let plane = scale.kelvin(of: Plane(size: Size(width: 2, height: 1), samples: .u16([0, 3700])))
        guard case .f32(let samples) = plane.samples else {
            Issue.record("kelvin is f32")
            return
        }
        #expect(samples[1].isFinite && samples[1] > 280)
    }

    @Test(
        "constants that no temperature can be computed with are refused by name",
        arguments: [
            ("emissivity", 0.0), ("emissivity", .nan), ("emissivity", 1.5), ("window-transmission", 0), ("humidity", -0.1),
            ("distance", -1), ("distance", .infinity), ("reflected", .nan), ("atmospheric", 0), ("window", -3),
        ] as [(String, Double)])
    func refusals(setting: String, value: Double) throws {
        var scene = Self.scene
        switch setting {
        case "emissivity": scene.emissivity = value
        case "window-transmission": scene.windowTransmission = value
        case "humidity": scene.relativeHumidity = value
        case "distance": scene.distanceMetres = value
        case "reflected": scene.reflected = Kelvin(value)
        case "atmospheric": scene.atmospheric = Kelvin(value)
        default: scene.window = Kelvin(value)
        }
        do {
            _ = try PlanckModel(planck: Self.planck, scene: scene)
            Issue.record("\(setting) \(value) was taken")
        } catch {
            #expect(error.identifier == "radiometry.constant" && error.kind == .damagedInput)
            #expect(error.advice?.contains("--set STAGE.\(setting)=") == true, "\(error)")
        }
    }

    @Test("Planck constants that make no sense are refused", arguments: [0, -1, Double.nan, .infinity])
    func planckRefusals(value: Double) {
        let paths: [WritableKeyPath<Radiometry.Planck, Double>] = [\.r1, \.r2, \.b]
        for path in paths {
            var planck = Self.planck
            planck[keyPath: path] = value
            #expect(throws: ThermalFault.self) { try PlanckModel(planck: planck, scene: Self.scene) }
        }
    }

    /// Found by the fuzz target `flir`.
    @Test("temperatures that 32 bits cannot hold are none", arguments: [1e-60, 1e60])
    func narrowing(b: Double) throws {
        var planck = Self.planck
        (planck.b, planck.f) = (b, 0.5)
        let model = try PlanckModel(planck: planck, scene: Self.scene)
        #expect(model.kelvin(counts: model.counts(kelvin: 2 * b)).isNaN)
    }

    @Test("the line of text brings every constant back exactly")
    func text() throws {
        var radiometry = Radiometry(source: .flir)
        radiometry.planck = Self.planck
        radiometry.scene = Self.scene
        radiometry.atmosphere = .usual
        radiometry.camera = "Some camera 7"
        #expect(Radiometry(text: "before\n\(radiometry.line)\nafter") == radiometry)
        #expect(Radiometry(text: "nothing") == nil)
        #expect(Radiometry(text: "calor-radiometry 1 source=FLIR planckR1=nan")?.planck == nil)
    }

    @Test("hot and cold spots, their places, and areas")
    func spots() throws {
        let plane = Plane(size: Size(width: 3, height: 2), samples: .f32([5, .nan, 1, 9, 9, 2]))
        let spots = try SpotStatistics(of: plane)
        #expect(spots.hottest == .init(value: 9, x: 0, y: 1))
        #expect(spots.coldest == .init(value: 1, x: 2, y: 0))
        #expect(spots.count == 5 && abs(spots.mean - 5.2) < 1e-12)
        #expect(SpotStatistics.pixels(of: plane, above: 5) == 2)
        #expect(SpotStatistics.pixels(of: plane, below: 5) == 2)
        #expect(throws: ThermalFault.nothingFinite) {
            try SpotStatistics(of: Plane(size: Size(width: 1, height: 1), samples: .f32([.nan])))
        }
    }
}
