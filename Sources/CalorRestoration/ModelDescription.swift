import CalorBase

/// What a model is for and what it needs to know about its images: the contents of a sidecar `model.yaml`.
public struct ModelDescription: Sendable {
    public enum Purpose: String, Sendable { case superResolution = "super-resolution", enhancement }
    public enum Kind: String, Sendable { case infrared, rgb, any }

    public var name: String
    public var purpose: Purpose
    public var kind: Kind
    /// Path of the ONNX file.
    public var path: String
    public var sha256: String
    /// SHA-256 of every file beside the ONNX file that holds weights, by the name that the ONNX file gives it.
    public var externalData: [String: String] = [:]
    /// Width of the output divided by width of the input.
    public var scale: Int
    public var channels: Int
    public var inputName: String
    public var outputName: String
    /// The values that full black and full white take at the network's input.
    public var range: ClosedRange<Float>
    /// Input width and height must be multiples of this.
    public var multiple: Int
    /// Receptive-field radius in input pixels; nil where it is not finite or not known.
    public var receptiveField: Int?
    /// Whether a large image may be cut into overlapping strips that are blended, for a network without a finite receptive field.
    public var blends = false
    public var parameters: Int?
    public var licence: String?
    /// Measured figures, as the sidecar lists them.
    public var quality: [Quality]
    /// True when there is no sidecar and the numbers were read off the network itself.
    public var isInferred: Bool
    /// nil for a network that does its work in one pass from the picture alone.
    public var sampler: SamplerDescription?
    /// Path of the coefficients that predict the spectrum of the enlarged picture; nil when the model has none.
    public var spectrumPath: String?

    /// What stands for all bytes of the model in the digest of a plan.
    public var digest: String {
        if externalData.isEmpty { return sha256 }
        let lines = [sha256] + externalData.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return SHA256.hex(of: Array(lines.joined(separator: "\n").utf8))
    }

    /// What else the sidecar says that decides pixels, as text for the digest of a plan.
    var settings: String {
        let general =
            "\(inputName) \(outputName) \(range) ×\(scale) \(multiple) \(receptiveField.map(String.init) ?? "-") \(blends)"
        guard let sampler else { return general }
        let schedule = "\(sampler.schedule.kappa) \(sampler.schedule.roots) \(sampler.usualSteps)"
        let inputs = "\(sampler.stateInput) \(sampler.lowInput) \(sampler.stepInput ?? "-")"
        let step = "\(sampler.prediction) \(sampler.scaling) \(sampler.isDeterministic) \(sampler.enlargement)"
        let tiles = sampler.tiles.map { "\($0.side) \($0.stride)" } ?? "-"
        return "\(general) \(schedule) \(inputs) \(step) \(tiles)"
    }

    public struct Quality: Sendable {
        public var set: String
        public var metric: String
        public var value: Double
    }
}
