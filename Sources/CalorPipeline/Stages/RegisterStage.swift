import CalorFusion
import CalorImage

/// Brings a picture onto the grid of another one of the same scene.
struct RegisterStage: WholeStage {
    private static let standard = RegistrationOptions()

    static let description = StageDescription(
        name: "register", summary: "brings a picture onto another one of the same scene, infrared onto visible or the other way",
        parameters: [
            ParameterDescription(
                "to", .source, isRequired: true, "the stage or input that stays where it is; the result has its size"),
            ParameterDescription(
                "model", .choice(RegistrationModel.allCases.map(\.rawValue)), standard: .text(standard.model.rawValue),
                "what may differ: shift; scale (and shift); similarity (and rotation); affine (and shear)"),
            ParameterDescription(
                "maximum-shift", .number(0.01...0.5), standard: .number(standard.maximumShift), "share of a side that is searched"),
            ParameterDescription(
                "maximum-scale", .number(1...1.5), standard: .number(standard.maximumScale),
                "scales from 1 / this to this are searched, beside the one that the two sizes imply"),
            ParameterDescription(
                "maximum-rotation", .number(0...15), standard: .number(standard.maximumDegrees),
                "degrees that are searched, both ways"),
            ParameterDescription(
                "filter", .choice(WarpFilter.allCases.map(\.rawValue)), standard: .text(WarpFilter.bicubic.rawValue),
                "how samples between samples are found"),
            ParameterDescription(
                "border", .choice(WarpBorder.allCases.map(\.rawValue)), standard: .text(WarpBorder.edge.rawValue),
                "what stands where the picture does not reach: its edge goes on, or black"),
            ParameterDescription(
                "least-confidence", .number(0...1), standard: .number(standard.leastConfidence),
                "an alignment that is less sure than this is not used"),
            ParameterDescription(
                "on-failure", .choice(["fail", "pass"]), standard: .text("fail"),
                "without a sure alignment: fail the pair, or pass the picture on as if it lay there already"),
        ])

    private let site: StageSite
    private let options: RegistrationOptions
    private let filter: WarpFilter
    private let border: WarpBorder
    private let passes: Bool

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        var options = RegistrationOptions()
        options.model = parameters.text("model").flatMap(RegistrationModel.init(rawValue:)) ?? options.model
        options.maximumShift = parameters.number("maximum-shift") ?? options.maximumShift
        options.maximumScale = parameters.number("maximum-scale") ?? options.maximumScale
        options.maximumDegrees = parameters.number("maximum-rotation") ?? options.maximumDegrees
        options.leastConfidence = parameters.number("least-confidence") ?? options.leastConfidence
        self.options = options
        filter = parameters.text("filter").flatMap(WarpFilter.init(rawValue:)) ?? .bicubic
        border = parameters.text("border").flatMap(WarpBorder.init(rawValue:)) ?? .edge
        passes = parameters.text("on-failure") == "pass"
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType { input }

    func outputType(for input: ImageType, reference: ImageType?) throws(PipelineFault) -> ImageType {
        input.with(size: reference?.size ?? input.size)
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { try cost(for: input, reference: input) }

    func cost(for input: ImageType, reference: ImageType?) throws(PipelineFault) -> StageCost {
        // Both as floats, the edge fields of the finest level (eight planes of the fixed one, the warped one twice, and the moving one,
        // which may be two and a half times as long), and the planes of the warp.
        let fixed = reference?.size.pixels ?? input.size.pixels
        let fields = 4 * 8 * 7 * min(fixed, Registration.finestPixels)
        return StageCost(scratchBytes: fields + 8 * (input.size.pixels + fixed) * (input.colour.planes + 1))
    }

    func run(_ image: Image, reference: Image?, in environment: StageEnvironment) throws(PipelineFault) -> StageResult {
        guard let reference else { preconditionFailure("register is given what it brings the picture to") }
        let found: Registration.Result
        do throws(FusionFault) {
            found = try Registration(options).align(
                fixed: reference.greyPlane(), moving: image.greyPlane(), pool: environment.pool, cancelled: environment.cancelled)
            if found.confidence < options.leastConfidence, !passes {
                throw .lowConfidence(
                    confidence: found.confidence, similarity: found.similarity, least: options.leastConfidence)
            }
        } catch { throw PipelineFault(error) }
        let isSure = found.confidence >= options.leastConfidence
        let map = isSure ? found.map : AffineMap(resizing: reference.size, to: image.size)
        var values: [String: JSON] = [
            "registered": .flag(isSure), "confidence": .number(found.confidence), "similarity": .number(found.similarity),
            "overlap": .number(found.overlap),
            // Fixed pixel (x, y) → moving pixel, as [xx, xy, x0, yx, yy, y0].
            "transform": .list([map.xx, map.xy, map.x0, map.yx, map.yy, map.y0].map(JSON.number)),
            "scale": .number(map.scale), "rotationDegrees": .number(map.degrees), "border": .text(border.rawValue),
        ]
        let middle = (Double(reference.width - 1) / 2, Double(reference.height - 1) / 2)
        let place = map(middle.0, middle.1)
        // Of the middle, beside what the two sizes imply.
        values["shiftX"] = .number(place.x - Double(image.width - 1) / 2)
        values["shiftY"] = .number(place.y - Double(image.height - 1) / 2)
        var result = warped(image, map, to: reference.size, environment)
        // It lies on the ground where the other one does.
        result.metadata.georeference = reference.metadata.georeference
        return StageResult(image: result, values: values)
    }

    /// A picture that gets much smaller is reduced first, so that no detail turns into moiré.
    private func warped(_ image: Image, _ map: AffineMap, to size: Size, _ environment: StageEnvironment) -> Image {
        guard map.scale > 1.5 else {
            return image.warped(by: map, to: size, filter: filter, border: border, pool: environment.pool)
        }
        let reduced = Size(
            width: max(1, Int((Double(image.width) / map.scale).rounded())),
            height: max(1, Int((Double(image.height) / map.scale).rounded())))
        let down = AffineMap(resizing: image.size, to: reduced).after(map)
        return image.resampled(to: reduced, using: .bicubic).warped(
            by: down, to: size, filter: filter, border: border, pool: environment.pool)
    }
}
