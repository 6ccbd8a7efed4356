import CalorImage
import CalorQuality

/// Writes figures of the image into the metrics; the image passes through unchanged.
struct MeasureStage: WholeStage {
    static let description = StageDescription(
        name: "measure", summary: "figures for the metrics; the image passes through",
        parameters: [
            ParameterDescription(
                "against", .source,
                "another stage or the input: difference, PSNR and SSIM at the same size; consistency after reduction for a smaller one"
            )
        ])

    private let site: StageSite

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) { self.site = site }

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
            values["entropy"] = .number(try entropy(of: plane))
            // The estimate needs a few blocks of 2 × 2.
            if plane.width >= 4, plane.height >= 4 { values["noise"] = .number(try noiseEstimate(of: plane)) }
            if let reference { try compare(image, with: reference, into: &values) }
        } catch { throw PipelineFault(error) }
        // What is not finite has no place in JSON; "finite" says so.
        return StageResult(image: image, values: values.filter { $0.value.number?.isFinite ?? true })
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
