import CalorImage

/// All picture metrics of a candidate against its reference.
///
/// Grey metrics are taken on the grey plane, which for colour pictures is full-range luma; three equal planes count as grey, so a grey
/// picture saved as RGB compares with a grey one. Alpha is not compared.
public struct Comparison: Sendable, Equatable {
    /// What is left after the crop.
    public let size: Size
    /// The value that stands for full scale in PSNR and SSIM.
    public let peak: Double
    public let identical: Bool
    public let psnrGrey: Double
    /// Over studio luma: 1.32 dB above `psnrGrey` for grey content.
    public let psnrLuma: Double
    /// For colour pictures only.
    public let psnrRGB: Double?
    /// Missing for pictures below 11×11.
    public let ssim: Double?
    /// Missing for pictures below 3×3.
    public let gradientSimilarity: Double?
    /// Missing for pictures below 16×16.
    public let spectrumDistance: SpectrumDistance?
    /// Missing for pictures below 8×8.
    public let thermalOrder: ThermalOrder?
    /// In the units of the samples.
    public let differences: Differences

    /// - Parameters:
    ///   - cropPixels: left out on every side.
    ///   - peak: 255 or 65535 for integers when nil; for f32, 1 for display values and otherwise the range of the reference. What a file
    ///     of floats means is not always known: values far beyond 0…1 are none for a display.
    /// *Throws*: when sizes or formats differ, nothing is left after the crop, or a sample is not finite.
    public init(reference: Image, candidate: Image, cropPixels: Int = 0, peak: Double? = nil) throws(QualityFault) {
        let first = try Self.cropped(reference, cropPixels)
        let second = try Self.cropped(candidate, cropPixels)
        guard reference.size == candidate.size else { throw .sizes(reference: reference.size, candidate: candidate.size) }
        try agree(first.planes[0], second.planes[0])
        let range = peak ?? Self.usualPeak(first)
        guard range > 0, range.isFinite else { throw .peak(range) }
        size = first.size
        self.peak = range
        let bothGrey = first.isGreyContent && second.isGreyContent
        // Luma of colour pictures is not rounded, so it is compared as f32 in the same units.
        let a = bothGrey ? first.planes[0] : Plane(size: size, samples: .f32(first.fullRangeLuma()))
        let b = bothGrey ? second.planes[0] : Plane(size: size, samples: .f32(second.fullRangeLuma()))
        differences = try Differences(reference: a, candidate: b)
        psnrGrey = differences.psnr(peak: range)
        psnrLuma = try CalorQuality.psnrLuma(reference: first, candidate: second, peak: range)
        psnrRGB = bothGrey ? nil : try CalorQuality.psnrRGB(reference: first, candidate: second, peak: range)
        identical = (psnrRGB ?? psnrGrey) == .infinity
        let side = min(size.width, size.height)
        ssim = side >= 11 ? try CalorQuality.ssim(reference: a, candidate: b, peak: range) : nil
        gradientSimilarity = side >= 3 ? try CalorQuality.gradientSimilarity(reference: a, candidate: b, peak: range) : nil
        spectrumDistance = side >= 16 ? try SpectrumDistance(reference: a, candidate: b, peak: range) : nil
        thermalOrder = side >= 8 ? try ThermalOrder(reference: a, candidate: b, threshold: range / 255) : nil
    }

    private static func cropped(_ image: Image, _ pixels: Int) throws(QualityFault) -> Image {
        guard pixels >= 0, image.width > 2 * pixels, image.height > 2 * pixels else {
            throw .tooSmall(metric: "a crop of \(pixels) pixels", size: image.size, least: 2 * max(pixels, 0) + 1)
        }
        return pixels == 0 ? image : image.cropped(to: Region(image.size).expanded(by: -pixels))
    }

    private static func usualPeak(_ image: Image) -> Double {
        guard image.format == .f32 else { return Double(image.format.fullScale) }
        let statistics = PlaneStatistics(of: image.planes[0])
        if image.meaning == .display, statistics.minimum >= -1, statistics.maximum <= 2 { return Double(image.format.fullScale) }
        return statistics.maximum > statistics.minimum ? statistics.maximum - statistics.minimum : 1
    }
}

extension Image {
    fileprivate var isGreyContent: Bool { colour.isGrey || hasEqualColourPlanes }
}
