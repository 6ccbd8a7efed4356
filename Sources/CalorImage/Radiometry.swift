import CalorBase

/// What a camera's file says about how its counts become temperatures. It travels with the metadata of an image whose samples are
/// counts, through every stage that keeps them counts.
///
/// Values are those of the file, unchecked: whoever computes with them checks them.
public struct Radiometry: Sendable, Equatable {
    /// Counts of a black body at T kelvin: R1 / (R2 · (exp(B / T) − F)) − O.
    public struct Planck: Sendable, Equatable {
        public var r1: Double
        public var r2: Double
        /// *Units*: kelvin.
        public var b: Double
        public var f: Double
        /// *Units*: counts.
        public var o: Double

        public init(r1: Double, r2: Double, b: Double, f: Double, o: Double) {
            (self.r1, self.r2, self.b, self.f, self.o) = (r1, r2, b, f, o)
        }
    }

    /// Constants of the transmission of air.
    public struct Atmosphere: Sendable, Equatable {
        public var alpha1: Double
        public var alpha2: Double
        public var beta1: Double
        public var beta2: Double
        public var x: Double

        public init(alpha1: Double, alpha2: Double, beta1: Double, beta2: Double, x: Double) {
            (self.alpha1, self.alpha2, self.beta1, self.beta2, self.x) = (alpha1, alpha2, beta1, beta2, x)
        }

        /// What cameras ship, for files that lack them.
        public static let usual = Atmosphere(alpha1: 0.006569, alpha2: 0.01262, beta1: -0.002276, beta2: -0.00667, x: 1.9)
    }

    /// What the person with the camera set: the object and what lies between it and the lens.
    public struct Scene: Sendable, Equatable {
        public var emissivity: Double
        public var distanceMetres: Double
        /// Apparent temperature of what the object reflects.
        public var reflected: Kelvin
        public var atmospheric: Kelvin
        /// From 0 to 1.
        public var relativeHumidity: Double
        public var window: Kelvin
        /// 1 without a window.
        public var windowTransmission: Double

        public init(
            emissivity: Double, distanceMetres: Double, reflected: Kelvin, atmospheric: Kelvin, relativeHumidity: Double,
            window: Kelvin, windowTransmission: Double
        ) {
            self.emissivity = emissivity
            self.distanceMetres = distanceMetres
            self.reflected = reflected
            self.atmospheric = atmospheric
            self.relativeHumidity = relativeHumidity
            self.window = window
            self.windowTransmission = windowTransmission
        }
    }

    /// A colour of the file's own palette.
    public struct Colour: Sendable, Equatable {
        public var red: UInt8
        public var green: UInt8
        public var blue: UInt8

        public init(red: UInt8, green: UInt8, blue: UInt8) { (self.red, self.green, self.blue) = (red, green, blue) }
    }

    public enum Source: String, Sendable, CaseIterable {
        case flir = "FLIR"
        case dji = "DJI"
    }

    public var source: Source
    public var camera: String?
    public var serialNumber: String?
    /// nil where the file holds no calibration that is published.
    public var planck: Planck?
    public var atmosphere: Atmosphere?
    public var scene: Scene?
    /// What the camera says it can measure.
    public var measurable: ClosedRange<Kelvin>?
    /// From cold to hot; empty when the file has none.
    public var palette: [Colour] = []
    public var paletteName: String?
    /// How the counts were stored: `u16, little-endian`.
    public var storage = ""

    public init(source: Source) { self.source = source }
}
