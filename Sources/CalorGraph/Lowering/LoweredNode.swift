import CalorTensor

/// One operation after recognition and fusion: what a single kernel (or the interpreter) computes.
///
/// Constants that belong to the operation live in its kind; `inputs` are values of the run.
struct LoweredNode: Sendable {
    var kind: Kind
    var inputs: [ValueID]
    var outputs: [ValueID?]
    /// The node that gave this operation its name; the interpreter runs it when the kind is `fallback`.
    var origin: Node

    enum Kind: Sendable {
        case convolution(FusedConvolution)
        /// A function of one number. `slopes` belong to `prelu`: one, or one per channel.
        case unary(UnaryOperation, slopes: [Float])
        case binary(BinaryOperation)
        /// x · scale + shift, each one number or one per channel of a rank-4 value, then the activation.
        case affine(FusedAffine)
        case normalisation(FusedNormalisation)
        case layerNorm(rows: Int, columns: Int, scale: [Float], shift: [Float], epsilon: Float)
        /// Normalisation over the channels of each pixel, then scale and shift per channel.
        case channelNorm(scale: [Float], shift: [Float], epsilon: Float)
        /// x · weights + bias over the last axis.
        case linear(FusedLinear)
        /// A product of two values of the run, over equal leading axes.
        case matmul(BatchedProduct)
        case attention(FusedAttention)
        case softmax(rows: Int, columns: Int)
        case concat(axis: Int)
        case split(axis: Int, sizes: [Int])
        case shuffle(ShuffleOrder, block: Int, addition: Bool)
        case unshuffle(block: Int)
        case nearest(scaleHeight: Int, scaleWidth: Int)
        /// Weighted sums along rows and columns.
        case resample(vertical: AxisTable, horizontal: AxisTable)
        case pool(PoolingGeometry)
        case globalMean
        /// The mean of each row.
        case rowMean(rows: Int, columns: Int)
        /// The mean over the channels of each pixel.
        case channelMean
        case transpose([Int])
        /// Consecutive indices of some axes, perhaps under another shape.
        case slice([SliceRange])
        /// Index i of the axis is index `(i + shift) % extent` of the input.
        case roll(axis: Int, shift: Int)
        /// The same elements under another shape.
        case alias
        case fallback
    }
}

/// residual + scale · activation(convolution + bias).
struct FusedConvolution: Sendable {
    var geometry: ConvolutionGeometry
    var weights: [Float]
    var bias: [Float]
    var activation = Activation.none
    var slopes: [Float] = []
    var scale: Float = 1
    /// Whether the second input is added last.
    var residual = false
    /// Whether the two halves of the channels are multiplied; nothing else is fused then.
    var isGated = false

    /// Nothing but the sum and its bias so far.
    var isLinear: Bool { activation == .none && scale == 1 && !residual && !isGated }
}

/// x · weights + bias, then activation, then the residual.
struct FusedLinear: Sendable {
    var rows: Int
    var inner: Int
    var columns: Int
    /// `[inner][columns]`.
    var weights: [Float]
    var bias: [Float]
    var activation = Activation.none
    var residual = false
    /// The channels are axis 1 of the value, not the last: a 1×1 convolution of a batch.
    var channelsFirst = false
}

struct SliceRange: Sendable, Hashable {
    var axis: Int
    var start: Int
    var count: Int
}

/// softmax(scale · Q · Kᵀ + terms) · V over equal leading axes.
struct FusedAttention: Sendable {
    /// Constants added to the scores: `[count][queries][keys]`; entry i of the leading axes takes table `i / each % count`.
    struct Term: Sendable {
        var numbers: [Float]
        var count: Int
        var each: Int
    }

    var queries: Int
    var keys: Int
    var depth: Int
    var valueDepth: Int
    var scale: Float
    var terms: [Term]
    /// Keys are stored as `[depth][keys]`.
    var hasTransposedKey: Bool
    /// Values and the result are stored as `[valueDepth][tokens]`.
    var hasTransposedValue = false
    /// For operands of rank 3: how many heads lie side by side in the last axis.
    var heads: Int?
}

struct BatchedProduct: Sendable {
    var batch: Int
    var rows: Int
    var inner: Int
    var columns: Int
    /// The right operand is stored as `[columns][inner]`.
    var transposedRight = false
    var scale: Float = 1
}

struct FusedAffine: Sendable {
    var scale: [Float]
    var shift: [Float]
}

/// Normalisation over groups of channels and all pixels, then scale and shift per channel, then the activation.
struct FusedNormalisation: Sendable {
    var groups: Int
    var epsilon: Float
    var scale: [Float]
    var shift: [Float]
    var activation = Activation.none
    /// The run's own factor and addend per channel come after the constant ones, as the next inputs in this order.
    var hasFactor = false
    var hasAddend = false

    var isModulated: Bool { hasFactor || hasAddend }
}

extension LoweredNode {
    /// Arithmetic of this operation: two for each product of a convolution or matrix, one for each element otherwise.
    func flops(_ type: (ValueID) -> ValueType?) -> Double {
        let elements = outputs.reduce(0.0) { sum, output in
            sum + (output.flatMap(type).map { Double($0.shape.count) } ?? 0)
        }
        switch kind {
        case .convolution(let part):
            let pixels = elements * (part.isGated ? 2 : 1) / Double(max(part.geometry.outChannels, 1))
            return pixels * Double(part.geometry.flopsPerPixel)
        case .linear(let part): return 2 * Double(part.rows) * Double(part.inner) * Double(part.columns)
        case .matmul(let part): return 2 * Double(part.batch) * Double(part.rows) * Double(part.inner) * Double(part.columns)
        case .attention(let part):
            let rows = elements / Double(max(part.valueDepth, 1))
            return 2 * rows * Double(part.keys) * Double(part.depth + part.valueDepth)
        case .alias, .slice, .roll, .transpose: return 0
        default: return elements
        }
    }
}
