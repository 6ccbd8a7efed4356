import CalorBase

/// The `sampler` part of a `model.yaml`.
extension Sidecar {
    /// The published processes have 15 steps at most; more are refused before anything is allocated for them.
    static let maximumSteps = 1000

    static func sampler(_ value: Any, path: String, folder: String) throws(RestorationFault) -> SamplerDescription {
        guard let map = value as? [String: Any] else { throw .sidecar(path: path, reason: "`sampler` must be keys with values") }
        let reader = Reader(map: map, path: path)
        let known = [
            "kappa", "roots", "steps", "prediction", "input-scaling", "residual-deviation", "deterministic", "state", "low", "step",
            "enlargement", "latent", "tiles",
        ]
        for key in map.keys.sorted() where !known.contains(key) {
            throw .sidecar(path: path, reason: "`sampler.\(key)` is not a key; the keys are \(known.joined(separator: ", "))")
        }
        let list = (map["roots"] as? [Any] ?? []).compactMap(Reader.number)
        guard !list.isEmpty, list.count == (map["roots"] as? [Any])?.count, list.count <= maximumSteps,
            let kappa = map["kappa"].flatMap(Reader.number), let schedule = ShiftSchedule(roots: list, kappa: kappa)
        else {
            throw .sidecar(
                path: path,
                reason:
                    "`sampler.roots` must be at most \(maximumSteps) numbers that rise from above 0 to at most 1, with a `kappa`")
        }
        var latentPart: SamplerDescription.Latent?
        if let value = map["latent"] { latentPart = try latent(value, path: path, folder: folder) }
        var tilesPart: PictureTiles?
        if let value = map["tiles"] {
            guard latentPart != nil else {
                throw .sidecar(path: path, reason: "`sampler.tiles` is for a process in latents; pixels need no tiles")
            }
            tilesPart = try tiles(value, path: path)
        }
        let prediction: Prediction = try choice("prediction", reader, standard: .start)
        let enlargement: SamplerDescription.Enlargement = try choice("enlargement", reader, standard: .keys)
        return SamplerDescription(
            schedule: schedule, usualSteps: try reader.integer("steps", 1...schedule.steps, default: schedule.steps),
            prediction: prediction, scaling: try scaling(reader),
            residualDeviation: map["residual-deviation"].flatMap(Reader.number),
            isDeterministic: map["deterministic"] as? Bool ?? true, stateInput: map["state"] as? String ?? "state",
            lowInput: map["low"] as? String ?? "low", stepInput: map["step"] as? String, enlargement: enlargement,
            latent: latentPart, tiles: tilesPart)
    }

    private static func tiles(_ value: Any, path: String) throws(RestorationFault) -> PictureTiles {
        guard let map = value as? [String: Any] else { throw .sidecar(path: path, reason: "`tiles` must be keys with values") }
        let reader = Reader(map: map, path: path)
        let side = try reader.integer("side", 16...4096)
        return PictureTiles(side: side, stride: try reader.integer("stride", 8...side))
    }

    private static func scaling(_ reader: Reader) throws(RestorationFault) -> InputScaling {
        let name: String = try reader.required("input-scaling")
        switch name {
        case "none": return .none
        case "latent": return .latent
        case "pixel": return .pixel
        case "preconditioned":
            guard let deviation = reader.map["residual-deviation"].flatMap(Reader.number), deviation > 0, deviation.isFinite else {
                throw .sidecar(
                    path: reader.path, reason: "`residual-deviation` must be a number above 0 with `input-scaling: preconditioned`")
            }
            return .preconditioned(residualDeviation: deviation)
        default:
            throw .sidecar(
                path: reader.path, reason: "`input-scaling: \(name)` is none of none, latent, pixel, preconditioned")
        }
    }

    private static func latent(
        _ value: Any, path: String, folder: String
    ) throws(RestorationFault) -> SamplerDescription.Latent {
        guard let map = value as? [String: Any] else { throw .sidecar(path: path, reason: "`latent` must be keys with values") }
        let reader = Reader(map: map, path: path)
        func file(_ key: String) throws(RestorationFault) -> SamplerDescription.NetworkFileName {
            let digest: String = try reader.required(key + "-sha256")
            return .init(path: folder + "/" + (try fileName(key, reader)), sha256: digest.lowercased())
        }
        return SamplerDescription.Latent(
            encoder: try file("encoder"), decoder: try file("decoder"), channels: try reader.integer("channels", 1...64),
            factor: try reader.integer("factor", 1...64))
    }

    private static func choice<T: RawRepresentable & CaseIterable>(
        _ key: String, _ reader: Reader, standard: T
    ) throws(RestorationFault) -> T where T.RawValue == String {
        guard reader.map[key] != nil else { return standard }
        let name: String = try reader.required(key)
        guard let value = T(rawValue: name) else {
            throw .sidecar(
                path: reader.path,
                reason: "`\(key): \(name)` is none of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }
}
