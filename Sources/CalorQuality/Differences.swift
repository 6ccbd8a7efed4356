import CalorImage

/// Sample-by-sample differences of two planes, in the planes' own units (levels, counts, kelvin).
///
/// *Precision*: double sums, row by row.
public struct Differences: Sendable, Equatable {
    /// Mean of candidate − reference.
    public let bias: Double
    /// Mean absolute error.
    public let mae: Double
    public let rmse: Double
    public let maximum: Double

    /// *Throws*: when sizes or formats differ, or a sample is not finite.
    public init(reference: Plane, candidate: Plane) throws(QualityFault) {
        try agree(reference, candidate)
        try self.init(reference.floats(), candidate.floats())
    }

    init(_ reference: [Float], _ candidate: [Float]) throws(QualityFault) {
        var sum = 0.0
        var absolute = 0.0
        var squares = 0.0
        var largest = 0.0
        var bad = 0
        for i in reference.indices {
            let d = Double(candidate[i]) - Double(reference[i])
            guard d.isFinite else {
                bad += 1
                continue
            }
            sum += d
            absolute += abs(d)
            squares += d * d
            largest = max(largest, abs(d))
        }
        guard bad == 0 else { throw .nonFinite(samples: bad) }
        let count = Double(max(reference.count, 1))
        bias = sum / count
        mae = absolute / count
        rmse = (squares / count).squareRoot()
        maximum = largest
    }

    /// Peak signal-to-noise ratio in decibels; infinite when nothing differs.
    public func psnr(peak: Double) -> Double { rmse == 0 ? .infinity : decibels(ofPower: square(peak / rmse)) }
}

/// Peak signal-to-noise ratio in decibels: infinite for equal planes.
///
/// - Parameter peak: full scale of the format when nil.
///
/// For grey content the papers' luma PSNR is greater by 20 log10(255 / 219) = 1.32 dB, because studio luma squeezes 0…255 into
/// 16…235 and the peak stays 255. Always say which one a number is.
public func psnr(reference: Plane, candidate: Plane, peak: Double? = nil) throws(QualityFault) -> Double {
    if let peak, !(peak > 0 && peak.isFinite) { throw .peak(peak) }
    return try Differences(reference: reference, candidate: candidate).psnr(peak: peak ?? Double(reference.format.fullScale))
}

/// PSNR over all colour planes of two pictures together. A grey picture counts as three equal planes.
public func psnrRGB(reference: Image, candidate: Image, peak: Double? = nil) throws(QualityFault) -> Double {
    if let peak, !(peak > 0 && peak.isFinite) { throw .peak(peak) }
    var squares = 0.0
    for channel in 0..<3 {
        let a = reference.planes[reference.colour.isGrey ? 0 : channel]
        let b = candidate.planes[candidate.colour.isGrey ? 0 : channel]
        let rmse = try Differences(reference: a, candidate: b).rmse
        squares += rmse * rmse / 3
    }
    return squares == 0 ? .infinity : decibels(ofPower: square(peak ?? Double(reference.format.fullScale)) / squares)
}

/// PSNR over studio luma, as the super-resolution literature reports it: +1.32 dB against grey PSNR for grey content.
///
/// *Source*: Y of `Image.studioLuma`, not rounded; peak is full scale.
public func psnrLuma(reference: Image, candidate: Image, peak: Double? = nil) throws(QualityFault) -> Double {
    if let peak, !(peak > 0 && peak.isFinite) { throw .peak(peak) }
    try agree(reference.planes[0], candidate.planes[0])
    return try Differences(reference.studioLuma(), candidate.studioLuma()).psnr(peak: peak ?? Double(reference.format.fullScale))
}

/// Root mean square of LR − A(x), in the units of the planes: how far a super-resolved plane, reduced again, is from its input.
///
/// *Source*: A is the antialiased bicubic reduction with a = −1/2 (`ResamplingFilter.bicubic`), not rounded. True high-resolution
/// images have about 0.3 levels when their low-resolution image was rounded to 8 bits.
public func consistencyRMS(lowResolution: Plane, superResolved: Plane) throws(QualityFault) -> Double {
    try holdsPixels(lowResolution)
    guard lowResolution.format == superResolved.format else {
        throw .formats(reference: lowResolution.format, candidate: superResolved.format)
    }
    _ = try wholeScale(from: lowResolution.size, to: superResolved.size)
    let reduced = Resampler(from: superResolved.size, to: lowResolution.size, using: .bicubic)
        .resample(superResolved.floats(), covering: Region(superResolved.size), to: Region(lowResolution.size))
    return try Differences(lowResolution.floats(), reduced).rmse
}

/// The whole factor from `small` to `large`.
func wholeScale(from small: Size, to large: Size) throws(QualityFault) -> Int {
    guard small.pixels > 0, large.pixels > 0, large.width % small.width == 0, large.height % small.height == 0,
        large.width / small.width == large.height / small.height
    else { throw .notAMultiple(small: small, large: large) }
    return large.width / small.width
}

/// Error of a temperature image in kelvin.
public struct TemperatureError: Sendable, Equatable {
    /// Mean of candidate − reference.
    public let biasKelvin: Double
    public let meanAbsoluteKelvin: Double
    public let rmseKelvin: Double
    public let maximumKelvin: Double

    /// *Throws*: when the planes are not f32 of one size, or hold NaN or infinities.
    public init(reference: Plane, candidate: Plane) throws(QualityFault) {
        guard reference.format == .f32 else { throw .formats(reference: reference.format, candidate: .f32) }
        let differences = try Differences(reference: reference, candidate: candidate)
        biasKelvin = differences.bias
        meanAbsoluteKelvin = differences.mae
        rmseKelvin = differences.rmse
        maximumKelvin = differences.maximum
    }
}
