/// Element-wise functions of one operand.
public enum UnaryOperation: Sendable, Hashable {
    case activation(Activation)
    case negate, absolute, squareRoot, reciprocal, exponential, logarithm, erf, floor, ceiling, roundHalfToEven, sign, square
    case sine, cosine, reciprocalSquareRoot
}

/// Element-wise functions of two operands.
public enum BinaryOperation: String, Sendable, CaseIterable {
    /// `minimum` and `maximum` hand on a NaN of either operand.
    case add, subtract, multiply, divide, minimum, maximum, power
}

/// How a row of numbers becomes one number.
public enum ReductionOperation: String, Sendable, CaseIterable {
    case sum, mean, maximum, minimum, sumOfSquares
}

/// The order of channels in a pixel shuffle: `crd` is PyTorch's `PixelShuffle`, `dcr` TensorFlow's `depth_to_space`.
public enum ShuffleOrder: String, Sendable, CaseIterable {
    case crd, dcr
}

/// One axis of a separable resampling: output i is the sum over t of `weights[i·taps + t] · input[indices[i·taps + t]]`.
public struct AxisTable: Sendable {
    public let taps: Int
    public let indices: [Int32]
    public let weights: [Float]

    /// Every index must lie inside the input axis.
    public init(taps: Int, indices: [Int32], weights: [Float]) {
        precondition(
            taps > 0 && indices.count == weights.count && indices.count % taps == 0, "an axis table needs \(taps) taps an output")
        self.taps = taps
        self.indices = indices
        self.weights = weights
    }

    public var count: Int { indices.count / taps }
}

/// A pooling window over blocked planes.
public struct PoolingGeometry: Sendable, Hashable {
    public enum Kind: String, Sendable { case maximum, average, averageCountingPadding }
    public var kind: Kind
    public var kernelHeight: Int
    public var kernelWidth: Int
    public var strideHeight: Int
    public var strideWidth: Int
    public var dilationHeight: Int
    public var dilationWidth: Int
    public var padTop: Int
    public var padLeft: Int

    public init(
        kind: Kind, kernelHeight: Int, kernelWidth: Int, strideHeight: Int = 1, strideWidth: Int = 1, dilationHeight: Int = 1,
        dilationWidth: Int = 1, padTop: Int = 0, padLeft: Int = 0
    ) {
        self.kind = kind
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.dilationHeight = dilationHeight
        self.dilationWidth = dilationWidth
        self.padTop = padTop
        self.padLeft = padLeft
    }
}
