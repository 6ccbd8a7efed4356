import CalorBase

/// What can go wrong in infrared processing: only parameters and planes that make no sense.
public enum ThermalFault: Fault, Equatable {
    /// A parameter is outside its range.
    case parameter(name: String, value: String, allowed: String)
    case unknownPalette(String)
    /// The plane has no finite sample.
    case nothingFinite
    case tooSmall(what: String, size: String, minimum: String)

    public var identifier: String {
        switch self {
        case .parameter: "thermal.parameter"
        case .unknownPalette: "thermal.palette"
        case .nothingFinite: "thermal.nothing-finite"
        case .tooSmall: "thermal.too-small"
        }
    }

    public var kind: FaultKind {
        switch self {
        case .parameter, .unknownPalette: .usage
        case .nothingFinite, .tooSmall: .damagedInput
        }
    }

    public var message: String {
        switch self {
        case .parameter(let name, let value, _): "\(name) cannot be \(value)"
        case .unknownPalette(let name): "there is no palette called “\(name)”"
        case .nothingFinite: "no sample of the image is a finite number"
        case .tooSmall(let what, let size, _): "an image of \(size) is too small for \(what)"
        }
    }

    public var advice: String? {
        switch self {
        case .parameter(_, _, let allowed): "give \(allowed)"
        case .unknownPalette: "palettes: \(Palette.allNames.joined(separator: ", "))"
        case .nothingFinite: "the file holds only NaN or infinities; check how it was written"
        case .tooSmall(_, _, let minimum): "it needs at least \(minimum)"
        }
    }
}
