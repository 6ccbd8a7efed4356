import CalorImage
import CalorThermal

/// Removes the fixed stripes of an infrared sensor.
struct DestripeStage: RegionStage {
    static let description = StageDescription(
        name: "destripe", summary: "removes the column or row stripes of an infrared sensor",
        parameters: [
            ParameterDescription(
                "direction", .choice(Destripe.Direction.allCases.map(\.rawValue)), standard: .text("columns"),
                "where the stripes run"),
            ParameterDescription("strength", .number(0...1), standard: .number(1), "share of the stripes that is removed"),
        ])

    private let site: StageSite
    private let destripe: Destripe

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        do {
            destripe = try Destripe(
                direction: parameters.text("direction").flatMap(Destripe.Direction.init(rawValue:)) ?? .columns,
                strength: parameters.number("strength") ?? 1)
        } catch { throw PipelineFault(error) }
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType {
        guard input.colour.isGrey else {
            throw .type(
                place: site.place, stage: site.id, found: input.name, expected: "grey; stripes are a fault of infrared sensors")
        }
        return input
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { StageCost(scratchBytes: 12 * input.size.pixels) }

    func surveys(_ input: ImageType) -> Bool { true }

    func operation(for input: ImageType, surveying image: Image?) throws(PipelineFault) -> any RegionOperation {
        guard let image else { preconditionFailure("destriping looks at the whole image") }
        do {
            return DestripeOperation(correction: try destripe.analyse(image.planes[0]), outputSize: input.size)
        } catch { throw PipelineFault(error) }
    }
}

private struct DestripeOperation: RegionOperation {
    let correction: StripeCorrection
    let outputSize: Size

    var values: [String: Double] { ["stripeRMS": correction.rms] }

    func apply(to part: Image, covering covered: Range<Int>, producing rows: Range<Int>) throws(PipelineFault) -> Image {
        let part = part.rows(rows, of: covered)
        let clean = correction.apply(to: part.planes[0], y: rows.lowerBound)
        return part.replacing(planes: [clean] + (part.alpha.map { [$0] } ?? []))
    }
}
