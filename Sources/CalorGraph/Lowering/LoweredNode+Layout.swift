import CalorKernels
import CalorTensor

extension LoweredNode.Kind {
    /// Works in whichever layout its input is.
    var keepsLayout: Bool {
        switch self {
        case .unary, .binary, .affine, .nearest, .resample, .concat, .split: true
        default: false
        }
    }

    /// Can write its output as blocked planes at any place.
    var writesBlocked: Bool {
        switch self {
        case .convolution, .unary, .binary, .affine, .normalisation, .channelNorm, .nearest, .resample, .shuffle, .unshuffle, .pool:
            true
        default: false
        }
    }
}

extension LoweredNode {
    /// The inputs that are read as blocked planes whatever they come as.
    var blockedInputs: [ValueID] {
        switch kind {
        case .convolution(let part):
            let first = PreparedConvolution.algorithm(for: part.geometry) == .firstLayer
            return first ? Array(inputs.dropFirst()) : inputs
        // What a shuffle adds comes in the layout that the result has.
        case .shuffle, .normalisation: return Array(inputs.prefix(1))
        case .unshuffle, .pool, .globalMean, .channelNorm, .channelMean: return inputs
        default: return []
        }
    }
}
