import CalorBase
import CalorImage

/// What of each picture goes into the fused one.
public struct FusionOptions: Sendable, Equatable {
    public enum Colour: String, Sendable, CaseIterable {
        /// Hue and saturation of the visible picture under the fused luminance.
        case visible
        case grey
    }

    /// Share of the infrared picture in the broad luminance; the rest is the visible one's.
    public var base: Float = 0.75
    /// How much of the visible picture's fine detail is added.
    public var detail: Float = 1
    /// How much of the infrared picture's own fine detail is kept.
    public var infraredDetail: Float = 0.6
    /// Side of the filter's window is 2 · radius + 1.
    public var radius = 8
    /// Differences below this share of the full range are detail, above it edges of the base.
    public var edge: Float = 0.1
    public var colour = Colour.visible

    public init() {}
}

/// One picture from an infrared and a visible one that lie on each other: the infrared luminance with the visible detail.
///
/// Both luminances are split into a base that keeps the edges and the detail on top of it; where both have detail, each gets a share
/// by its local strength, so that the stronger is not weakened by the other.
///
/// *Source*: the two-scale scheme of S. Li, X. Kang, J. Hu, "Image fusion with guided filtering", 2013.
public struct Fusion: Sendable {
    let options: FusionOptions

    public init(_ options: FusionOptions = FusionOptions()) { self.options = options }

    public struct Result: Sendable {
        /// As deep as the visible picture.
        public var image: Image
        /// The infrared values that became black and white.
        public var low: Double
        public var high: Double
    }

    /// Percentiles of counts and kelvin that become black and white; 8-bit pictures are taken as they are.
    static let percentiles = (low: 0.5, high: 99.5)

    /// *Shapes*: both have one size.
    public func fused(infrared: Image, visible: Image) throws(FusionFault) -> Result {
        precondition(infrared.size == visible.size, "pictures of \(infrared.size) and \(visible.size) do not lie on each other")
        let (warm, low, high) = try luminance(infrared.planes[0])
        let scale = visible.format.fullScale
        let light = visible.fullRangeLuma().map { $0 / scale }
        let lightStatistics = PlaneStatistics(of: Plane(size: visible.size, samples: .f32(light)))
        guard lightStatistics.isFinite else { throw .nonFinite(samples: lightStatistics.nonFinite) }
        let luma = combined(warm, light, infrared.size)
        return Result(image: painted(luma, light, visible), low: low, high: high)
    }

    /// The infrared plane from 0 to 1.
    private func luminance(_ plane: Plane) throws(FusionFault) -> (values: [Float], low: Double, high: Double) {
        let statistics = PlaneStatistics(of: plane)
        guard statistics.isFinite else { throw .nonFinite(samples: statistics.nonFinite) }
        if plane.format == .u8 { return (plane.floats().map { $0 / 255 }, 0, 255) }
        let order = OrderStatistics(of: plane)
        let (low, high) = (order.percentile(Self.percentiles.low), order.percentile(Self.percentiles.high))
        guard high > low else { throw .flat }
        let (offset, gain) = (Float(low), Float(1 / (high - low)))
        return (plane.floats().map { min(max(($0 - offset) * gain, 0), 1) }, low, high)
    }

    private func combined(_ warm: [Float], _ light: [Float], _ size: Size) -> [Float] {
        let filter = GuidedFilter(radius: options.radius, variance: options.edge * options.edge)
        let (warmBase, lightBase) = (filter.base(of: warm, size), filter.base(of: light, size))
        func detail(_ values: [Float], _ base: [Float]) -> [Float] { zip(values, base).map { $0 - $1 } }
        let (warmDetail, lightDetail) = (detail(warm, warmBase), detail(light, lightBase))
        // Local strength over a window of three pixels around.
        let local = GuidedFilter(radius: 3, variance: 1)
        let warmStrength = local.box(warmDetail.map { $0 * $0 }, size)
        let lightStrength = local.box(lightDetail.map { $0 * $0 }, size)
        return warm.indices.map { i in
            let strength = warmStrength[i] + lightStrength[i] + 1e-8
            let (w, l) = (warmStrength[i] / strength, lightStrength[i] / strength)
            // Alone, a detail counts once; of two that are equally strong, each counts by half more than its share.
            let details =
                options.infraredDetail * warmDetail[i] * w * (2 - w) + options.detail * lightDetail[i] * l * (2 - l)
            return options.base * warmBase[i] + (1 - options.base) * lightBase[i] + details
        }
    }

    /// The fused luminance in the colours of the visible picture, or alone.
    private func painted(_ luma: [Float], _ light: [Float], _ visible: Image) -> Image {
        let scale = visible.format.fullScale
        func plane(_ values: [Float]) -> Plane {
            Plane(size: visible.size, floats: values.map { min(max($0, 0), 1) * scale }, format: visible.format)
        }
        let alpha = visible.alpha.map { [$0] } ?? []
        guard options.colour == .visible, !visible.colour.isGrey else {
            var image = visible.replacing(
                planes: [plane(luma)] + alpha, colour: alpha.isEmpty ? .grey : .greyAlpha, meaning: .display)
            // A profile for RGB does not describe a grey picture.
            if !visible.colour.isGrey { image.metadata.icc = nil }
            return image
        }
        // The differences from the luminance are the colour; they stay, whatever the luminance becomes.
        let planes = visible.colourPlanes.map { channel in
            let values = channel.floats()
            return plane(luma.indices.map { luma[$0] + values[$0] / scale - light[$0] })
        }
        return visible.replacing(planes: planes + alpha)
    }
}
