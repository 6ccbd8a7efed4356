import CalorTensor

/// The weights of F(4×4, 3×3): G g Gᵀ for the points 0, ±1, ±2, ∞.
///
/// *Precision*: transformed in f64, rounded once.
/// *Source*: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015, section 4.3.
enum WinogradWeights {
    private static let g: [[Double]] = [
        [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]

    /// `[group][36][8 · input blocks][lanes]`.
    static func transformed(
        _ weights: UnsafeBufferPointer<Float>, _ geometry: ConvolutionGeometry, _ grouping: ChannelGrouping
    ) -> AlignedBytes {
        let depth = geometry.inBlocks * 8
        let packed = AlignedBytes(count: grouping.totalLanes(geometry.outBlocks) * 36 * depth * 4)
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        var half = [Double](repeating: 0, count: 18)
        for o in 0..<geometry.outChannels {
            let group = o / grouping.channels
            let lanes = grouping.lanes(group, of: geometry.outBlocks)
            let base = floats + group * 36 * depth * grouping.channels + o % grouping.channels
            for i in 0..<geometry.inChannels {
                let kernel = (o * geometry.inChannels + i) * 9
                for row in 0..<6 {
                    for column in 0..<3 {
                        half[row * 3 + column] = (0..<3).reduce(0.0) { $0 + g[row][$1] * Double(weights[kernel + $1 * 3 + column]) }
                    }
                }
                for row in 0..<6 {
                    for column in 0..<6 {
                        let value = (0..<3).reduce(0.0) { $0 + half[row * 3 + $1] * g[column][$1] }
                        base[((row * 6 + column) * depth + i) * lanes] = Float(value)
                    }
                }
            }
        }
        return packed
    }
}
