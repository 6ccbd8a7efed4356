import CalorImage
import CalorThermal

/// Brings infrared counts or kelvin to 8-bit grey for display.
struct GainStage: RegionStage {
    static let description = StageDescription(
        name: "gain", summary: "gain control: infrared counts or kelvin to 8-bit grey",
        parameters: [
            ParameterDescription(
                "method", .choice(["linear", "percentile", "plateau", "clahe"]), standard: .text("percentile"),
                "linear: least to greatest, or low to high; percentile: without the extremes; plateau: equalisation; clahe: local"),
            ParameterDescription("low", .number(-1e9...1e9), "linear: the value that becomes black (with high)"),
            ParameterDescription("high", .number(-1e9...1e9), "linear: the value that becomes white (with low)"),
            ParameterDescription("low-percent", .number(0...100), standard: .number(0.5), "percentile: what becomes black"),
            ParameterDescription("high-percent", .number(0...100), standard: .number(99.5), "percentile: what becomes white"),
            ParameterDescription(
                "plateau", .number(1e-6...1), standard: .number(0.0005), "plateau: greatest share of a histogram bin"),
            ParameterDescription("tiles", .integer(1...64), standard: .integer(8), "clahe: tiles across and down"),
            ParameterDescription("clip", .number(1...1000), standard: .number(3), "clahe: limit of the contrast"),
        ])

    private let site: StageSite
    fileprivate let control: any GainControl

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        do {
            control = try Self.control(parameters)
        } catch {
            throw .parameterConflict(
                place: site.place, stage: site.id, problem: error.message, advice: error.advice ?? "check its parameters")
        }
    }

    private static func control(_ parameters: ParameterValues) throws(ThermalFault) -> any GainControl {
        switch parameters.text("method") {
        case "linear":
            let low = parameters.number("low")
            let high = parameters.number("high")
            guard low != nil || high != nil else { return LinearGain() }
            return try LinearGain(low: low ?? .nan, high: high ?? .nan)
        case "plateau": return try PlateauGain(plateau: parameters.number("plateau") ?? 0.0005)
        case "clahe":
            let tiles = parameters.integer("tiles") ?? 8
            return try AdaptiveGain(columns: tiles, rows: tiles, clipLimit: parameters.number("clip") ?? 3)
        default:
            return try PercentileGain(
                lowPercent: parameters.number("low-percent") ?? 0.5, highPercent: parameters.number("high-percent") ?? 99.5)
        }
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType {
        guard input.colour.isGrey else {
            throw .type(
                place: site.place, stage: site.id, found: input.name, expected: "grey (infrared counts, kelvin or 8-bit grey)")
        }
        return ImageType(colour: input.colour, meaning: .display, format: .u8, size: input.size)
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { StageCost(scratchBytes: 4 * input.size.pixels) }

    func surveys(_ input: ImageType) -> Bool { true }

    func operation(for input: ImageType, surveying image: Image?) throws(PipelineFault) -> any RegionOperation {
        guard let image else { preconditionFailure("gain control looks at the whole image") }
        do {
            return GainOperation(mapping: try control.analyse(image.planes[0]), outputSize: input.size)
        } catch { throw PipelineFault(error) }
    }
}

extension GainStage {
    func survey(for input: ImageType) -> (any StripSurvey)? {
        // The least counts there are: whether the method can do with counts at all.
        var probe = [Int](repeating: 0, count: 65_536)
        probe[0] = 1
        guard input.format != .f32, (try? control.analyse(counts: probe)) != nil else { return nil }
        return CountSurvey(control: control, outputSize: input.size)
    }
}

/// How often each value of 16 bits occurs.
private final class CountSurvey: StripSurvey {
    private let control: any GainControl
    private let outputSize: Size
    private var counts = [Int](repeating: 0, count: 65_536)

    init(control: any GainControl, outputSize: Size) {
        self.control = control
        self.outputSize = outputSize
    }

    func add(_ strip: Image) {
        switch strip.planes[0].samples {
        case .u8(let s): for value in s { counts[Int(value)] += 1 }
        case .u16(let s): for value in s { counts[Int(value)] += 1 }
        case .f32: preconditionFailure("only whole numbers are counted")
        }
    }

    func operation() throws(PipelineFault) -> any RegionOperation {
        do {
            guard let mapping = try control.analyse(counts: counts) else { preconditionFailure("asked before the survey began") }
            return GainOperation(mapping: mapping, outputSize: outputSize)
        } catch { throw PipelineFault(error) }
    }
}

private struct GainOperation: RegionOperation {
    let mapping: GainMapping
    let outputSize: Size

    var values: [String: Double] { ["low": mapping.low, "high": mapping.high] }

    func apply(to part: Image, covering covered: Range<Int>, producing rows: Range<Int>) throws(PipelineFault) -> Image {
        let part = part.rows(rows, of: covered)
        let grey = mapping.apply(to: part.planes[0], y: rows.lowerBound)
        return part.replacing(planes: [grey] + (part.alpha.map { [$0.asBytes] } ?? []), meaning: .display)
    }
}

extension Plane {
    /// Full scale becomes 255.
    var asBytes: Plane {
        guard format != .u8 else { return self }
        let scale = 255 / format.fullScale
        return Plane(size: size, floats: floats().map { $0 * scale }, format: .u8)
    }
}
