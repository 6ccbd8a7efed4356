import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reductions as plain loops in f64, from the first element to the last.
enum ReferenceReduction {
    static func row(_ operation: ReductionOperation, _ input: UnsafePointer<Float>, _ count: Int) -> Float {
        switch operation {
        case .sum, .mean:
            var sum = 0.0
            for i in 0..<count { sum += Double(input[i]) }
            return Float(operation == .mean ? sum / Double(count) : sum)
        case .sumOfSquares:
            var sum = 0.0
            for i in 0..<count { sum += Double(input[i]) * Double(input[i]) }
            return Float(sum)
        case .maximum, .minimum:
            var best = operation == .maximum ? -Float.infinity : Float.infinity
            for i in 0..<count { best = ReferenceElementwise.value(operation == .maximum ? .maximum : .minimum, best, input[i]) }
            return best
        }
    }

    static func laneSums(
        _ input: UnsafePointer<Float>, _ count: Int, _ centres: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>,
        _ squares: UnsafeMutablePointer<Float>
    ) {
        for lane in 0..<8 {
            var (sum, square) = (0.0, 0.0)
            for i in 0..<count {
                let distance = Double(input[i * 8 + lane]) - Double(centres[lane])
                sum += distance
                square += distance * distance
            }
            sums[lane] = Float(sum)
            squares[lane] = Float(square)
        }
    }

    static func pixelMeans(_ job: PixelNormJob) {
        for pixel in 0..<job.pixels {
            let channels = (0..<job.channels).map { Double(job.input[$0 / 8 * job.inputPlane + pixel * 8 + $0 % 8]) }
            job.output[pixel] = Float(channels.reduce(0, +) / Double(job.channels))
        }
    }

    static func pixelNorm(_ job: PixelNormJob) {
        for pixel in 0..<job.pixels {
            let channels = (0..<job.channels).map { Double(job.input[$0 / 8 * job.inputPlane + pixel * 8 + $0 % 8]) }
            let mean = channels.reduce(0, +) / Double(job.channels)
            let variance = channels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(job.channels)
            let factor = 1 / (variance + Double(job.epsilon)).squareRoot()
            for channel in 0..<job.blocks * 8 {
                let y =
                    channel < job.channels
                    ? (channels[channel] - mean) * factor * Double(job.gamma[channel]) + Double(job.beta[channel]) : 0
                job.output[channel / 8 * job.outputPlane + pixel * 8 + channel % 8] = Float(y)
            }
        }
    }

    static func normaliseRow(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int, _ gamma: UnsafePointer<Float>?,
        _ beta: UnsafePointer<Float>?, _ epsilon: Float
    ) {
        var (mean, square) = (0.0, 0.0)
        for i in 0..<count { mean += Double(input[i]) / Double(count) }
        for i in 0..<count { square += (Double(input[i]) - mean) * (Double(input[i]) - mean) }
        let factor = 1 / (square / Double(count) + Double(epsilon)).squareRoot()
        for i in 0..<count {
            output[i] = Float((Double(input[i]) - mean) * factor * Double(gamma?[i] ?? 1) + Double(beta?[i] ?? 0))
        }
    }

    static func softmaxRow(_ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int, _ logarithms: Bool) {
        let top = row(.maximum, input, count)
        var sum = 0.0
        for i in 0..<count { sum += exp(Double(input[i] - top)) }
        for i in 0..<count {
            let distance = Double(input[i] - top)
            output[i] = Float(logarithms ? distance - log(sum) : exp(distance) / sum)
        }
    }
}
