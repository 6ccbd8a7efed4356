import CalorTensor

/// F(4×4) for four output channels at a time: a network of a hundred million weights is put in order in a fraction of a second.
extension WinogradWeights {
    /// `[group][36][8 · input blocks][lanes]`.
    static func four(
        _ weights: UnsafeBufferPointer<Float>, _ geometry: ConvolutionGeometry, _ grouping: ChannelGrouping
    ) -> AlignedBytes {
        let depth = geometry.inBlocks * 8
        let packed = AlignedBytes(count: grouping.totalLanes(geometry.outBlocks) * 36 * depth * 4, zeroed: false)
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        guard let source = weights.baseAddress else { return packed }
        for group in 0..<grouping.count(geometry.outBlocks) {
            let lanes = grouping.lanes(group, of: geometry.outBlocks)
            let base = floats + group * 36 * depth * grouping.channels
            for i in 0..<depth {
                // Four output channels at a time; channels that do not exist have zeros.
                for lane in stride(from: 0, to: lanes, by: 4) {
                    let first = group * grouping.channels + lane
                    let known = i < geometry.inChannels ? min(max(geometry.outChannels - first, 0), 4) : 0
                    transform(
                        source + (first * geometry.inChannels + i) * 9, geometry.inChannels * 9, known, base + i * lanes + lane,
                        depth * lanes)
                }
            }
        }
        return packed
    }

    /// 36 numbers, `stride` apart, for each of four kernels, `distance` apart, of which `known` exist.
    @inline(__always)
    private static func transform(
        _ kernels: UnsafePointer<Float>, _ distance: Int, _ known: Int, _ output: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        var taps = (D(), D(), D(), D(), D(), D(), D(), D(), D())
        @inline(__always) func load(_ tap: Int) -> D {
            var result = D()
            for index in 0..<known { result[index] = Double(kernels[index * distance + tap]) }
            return result
        }
        if known == 4 {
            @inline(__always) func whole(_ tap: Int) -> D {
                let x = kernels + tap
                return D(Double(x[0]), Double(x[distance]), Double(x[2 * distance]), Double(x[3 * distance]))
            }
            taps = (whole(0), whole(1), whole(2), whole(3), whole(4), whole(5), whole(6), whole(7), whole(8))
        } else if known > 0 {
            taps = (load(0), load(1), load(2), load(3), load(4), load(5), load(6), load(7), load(8))
        }
        let a = six(taps.0, taps.3, taps.6)
        let b = six(taps.1, taps.4, taps.7)
        let c = six(taps.2, taps.5, taps.8)
        @inline(__always) func row(_ index: Int, _ x: D, _ y: D, _ z: D) {
            let line = six(x, y, z)
            @inline(__always) func put(_ column: Int, _ value: D) {
                let four = SIMD4(Float(value[0]), Float(value[1]), Float(value[2]), Float(value[3]))
                UnsafeMutableRawPointer(output + (index * 6 + column) * stride).storeBytes(of: four, as: SIMD4<Float>.self)
            }
            put(0, line.0)
            put(1, line.1)
            put(2, line.2)
            put(3, line.3)
            put(4, line.4)
            put(5, line.5)
        }
        row(0, a.0, b.0, c.0)
        row(1, a.1, b.1, c.1)
        row(2, a.2, b.2, c.2)
        row(3, a.3, b.3, c.3)
        row(4, a.4, b.4, c.4)
        row(5, a.5, b.5, c.5)
    }

    private typealias D = SIMD4<Double>

    /// G times three numbers: x/4, −(x + y + z)/6, −(x − y + z)/6, x/24 + y/12 + z/6, x/24 − y/12 + z/6, z.
    @inline(__always)
    private static func six(_ x: D, _ y: D, _ z: D) -> (D, D, D, D, D, D) {
        let ends = (x + z) * D(repeating: 1 / 6)
        let middle = y * D(repeating: 1 / 6)
        let outer = x * D(repeating: 1 / 24) + z * D(repeating: 1 / 6)
        let half = y * D(repeating: 1 / 12)
        return (x * D(repeating: 0.25), -(ends + middle), middle - ends, outer + half, outer - half, z)
    }
}
