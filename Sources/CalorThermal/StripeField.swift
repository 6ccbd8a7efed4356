import CalorImage

/// A plane seen as parallel lines (columns or rows), for measuring what each line adds to all of its samples.
struct StripeField {
    private let values: [Float]
    private let lines: Int
    private let length: Int
    private let lineStride: Int
    private let stepStride: Int

    /// Bands along the lines: enough for a spread of the measurements, few enough that a band of a small image still has samples.
    private static let bands = 8
    /// Steps beyond this many times the usual spread are edges of the scene. One step in 370 of a normal distribution is, which
    /// costs 0.3 dB; 4 costs 10 dB where stripes and edges of similar height meet.
    private static let edge = 3.0
    /// How much smoother the scene's profile is than the offsets, where the bands do not say it: what changes over more than about 48
    /// lines is scene, as (2π / 48)⁻⁴ = 3,400. Where they do, between 27 and 150 lines.
    private static let stiffness = 3400.0
    private static let stiffnesses = 340.0...340_000
    /// The scene's share in what the bands agree on, of what they differ by: found on 60 pictures of infrared cameras with offsets of
    /// 1, 3 and 10 levels; half and twice of it change the mean by less than 0.1 dB.
    private static let sharedScene = 0.1
    /// The shortest line and the fewest lines that tell stripes from scene.
    private static let least = 16

    init(_ values: [Float], lines: Int, length: Int, lineStride: Int, stepStride: Int) {
        self.values = values
        self.lines = lines
        self.length = length
        self.lineStride = lineStride
        self.stepStride = stepStride
    }

    /// The most probable offset of every line; mean zero.
    func offsets() -> [Double] {
        let nothing = [Double](repeating: 0, count: lines)
        guard lines >= Self.least, length >= Self.least else { return nothing }
        let steps = (0..<lines - 1).map(step)
        let centred = withoutTrend(steps.map(\.mean))
        let spread = robustDeviation(centred)
        let uncertainty = median(steps.map(\.variance))
        // Steps vary by the offsets of two lines and by the error of the measurement.
        let offsetVariance = max(spread * spread - uncertainty, 0) / 2
        guard offsetVariance > 0 else { return nothing }
        // A step can be no better known than half the uncertainty that is usual in this image.
        let least = max(uncertainty / 2, offsetVariance * 1e-6)
        let weights = zip(steps, centred).map { step, value in
            abs(value) > Self.edge * spread ? 0 : 1 / max(step.variance, least)
        }
        var stiffness = Self.stiffness
        if let curvature = sceneCurvature(steps), curvature > 0 {
            stiffness = min(max(offsetVariance / curvature, Self.stiffnesses.lowerBound), Self.stiffnesses.upperBound)
        }
        var result = solve(steps: steps.map(\.mean), weights: weights, prior: 1 / offsetVariance, stiffness: stiffness)
        let mean = result.reduce(0, +) / Double(result.count)
        for i in result.indices { result[i] -= mean }
        return result
    }

    // MARK: - Measuring

    /// The step from one line to the next.
    private struct Step {
        /// By band; empty when too few of them have samples.
        var bands: [Double]
        /// Over the bands, robustly, and the variance of that mean.
        var mean: Double
        var variance: Double
    }

    private func step(_ i: Int) -> Step {
        var medians: [Double] = []
        for band in 0..<Self.bands {
            var differences: [Float] = []
            for at in band * length / Self.bands..<(band + 1) * length / Self.bands {
                let here = values[i * lineStride + at * stepStride]
                let there = values[(i + 1) * lineStride + at * stepStride]
                let difference = there - here
                if difference.isFinite { differences.append(difference) }
            }
            if !differences.isEmpty { medians.append(robustMean(&differences)) }
        }
        guard medians.count >= Self.bands / 2 else { return Step(bands: [], mean: 0, variance: .infinity) }
        let bands = medians
        medians.sort()
        // The two outer bands on either side may hold an edge of the scene.
        let middle = medians.dropFirst(medians.count / 4).dropLast(medians.count / 4)
        let mean = middle.reduce(0, +) / Double(middle.count)
        let deviation = robustDeviation(medians, about: mean)
        return Step(bands: bands, mean: mean, variance: deviation * deviation / Double(medians.count))
    }

    /// How strongly the scene bends the profile of the lines, as a variance of second differences; nil when too little tells.
    ///
    /// Offsets are the same in every band. What the profiles of the bands differ by is the scene, whose spectrum falls with the fourth
    /// power of the frequency; a share of it is common to the bands as well and looks like slow offsets.
    private func sceneCurvature(_ steps: [Step]) -> Double? {
        let transform = FourierTransform(length: lines)
        let frequencies = (1..<max(lines / 2, 1)).filter { 120 * $0 > lines && 24 * $0 < lines }
        guard !frequencies.isEmpty else { return nil }
        var profiles = [[Double]](repeating: [0], count: Self.bands)
        for step in steps {
            for band in 0..<Self.bands {
                profiles[band].append(
                    profiles[band][profiles[band].count - 1] + (step.bands.count == Self.bands ? step.bands[band] : step.mean))
            }
        }
        for i in 0..<lines {
            let common = median(profiles.map { $0[i] })
            for band in 0..<Self.bands { profiles[band][i] -= common }
        }
        // A window that is zero with its slope at both ends, as the profile does not go on there.
        let places = (0..<lines).map { 2 * Double($0) / Double(lines - 1) - 1 }
        let window = places.map { (1 - $0 * $0) * (1 - $0 * $0) }
        let power = window.reduce(0) { $0 + $1 * $1 }
        var curvatures = [Double](repeating: 0, count: frequencies.count)
        for profile in profiles {
            let mean = profile.reduce(0, +) / Double(lines)
            let slope = zip(profile, places).reduce(0) { $0 + ($1.0 - mean) * $1.1 } / places.reduce(0) { $0 + $1 * $1 }
            var real = (0..<lines).map { (profile[$0] - mean - slope * places[$0]) * window[$0] }
            var imaginary = [Double](repeating: 0, count: lines)
            transform.transform(&real, &imaginary)
            for (at, k) in frequencies.enumerated() {
                let angle = 2 * Double.pi * Double(k) / Double(lines)
                let density = (real[k] * real[k] + imaginary[k] * imaginary[k]) / power
                curvatures[at] += density * angle * angle * angle * angle / Double(Self.bands)
            }
        }
        return Self.sharedScene * median(curvatures) / Double(Self.bands)
    }

    /// The mean of the middle half: steady against edges like the median, but not bound to whole counts.
    private func robustMean(_ values: inout [Float]) -> Double {
        values.sort()
        let middle = values.dropFirst(values.count / 4).dropLast(values.count / 4)
        return middle.reduce(0) { $0 + Double($1) } / Double(middle.count)
    }

    /// The values less the mean of their neighbourhood of 31: enough to tell edges and to measure the spread.
    private func withoutTrend(_ values: [Double]) -> [Double] {
        values.indices.map { i in
            let near = values[max(0, i - 15)..<min(values.count, i + 16)]
            return values[i] - near.reduce(0, +) / Double(near.count)
        }
    }

    // MARK: - Solving

    /// The offsets `o` of the most probable pair of offsets and smooth scene profile `s`: they minimise
    /// Σ weight (o[i+1] − o[i] + s[i+1] − s[i] − step)² + prior Σ o² + stiffness · prior Σ (s[i−1] − 2 s[i] + s[i+1])².
    private func solve(steps: [Double], weights: [Double], prior: Double, stiffness: Double) -> [Double] {
        // Unknowns o[0], s[0], o[1], s[1], …: nothing couples further than s[i − 1] with s[i + 1].
        var system = BandedSystem(count: 2 * lines, reach: 4)
        for i in steps.indices {
            system.addSquare([(2 * i, -1), (2 * i + 1, -1), (2 * i + 2, 1), (2 * i + 3, 1)], target: steps[i], weight: weights[i])
        }
        for i in 0..<lines {
            system.addSquare([(2 * i, 1)], target: 0, weight: prior)
            // The profile's level is free; a whiff of a prior makes it one number.
            system.addSquare([(2 * i + 1, 1)], target: 0, weight: prior * 1e-9)
        }
        for i in 1..<lines - 1 {
            system.addSquare(
                [(2 * i - 1, 1), (2 * i + 1, -2), (2 * i + 3, 1)], target: 0, weight: prior * stiffness)
        }
        let solution = system.solved()
        return (0..<lines).map { solution[2 * $0] }
    }
}

/// Least squares whose unknowns are coupled only with near neighbours; the matrix is symmetric and positive definite.
private struct BandedSystem {
    private let count: Int
    private let reach: Int
    /// Row i holds the entries (i, i), (i, i + 1) … (i, i + reach).
    private var band: [Double]
    private var right: [Double]

    init(count: Int, reach: Int) {
        self.count = count
        self.reach = reach
        band = [Double](repeating: 0, count: count * (reach + 1))
        right = [Double](repeating: 0, count: count)
    }

    /// Adds weight · (Σ coefficient · unknown − target)²; the terms are in ascending order of unknowns.
    mutating func addSquare(_ terms: [(unknown: Int, coefficient: Double)], target: Double, weight: Double) {
        for (at, term) in terms.enumerated() {
            right[term.unknown] += weight * term.coefficient * target
            for other in terms[at...] {
                band[term.unknown * (reach + 1) + other.unknown - term.unknown] += weight * term.coefficient * other.coefficient
            }
        }
    }

    /// Elimination without pivots, which positive definite matrices do not need.
    func solved() -> [Double] {
        var band = band
        var right = right
        let row = reach + 1
        for i in 0..<count {
            for k in 1..<row where i + k < count {
                let factor = band[i * row + k] / band[i * row]
                for j in k..<row { band[(i + k) * row + j - k] -= factor * band[i * row + j] }
                right[i + k] -= factor * right[i]
            }
        }
        for i in (0..<count).reversed() {
            for k in 1..<row where i + k < count { right[i] -= band[i * row + k] * right[i + k] }
            right[i] /= band[i * row]
        }
        return right
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}

/// Standard deviation of a normal distribution with the same median distance from `centre` (the median when nil).
func robustDeviation(_ values: [Double], about centre: Double? = nil) -> Double {
    let centre = centre ?? median(values)
    return median(values.map { abs($0 - centre) }) / 0.674489750196082
}
