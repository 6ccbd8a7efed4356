/// What a stage may ask of a restoration.
public struct RestoreOptions: Sendable, Equatable {
    /// How closely the enlarged picture, reduced again, must be the input.
    public enum Consistency: String, Sendable, CaseIterable {
        case none
        /// The input was made by the reduction and rounded: differences are put right down to a quarter of a count in whole
        /// numbers (which leaves its rounding alone: best on the test sets), and entirely in floats.
        case exact
        /// The input is noisy: differences up to 1.5 standard deviations of its estimated noise are left alone.
        case noisy

        /// Differences up to this are left alone. *Units*: those of the image.
        func slack(noise: Double, isInteger: Bool) -> Double {
            switch self {
            case .none, .exact: isInteger ? 0.25 : 0
            case .noisy: max(1.5 * noise, isInteger ? 0.25 : 0)
            }
        }
    }

    /// What a sampler aims at.
    public enum Mode: String, Sendable, CaseIterable {
        /// The expected picture: no noise is drawn.
        case fidelity
        /// A plausible picture, with texture that is drawn and not seen.
        case texture
    }

    /// 0 gives the input (enlarged, where the network enlarges), 1 the network's full effect.
    public var strength: Float = 1
    /// Takes less of an enhancer's effect where it finds little to repair (`NoHarm`).
    public var avoidsHarm = false
    /// Pixels of input that the network is given at once; larger images are cut into strips of rows, with the same result.
    public var stripPixels = 1_500_000
    /// Rows of input that the network is given at once, beside their halo; nil leaves that to the two budgets. A core is never
    /// smaller than its halo. The same result where the receptive field is finite.
    public var stripRows: Int?
    /// Bytes of the network's input and output at once, for networks that the engine runs in strips of its own, whose memory does
    /// not grow with the height: they are cut here only when even these would become too large.
    public var tensorBytes = 512 << 20
    /// Turned and mirrored pictures whose results are averaged at every pass of the network: one of `ensembles`.
    public var ensemble = 1
    public static let ensembles = [1, 2, 4, 8]
    public var consistency = Consistency.none
    public var guidance = GuidanceSettings()
    /// Steps of a model that is a sampler; nil takes all that it was trained with.
    public var steps: Int?
    public var mode = Mode.fidelity
    /// Share of the noise that a sampler starts from in texture mode: with less of it, less texture and a nearer picture.
    public var noise = 1.0
    /// Branches of noise that a sampler tries in texture mode.
    public var search = NoiseSearch(width: 1, depth: 1)
    /// Of the noise that a sampler draws in texture mode.
    public var seed: UInt64 = 0

    public init() {}
}
