import CalorImage
import CalorQuality
import CalorThermal

/// Writes figures of the image into the metrics; the image passes through unchanged.
struct MeasureStage: WholeStage {
    static let description = StageDescription(
        name: "measure", summary: "figures for the metrics; the image passes through",
        parameters: [
            ParameterDescription(
                "against", .source,
                "another stage or the input: difference, PSNR and SSIM at the same size; consistency after reduction for a smaller one"
            ),
            ParameterDescription(
                "above", .number(-1e9...1e9), "how much of the image is above this value (counts, kelvin or levels)"),
            ParameterDescription(
                "below", .number(-1e9...1e9), "how much of the image is below this value (counts, kelvin or levels)"),
        ])

    private let site: StageSite
    private let above: Double?
    private let below: Double?

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        above = parameters.number("above")
        below = parameters.number("below")
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType { input }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { StageCost(scratchBytes: 12 * input.size.pixels) }

    func run(_ image: Image, reference: Image?, in environment: StageEnvironment) throws(PipelineFault) -> StageResult {
        let plane = image.colour.isGrey ? image.planes[0] : image.greyPlane()
        let statistics = PlaneStatistics(of: plane)
        var values: [String: JSON] = [
            "min": .number(statistics.minimum), "max": .number(statistics.maximum), "mean": .number(statistics.mean),
            "standardDeviation": .number(statistics.standardDeviation), "finite": .flag(statistics.isFinite),
        ]
        do {
            if let spots = try? SpotStatistics(of: plane) { describe(spots, of: plane, into: &values) }
            values["entropy"] = .number(try entropy(of: plane))
            // The estimate needs a few blocks of 2 × 2.
            if plane.width >= 4, plane.height >= 4 { values["noise"] = .number(try noiseEstimate(of: plane)) }
            if let reference { try compare(image, with: reference, into: &values) }
        } catch { throw PipelineFault(error) }
        // What is not finite has no place in JSON; "finite" says so.
        return StageResult(image: image, values: values.filter { $0.value.number?.isFinite ?? true })
    }

    private func describe(_ spots: SpotStatistics, of plane: Plane, into values: inout [String: JSON]) {
        for (name, spot) in [("hot", spots.hottest), ("cold", spots.coldest)] {
            values[name] = .object([
                .init("value", .number(spot.value)), .init("x", .integer(spot.x)), .init("y", .integer(spot.y)),
            ])
        }
        values["percentiles"] = .object(spots.percentiles.map { .init(compact($0.percent), .number($0.value)) })
        func area(_ pixels: Int, _ name: String) {
            values["\(name)Pixels"] = .integer(pixels)
            values["\(name)Share"] = .number(Double(pixels) / Double(spots.count))
        }
        if let above { area(SpotStatistics.pixels(of: plane, above: above), "above") }
        if let below { area(SpotStatistics.pixels(of: plane, below: below), "below") }
    }

    private func compare(_ image: Image, with reference: Image, into values: inout [String: JSON]) throws {
        if reference.size == image.size {
            let comparison = try Comparison(reference: reference, candidate: image)
            values["psnr"] = .number(comparison.psnrGrey)
            values["ssim"] = comparison.ssim.map(JSON.number)
            values["rmse"] = .number(comparison.differences.rmse)
            values["identical"] = .flag(comparison.identical)
        } else {
            values["consistencyRMS"] = .number(
                try consistencyRMS(lowResolution: reference.greyPlane(), superResolved: image.greyPlane()))
        }
    }
}
