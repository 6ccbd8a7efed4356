import CalorQuality

/// A metric that `calor compare` prints: its name on the command line, its key in JSON, and how to read it.
enum PictureMetric: String, CaseIterable {
    case psnrGrey = "psnr-grey"
    case psnrLuma = "psnr-luma"
    case psnrRGB = "psnr-rgb"
    case ssim
    case gradientSimilarity = "gradient-similarity"
    case spectrumDistance = "spectrum-distance"
    case thermalOrderViolations = "thermal-order"
    case mae
    case rmse
    case maxDifference = "max-difference"

    /// PSNR of equal pictures is infinite, which JSON cannot say and a mean cannot use.
    static let identicalPSNR = 100.0

    var key: String {
        switch self {
        case .psnrGrey: "psnrGrey"
        case .psnrLuma: "psnrLuma"
        case .psnrRGB: "psnrRGB"
        case .ssim: "ssim"
        case .gradientSimilarity: "gradientSimilarity"
        case .spectrumDistance: "spectrumDistanceDB"
        case .thermalOrderViolations: "thermalOrderViolations"
        case .mae: "mae"
        case .rmse: "rmse"
        case .maxDifference: "maxDifference"
        }
    }

    /// Nil when the pictures are too small for it, or not in colour.
    func value(in comparison: Comparison) -> Double? {
        switch self {
        case .psnrGrey: min(comparison.psnrGrey, Self.identicalPSNR)
        case .psnrLuma: min(comparison.psnrLuma, Self.identicalPSNR)
        case .psnrRGB: comparison.psnrRGB.map { min($0, Self.identicalPSNR) }
        case .ssim: comparison.ssim
        case .gradientSimilarity: comparison.gradientSimilarity
        case .spectrumDistance: comparison.spectrumDistance?.decibels
        case .thermalOrderViolations: comparison.thermalOrder?.rate
        case .mae: comparison.differences.mae
        case .rmse: comparison.differences.rmse
        case .maxDifference: comparison.differences.maximum
        }
    }

    /// The mean over the pairs that have the metric; nil when none has it.
    func mean(of comparisons: [Comparison]) -> Double? {
        let values = comparisons.compactMap(value(in:))
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
