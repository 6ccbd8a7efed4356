import CalorFusion
import CalorImage
import CalorQuality

/// Makes one picture from an infrared and a visible one that lie on each other.
struct FuseStage: WholeStage {
    private static let standard = FusionOptions()

    static let description = StageDescription(
        name: "fuse", summary: "one picture with the detail of the visible one in the luminance of the infrared one",
        parameters: [
            ParameterDescription("with", .source, isRequired: true, "the visible picture, of the same size"),
            ParameterDescription(
                "base", .number(0...1), standard: .number(Double(standard.base)),
                "share of the infrared picture in the broad luminance; the rest is the visible one's"),
            ParameterDescription(
                "detail", .number(0...4), standard: .number(Double(standard.detail)), "how much of the visible fine detail is added"
            ),
            ParameterDescription(
                "infrared-detail", .number(0...4), standard: .number(Double(standard.infraredDetail)),
                "how much of the infrared fine detail is kept"),
            ParameterDescription(
                "radius", .integer(1...64), standard: .integer(standard.radius),
                "pixels around, in which detail is told from the base"),
            ParameterDescription(
                "edge", .number(0.001...1), standard: .number(Double(standard.edge)),
                "differences below this share of the full range are detail, above it edges of the base"),
            ParameterDescription(
                "colour", .choice(FusionOptions.Colour.allCases.map(\.rawValue)), standard: .text(standard.colour.rawValue),
                "the hue of the visible picture, or grey"),
        ])

    private let site: StageSite
    private let options: FusionOptions

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        var options = FusionOptions()
        options.base = parameters.number("base").map(Float.init) ?? options.base
        options.detail = parameters.number("detail").map(Float.init) ?? options.detail
        options.infraredDetail = parameters.number("infrared-detail").map(Float.init) ?? options.infraredDetail
        options.radius = parameters.integer("radius") ?? options.radius
        options.edge = parameters.number("edge").map(Float.init) ?? options.edge
        options.colour = parameters.text("colour").flatMap(FusionOptions.Colour.init(rawValue:)) ?? options.colour
        self.options = options
    }

    /// Alone, a stage knows only what both pictures have in common: that of a pair is below.
    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType { try outputType(for: input, reference: input) }

    func outputType(for input: ImageType, reference: ImageType?) throws(PipelineFault) -> ImageType {
        let visible = reference ?? input
        guard input.colour.isGrey else {
            throw .type(
                place: site.place, stage: site.id, found: input.name, expected: "the infrared picture, which is grey, in from")
        }
        guard visible.meaning == .display, visible.format != .f32 else {
            throw .type(
                place: site.place, stage: site.id, found: "\(visible.name) as the visible picture",
                expected: "an 8- or 16-bit picture in with, the infrared one in from")
        }
        guard input.size == visible.size else {
            throw .type(
                place: site.place, stage: site.id, found: "pictures of \(input.size) and \(visible.size)",
                expected: "two of one size: bring one onto the other with register, or use resize")
        }
        guard options.colour == .grey, !visible.colour.isGrey else { return visible }
        var type = visible
        type.colour = visible.colour.hasAlpha ? .greyAlpha : .grey
        return type
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost {
        // Two luminances, and for each its square, base, gain, offset and detail, with the sums of two boxes at a time.
        StageCost(scratchBytes: 4 * 20 * input.size.pixels)
    }

    func run(_ image: Image, reference: Image?, in environment: StageEnvironment) throws(PipelineFault) -> StageResult {
        guard let visible = reference else { preconditionFailure("fuse is given the visible picture") }
        do {
            let result = try Fusion(options).fused(infrared: image, visible: visible)
            let fused = result.image.greyPlane()
            let light = visible.greyPlane()
            return StageResult(
                image: result.image,
                values: [
                    "entropy": .number(try entropy(of: fused)),
                    "mutualInformationInfrared": .number(try mutualInformation(image.planes[0], fused)),
                    "mutualInformationVisible": .number(try mutualInformation(light, fused)),
                    "gradientTransfer": .number(try gradientTransfer(from: image.planes[0], and: light, to: fused)),
                    "rangeLow": .number(result.low), "rangeHigh": .number(result.high),
                ])
        } catch { throw PipelineFault(error) }
    }
}
