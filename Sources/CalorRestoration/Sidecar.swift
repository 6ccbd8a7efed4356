import CalorBase
import CalorYAML
import Yams

/// Reads `model.yaml`. Every key is checked: a sidecar is as hostile as any other input.
enum Sidecar {
    static let maximumBytes = 1 << 20

    static func parse(_ text: String, path: String, folder: String) throws(RestorationFault) -> ModelDescription {
        let root: Any?
        do { root = try YAMLText.compose(text)?.any } catch { throw .sidecar(path: path, reason: "not YAML: \(error)") }
        guard let map = root as? [String: Any] else { throw .sidecar(path: path, reason: "a mapping of keys is expected") }
        let reader = Reader(map: map, path: path)
        guard map["calor-model"] as? Int == 1 else { throw .sidecar(path: path, reason: "`calor-model: 1` is missing") }
        let file = try fileName("file", reader)
        let purposeText: String = try reader.required("purpose")
        guard let purpose = ModelDescription.Purpose(rawValue: purposeText) else {
            throw .sidecar(path: path, reason: "`purpose: \(purposeText)` is neither super-resolution nor enhancement")
        }
        let kindText: String = try reader.required("kind")
        guard let kind = ModelDescription.Kind(rawValue: kindText) else {
            throw .sidecar(path: path, reason: "`kind: \(kindText)` is neither infrared nor rgb nor any")
        }
        let range = (map["range"] as? [Any] ?? [0, 1]).compactMap(Reader.number)
        guard range.count == 2, range[0] < range[1] else {
            throw .sidecar(path: path, reason: "`range` must be two rising numbers")
        }
        let quality = (map["quality"] as? [[String: Any]] ?? []).compactMap { row -> ModelDescription.Quality? in
            guard let set = row["set"] as? String, let metric = row["metric"] as? String,
                let value = row["value"].flatMap(Reader.number)
            else { return nil }
            return .init(set: set, metric: metric, value: value)
        }
        var samplerPart: SamplerDescription?
        if let value = map["sampler"] { samplerPart = try sampler(value, path: path, folder: folder) }
        let spectrumPath = map["spectrum"] == nil ? nil : folder + "/" + (try fileName("spectrum", reader))
        var description = ModelDescription(
            name: try reader.required("name"), purpose: purpose, kind: kind, path: folder + "/" + file,
            sha256: (try reader.required("sha256") as String).lowercased(), scale: try reader.integer("scale", 1...16),
            channels: try reader.integer("channels", 1...4), inputName: try reader.required("input"),
            outputName: try reader.required("output"), range: Float(range[0])...Float(range[1]),
            multiple: try reader.integer("multiple", 1...1024, default: 1),
            receptiveField: map["receptive-field"] == nil ? nil : try reader.integer("receptive-field", 0...4096),
            blends: map["blend"] as? Bool ?? false, parameters: map["parameters"] as? Int, licence: map["licence"] as? String,
            quality: quality, isInferred: false,
            sampler: samplerPart, spectrumPath: spectrumPath)
        if let files = map["external-data"] {
            guard let files = files as? [String: String] else {
                throw .sidecar(path: path, reason: "`external-data` must map each file's name to its SHA-256")
            }
            description.externalData = files.mapValues { $0.lowercased() }
        }
        return description
    }

    /// A file beside the sidecar.
    static func fileName(_ key: String, _ reader: Reader) throws(RestorationFault) -> String {
        let file: String = try reader.required(key)
        guard !file.isEmpty, !file.contains("/"), file != "..", file != "." else {
            throw .sidecar(path: reader.path, reason: "`\(key)` must name a file beside the sidecar")
        }
        return file
    }

    struct Reader {
        let map: [String: Any]
        let path: String

        func required<T>(_ key: String) throws(RestorationFault) -> T {
            guard let value = map[key] else { throw .sidecar(path: path, reason: "the key `\(key)` is missing") }
            guard let typed = value as? T else { throw .sidecar(path: path, reason: "`\(key)` has the wrong type") }
            return typed
        }

        func integer(_ key: String, _ range: ClosedRange<Int>, default fallback: Int? = nil) throws(RestorationFault) -> Int {
            if map[key] == nil, let fallback { return fallback }
            let value: Int = try required(key)
            guard range.contains(value) else {
                throw .sidecar(path: path, reason: "`\(key): \(value)` is outside \(range.lowerBound)…\(range.upperBound)")
            }
            return value
        }

        static func number(_ value: Any) -> Double? { value as? Double ?? (value as? Int).map(Double.init) }
    }
}
