/// Everything about a two-dimensional convolution except its weights and the image.
///
/// Shapes: weights are `[outChannels][inChannels / groups][kernelHeight][kernelWidth]`.
public struct ConvolutionGeometry: Sendable, Hashable {
    public var inChannels: Int
    public var outChannels: Int
    public var groups: Int
    public var kernelHeight: Int
    public var kernelWidth: Int
    public var strideHeight: Int
    public var strideWidth: Int
    public var dilationHeight: Int
    public var dilationWidth: Int
    public var padTop: Int
    public var padLeft: Int
    public var padBottom: Int
    public var padRight: Int

    public init(
        inChannels: Int, outChannels: Int, groups: Int = 1, kernelHeight: Int, kernelWidth: Int, strideHeight: Int = 1,
        strideWidth: Int = 1, dilationHeight: Int = 1, dilationWidth: Int = 1, padTop: Int = 0, padLeft: Int = 0,
        padBottom: Int = 0,
        padRight: Int = 0
    ) {
        self.inChannels = inChannels
        self.outChannels = outChannels
        self.groups = groups
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.dilationHeight = dilationHeight
        self.dilationWidth = dilationWidth
        self.padTop = padTop
        self.padLeft = padLeft
        self.padBottom = padBottom
        self.padRight = padRight
    }

    /// A square kernel with the same padding on all sides (by default the one that keeps the size at stride 1).
    public init(
        _ inChannels: Int, _ outChannels: Int, kernel: Int, stride: Int = 1, dilation: Int = 1, pad: Int? = nil, groups: Int = 1
    ) {
        let pad = pad ?? kernel / 2 * dilation
        self.init(
            inChannels: inChannels, outChannels: outChannels, groups: groups, kernelHeight: kernel, kernelWidth: kernel,
            strideHeight: stride, strideWidth: stride, dilationHeight: dilation, dilationWidth: dilation, padTop: pad, padLeft: pad,
            padBottom: pad, padRight: pad)
    }

    /// Rows of the output for an input of `height` rows; zero or less when the kernel does not fit.
    public func outputHeight(_ height: Int) -> Int {
        let room = height + padTop + padBottom - dilationHeight * (kernelHeight - 1) - 1
        return room < 0 ? 0 : room / strideHeight + 1
    }

    /// Columns of the output for an input of `width` columns; zero or less when the kernel does not fit.
    public func outputWidth(_ width: Int) -> Int {
        let room = width + padLeft + padRight - dilationWidth * (kernelWidth - 1) - 1
        return room < 0 ? 0 : room / strideWidth + 1
    }

    public var inBlocks: Int { (inChannels + 7) / 8 }
    public var outBlocks: Int { (outChannels + 7) / 8 }
    /// Multiplications and additions for one output pixel, counted as the direct algorithm does them.
    public var flopsPerPixel: Int { 2 * outChannels * (inChannels / groups) * kernelHeight * kernelWidth }

    /// Every extent is positive, no padding is negative, and the groups divide both channel counts.
    public var isValid: Bool {
        let positive = [
            inChannels, outChannels, groups, kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth,
        ]
        return positive.allSatisfy { $0 > 0 } && [padTop, padLeft, padBottom, padRight].allSatisfy { $0 >= 0 }
            && inChannels % groups == 0 && outChannels % groups == 0
    }
}

/// How a convolution is computed. Picked from the geometry alone, so that a cut image gives the same bits as a whole one.
public enum ConvolutionAlgorithm: String, Sendable, CaseIterable {
    /// Plain loops over the untransformed weights.
    case reference
    /// 3×3, stride 1, any dilation: tiles of 4×4 outputs through 36 products.
    case winograd43
    /// 3×3, stride 1: tiles of 2×2 outputs through 16 products, for layers with very many weights.
    case winograd23
    /// Any kernel, stride, dilation and groups: blocked sums over a padded copy of the rows.
    case direct
    /// 1×1, stride 1, no padding.
    case pointwise
    /// One input channel per output channel.
    case depthwise
    /// At most four input channels, read from NCHW.
    case firstLayer
    /// At most four output channels: vectors of input channels, added up at the end.
    case lastLayer
}

extension ConvolutionAlgorithm {
    /// Output rows and columns that are computed together, from multiples of it (times the dilation) on.
    public var tile: Int {
        switch self {
        case .winograd43: 4
        case .winograd23: 2
        default: 1
        }
    }
}

/// Where the channels of an activation are.
public enum ActivationLayout: String, Sendable {
    /// `[C][H][W]`.
    case nchw
    /// `[ceil(C/8)][H][W][8]`, padding lanes zero.
    case nchw8c
}
