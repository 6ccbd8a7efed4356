import CalorImage
import CalorThermal

/// Shows grey values in colours.
struct PaletteStage: RegionStage {
    static let description = StageDescription(
        name: "palette", summary: "grey in colours, 8-bit RGB",
        parameters: [
            ParameterDescription(
                "map", .choice(Palette.allNames + ["file"]), standard: .text("ironbow"),
                "the colours; file: the palette that a radiometric file brings"),
            ParameterDescription(
                "range", .choice(["auto", "full"]), standard: .text("auto"),
                "auto: 8-bit grey as it is, counts and kelvin from their least to their greatest value; full: the whole range of the format"
            ),
            ParameterDescription("low", .number(-1e9...1e9), "the value of the first colour (with high)"),
            ParameterDescription("high", .number(-1e9...1e9), "the value of the last colour (with low)"),
        ])

    private let site: StageSite
    /// nil: that of the file.
    private let palette: Palette?
    private let isAutomatic: Bool
    private let fixed: ClosedRange<Double>?

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        do {
            let name = parameters.text("map") ?? ""
            palette = name == "file" ? nil : try Palette.named(name)
        } catch { throw PipelineFault(error) }
        switch (parameters.number("low"), parameters.number("high")) {
        case (nil, nil): fixed = nil
        case (let low?, let high?) where low < high: fixed = low...high
        default:
            throw .parameterConflict(
                place: site.place, stage: site.id, problem: "low and high do not make a range",
                advice: "give both, the lower one as low")
        }
        isAutomatic = parameters.text("range") == "auto" && fixed == nil
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType {
        guard input.colour.isGrey else {
            throw .type(place: site.place, stage: site.id, found: input.name, expected: "grey; colours come from grey values")
        }
        return ImageType(colour: input.colour.hasAlpha ? .rgbAlpha : .rgb, meaning: .display, format: .u8, size: input.size)
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { StageCost(scratchBytes: 0) }

    func surveys(_ input: ImageType) -> Bool { palette == nil || isAutomatic && input.format != .u8 }

    func operation(for input: ImageType, surveying image: Image?) throws(PipelineFault) -> any RegionOperation {
        let palette: Palette
        if let named = self.palette {
            palette = named
        } else {
            do { palette = try Palette(of: image?.metadata.radiometry) } catch { throw PipelineFault(error) }
        }
        guard isAutomatic, input.format != .u8, let image else {
            return PaletteOperation(palette: palette, range: fixed, input: input)
        }
        let survey = RangeSurvey(palette: palette, input: input)
        survey.add(image)
        return try survey.operation()
    }

    func survey(for input: ImageType) -> (any StripSurvey)? { palette.map { RangeSurvey(palette: $0, input: input) } }
}

/// The least and the greatest finite value.
private final class RangeSurvey: StripSurvey {
    private let palette: Palette
    private let input: ImageType
    private var range: ClosedRange<Double>?

    init(palette: Palette, input: ImageType) {
        self.palette = palette
        self.input = input
    }

    func add(_ strip: Image) {
        guard let found = strip.planes[0].finiteRange else { return }
        range = range.map { min($0.lowerBound, found.lowerBound)...max($0.upperBound, found.upperBound) } ?? found
    }

    func operation() throws(PipelineFault) -> any RegionOperation {
        guard let range else { throw PipelineFault(ThermalFault.nothingFinite) }
        return PaletteOperation(palette: palette, range: range, input: input)
    }
}

private struct PaletteOperation: RegionOperation {
    let palette: Palette
    let range: ClosedRange<Double>?
    let outputSize: Size
    /// For counts of images that are worth the table.
    let lookup: PaletteLookup?

    init(palette: Palette, range: ClosedRange<Double>?, input: ImageType) {
        self.palette = palette
        self.range = range
        outputSize = input.size
        lookup =
            input.format == .u16 && input.colour == .grey && input.size.pixels > 65_536 ? PaletteLookup(palette, range: range) : nil
    }

    var values: [String: Double] { range.map { ["low": $0.lowerBound, "high": $0.upperBound] } ?? [:] }

    func apply(to part: Image, covering covered: Range<Int>, producing rows: Range<Int>) throws(PipelineFault) -> Image {
        let part = part.rows(rows, of: covered)
        var image =
            lookup.map { part.replacing(planes: $0.apply(to: part.planes[0]), colour: .rgb, meaning: .display) }
            ?? palette.apply(to: part, range: range)
        // A grey profile does not describe colours.
        image.metadata.icc = nil
        return image
    }
}
