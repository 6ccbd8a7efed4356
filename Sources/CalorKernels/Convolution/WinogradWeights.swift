import CalorTensor

/// The weights of a Winograd convolution with a 3×3 kernel: G g Gᵀ.
///
/// *Precision*: transformed in f64, rounded once.
/// *Source*: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015, section 4.
enum WinogradWeights {
    /// Outputs of a tile in each direction.
    enum Tile {
        /// F(2×2): the points 0, ±1, ∞.
        case two
        /// F(4×4): the points 0, ±1, ±2, ∞.
        case four

        /// G, three numbers a row.
        fileprivate var matrix: [Double] {
            switch self {
            case .two: [1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1]
            case .four:
                [
                    1 / 4, 0, 0, -1 / 6, -1 / 6, -1 / 6, -1 / 6, 1 / 6, -1 / 6, 1 / 24, 1 / 12, 1 / 6, 1 / 24, -1 / 12, 1 / 6, 0, 0,
                    1,
                ]
            }
        }
    }

    /// `[group][planes][8 · input blocks][lanes]` with 16 or 36 planes.
    static func transformed(
        _ weights: UnsafeBufferPointer<Float>, _ geometry: ConvolutionGeometry, _ grouping: ChannelGrouping, _ tile: Tile
    ) -> AlignedBytes {
        if case .four = tile { return four(weights, geometry, grouping) }
        let matrix = tile.matrix
        let side = matrix.count / 3
        let depth = geometry.inBlocks * 8
        let planes = side * side
        let packed = AlignedBytes(count: grouping.totalLanes(geometry.outBlocks) * planes * depth * 4)
        guard let kernels = weights.baseAddress else { return packed }
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        matrix.withUnsafeBufferPointer { g in
            for group in 0..<grouping.count(geometry.outBlocks) {
                let lanes = grouping.lanes(group, of: geometry.outBlocks)
                let first = group * grouping.channels
                let base = floats + group * planes * depth * grouping.channels
                // Output channels innermost: the lines that are written stay in cache until they are full.
                for i in 0..<geometry.inChannels {
                    for lane in 0..<min(grouping.channels, geometry.outChannels - first) {
                        let kernel = kernels + ((first + lane) * geometry.inChannels + i) * 9
                        let to = base + i * lanes + lane
                        for row in 0..<side {
                            let (a, b, c) = (g[row * 3], g[row * 3 + 1], g[row * 3 + 2])
                            let x = a * Double(kernel[0]) + b * Double(kernel[3]) + c * Double(kernel[6])
                            let y = a * Double(kernel[1]) + b * Double(kernel[4]) + c * Double(kernel[7])
                            let z = a * Double(kernel[2]) + b * Double(kernel[5]) + c * Double(kernel[8])
                            for column in 0..<side {
                                let value = x * g[column * 3] + y * g[column * 3 + 1] + z * g[column * 3 + 2]
                                to[(row * side + column) * depth * lanes] = Float(value)
                            }
                        }
                    }
                }
            }
        }
        return packed
    }
}
