/// What a sidecar says about a network that is one step of a residual-shifting process.
public struct SamplerDescription: Sendable, Equatable {
    public var schedule: ShiftSchedule
    /// Steps that are taken where the request does not say: fewer than the schedule has for a distilled student.
    public var usualSteps: Int
    public var prediction: Prediction
    public var scaling: InputScaling
    /// Standard deviation of x₀ − y in units of the model's range; nil when the sidecar does not say.
    public var residualDeviation: Double?
    /// The steps that the model was trained to be used with deterministically.
    public var isDeterministic: Bool
    /// Names of the network's inputs: the scaled state, the low-resolution picture, the index of the step.
    public var stateInput: String
    public var lowInput: String
    /// nil for a network that works at one index only.
    public var stepInput: String?
    /// How the input is enlarged to y.
    public var enlargement: Enlargement
    /// nil for networks that work on pixels.
    public var latent: Latent?
    /// nil for pictures that are sampled as a whole; only for processes in latents.
    public var tiles: PictureTiles?

    public enum Enlargement: String, Sendable, CaseIterable {
        /// Keys' kernel with a = −1/2 and normalised windows at the border: the resampler of this program, and Pillow's.
        case keys
        /// The same kernel with repeated edges: what `training/` folds into its networks.
        case keysEdge = "keys-edge"
        /// a = −3/4 and repeated edges: what PyTorch calls bicubic.
        case torch
    }

    /// The autoencoder around a latent process.
    public struct Latent: Sendable, Equatable {
        public var encoder: NetworkFileName
        public var decoder: NetworkFileName
        public var channels: Int
        /// Pixels of a picture along one side of a latent.
        public var factor: Int
    }

    public struct NetworkFileName: Sendable, Equatable {
        public var path: String
        public var sha256: String
    }
}
