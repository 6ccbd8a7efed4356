import CalorImage

/// Changes the size with a filter; antialiased when the image gets smaller.
struct ResizeStage: RegionStage {
    static let description = StageDescription(
        name: "resize", summary: "another size, by a filter",
        parameters: [
            ParameterDescription("scale", .number(0.01...64), "size of the output divided by that of the input"),
            ParameterDescription("width", .integer(1...65_500), "pixels; alone, the height follows"),
            ParameterDescription("height", .integer(1...65_500), "pixels; alone, the width follows"),
            ParameterDescription(
                "filter", .choice(ResamplingFilter.allCases.map(\.rawValue)), standard: .text("bicubic"),
                "how samples between samples are found"),
        ])

    private enum Target {
        case scale(Double)
        case fixed(width: Int?, height: Int?)
    }

    private let site: StageSite
    private let target: Target
    private let filter: ResamplingFilter

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        filter = parameters.text("filter").flatMap(ResamplingFilter.init(rawValue:)) ?? .bicubic
        let width = parameters.integer("width")
        let height = parameters.integer("height")
        switch (parameters.number("scale"), width ?? height) {
        case (let scale?, nil): target = .scale(scale)
        case (nil, .some): target = .fixed(width: width, height: height)
        default:
            throw .parameterConflict(
                place: site.place, stage: site.id, problem: "needs either scale or width and height",
                advice: "give scale: 2, or width: 640, or both width and height")
        }
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType { input.with(size: outputSize(for: input.size)) }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { StageCost(scratchBytes: 0) }

    func surveys(_ input: ImageType) -> Bool { false }

    func operation(for input: ImageType, surveying image: Image?) throws(PipelineFault) -> any RegionOperation {
        ResizeOperation(resampler: Resampler(from: input.size, to: outputSize(for: input.size), using: filter))
    }

    private func outputSize(for size: Size) -> Size {
        func scaled(_ side: Int, _ factor: Double) -> Int { Int(min(max((Double(side) * factor).rounded(), 1), 1_000_000)) }
        switch target {
        case .scale(let factor): return Size(width: scaled(size.width, factor), height: scaled(size.height, factor))
        case .fixed(let width?, let height?): return Size(width: width, height: height)
        case .fixed(let width?, nil):
            return Size(width: width, height: scaled(size.height, Double(width) / Double(max(size.width, 1))))
        case .fixed(nil, let height):
            let height = height ?? size.height
            return Size(width: scaled(size.width, Double(height) / Double(max(size.height, 1))), height: height)
        }
    }
}

private struct ResizeOperation: RegionOperation {
    let resampler: Resampler

    var outputSize: Size { resampler.target }

    func inputRows(for rows: Range<Int>) -> Range<Int> { resampler.sourceRegion(for: fullWidth(rows)).rows }

    func apply(to part: Image, covering covered: Range<Int>, producing rows: Range<Int>) throws(PipelineFault) -> Image {
        let source = Region(x: 0, y: covered.lowerBound, width: resampler.source.width, height: covered.count)
        return part.resampled(by: resampler, covering: source, to: fullWidth(rows))
    }

    private func fullWidth(_ rows: Range<Int>) -> Region {
        Region(x: 0, y: rows.lowerBound, width: resampler.target.width, height: rows.count)
    }
}
