import CalorImage

/// The power of a plane in rings of spatial frequency.
///
/// The mean is taken away, a Hann window applied, and the power divided by the window's energy, so that white noise of variance v
/// has power v in every band and planes of different sizes can be compared.
///
/// *Units*: square levels (or counts); band b covers b/64 up to (b + 1)/64 cycles per pixel; 32 bands end at 1/2.
public struct RadialSpectrum: Sendable, Equatable {
    public static let bands = 32
    public let power: [Double]

    /// *Throws*: when the plane is smaller than 16×16 or holds NaN or infinities.
    public init(of plane: Plane) throws(QualityFault) {
        let least = 16
        guard plane.width >= least, plane.height >= least else {
            throw .tooSmall(metric: "the spectrum", size: plane.size, least: least)
        }
        let statistics = PlaneStatistics(of: plane)
        guard statistics.isFinite else { throw .nonFinite(samples: statistics.nonFinite) }
        let (width, height) = (plane.width, plane.height)
        let horizontal = Self.hann(width)
        let vertical = Self.hann(height)
        var real = plane.floats().map { Double($0) - statistics.mean }
        for y in 0..<height { for x in 0..<width { real[y * width + x] *= horizontal[x] * vertical[y] } }
        var imaginary = [Double](repeating: 0, count: real.count)
        FourierTransform.transform(&real, &imaginary, size: plane.size)
        var sums = [Double](repeating: 0, count: Self.bands)
        var counts = [Int](repeating: 0, count: Self.bands)
        for y in 0..<height {
            let fy = Double(min(y, height - y)) / Double(height)
            for x in 0..<width {
                let fx = Double(min(x, width - x)) / Double(width)
                let band = Int((fx * fx + fy * fy).squareRoot() * 2 * Double(Self.bands))
                guard band < Self.bands else { continue }
                let i = y * width + x
                sums[band] += real[i] * real[i] + imaginary[i] * imaginary[i]
                counts[band] += 1
            }
        }
        func energy(_ window: [Double]) -> Double { window.reduce(0) { $0 + $1 * $1 } }
        let scale = energy(horizontal) * energy(vertical)
        power = zip(sums, counts).map { $1 > 0 ? $0 / Double($1) / scale : 0 }
    }

    private static func hann(_ count: Int) -> [Double] {
        (0..<count).map { 0.5 - 0.5 * unitCircle((Double($0) + 0.5) / Double(count)).cos }
    }
}

/// How far two planes are apart in the power of their spatial frequencies, whatever the phases: blur and missing texture count, a
/// shift does not.
public struct SpectrumDistance: Sendable, Equatable {
    /// Root mean square over all bands, in decibels.
    public let decibels: Double
    /// The same over 0–1/8, 1/8–1/4, 1/4–3/8 and 3/8–1/2 cycles per pixel.
    public let groups: [Double]

    /// - Parameter peak: full scale of the format when nil. The power of rounding to 1/255 of it is added to both spectra, so that
    ///   bands which no 8-bit image can show do not count.
    public init(reference: Plane, candidate: Plane, peak: Double? = nil) throws(QualityFault) {
        guard reference.format == candidate.format else {
            throw .formats(reference: reference.format, candidate: candidate.format)
        }
        let range = peak ?? Double(reference.format.fullScale)
        guard range > 0, range.isFinite else { throw .peak(range) }
        let floor = square(range / 255) / 12
        let a = try RadialSpectrum(of: reference).power
        let b = try RadialSpectrum(of: candidate).power
        let differences = zip(a, b).map { square(CalorQuality.decibels(ofPower: ($1 + floor) / ($0 + floor))) }
        func rms(_ part: ArraySlice<Double>) -> Double { (part.reduce(0, +) / Double(part.count)).squareRoot() }
        decibels = rms(differences[...])
        let size = RadialSpectrum.bands / 4
        groups = (0..<4).map { rms(differences[$0 * size..<($0 + 1) * size]) }
    }
}
