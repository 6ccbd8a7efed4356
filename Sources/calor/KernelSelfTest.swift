import CalorKernels
import CalorTensor

/// Compares the fast convolutions of this processor with their slow twins on a small image.
enum KernelSelfTest {
    /// The greatest difference relative to the greatest output, over a Winograd, a direct, a pointwise and a first-layer convolution.
    static func convolutionDifference() -> Double {
        let geometries = [
            ConvolutionGeometry(16, 24, kernel: 3), ConvolutionGeometry(16, 16, kernel: 3, stride: 2),
            ConvolutionGeometry(24, 8, kernel: 1),
            ConvolutionGeometry(1, 16, kernel: 3),
        ]
        return geometries.map(difference).max() ?? .nan
    }

    private static func difference(_ geometry: ConvolutionGeometry) -> Double {
        let height = 13
        let width = 19
        let count = geometry.outChannels * geometry.inChannels * geometry.kernelHeight * geometry.kernelWidth
        let weights = (0..<count).map { Float(($0 * 7919) % 101) / 101 - 0.5 }
        let input = (0..<geometry.inChannels * height * width).map { Float(($0 * 104_729) % 97) / 97 }
        func output(_ table: KernelTable) -> [Float] {
            let convolution = PreparedConvolution(geometry: geometry, weights: weights, table: table)
            let rows = geometry.outputHeight(height)
            let columns = geometry.outputWidth(width)
            let blocked = AlignedBytes(count: geometry.inBlocks * 8 * height * width * 4)
            let result = AlignedBytes(count: geometry.outBlocks * 8 * rows * columns * 4)
            let scratch = AlignedBytes(count: max(convolution.scratchBytes(height: height, width: width), 1))
            let source = blocked.pointer.assumingMemoryBound(to: Float.self)
            for channel in 0..<geometry.inChannels {
                for pixel in 0..<height * width {
                    let place =
                        convolution.inputLayout == .nchw
                        ? channel * height * width + pixel : ((channel / 8) * height * width + pixel) * 8 + channel % 8
                    source[place] = input[channel * height * width + pixel]
                }
            }
            let target = result.pointer.assumingMemoryBound(to: Float.self)
            convolution.run(
                input: UnsafePointer(source), inputHeight: height, inputWidth: width, output: target, scratch: scratch.pointer)
            return Array(UnsafeBufferPointer(start: target, count: geometry.outBlocks * 8 * rows * columns))
        }
        let fast = output(.current)
        let slow = output(.table(for: .reference))
        let scale = slow.map(abs).max() ?? 0
        let worst = zip(fast, slow).map { abs($0 - $1) }.max() ?? .nan
        return scale > 0 ? Double(worst / scale) : .nan
    }
}
