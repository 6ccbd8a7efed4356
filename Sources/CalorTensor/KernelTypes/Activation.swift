/// A function of one number that ends a convolution or stands alone.
public enum Activation: Sendable, Hashable {
    case none
    case relu
    /// x for x ≥ 0, otherwise slope · x.
    case leakyRelu(slope: Float)
    /// Leaky ReLU with one slope per channel, given by `Epilogue.slopes`.
    case prelu
    case sigmoid
    /// x · sigmoid(x), also known as swish.
    case silu
    /// x · (1 + erf(x / √2)) / 2.
    case gelu
    /// The tanh approximation of GELU.
    case geluTanh
    case tanh
    case clip(lower: Float, upper: Float)
    /// clip(alpha · x + beta, 0, 1).
    case hardSigmoid(alpha: Float, beta: Float)
    /// x · clip(x / 6 + 1/2, 0, 1).
    case hardSwish
    /// x for x ≥ 0, otherwise alpha · (exp(x) − 1).
    case elu(alpha: Float)
    /// log(1 + exp(x)).
    case softplus
    /// x · tanh(softplus(x)).
    case mish
    /// x / (1 + |x|).
    case softsign
}

extension Activation {
    /// Whether zero stays zero, so that padding lanes need no care.
    public var keepsZero: Bool {
        switch self {
        case .sigmoid, .softplus: false
        case .clip(let lower, let upper): lower <= 0 && upper >= 0
        case .hardSigmoid(_, let beta): beta <= 0
        default: true
        }
    }
}

extension Activation {
    /// Whether convolutions apply it before they store a sum. Any other function is applied to the stored row, and the residual is
    /// added after that.
    public var isAppliedInRegisters: Bool {
        switch self {
        case .none, .relu, .leakyRelu, .prelu, .clip: true
        default: false
        }
    }
}

/// What happens to a convolution's sums before they are stored: `residual + scale · activation(sum + bias)`.
///
/// SAFETY: `@unchecked Sendable` because it only carries read pointers, whose owner outlives every call that gets them.
public struct Epilogue: @unchecked Sendable {
    /// One value per output channel, padded with zeros to a multiple of 8; nil stands for the bias given at preparation.
    public var bias: UnsafePointer<Float>?
    public var activation: Activation
    /// Slopes of `prelu`, one per output channel, padded to a multiple of 8.
    public var slopes: UnsafePointer<Float>?
    public var scale: Float
    /// The same layout and size as the output; may be the output itself where the activation `isAppliedInRegisters`. Added last.
    public var residual: UnsafePointer<Float>?

    public init(
        bias: UnsafePointer<Float>? = nil, activation: Activation = .none, slopes: UnsafePointer<Float>? = nil, scale: Float = 1,
        residual: UnsafePointer<Float>? = nil
    ) {
        self.bias = bias
        self.activation = activation
        self.slopes = slopes
        self.scale = scale
        self.residual = residual
    }
}
