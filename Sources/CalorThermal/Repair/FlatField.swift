import CalorImage

// Goals, in order: the mean level of the image stays; the same result however it is cut; sums are double from the top left.

/// Takes out what differs from pixel to pixel (non-uniformity) or from centre to corner (vignetting), measured on a picture of a
/// surface that is the same everywhere.
///
/// corrected = (raw − offset) · gain, with the gain's mean and the offset's mean such that counts keep their level:
/// * `offset`: one reference; raw − (reference − its mean). What uncooled sensors drift by.
/// * `gain`: one reference; (raw − dark) · mean(reference − dark) / (reference − dark) + mean(dark). Vignetting and sensitivity.
/// * `both`: two references, a cold and a warm surface: the classic two-point correction.
///
/// *Source*: D. Perry and E. Dereniak, "Linear theory of nonuniformity correction in infrared staring sensors", 1993.
public struct FlatField: Sendable, Equatable {
    public enum Method: String, Sendable, CaseIterable {
        case offset, gain, both
    }

    /// What of the reference is used.
    public enum Surface: String, Sendable, CaseIterable {
        /// Every pixel by itself: the reference must be an average of many frames.
        case pixels
        /// A smooth surface around the centre (1 + a r² + b r⁴ + c r⁶): vignetting alone, also from a single noisy frame.
        case radial
    }

    /// For each pixel.
    public let gain: [Float]
    public let offset: [Float]
    /// Added after gain, so that the level stays.
    public let level: Double
    public let size: Size

    /// The greatest gain; pixels that would need more hardly see anything.
    static let greatestGain = 20.0

    /// - Parameters:
    ///   - reference: the uniform surface; of two, the colder one.
    ///   - dark: for `gain`, what the sensor gives without light; for `both`, the warmer surface.
    public init(
        method: Method, reference: Plane, second: Plane? = nil, surface: Surface = .pixels
    ) throws(ThermalFault) {
        size = reference.size
        guard second.map({ $0.size == reference.size }) ?? true else {
            throw .parameter(
                name: "the second reference", value: second.map { "\($0.size)" } ?? "",
                allowed: "one of \(reference.size) like the first")
        }
        let first = try Self.finite(reference, surface)
        switch method {
        case .offset:
            let mean = Self.mean(first)
            offset = first.map { Float($0 - mean) }
            gain = [Float](repeating: 1, count: first.count)
            level = 0
        case .gain:
            let dark = try second.map { (plane) throws(ThermalFault) in try Self.finite(plane, .pixels) }
            let signal = dark.map { dark in zip(first, dark).map { $0 - $1 } } ?? first
            let mean = Self.mean(signal)
            guard mean > 0 else {
                throw .parameter(
                    name: "the reference", value: "darker than its dark frame", allowed: "a picture of a uniform surface")
            }
            gain = signal.map { Float(Self.bounded(mean / $0)) }
            offset = (dark ?? [Double](repeating: 0, count: first.count)).map { Float($0) }
            level = dark.map(Self.mean) ?? 0
        case .both:
            guard let second else {
                throw .parameter(name: "the second reference", value: "missing", allowed: "a picture of a warmer uniform surface")
            }
            let warm = try Self.finite(second, surface)
            let steps = zip(warm, first).map { $0 - $1 }
            let step = Self.mean(steps)
            guard step != 0 else {
                throw .parameter(name: "the second reference", value: "as warm as the first", allowed: "a warmer or colder surface")
            }
            gain = steps.map { Float(Self.bounded(step / $0)) }
            offset = first.map { Float($0) }
            level = Self.mean(first)
        }
    }

    /// Corrects a plane, or the full rows of one that begin at `y`. Samples that are not finite stay.
    public func apply(to part: Plane, y: Int = 0) -> Plane {
        precondition(part.width == size.width && y >= 0 && y + part.height <= size.height, "the part is not of \(size)")
        var values = part.floats()
        let first = y * size.width
        for i in values.indices where values[i].isFinite {
            values[i] = Float(Double(values[i] - offset[first + i]) * Double(gain[first + i]) + level)
        }
        return Plane(size: part.size, floats: values, format: part.format)
    }

    /// Deviation of the gain from 1 and of the offset from its mean.
    public var strength: (gain: Double, offset: Double) {
        let mean = offset.reduce(0) { $0 + Double($1) } / Double(max(offset.count, 1))
        func rms(_ values: [Float], about centre: Double) -> Double {
            (values.reduce(0) { $0 + (Double($1) - centre) * (Double($1) - centre) } / Double(max(values.count, 1))).squareRoot()
        }
        return (rms(gain, about: 1), rms(offset, about: mean))
    }

    private static func bounded(_ gain: Double) -> Double {
        gain.isFinite && gain > 0 ? min(max(gain, 1 / greatestGain), greatestGain) : 1
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }

    private static func finite(_ plane: Plane, _ surface: Surface) throws(ThermalFault) -> [Double] {
        let values = plane.floats().map(Double.init)
        guard values.allSatisfy(\.isFinite), !values.isEmpty else { throw .nothingFinite }
        return surface == .pixels ? values : RadialSurface(values, size: plane.size).values
    }
}

/// The polynomial in the squared distance from the centre that fits a plane best.
struct RadialSurface {
    let values: [Double]

    init(_ samples: [Double], size: Size) {
        // Distances in units of half the diagonal.
        let (cx, cy) = (Double(size.width - 1) / 2, Double(size.height - 1) / 2)
        let scale = max(cx * cx + cy * cy, 1)
        func square(_ i: Int) -> Double {
            let (dx, dy) = (Double(i % size.width) - cx, Double(i / size.width) - cy)
            return (dx * dx + dy * dy) / scale
        }
        let terms = 4
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: terms + 1), count: terms)
        for i in samples.indices {
            let powers = Self.powers(square(i), terms)
            for row in 0..<terms {
                for column in 0..<terms { matrix[row][column] += powers[row] * powers[column] }
                matrix[row][terms] += powers[row] * samples[i]
            }
        }
        let solution = Self.solved(matrix)
        values = samples.indices.map { i in zip(Self.powers(square(i), terms), solution).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    private static func powers(_ x: Double, _ count: Int) -> [Double] {
        var power = 1.0
        return (0..<count).map { _ in
            defer { power *= x }
            return power
        }
    }

    /// Gauss with the greatest pivot; a term that the samples do not determine (a picture of one column) becomes 0.
    private static func solved(_ system: [[Double]]) -> [Double] {
        var a = system
        let n = a.count
        for i in 0..<n {
            let pivot = (i..<n).max { abs(a[$0][i]) < abs(a[$1][i]) } ?? i
            a.swapAt(i, pivot)
            guard abs(a[i][i]) > 1e-12 * abs(system[0][0]) else {
                a[i] = [Double](repeating: 0, count: n + 1)
                a[i][i] = 1
                continue
            }
            for row in i + 1..<n {
                let factor = a[row][i] / a[i][i]
                for column in i...n { a[row][column] -= factor * a[i][column] }
            }
        }
        var x = [Double](repeating: 0, count: n)
        for i in (0..<n).reversed() {
            x[i] = (a[i][n] - (i + 1..<n).reduce(0) { $0 + a[i][$1] * x[$1] }) / a[i][i]
        }
        return x
    }
}
