import CalorImage
import CalorThermal

// The faults of infrared sensors: single pixels, uneven response, a dark level of its own.

/// Fills dead and hot pixels.
struct RepairPixelsStage: RegionStage {
    static let description = StageDescription(
        name: "repair-pixels", summary: "fills dead and hot pixels, found or from a map",
        parameters: [
            ParameterDescription(
                "map", .text, "a grey picture of the sensor's size: pixels above 0 are defective; found when not given"),
            ParameterDescription(
                "threshold", .number(3...1000), standard: .number(8), "how many times the noise a defective pixel stands out"),
        ])

    private let site: StageSite
    private let repair: PixelRepair
    private let map: Plane?
    let digest: String

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        do { repair = try PixelRepair(threshold: parameters.number("threshold") ?? 8) } catch { throw PipelineFault(error) }
        let reference = try parameters.text("map").map { (path) throws(PipelineFault) in
            try ReferenceImages(path, parameter: "map", site: site)
        }
        map = reference?.planes.first
        digest = reference?.digest ?? ""
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType {
        try ReferenceImages.check(map?.size, for: input, parameter: "map", site: site)
        return input
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { StageCost(scratchBytes: 8 * input.size.pixels) }

    func surveys(_ input: ImageType) -> Bool { true }

    func operation(for input: ImageType, surveying image: Image?) throws(PipelineFault) -> any RegionOperation {
        guard let image else { preconditionFailure("defects are looked for in the whole image") }
        do {
            let plane = image.planes[0]
            let defects = try map.map { $0.floats().indices(above: 0) } ?? repair.detect(in: plane)
            guard let correction = PixelRepair.replacements(for: defects, in: plane) else {
                throw ThermalFault.tooManyDefects(found: defects.count, pixels: plane.size.pixels)
            }
            return PlaneOperation(outputSize: input.size, values: ["defectivePixels": Double(defects.count)]) { plane, y in
                correction.apply(to: plane, y: y)
            }
        } catch { throw PipelineFault(error) }
    }
}

/// Evens out a sensor's response or a lens's vignetting.
struct FlatFieldStage: RegionStage {
    static let description = StageDescription(
        name: "flat-field", summary: "evens out sensitivity, offset and vignetting from pictures of a uniform surface",
        parameters: [
            ParameterDescription("reference", .text, isRequired: true, "a picture of a uniform surface, of the sensor's size"),
            ParameterDescription("second", .text, "gain: a dark frame; both: a surface of another temperature"),
            ParameterDescription(
                "method", .choice(FlatField.Method.allCases.map(\.rawValue)), standard: .text("gain"),
                "offset: one point; gain: sensitivity and vignetting; both: two points"),
            ParameterDescription(
                "surface", .choice(FlatField.Surface.allCases.map(\.rawValue)), standard: .text("pixels"),
                "pixels: every pixel of the reference; radial: its vignetting alone"),
        ])

    private let site: StageSite
    private let field: FlatField
    let digest: String

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        let reference = try ReferenceImages(parameters.text("reference") ?? "", parameter: "reference", site: site)
        let second = try parameters.text("second").map { (path) throws(PipelineFault) in
            try ReferenceImages(path, parameter: "second", site: site)
        }
        digest = reference.digest + (second?.digest ?? "")
        do {
            field = try FlatField(
                method: parameters.text("method").flatMap(FlatField.Method.init(rawValue:)) ?? .gain,
                reference: try reference.average(),
                second: try second?.average(),
                surface: parameters.text("surface").flatMap(FlatField.Surface.init(rawValue:)) ?? .pixels)
        } catch {
            throw .parameterConflict(
                place: site.place, stage: site.id, problem: error.message, advice: error.advice ?? "check its reference")
        }
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType {
        try ReferenceImages.check(field.size, for: input, parameter: "the reference", site: site)
        return input
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { StageCost(scratchBytes: 8 * input.size.pixels) }

    func surveys(_ input: ImageType) -> Bool { false }

    func operation(for input: ImageType, surveying image: Image?) throws(PipelineFault) -> any RegionOperation {
        let strength = field.strength
        return PlaneOperation(outputSize: input.size, values: ["gainRMS": strength.gain, "offsetRMS": strength.offset]) {
            plane, y in
            field.apply(to: plane, y: y)
        }
    }
}

/// Subtracts what the sensor shows with its shutter closed.
struct DarkFrameStage: RegionStage {
    static let description = StageDescription(
        name: "dark-frame", summary: "subtracts the median of frames taken with the shutter closed",
        parameters: [
            ParameterDescription("frames", .text, isRequired: true, "a dark picture, or a folder of them, of the sensor's size"),
            ParameterDescription(
                "level", .choice(["keep", "subtract"]), standard: .text("keep"),
                "keep: only the pattern goes and counts keep their level and calibration; subtract: all of the frame goes"),
        ])

    private let site: StageSite
    private let dark: DarkFrame
    private let keepsLevel: Bool
    let digest: String

    init(site: StageSite, parameters: ParameterValues, context: PlanContext) throws(PipelineFault) {
        self.site = site
        keepsLevel = parameters.text("level") != "subtract"
        let frames = try ReferenceImages(parameters.text("frames") ?? "", parameter: "frames", site: site)
        digest = frames.digest
        do { dark = try DarkFrame(frames: frames.planes) } catch {
            throw .parameterConflict(
                place: site.place, stage: site.id, problem: error.message, advice: error.advice ?? "check the dark frames")
        }
    }

    func outputType(for input: ImageType) throws(PipelineFault) -> ImageType {
        try ReferenceImages.check(dark.size, for: input, parameter: "the dark frames", site: site)
        return input
    }

    func cost(for input: ImageType) throws(PipelineFault) -> StageCost { StageCost(scratchBytes: 4 * input.size.pixels) }

    func surveys(_ input: ImageType) -> Bool { false }

    func operation(for input: ImageType, surveying image: Image?) throws(PipelineFault) -> any RegionOperation {
        PlaneOperation(outputSize: input.size, values: ["darkFrames": Double(dark.frames), "darkMean": dark.mean]) { plane, y in
            dark.subtract(from: plane, y: y, keepsLevel: keepsLevel)
        }
    }
}

/// Work on the first plane of grey images, row by row; alpha stays.
private struct PlaneOperation: RegionOperation {
    let outputSize: Size
    let values: [String: Double]
    /// The plane of full rows, and the first of them.
    let work: @Sendable (Plane, Int) -> Plane

    func apply(to part: Image, covering covered: Range<Int>, producing rows: Range<Int>) throws(PipelineFault) -> Image {
        let part = part.rows(rows, of: covered)
        return part.replacing(planes: [work(part.planes[0], rows.lowerBound)] + (part.alpha.map { [$0] } ?? []))
    }
}

extension [Float] {
    fileprivate func indices(above threshold: Float) -> [Int] { indices.filter { self[$0] > threshold } }
}

extension ReferenceImages {
    /// One picture as it is; of several the median over time.
    fileprivate func average() throws(ThermalFault) -> Plane {
        if planes.count == 1 { return planes[0] }
        let stack = try DarkFrame(frames: planes)
        return Plane(size: stack.size, samples: .f32(stack.values))
    }
}
