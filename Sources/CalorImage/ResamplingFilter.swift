/// How samples between the samples are found. All but `nearest` widen with the step when an image is reduced, so nothing aliases.
public enum ResamplingFilter: String, Sendable, CaseIterable {
    case nearest
    /// Triangle of radius 1.
    case bilinear
    /// Cubic convolution of radius 2 with a = −1/2. *Source*: R. Keys, 1981, equation 15.
    case bicubic
    /// Windowed sinc of radius 3. *Source*: C. Duchon, 1979.
    case lanczos3

    /// Radius in source pixels when the image is not reduced.
    public var radius: Double {
        switch self {
        case .nearest: 0.5
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos3: 3
        }
    }

    /// The weight at distance `x`.
    func weight(_ x: Double) -> Double {
        let x = abs(x)
        switch self {
        case .nearest: return x <= 0.5 ? 1 : 0
        case .bilinear: return x < 1 ? 1 - x : 0
        case .bicubic:
            if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
            return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
        case .lanczos3: return x < 3 ? sinc(x) * sinc(x / 3) : 0
        }
    }
}
