import CalorBase
import CalorImage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How far the spectrum of a picture lies below the one predicted for it, and the direction that changes it fastest.
///
/// L = ½ Σ_b w_b ρ((S_b − m_b)/σ_b) over S_b = ln(P_b + e), ρ the square that continues as a line beyond ±2, one-sided: only missing
/// power counts, so that texture which the data justify is not blurred. The weights are 0 below the input's Nyquist frequency, which
/// the data decide, and above 0.42 cycles per pixel, where 8-bit pictures show their rounding.
///
/// *Precision*: double; the gradient agrees with finite differences to 1e-6 (`GuidanceTests`).
public struct SpectrumLoss: Sendable {
    static let knee = 2.0
    static let highest = 0.42

    private let bandPower: BandPower
    private let target: [Double]
    private let deviations: [Double]
    let weights: [Double]

    public init(size: Size, prior: SpectrumPrior, low: [Double], lowSize: Size, pool: WorkerPool? = nil) {
        bandPower = BandPower(tiles: WelchTiles(size: size, side: SpectrumPrior.side), bands: SpectrumPrior.bands)
        target = prior.target(low: low, size: lowSize, pool: pool)
        deviations = prior.deviations
        let ramp = 1 / 32.0
        let nyquist = 0.5 / Double(prior.scale)
        weights = (0..<SpectrumPrior.bands).map { band in
            let f = (Double(band) + 0.5) / Double(2 * SpectrumPrior.bands)
            return max(0, min(1, (f - nyquist) / ramp)) * max(0, min(1, (Self.highest - f) / ramp))
        }
    }

    /// Root mean square, in decibels, of what the weighted bands lack or have too much against the prediction.
    public func distance(_ x: [Double], pool: WorkerPool? = nil) -> Double {
        let power = bandPower.power(x, pool: pool)
        var sum = 0.0
        var total = 0.0
        for band in power.indices {
            let d = (log(power[band] + SpectrumPrior.floor) - target[band]) * 10 / log(10)
            sum += weights[band] * d * d
            total += weights[band]
        }
        return total == 0 ? 0 : (sum / total).squareRoot()
    }

    /// Mean square, over the weighted bands, of what lies below or above the prediction, in its deviations.
    public func deviation(_ x: [Double], pool: WorkerPool? = nil) -> Double {
        let power = bandPower.power(x, pool: pool)
        var sum = 0.0
        var total = 0.0
        for band in power.indices {
            let u = (log(power[band] + SpectrumPrior.floor) - target[band]) / deviations[band]
            sum += weights[band] * u * u
            total += weights[band]
        }
        return total == 0 ? 0 : sum / total
    }

    public func value(_ x: [Double], pool: WorkerPool? = nil) -> Double { loss(power(of: x, pool: pool)).value }

    /// The mean power of each band, which decides the loss.
    func power(of x: [Double], pool: WorkerPool?) -> [Double] { bandPower.power(x, pool: pool) }

    func value(power: [Double]) -> Double { loss(power).value }

    /// The loss and its gradient.
    ///
    /// - Parameter power: of `x`, where it is known.
    public func gradient(
        _ x: [Double], power: [Double]? = nil, pool: WorkerPool? = nil
    ) -> (value: Double, gradient: [Double]) {
        let (value, slopes) = loss(power ?? bandPower.power(x, pool: pool))
        let tiles = bandPower.tiles
        let scale = Double(tiles.count) * tiles.energy
        let perBand = slopes.indices.map { slopes[$0] / (Double(max(bandPower.counts[$0], 1)) * scale) } + [0]
        let factors = bandPower.map.map { perBand[$0] }
        var gradient = [Double](repeating: 0, count: x.count)
        // A row of tiles at a time: their transforms are made again, so that memory does not grow with the picture's height.
        let columns = tiles.columns.count
        for row in tiles.rows.indices {
            let parts = tiles.map(0..<(columns + 1) / 2, pool: pool) { pair in
                let first = row * columns + 2 * pair
                let hasSecond = 2 * pair + 1 < columns
                var (real, imaginary) = x.withUnsafeBufferPointer {
                    tiles.spectrum(of: first, and: hasSecond ? first + 1 : nil, in: $0)
                }
                let (a, b) = tiles.gradients(real: &real, imaginary: &imaginary, factors: factors)
                return hasSecond ? [a, b] : [a]
            }
            for (column, part) in parts.joined().enumerated() {
                add(part, at: tiles.origin(row * columns + column), to: &gradient)
            }
        }
        return (value, gradient)
    }

    private func add(_ part: [Double], at origin: (x: Int, y: Int), to gradient: inout [Double]) {
        let tiles = bandPower.tiles
        let window = tiles.window
        gradient.withUnsafeMutableBufferPointer { target in
            part.withUnsafeBufferPointer { part in
                for v in 0..<window.height {
                    let line = (origin.y + v) * tiles.size.width + origin.x
                    for u in 0..<window.width { target[line &+ u] += part[v &* window.width &+ u] }
                }
            }
        }
    }

    /// The value and dL/dP_b.
    private func loss(_ power: [Double]) -> (value: Double, slopes: [Double]) {
        var value = 0.0
        var slopes = [Double](repeating: 0, count: power.count)
        for band in power.indices where weights[band] > 0 {
            let u = (log(power[band] + SpectrumPrior.floor) - target[band]) / deviations[band]
            guard u < 0 else { continue }
            let bent = max(u, -Self.knee)
            value += 0.5 * weights[band] * (u >= -Self.knee ? u * u : 2 * Self.knee * -u - Self.knee * Self.knee)
            slopes[band] = weights[band] * bent / (deviations[band] * (power[band] + SpectrumPrior.floor))
        }
        return (value, slopes)
    }
}
