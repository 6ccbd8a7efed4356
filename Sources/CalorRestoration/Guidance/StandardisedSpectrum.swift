import CalorBase
import CalorImage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// DifIISR's visual loss: the mean squared difference of log-magnitude spectra, each brought to mean 0 and deviation 1 over the picture.
///
/// *Precision*: double; the gradient agrees with finite differences to 1e-5 (`GuidanceTests`).
/// *Source*: arXiv 2503.01187, equation 11, and `loss.py` of repository zirui0625/DifIISR: log(1 + |F|), unnormalised transform,
/// unbiased deviation.
struct StandardisedSpectrum: Sendable {
    private let plane: PlaneTransform
    private let target: [Double]

    init(reference: [Double], size: Size) {
        plane = PlaneTransform(size: size)
        let spectrum = plane.transformed(reference)
        target = Self.standardised(Self.logMagnitude(spectrum)).values
    }

    func value(_ x: [Double]) -> Double {
        let u = Self.standardised(Self.logMagnitude(plane.transformed(x))).values
        var sum = 0.0
        for i in u.indices { sum += (u[i] - target[i]) * (u[i] - target[i]) }
        return sum / Double(u.count)
    }

    func gradient(_ x: [Double]) -> (value: Double, gradient: [Double]) {
        let spectrum = plane.transformed(x)
        let (u, deviation) = Self.standardised(Self.logMagnitude(spectrum))
        let n = Double(u.count)
        var value = 0.0
        var g = [Double](repeating: 0, count: u.count)
        var mean = 0.0
        var along = 0.0
        for i in u.indices {
            let difference = u[i] - target[i]
            value += difference * difference / n
            g[i] = 2 * difference / n
            mean += g[i] / n
            along += g[i] * u[i] / (n - 1)
        }
        // Through log(1 + |X|) and |X| to the transform; the inverse one without its 1/N by conjugates.
        var real = [Double](repeating: 0, count: u.count)
        var imaginary = real
        for i in u.indices {
            let magnitude = (spectrum.real[i] * spectrum.real[i] + spectrum.imaginary[i] * spectrum.imaginary[i]).squareRoot()
            guard magnitude > 0 else { continue }
            let slope = (g[i] - mean - u[i] * along) / (deviation * (1 + magnitude) * magnitude)
            real[i] = slope * spectrum.real[i]
            imaginary[i] = -slope * spectrum.imaginary[i]
        }
        return (value, plane.transformed(real, imaginary).real)
    }

    private static func logMagnitude(_ s: PlaneTransform.Spectrum) -> [Double] {
        s.real.indices.map { log1p((s.real[$0] * s.real[$0] + s.imaginary[$0] * s.imaginary[$0]).squareRoot()) }
    }

    private static func standardised(_ values: [Double]) -> (values: [Double], deviation: Double) {
        let n = Double(values.count)
        let mean = values.reduce(0, +) / n
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(n - 1, 1)
        let deviation = variance.squareRoot() + 1e-8
        return (values.map { ($0 - mean) / deviation }, deviation)
    }
}

/// The two-dimensional transform of planes of one size, any size.
struct PlaneTransform: Sendable {
    typealias Spectrum = (real: [Double], imaginary: [Double])

    let size: Size
    private let rows: FourierTransform
    private let columns: FourierTransform

    init(size: Size) {
        self.size = size
        rows = FourierTransform(length: size.width)
        columns = FourierTransform(length: size.height)
    }

    func transformed(_ x: [Double], _ y: [Double]? = nil) -> Spectrum {
        var real = x
        var imaginary = y ?? [Double](repeating: 0, count: x.count)
        let (width, height) = (size.width, size.height)
        for v in 0..<height {
            var re = Array(real[v * width..<(v + 1) * width])
            var im = Array(imaginary[v * width..<(v + 1) * width])
            rows.transform(&re, &im)
            real.replaceSubrange(v * width..<(v + 1) * width, with: re)
            imaginary.replaceSubrange(v * width..<(v + 1) * width, with: im)
        }
        var re = [Double](repeating: 0, count: height)
        var im = re
        for u in 0..<width {
            for v in 0..<height {
                re[v] = real[v * width + u]
                im[v] = imaginary[v * width + u]
            }
            columns.transform(&re, &im)
            for v in 0..<height {
                real[v * width + u] = re[v]
                imaginary[v * width + u] = im[v]
            }
        }
        return (real, imaginary)
    }
}
