import CalorBase
import CalorImage

// Radiometry as one line of text, for formats that have no place of their own for it: what a PNG or TIFF of counts carries so that
// temperatures can be computed from it later.

extension Radiometry {
    /// What the line begins with; the number is its version.
    static let textMark = "calor-radiometry 1 "

    /// `calor-radiometry 1 source=FLIR planckR1=21170.0 …`; numbers in the shortest decimal that gives the same number back.
    public var line: String {
        var parts = ["source=\(source.rawValue)"]
        for (name, value) in numbers { if let value, value.isFinite { parts.append("\(name)=\(value)") } }
        if let camera, !camera.isEmpty { parts.append("camera=\(camera.map { $0 == " " ? "_" : String($0) }.joined())") }
        return Self.textMark + parts.joined(separator: " ")
    }

    /// The first such line in a text; nil when there is none or it makes no sense.
    public init?(text: String) {
        guard text.utf8.count <= 1 << 16 else { return nil }
        let lines = text.split(whereSeparator: \.isNewline)
        guard let line = lines.first(where: { $0.hasPrefix(Self.textMark) }) else { return nil }
        var values: [String: String] = [:]
        for part in line.dropFirst(Self.textMark.count).split(separator: " ") {
            let pair = part.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
        }
        guard let source = values["source"].flatMap(Source.init(rawValue:)) else { return nil }
        self.init(source: source)
        camera = values["camera"].map { $0.map { $0 == "_" ? " " : String($0) }.joined() }
        func number(_ name: String) -> Double? { values[name].flatMap(Double.init).flatMap { $0.isFinite ? $0 : nil } }
        if let r1 = number("planckR1"), let r2 = number("planckR2"), let b = number("planckB"), let f = number("planckF"),
            let o = number("planckO")
        {
            planck = Planck(r1: r1, r2: r2, b: b, f: f, o: o)
        }
        if let alpha1 = number("airAlpha1"), let alpha2 = number("airAlpha2"), let beta1 = number("airBeta1"),
            let beta2 = number("airBeta2"), let x = number("airX")
        {
            atmosphere = Atmosphere(alpha1: alpha1, alpha2: alpha2, beta1: beta1, beta2: beta2, x: x)
        }
        if let emissivity = number("emissivity"), let distance = number("distanceMetres"),
            let reflected = number("reflectedKelvin"),
            let air = number("atmosphericKelvin"), let humidity = number("relativeHumidity"), let window = number("windowKelvin"),
            let transmission = number("windowTransmission")
        {
            scene = Scene(
                emissivity: emissivity, distanceMetres: distance, reflected: Kelvin(reflected), atmospheric: Kelvin(air),
                relativeHumidity: humidity, window: Kelvin(window), windowTransmission: transmission)
        }
    }

    /// Every number of the line by its name, in the order of the line; `calor inspect --json` uses the same names.
    public var numbers: [(name: String, value: Double?)] {
        [
            ("planckR1", planck?.r1), ("planckR2", planck?.r2), ("planckB", planck?.b), ("planckF", planck?.f),
            ("planckO", planck?.o), ("emissivity", scene?.emissivity), ("distanceMetres", scene?.distanceMetres),
            ("reflectedKelvin", scene?.reflected.value), ("atmosphericKelvin", scene?.atmospheric.value),
            ("relativeHumidity", scene?.relativeHumidity), ("windowKelvin", scene?.window.value),
            ("windowTransmission", scene?.windowTransmission), ("airAlpha1", atmosphere?.alpha1),
            ("airAlpha2", atmosphere?.alpha2), ("airBeta1", atmosphere?.beta1), ("airBeta2", atmosphere?.beta2),
            ("airX", atmosphere?.x),
        ]
    }
}
