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
    public var parameters: Int?
    public var licence: String?
    /// Measured figures, as the sidecar lists them.
    public var quality: [Quality]
    /// True when there is no sidecar and the numbers were read off the network itself.
    public var isInferred: Bool

    public struct Quality: Sendable {
        public var set: String
        public var metric: String
        public var value: Double
    }
}
