import CalorBase
import CalorImage

/// Finds the shift between two pictures for each of several scales and rotations, on small copies of them.
///
/// *Source*: phase correlation, C. Kuglin, D. Hines, 1975, of the complex edge field (orientation correlation, A. Fitch and others,
/// 2002, with doubled angles, so that contrast may be reversed).
/// *Complexity*: one Fourier transform there and one back for every scale and rotation.
struct CoarseSearch {
    let scales: [Double]
    let degrees: [Double]
    /// How far the moving picture may be off, in pixels of the small copies.
    let maximumShift: (x: Int, y: Int)
    let pool: WorkerPool?

    struct Candidate {
        var map: AffineMap
        var score: Double
    }

    /// Candidates for the map from `fixed` to `moving`, the best first. Both are small planes of nearly the same scale.
    func candidates(fixed: [Float], _ size: Size, moving: [Float], _ movingSize: Size) -> [Candidate] {
        let padded = Size(
            width: powerOfTwo(atLeast: size.width + maximumShift.x), height: powerOfTwo(atLeast: size.height + maximumShift.y))
        let reference = Spectrum(EdgeField(fixed, size, smoothing: 1, pooling: 1), padded)
        let trials = scales.flatMap { scale in degrees.map { (scale, $0) } }
        let centre = (x: Double(size.width - 1) / 2, y: Double(size.height - 1) / 2)
        let middle = AffineMap(
            xx: 1, xy: 0, x0: Double(movingSize.width - size.width) / 2, yx: 0, yy: 1,
            y0: Double(movingSize.height - size.height) / 2)
        let found = inParallel(trials.count, pool: pool) { i -> Candidate in
            let map = middle.after(AffineMap(scale: trials[i].0, degrees: trials[i].1, around: centre))
            let seen = sampled(moving, movingSize, by: map, size)
            let shift = reference.shift(to: Spectrum(EdgeField(seen, size, smoothing: 1, pooling: 1), padded), within: maximumShift)
            let moved = map.after(AffineMap(xx: 1, xy: 0, x0: shift.x, yx: 0, yy: 1, y0: shift.y))
            return Candidate(map: moved, score: shift.score)
        }
        return found.enumerated().sorted { ($0.element.score, -$0.offset) > ($1.element.score, -$1.offset) }.map(\.element)
    }

    private func powerOfTwo(atLeast count: Int) -> Int {
        var power = 1
        while power < count { power *= 2 }
        return power
    }
}

/// A plane seen through a map, between its pixels linearly, its edge repeated beyond it.
func sampled(_ values: [Float], _ size: Size, by map: AffineMap, _ target: Size) -> [Float] {
    var result = [Float](repeating: 0, count: target.pixels)
    let (right, below) = (size.width > 1 ? 1 : 0, size.height > 1 ? size.width : 0)
    for y in 0..<target.height {
        for x in 0..<target.width {
            let (sx, sy) = map(Double(x), Double(y))
            let cx = Float(min(max(sx, 0), Double(size.width - 1)))
            let cy = Float(min(max(sy, 0), Double(size.height - 1)))
            let left = min(Int(cx), max(size.width - 2, 0))
            let top = min(Int(cy), max(size.height - 2, 0))
            let (u, v) = (cx - Float(left), cy - Float(top))
            let i = top * size.width + left
            let upper = values[i] + (values[i + right] - values[i]) * u
            let lower = values[i + below] + (values[i + below + right] - values[i + below]) * u
            result[y * target.width + x] = upper + (lower - upper) * v
        }
    }
    return result
}

/// The Fourier transform of a complex edge field, padded with zeros.
private struct Spectrum: Sendable {
    let size: Size
    let real: [Double]
    let imaginary: [Double]
    let energy: Double

    init(_ field: EdgeField, _ padded: Size) {
        size = padded
        let (a, b) = field.doubledAngles()
        let count = Double(max(field.size.pixels, 1))
        // The mean direction of a picture is no sign of where it is.
        let (meanA, meanB) = (a.reduce(0.0) { $0 + Double($1) } / count, b.reduce(0.0) { $0 + Double($1) } / count)
        var re = [Double](repeating: 0, count: padded.pixels)
        var im = re
        var sum = 0.0
        for y in 0..<field.size.height {
            for x in 0..<field.size.width {
                let (i, j) = (y * field.size.width + x, y * padded.width + x)
                re[j] = Double(a[i]) - meanA
                im[j] = Double(b[i]) - meanB
                sum += re[j] * re[j] + im[j] * im[j]
            }
        }
        energy = sum
        FourierTransform.transform(&re, &im, size: padded)
        (real, imaginary) = (re, im)
    }

    /// Where this field is found in `other`: the peak of their correlation, whose phases count more than their amplitudes.
    func shift(to other: Spectrum, within most: (x: Int, y: Int)) -> (x: Double, y: Double, score: Double) {
        var re = [Double](repeating: 0, count: size.pixels)
        var im = re
        for i in re.indices {
            let a = other.real[i] * real[i] + other.imaginary[i] * imaginary[i]
            let b = other.imaginary[i] * real[i] - other.real[i] * imaginary[i]
            // The square root of the amplitude: between plain and phase correlation, which follows noise too closely.
            let amplitude = (a * a + b * b).squareRoot().squareRoot() + 1e-12
            re[i] = a / amplitude
            im[i] = -b / amplitude
        }
        FourierTransform.transform(&re, &im, size: size)
        var best = (x: 0, y: 0, value: -Double.infinity)
        func value(_ x: Int, _ y: Int) -> Double {
            re[(y + size.height) % size.height * size.width + (x + size.width) % size.width]
        }
        for y in -most.y...most.y {
            for x in -most.x...most.x where value(x, y) > best.value { best = (x, y, value(x, y)) }
        }
        func vertex(_ before: Double, _ after: Double) -> Double {
            let curvature = 2 * best.value - before - after
            return curvature > 0 ? min(max((after - before) / (2 * curvature), -0.5), 0.5) : 0
        }
        let norm = (energy * other.energy).squareRoot().squareRoot() * Double(size.pixels).squareRoot()
        return (
            Double(best.x) + vertex(value(best.x - 1, best.y), value(best.x + 1, best.y)),
            Double(best.y) + vertex(value(best.x, best.y - 1), value(best.x, best.y + 1)), norm > 0 ? best.value / norm : 0
        )
    }
}
