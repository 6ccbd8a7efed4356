import CalorTensor

/// Puts the weights of a convolution in the order in which its kernel reads them.
///
/// Output channels go in pairs of blocks (16 lanes); an odd last block has 8 lanes of its own.
enum ConvolutionPacking {
    struct Packed {
        let weights: AlignedBytes
        /// Three numbers a pair: first and one past the last input block, offset of its weights in floats.
        let pairs: AlignedBytes?
    }

    static func pack(_ weights: UnsafeBufferPointer<Float>, _ g: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm) -> Packed {
        switch algorithm {
        case .reference: copied(weights)
        case .winograd43: Packed(weights: WinogradWeights.transformed(weights, g), pairs: nil)
        case .direct, .pointwise: direct(weights, g)
        case .depthwise: Packed(weights: depthwise(weights, g), pairs: nil)
        case .firstLayer: Packed(weights: firstLayer(weights, g), pairs: nil)
        }
    }

    private static func copied(_ weights: UnsafeBufferPointer<Float>) -> Packed {
        let bytes = AlignedBytes(count: weights.count * 4)
        if let base = weights.baseAddress { bytes.pointer.copyMemory(from: base, byteCount: weights.count * 4) }
        return Packed(weights: bytes, pairs: nil)
    }

    /// `[pair][input block][kernel row][kernel column][8][16]`, where a pair reads only the input blocks of its groups.
    private static func direct(_ weights: UnsafeBufferPointer<Float>, _ g: ConvolutionGeometry) -> Packed {
        let inPerGroup = g.inChannels / g.groups
        let outPerGroup = g.outChannels / g.groups
        let taps = g.kernelHeight * g.kernelWidth
        let pairCount = (g.outBlocks + 1) / 2
        let pairs = AlignedBytes(count: pairCount * 12)
        let numbers = pairs.pointer.assumingMemoryBound(to: Int32.self)
        var total = 0
        for pair in 0..<pairCount {
            let firstOut = pair * 16
            let lastOut = min(firstOut + 16, g.outChannels) - 1
            let firstIn = firstOut / outPerGroup * inPerGroup
            let lastIn = lastOut / outPerGroup * inPerGroup + inPerGroup - 1
            let lanes = min(g.outBlocks - pair * 2, 2) * 8
            numbers[pair * 3] = Int32(firstIn / 8)
            numbers[pair * 3 + 1] = Int32(lastIn / 8 + 1)
            numbers[pair * 3 + 2] = Int32(total)
            total += (lastIn / 8 + 1 - firstIn / 8) * taps * 8 * lanes
        }
        let packed = AlignedBytes(count: total * 4)
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        for o in 0..<g.outChannels {
            let pair = o / 16
            let lanes = min(g.outBlocks - pair * 2, 2) * 8
            let base = floats + Int(numbers[pair * 3 + 2]) + o % 16
            for i in 0..<inPerGroup {
                let channel = o / outPerGroup * inPerGroup + i
                let block = channel / 8 - Int(numbers[pair * 3])
                for tap in 0..<taps {
                    base[((block * taps + tap) * 8 + channel % 8) * lanes] = weights[(o * inPerGroup + i) * taps + tap]
                }
            }
        }
        return Packed(weights: packed, pairs: pairs)
    }

    /// `[block][tap][8]`.
    private static func depthwise(_ weights: UnsafeBufferPointer<Float>, _ g: ConvolutionGeometry) -> AlignedBytes {
        let taps = g.kernelHeight * g.kernelWidth
        let packed = AlignedBytes(count: g.outBlocks * taps * 32)
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        for o in 0..<g.outChannels {
            for tap in 0..<taps { floats[(o / 8 * taps + tap) * 8 + o % 8] = weights[o * taps + tap] }
        }
        return packed
    }

    /// `[pair][input channel][kernel row][kernel column][16]`.
    private static func firstLayer(_ weights: UnsafeBufferPointer<Float>, _ g: ConvolutionGeometry) -> AlignedBytes {
        let depth = g.inChannels * g.kernelHeight * g.kernelWidth
        let packed = AlignedBytes(count: g.outBlocks * depth * 32)
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        for o in 0..<g.outChannels {
            let pair = o / 16
            let lanes = min(g.outBlocks - pair * 2, 2) * 8
            for i in 0..<depth { floats[pair * depth * 16 + i * lanes + o % 16] = weights[o * depth + i] }
        }
        return packed
    }
}
