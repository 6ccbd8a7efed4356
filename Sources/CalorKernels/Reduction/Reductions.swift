import CalorTensor

/// Sums, extremes and normalisations along contiguous rows.
///
/// Goals, in order: the same bits for every split of the rows; sums accurate to a few units in the last place for any length (lanes in
/// runs of 2048 numbers, the lanes added in pairs, the runs in f64 in order; the reference adds every element in f64); speed.
public enum Reductions {
    /// `output[row]` = operation over `count` numbers from `input + row · count`.
    public static func rows(
        _ operation: ReductionOperation, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, rows: Range<Int>,
        count: Int,
        table: KernelTable = .current
    ) {
        precondition(rows.lowerBound >= 0 && count > 0, "\(rows) rows of \(count)")
        for row in rows { output[row] = table.reduceRow(operation, input + row * count, count) }
    }

    /// Softmax of each row, or its logarithm.
    public static func softmax(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, rows: Range<Int>, count: Int,
        logarithms: Bool = false,
        table: KernelTable = .current
    ) {
        precondition(rows.lowerBound >= 0 && count > 0, "\(rows) rows of \(count)")
        for row in rows { table.softmaxRow(input + row * count, output + row * count, count, logarithms) }
    }

    /// (x − mean) / √(variance + epsilon) · gamma + beta for each row; gamma and beta have `count` values each.
    public static func layerNorm(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, rows: Range<Int>, count: Int,
        gamma: UnsafePointer<Float>?,
        beta: UnsafePointer<Float>?, epsilon: Float, table: KernelTable = .current
    ) {
        precondition(rows.lowerBound >= 0 && count > 0, "\(rows) rows of \(count)")
        for row in rows {
            table.normaliseRow(input + row * count, output + row * count, count, gamma, beta, epsilon)
        }
    }

    /// (x − mean) / √(variance + epsilon) · gamma + beta over the channels of each of `pixels` consecutive pixels of blocked planes.
    ///
    /// - Parameters:
    ///   - inputPlane, outputPlane: floats from one block of channels to the next, at least `pixels · 8`.
    ///   - gamma, beta: one value for each channel, with zeros up to a multiple of eight.
    /// May work in place. *Precision*: two passes in f32, the second around the mean.
    public static func pixelNorm(
        _ input: UnsafePointer<Float>, inputPlane: Int, _ output: UnsafeMutablePointer<Float>, outputPlane: Int, channels: Int,
        pixels: Int, gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>, epsilon: Float, table: KernelTable = .current
    ) {
        precondition(
            channels > 0 && pixels >= 0 && (channels <= 8 || min(inputPlane, outputPlane) >= pixels * 8),
            "\(channels) channels of \(pixels) pixels in planes of \(inputPlane) and \(outputPlane)")
        table.pixelNorm(
            PixelNormJob(
                input: input, inputPlane: inputPlane, output: output, outputPlane: outputPlane, channels: channels, pixels: pixels,
                gamma: gamma, beta: beta, epsilon: epsilon))
    }

    /// The mean over the channels of each of `pixels` consecutive pixels of blocked planes: one number a pixel.
    public static func pixelMeans(
        _ input: UnsafePointer<Float>, inputPlane: Int, _ output: UnsafeMutablePointer<Float>, channels: Int, pixels: Int,
        table: KernelTable = .current
    ) {
        precondition(
            channels > 0 && pixels >= 0 && (channels <= 8 || inputPlane >= pixels * 8),
            "\(channels) channels of \(pixels) pixels in planes of \(inputPlane)")
        table.pixelMeans(
            PixelNormJob(
                input: input, inputPlane: inputPlane, output: output, outputPlane: 0, channels: channels, pixels: pixels,
                gamma: input, beta: input, epsilon: 0))
    }

    /// The mean of every channel of blocked planes: `blocks · 8` numbers.
    public static func globalAverage(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, blocks: Range<Int>, pixels: Int,
        table: KernelTable = .current
    ) {
        precondition(blocks.lowerBound >= 0 && pixels > 0, "\(blocks) blocks of \(pixels)")
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 24) { memory in
            guard let memory = memory.baseAddress else { return }
            memory.initialize(repeating: 0, count: 24)
            for block in blocks {
                table.laneSums(input + block * pixels * 8, pixels, memory, memory + 8, memory + 16)
                for lane in 0..<8 { output[block * 8 + lane] = memory[8 + lane] / Float(pixels) }
            }
        }
    }

    /// Group normalisation of blocked planes (instance normalisation when `groups` = `channels`).
    ///
    /// - Parameter gamma: one value per channel, or nil for ones; likewise `beta`, nil for zeros.
    /// *Precision*: two passes, the second around the mean, so that a large offset costs nothing.
    public static func groupNorm(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, channels: Int, groups: Int, pixels: Int,
        gamma: UnsafePointer<Float>?, beta: UnsafePointer<Float>?, epsilon: Float, activation: Activation = .none,
        table: KernelTable = .current
    ) {
        precondition(channels > 0 && groups > 0 && channels % groups == 0 && pixels > 0, "\(groups) groups of \(channels) channels")
        let blocks = (channels + 7) / 8
        let padded = blocks * 8
        let perGroup = channels / groups
        let numbers = Double(perGroup) * Double(pixels)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: padded * 4) { memory in
            guard let centres = memory.baseAddress else { return }
            centres.initialize(repeating: 0, count: padded * 4)
            let (sums, squares, zeros) = (centres + padded, centres + padded * 2, centres + padded * 3)
            func measure(_ around: UnsafeMutablePointer<Float>) {
                for block in 0..<blocks {
                    table.laneSums(input + block * pixels * 8, pixels, around + block * 8, sums + block * 8, squares + block * 8)
                }
            }
            measure(zeros)
            for group in 0..<groups {
                let members = group * perGroup..<(group + 1) * perGroup
                let mean = Float(members.reduce(0.0) { $0 + Double(sums[$1]) } / numbers)
                for channel in members { centres[channel] = mean }
            }
            measure(centres)
            for group in 0..<groups {
                let members = group * perGroup..<(group + 1) * perGroup
                let variance = Float(members.reduce(0.0) { $0 + Double(squares[$1]) } / numbers)
                for channel in members {
                    let scale = (gamma?[channel] ?? 1) / (variance + epsilon).squareRoot()
                    sums[channel] = scale
                    squares[channel] = (beta?[channel] ?? 0) - centres[channel] * scale
                }
            }
            for channel in channels..<padded { (sums[channel], squares[channel]) = (0, 0) }
            // A strip stays in the first cache between the two.
            let strip = activation == .none ? pixels : 256
            for block in 0..<blocks {
                for first in stride(from: 0, to: pixels, by: strip) {
                    let at = (block * pixels + first) * 8
                    let count = min(strip, pixels - first)
                    table.scaleShiftLanes(input + at, sums + block * 8, squares + block * 8, output + at, count)
                    if activation != .none { table.unary(.activation(activation), output + at, output + at, count * 8) }
                }
            }
        }
    }
}
