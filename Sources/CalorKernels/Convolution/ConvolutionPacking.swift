import CalorTensor

/// Puts the weights of a convolution in the order in which its kernel reads them.
///
/// Output channels go in the groups that the instruction set takes together.
enum ConvolutionPacking {
    struct Packed {
        let weights: AlignedBytes
        /// Three numbers a group: first and one past the last input block, offset of its weights in floats.
        let pairs: AlignedBytes?
    }

    static func pack(
        _ weights: UnsafeBufferPointer<Float>, _ g: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm,
        _ grouping: ChannelGrouping
    ) -> Packed {
        switch algorithm {
        case .reference: copied(weights)
        case .winograd43: Packed(weights: WinogradWeights.transformed(weights, g, grouping, .four), pairs: nil)
        case .winograd23: Packed(weights: WinogradWeights.transformed(weights, g, grouping, .two), pairs: nil)
        case .direct, .pointwise: direct(weights, g, grouping)
        case .depthwise: Packed(weights: depthwise(weights, g), pairs: nil)
        case .firstLayer: Packed(weights: firstLayer(weights, g, grouping), pairs: nil)
        case .lastLayer: Packed(weights: lastLayer(weights, g), pairs: nil)
        }
    }

    private static func copied(_ weights: UnsafeBufferPointer<Float>) -> Packed {
        let bytes = AlignedBytes(count: weights.count * 4)
        if let base = weights.baseAddress { bytes.pointer.copyMemory(from: base, byteCount: weights.count * 4) }
        return Packed(weights: bytes, pairs: nil)
    }

    /// `[group][input block][kernel row][kernel column][8][lanes]`, where a group reads only the input blocks of its convolution groups.
    private static func direct(_ weights: UnsafeBufferPointer<Float>, _ g: ConvolutionGeometry, _ grouping: ChannelGrouping)
        -> Packed
    {
        let inPerGroup = g.inChannels / g.groups
        let outPerGroup = g.outChannels / g.groups
        let taps = g.kernelHeight * g.kernelWidth
        let count = grouping.count(g.outBlocks)
        let ranges = AlignedBytes(count: count * 12)
        let numbers = ranges.pointer.assumingMemoryBound(to: Int32.self)
        var total = 0
        for group in 0..<count {
            let firstOut = group * grouping.channels
            let lastOut = min(firstOut + grouping.channels, g.outChannels) - 1
            let firstIn = firstOut / outPerGroup * inPerGroup
            let lastIn = lastOut / outPerGroup * inPerGroup + inPerGroup - 1
            numbers[group * 3] = Int32(firstIn / 8)
            numbers[group * 3 + 1] = Int32(lastIn / 8 + 1)
            numbers[group * 3 + 2] = Int32(total)
            total += (lastIn / 8 + 1 - firstIn / 8) * taps * 8 * grouping.lanes(group, of: g.outBlocks)
        }
        let packed = AlignedBytes(count: total * 4)
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        guard let source = weights.baseAddress else { return Packed(weights: packed, pairs: ranges) }
        for group in 0..<count {
            let lanes = grouping.lanes(group, of: g.outBlocks)
            let channels = group * grouping.channels..<min((group + 1) * grouping.channels, g.outChannels)
            // Lanes innermost: what is written is contiguous, and every output channel is read from front to back.
            for i in 0..<inPerGroup {
                for tap in 0..<taps {
                    for o in channels {
                        let channel = o / outPerGroup * inPerGroup + i
                        let block = channel / 8 - Int(numbers[group * 3])
                        let at = ((block * taps + tap) * 8 + channel % 8) * lanes + o - channels.lowerBound
                        floats[Int(numbers[group * 3 + 2]) + at] = source[(o * inPerGroup + i) * taps + tap]
                    }
                }
            }
        }
        return Packed(weights: packed, pairs: ranges)
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

    /// `[group][input channel][kernel row][kernel column][lanes]`.
    private static func firstLayer(
        _ weights: UnsafeBufferPointer<Float>, _ g: ConvolutionGeometry, _ grouping: ChannelGrouping
    ) -> AlignedBytes {
        let depth = g.inChannels * g.kernelHeight * g.kernelWidth
        let packed = AlignedBytes(count: grouping.totalLanes(g.outBlocks) * depth * 4)
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        for o in 0..<g.outChannels {
            let group = o / grouping.channels
            let lanes = grouping.lanes(group, of: g.outBlocks)
            for i in 0..<depth {
                floats[group * depth * grouping.channels + i * lanes + o % grouping.channels] = weights[o * depth + i]
            }
        }
        return packed
    }

    /// `[input block][kernel row][kernel column][output channel][8]`.
    private static func lastLayer(_ weights: UnsafeBufferPointer<Float>, _ g: ConvolutionGeometry) -> AlignedBytes {
        let taps = g.kernelHeight * g.kernelWidth
        let packed = AlignedBytes(count: g.inBlocks * taps * g.outChannels * 32)
        let floats = packed.pointer.assumingMemoryBound(to: Float.self)
        for o in 0..<g.outChannels {
            for i in 0..<g.inChannels {
                for tap in 0..<taps {
                    floats[((i / 8 * taps + tap) * g.outChannels + o) * 8 + i % 8] = weights[(o * g.inChannels + i) * taps + tap]
                }
            }
        }
        return packed
    }
}
