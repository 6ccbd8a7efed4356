#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The discrete Fourier transform of one length, any length: powers of two directly, others by Bluestein's convolution.
///
/// *Precision*: double; the error grows with log(length), below 1e-12 of the largest value for the sizes of pictures.
/// *Complexity*: O(length · log length).
/// *Source*: J. Cooley, J. Tukey, 1965; L. Bluestein, 1970.
public struct FourierTransform: Sendable {
    public let length: Int
    /// cos and −sin of i / size turns, for the power of two that does the work.
    private let twiddleReal: [Double]
    private let twiddleImaginary: [Double]
    private let size: Int
    private let chirp: Chirp?

    private struct Chirp: Sendable {
        let real: [Double]
        let imaginary: [Double]
        /// The transform of the conjugate chirp, with 1 / size in it.
        let kernelReal: [Double]
        let kernelImaginary: [Double]
    }

    public init(length: Int) {
        precondition(length > 0, "a transform needs a length above zero")
        self.length = length
        let isPower = length & (length - 1) == 0
        var size = 1
        while size < (isPower ? length : 2 * length - 1) { size *= 2 }
        self.size = size
        let circle = (0..<size / 2).map { unitCircle(-Double($0) / Double(size)) }
        twiddleReal = circle.map(\.cos)
        twiddleImaginary = circle.map(\.sin)
        guard !isPower else {
            chirp = nil
            return
        }
        // i² is reduced before it becomes an angle, so that long transforms lose no digits.
        let points = (0..<length).map { unitCircle(-Double($0 * $0 % (2 * length)) / Double(2 * length)) }
        var real = [Double](repeating: 0, count: size)
        var imaginary = real
        for i in 0..<length {
            real[i] = points[i].cos / Double(size)
            imaginary[i] = -points[i].sin / Double(size)
            if i > 0 {
                real[size - i] = real[i]
                imaginary[size - i] = imaginary[i]
            }
        }
        Self.powerOfTwo(&real, &imaginary, twiddleReal, twiddleImaginary)
        chirp = Chirp(
            real: points.map(\.cos), imaginary: points.map(\.sin), kernelReal: real, kernelImaginary: imaginary)
    }

    /// X[k] = Σ x[n] exp(−2πi kn / length), in place.
    public func transform(_ real: inout [Double], _ imaginary: inout [Double]) {
        precondition(real.count == length && imaginary.count == length, "a transform of \(length) got \(real.count) values")
        guard let chirp else {
            Self.powerOfTwo(&real, &imaginary, twiddleReal, twiddleImaginary)
            return
        }
        var a = [Double](repeating: 0, count: size)
        var b = a
        for i in 0..<length {
            a[i] = real[i] * chirp.real[i] - imaginary[i] * chirp.imaginary[i]
            b[i] = real[i] * chirp.imaginary[i] + imaginary[i] * chirp.real[i]
        }
        Self.powerOfTwo(&a, &b, twiddleReal, twiddleImaginary)
        // The inverse transform is the forward one of the conjugate, conjugated; 1 / size is in the kernel.
        for i in 0..<size {
            let re = a[i] * chirp.kernelReal[i] - b[i] * chirp.kernelImaginary[i]
            let im = a[i] * chirp.kernelImaginary[i] + b[i] * chirp.kernelReal[i]
            a[i] = re
            b[i] = -im
        }
        Self.powerOfTwo(&a, &b, twiddleReal, twiddleImaginary)
        for i in 0..<length {
            real[i] = a[i] * chirp.real[i] + b[i] * chirp.imaginary[i]
            imaginary[i] = a[i] * chirp.imaginary[i] - b[i] * chirp.real[i]
        }
    }

    private static func powerOfTwo(_ real: inout [Double], _ imaginary: inout [Double], _ cosines: [Double], _ sines: [Double]) {
        let size = real.count
        guard size > 1 else { return }
        var reversed = 0
        for i in 1..<size {
            var bit = size >> 1
            while reversed & bit != 0 {
                reversed ^= bit
                bit >>= 1
            }
            reversed |= bit
            if i < reversed {
                real.swapAt(i, reversed)
                imaginary.swapAt(i, reversed)
            }
        }
        real.withUnsafeMutableBufferPointer { re in
            imaginary.withUnsafeMutableBufferPointer { im in
                var half = 1
                while half < size {
                    let step = size / (2 * half)
                    for start in stride(from: 0, to: size, by: 2 * half) {
                        for k in 0..<half {
                            let c = cosines[k * step]
                            let s = sines[k * step]
                            let a = start + k
                            let b = a + half
                            let tr = re[b] * c - im[b] * s
                            let ti = re[b] * s + im[b] * c
                            re[b] = re[a] - tr
                            im[b] = im[a] - ti
                            re[a] += tr
                            im[a] += ti
                        }
                    }
                    half *= 2
                }
            }
        }
    }
}

/// cos and sin of `turns` full turns.
private func unitCircle(_ turns: Double) -> (cos: Double, sin: Double) { (cos(2 * .pi * turns), sin(2 * .pi * turns)) }
