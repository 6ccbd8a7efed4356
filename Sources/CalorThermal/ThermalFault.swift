import CalorBase

/// What can go wrong in infrared processing: parameters and planes that make no sense, radiometric records that are damaged.
public enum ThermalFault: Fault, Equatable {
    /// A parameter is outside its range.
    case parameter(name: String, value: String, allowed: String)
    case unknownPalette(String)
    /// More pixels stand out than a sensor has defects.
    case tooManyDefects(found: Int, pixels: Int)
    /// `map: file` for a file without a palette.
    case noFilePalette
    /// The plane has no finite sample.
    case nothingFinite
    case tooSmall(what: String, size: String, minimum: String)
    /// A picture that a stage is given does not fit the image.
    case referenceSize(reference: String, size: String, image: String)
    /// A radiometric record that breaks its own structure.
    case record(String, String)
    /// `name` is the property of `Limits` that would have to be raised.
    case limit(name: String, detail: String)
    /// Temperatures are asked for, and there is no raw frame.
    case notRadiometric(what: String, reason: String?)
    /// There are counts, and nothing that says what they mean.
    case noCalibration(what: String)
    /// Samples that were taken for kelvin, and are not.
    case notKelvin(hottest: String)
    /// Emissivity and the like are given for samples that are temperatures already.
    case sceneOfKelvin
    /// The picture of the camera's other sensor is asked for, and the file holds none.
    case noVisiblePicture
    /// A constant of the file that no temperature can be computed with.
    case constant(name: String, value: String, allowed: String, setting: String?)

    public var identifier: String {
        switch self {
        case .parameter: "thermal.parameter"
        case .unknownPalette: "thermal.palette"
        case .tooManyDefects: "thermal.too-many-defects"
        case .noFilePalette: "thermal.no-file-palette"
        case .nothingFinite: "thermal.nothing-finite"
        case .tooSmall: "thermal.too-small"
        case .referenceSize: "thermal.reference-size"
        case .record: "radiometry.damaged"
        case .limit(let name, _): "limit.\(name)"
        case .notRadiometric: "radiometry.absent"
        case .noCalibration: "radiometry.no-calibration"
        case .notKelvin: "radiometry.not-kelvin"
        case .sceneOfKelvin: "radiometry.scene-of-kelvin"
        case .noVisiblePicture: "radiometry.no-visible"
        case .constant: "radiometry.constant"
        }
    }

    public var kind: FaultKind {
        switch self {
        case .parameter, .unknownPalette: .usage
        case .tooManyDefects, .noFilePalette, .nothingFinite, .tooSmall, .referenceSize, .record, .notRadiometric, .noCalibration,
            .notKelvin, .sceneOfKelvin, .noVisiblePicture, .constant:
            .damagedInput
        case .limit: .limit
        }
    }

    public var message: String {
        switch self {
        case .parameter(let name, let value, _): "\(name) cannot be \(value)"
        case .unknownPalette(let name): "there is no palette called “\(name)”"
        case .tooManyDefects(let found, let pixels): "\(found) of \(pixels) pixels are defective: these are no single defects"
        case .noFilePalette: "the file brings no palette of its own"
        case .nothingFinite: "no sample of the image is a finite number"
        case .tooSmall(let what, let size, _): "an image of \(size) is too small for \(what)"
        case .referenceSize(let reference, let size, let image): "the image is \(image), \(reference) \(size)"
        case .record(let maker, let problem): "the \(maker) record is damaged: \(problem)"
        case .limit(let name, let detail): "the image is beyond the limit \"\(name)\": \(detail)"
        case .notRadiometric(let what, let reason): "this \(what) is not radiometric" + (reason.map { ": \($0)" } ?? "")
        case .noCalibration(let what): "this \(what) holds counts, but nothing that says which temperature they stand for"
        case .notKelvin(let hottest): "the samples are taken for kelvin, and the hottest is \(hottest) K"
        case .sceneOfKelvin: "the samples are taken for kelvin, to which emissivity and the like cannot be applied any more"
        case .noVisiblePicture: "the radiometric record holds no visible picture"
        case .constant(let name, let value, _, _): "no temperature can be computed: \(name) is \(value)"
        }
    }

    public var advice: String? {
        switch self {
        case .parameter(_, _, let allowed): "give \(allowed)"
        case .unknownPalette: "palettes: \(Palette.allNames.joined(separator: ", "))"
        case .tooManyDefects: "raise the threshold, or give a map of the defective pixels"
        case .noFilePalette: "choose one with --set STAGE.map=NAME: \(Palette.allNames.joined(separator: ", "))"
        case .nothingFinite: "the file holds only NaN or infinities; check how it was written"
        case .tooSmall(_, _, let minimum): "it needs at least \(minimum)"
        case .referenceSize: "both must come from the same sensor and have its size"
        case .record: "copy the file again from the camera, or use its 8-bit picture with --set INPUT.radiometric=preview"
        case .limit(let name, _): "if you trust the file, raise the limit \"\(name)\""
        case .notRadiometric: "temperatures need the file as the camera wrote it; editors and messengers remove the raw frame"
        case .noCalibration:
            "give the camera's own line with gain (kelvin per count) and offset (kelvin), for example --set STAGE.gain=0.04"
        case .notKelvin:
            "no camera sees a scene as cold as that. Say what the samples stand for: --set STAGE.gain=1 --set STAGE.offset=273.15 for °C"
        case .sceneOfKelvin:
            "leave these settings out, give counts of a radiometric file, or say what the samples stand for with gain and offset"
        case .noVisiblePicture: "use the 8-bit picture with --set INPUT.radiometric=preview"
        case .constant(_, _, let allowed, let setting):
            setting.map { "it must be \(allowed): give one with --set STAGE.\($0)=VALUE" } ?? "it must be \(allowed)"
        }
    }
}
