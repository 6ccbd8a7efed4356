import CalorBase
import CalorImage

/// What turns counts into kelvin.
public enum TemperatureScale: Sendable, Equatable {
    case planck(PlanckModel)
    /// kelvin = gain · counts + offset: cameras with a linear output, or a calibration of one's own.
    case line(gain: Double, offset: Double)

    /// The scale of an image, after what a user changed.
    ///
    /// *Throws*: `radiometry.no-calibration`, `radiometry.constant`.
    public init(
        of radiometry: Radiometry?, what: String, path: PlanckModel.Path = .halves, changes: SceneChanges = SceneChanges()
    ) throws(ThermalFault) {
        guard let radiometry, let planck = radiometry.planck else { throw .noCalibration(what: what) }
        self = .planck(
            try PlanckModel(
                planck: planck, scene: changes.applied(to: radiometry.scene), atmosphere: radiometry.atmosphere ?? .usual,
                path: path))
    }

    public func kelvin(counts: Double) -> Double {
        switch self {
        case .planck(let model): model.kelvin(counts: counts)
        case .line(let gain, let offset): gain * counts + offset
        }
    }

    /// Kelvin for every sample; NaN where the counts stand for no temperature.
    ///
    /// *Complexity*: integers go through a table of their values.
    public func kelvin(of plane: Plane) -> Plane {
        func looked<T: BinaryInteger>(_ samples: [T], upTo last: T) -> [Float] {
            let table = (0...Int(last)).map { Float(kelvin(counts: Double($0))) }
            return samples.map { table[Int($0)] }
        }
        let values: [Float] =
            switch plane.samples {
            case .u8(let s): looked(s, upTo: s.max() ?? 0)
            case .u16(let s): looked(s, upTo: s.max() ?? 0)
            case .f32(let s): s.map { Float(kelvin(counts: Double($0))) }
            }
        return Plane(size: plane.size, samples: .f32(values))
    }
}

/// What a user knows better than the camera; nil keeps the file's value.
public struct SceneChanges: Sendable, Equatable {
    public var emissivity: Double?
    public var distanceMetres: Double?
    public var reflected: Kelvin?
    public var atmospheric: Kelvin?
    public var relativeHumidity: Double?
    public var window: Kelvin?
    public var windowTransmission: Double?

    public init() {}

    /// A file without a scene is taken for a black body at arm's length in a room at 20 °C.
    public func applied(to scene: Radiometry.Scene?) -> Radiometry.Scene {
        let room = Kelvin(celsius: 20)
        var scene =
            scene
            ?? Radiometry.Scene(
                emissivity: 1, distanceMetres: 1, reflected: room, atmospheric: room, relativeHumidity: 0.5, window: room,
                windowTransmission: 1)
        if let emissivity { scene.emissivity = emissivity }
        if let distanceMetres { scene.distanceMetres = distanceMetres }
        if let reflected { scene.reflected = reflected }
        if let atmospheric { scene.atmospheric = atmospheric }
        if let relativeHumidity { scene.relativeHumidity = relativeHumidity }
        if let window { scene.window = window }
        if let windowTransmission { scene.windowTransmission = windowTransmission }
        return scene
    }
}
