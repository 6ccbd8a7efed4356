import CalorBase
import CalorImage

/// Why two pictures cannot be compared.
public enum QualityFault: Fault, Equatable {
    case sizes(reference: Size, candidate: Size)
    case formats(reference: SampleFormat, candidate: SampleFormat)
    /// Nothing is left after cropping, or the picture is smaller than the metric's window.
    case tooSmall(metric: String, size: Size, least: Int)
    /// The candidate is not a whole multiple of the reference in both directions.
    case notAMultiple(small: Size, large: Size)
    case nonFinite(samples: Int)
    case peak(Double)

    public var identifier: String {
        switch self {
        case .sizes: "quality.sizes"
        case .formats: "quality.formats"
        case .tooSmall: "quality.too-small"
        case .notAMultiple: "quality.not-a-multiple"
        case .nonFinite: "quality.non-finite"
        case .peak: "quality.peak"
        }
    }

    public var kind: FaultKind {
        switch self {
        case .peak: .usage
        default: .damagedInput
        }
    }

    public var message: String {
        switch self {
        case .sizes(let reference, let candidate): "the reference is \(reference) and the candidate is \(candidate)"
        case .formats(let reference, let candidate):
            "the reference has \(reference.rawValue) samples and the candidate has \(candidate.rawValue)"
        case .tooSmall(let metric, let size, let least): "\(size) is too small for \(metric), which needs \(least)×\(least)"
        case .notAMultiple(let small, let large): "\(large) is not a whole multiple of \(small)"
        case .nonFinite(let samples): "\(samples) samples are NaN or infinite"
        case .peak(let value): "the peak cannot be \(value)"
        }
    }

    public var advice: String? {
        switch self {
        case .sizes: "compare pictures of the same size; `calor inspect` shows the sizes"
        case .formats: "compare pictures of the same depth: a change of depth is a difference that no metric measures"
        case .tooSmall: "crop less, or compare larger pictures"
        case .notAMultiple: "the larger picture must be 2, 3, 4, … times the smaller one"
        case .nonFinite: "find the stage that wrote them; a picture with such samples has no quality"
        case .peak: "give a positive number: 255 for 8 bits, 65535 for 16 bits, or the range of the scene in counts"
        }
    }
}

/// Throws unless both planes have the same size and the same format.
func agree(_ reference: Plane, _ candidate: Plane) throws(QualityFault) {
    guard reference.size == candidate.size else { throw .sizes(reference: reference.size, candidate: candidate.size) }
    guard reference.format == candidate.format else {
        throw .formats(reference: reference.format, candidate: candidate.format)
    }
    try holdsPixels(reference)
}

func holdsPixels(_ plane: Plane) throws(QualityFault) {
    guard plane.size.pixels > 0 else { throw .tooSmall(metric: "a metric", size: plane.size, least: 1) }
}
