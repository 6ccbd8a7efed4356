import CalorImage

/// A restored image and what is to be said about it.
public struct Restoration: Sendable {
    public var image: Image
    /// Numbers for the metrics, in the image's own unit where they have one.
    public var values: [String: Double]
    /// Every step of guidance, in the order in which they were taken.
    public var steps: [GuidanceStep]
}
