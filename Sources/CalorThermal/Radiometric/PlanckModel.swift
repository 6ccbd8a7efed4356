import CalorBase
import CalorImage

/// Counts to kelvin with everything that the scene says: the object emits, the surroundings reflect in it, air on both sides of a
/// window absorbs and glows, the window too.
///
/// counts = τ₁ τw τ₂ ε W(object) + τ₁ τw τ₂ (1 − ε) W(reflected) + (1 − τ₁) τw τ₂ W(air) + (1 − τw) τ₂ W(window) + (1 − τ₂) W(air),
/// where W(T) are the counts of a black body, and τ₁ and τ₂ the air before and behind the window.
///
/// *Units*: kelvin and counts.
/// *Precision*: double; the inverse is exact to 1e-9 kelvin.
/// *Source*: FLIR's measurement formula with the window of G. Tattersall, "Thermimage", 2017; docs/radiometry.md.
public struct PlanckModel: Sendable, Equatable {
    /// Where the air is.
    public enum Path: String, Sendable, CaseIterable {
        /// Two layers of half the distance, as Thermimage and the programs after it compute.
        case halves
        /// One layer of the whole distance in front of the window, as FLIR's own formula has it.
        case whole
    }

    public let planck: Radiometry.Planck
    /// The share of the object's own radiation that arrives: ε τ₁ τw τ₂.
    public let objectShare: Double
    /// What arrives from everything else, in counts.
    public let otherCounts: Double
    /// Of air and window together.
    public let transmission: Double

    /// *Throws*: `radiometry.constant` for values that no temperature can be computed with.
    public init(
        planck: Radiometry.Planck, scene: Radiometry.Scene, atmosphere: Radiometry.Atmosphere = .usual, path: Path = .halves
    ) throws(ThermalFault) {
        try Self.check(planck)
        try Self.check(scene)
        self.planck = planck
        let air = AirTransmission(atmosphere, air: scene.atmospheric, relativeHumidity: scene.relativeHumidity)
        let (near, far) =
            switch path {
            case .halves: (air.share(metres: scene.distanceMetres / 2), air.share(metres: scene.distanceMetres / 2))
            case .whole: (air.share(metres: scene.distanceMetres), 1.0)
            }
        for share in [near, far] where !(share > 0 && share <= 1) {
            throw .constant(
                name: "the transmission of the air", value: "\(share)", allowed: "above 0 and at most 1", setting: "distance")
        }
        let window = scene.windowTransmission
        let emissivity = scene.emissivity
        transmission = near * window * far
        objectShare = emissivity * transmission
        func counts(_ temperature: Kelvin) -> Double { Self.blackBody(temperature.value, planck) }
        otherCounts =
            transmission * (1 - emissivity) * counts(scene.reflected)
            + ((1 - near) * window * far + (1 - far)) * counts(scene.atmospheric)
            + (1 - window) * far * counts(scene.window)
        guard otherCounts.isFinite, objectShare > 0 else {
            throw .constant(name: "what the surroundings add", value: "\(otherCounts) counts", allowed: "a number", setting: nil)
        }
    }

    /// The temperature of an object that gives `counts`; NaN where no temperature does.
    public func kelvin(counts: Double) -> Double {
        let object = (counts - otherCounts) / objectShare
        let signal = object + planck.o
        guard signal > 0 else { return .nan }
        let value = planck.b / naturalLogarithm(planck.r1 / (planck.r2 * signal) + planck.f)
        // Planes hold 32 bits: what is 0 or infinite there is no temperature either.
        return Float(value) > 0 && Float(value).isFinite ? value : .nan
    }

    /// The counts of an object at `kelvin`.
    public func counts(kelvin: Double) -> Double { objectShare * Self.blackBody(kelvin, planck) + otherCounts }

    static func blackBody(_ kelvin: Double, _ planck: Radiometry.Planck) -> Double {
        planck.r1 / (planck.r2 * (exponential(planck.b / kelvin) - planck.f)) - planck.o
    }

    // MARK: - Checks

    private static func check(_ planck: Radiometry.Planck) throws(ThermalFault) {
        for (name, value) in [("Planck's R1", planck.r1), ("Planck's R2", planck.r2), ("Planck's B", planck.b)]
        where !(value > 0 && value.isFinite) {
            throw .constant(name: name, value: "\(value)", allowed: "a number above 0", setting: nil)
        }
        for (name, value) in [("Planck's F", planck.f), ("Planck's O", planck.o)] where !value.isFinite {
            throw .constant(name: name, value: "\(value)", allowed: "a number", setting: nil)
        }
    }

    private static func check(_ scene: Radiometry.Scene) throws(ThermalFault) {
        func share(_ name: String, _ value: Double, _ setting: String, zero: Bool = false) throws(ThermalFault) {
            guard value <= 1, zero ? value >= 0 : value > 0 else {
                throw .constant(
                    name: name, value: "\(value)", allowed: zero ? "from 0 to 1" : "above 0 and at most 1", setting: setting)
            }
        }
        func temperature(_ name: String, _ value: Kelvin, _ setting: String) throws(ThermalFault) {
            guard value.value > 0, value.value < 10_000 else {
                throw .constant(name: name, value: "\(value.value) K", allowed: "above 0 K and below 10000 K", setting: setting)
            }
        }
        try share("the emissivity", scene.emissivity, "emissivity")
        try share("the transmission of the window", scene.windowTransmission, "window-transmission")
        try share("the relative humidity", scene.relativeHumidity, "humidity", zero: true)
        guard scene.distanceMetres >= 0, scene.distanceMetres <= 1e6 else {
            throw .constant(
                name: "the distance", value: "\(scene.distanceMetres) m", allowed: "from 0 to 1000000 m", setting: "distance")
        }
        try temperature("the reflected temperature", scene.reflected, "reflected")
        try temperature("the temperature of the air", scene.atmospheric, "atmospheric")
        try temperature("the temperature of the window", scene.window, "window")
    }
}
