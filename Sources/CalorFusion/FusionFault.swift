import CalorBase
import CalorImage

/// Why two pictures cannot be brought together.
public enum FusionFault: Fault, Equatable {
    case tooSmall(Size, least: Int)
    /// One is so much longer that they cannot show the same scene.
    case shapes(fixed: Size, moving: Size)
    case nonFinite(samples: Int)
    /// The infrared picture has one value only.
    case flat
    case lowConfidence(confidence: Double, similarity: Double, least: Double)
    case cancelled

    public var identifier: String {
        switch self {
        case .tooSmall: "fusion.too-small"
        case .shapes: "fusion.shapes"
        case .nonFinite: "fusion.non-finite"
        case .flat: "fusion.flat"
        case .lowConfidence: "register.low-confidence"
        case .cancelled: "cancelled"
        }
    }

    public var kind: FaultKind { self == .cancelled ? .cancelled : .damagedInput }

    public var message: String {
        func hundredths(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
        return switch self {
        case .tooSmall(let size, let least): "\(size) is too small to be aligned, which needs \(least)×\(least)"
        case .shapes(let fixed, let moving): "pictures of \(fixed) and \(moving) cannot show the same scene"
        case .nonFinite(let samples): "\(samples) samples are NaN or infinite"
        case .flat: "all samples of the infrared picture are equal"
        case .lowConfidence(let confidence, let similarity, let least):
            "no alignment to rely on: confidence \(hundredths(confidence)), less than \(hundredths(least)) (edges agree by "
                + "\(hundredths(similarity)))"
        case .cancelled: "stopped"
        }
    }

    public var advice: String? {
        switch self {
        case .tooSmall: "take larger pictures"
        case .shapes: "cut the longer one"
        case .nonFinite: "find the stage that wrote them"
        case .flat: "leave this pair out"
        case .lowConfidence:
            "check that both show the same scene, widen maximum-shift, maximum-scale or maximum-rotation, or set on-failure: pass"
        case .cancelled: nil
        }
    }
}
