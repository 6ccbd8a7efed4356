/// One call of a convolution kernel: everything it reads and writes.
///
/// SAFETY: `@unchecked Sendable` because the entry points check the sizes and give each worker its own rows and scratch.
public struct ConvolutionJob: @unchecked Sendable {
    public var geometry: ConvolutionGeometry
    /// In the order of the algorithm; `[O][I][H][W]` for the reference.
    public var weights: UnsafePointer<Float>
    public var input: UnsafePointer<Float>
    public var inputHeight: Int
    public var inputWidth: Int
    public var output: UnsafeMutablePointer<Float>
    public var outputHeight: Int
    public var outputWidth: Int
    /// Where the input's rows lie. Rows are counted in the whole image everywhere else.
    public var inputWindow: RowWindow
    /// Where the rows of the output and of the residual lie: all of them, or a multiple of the algorithm's row alignment.
    public var outputWindow: RowWindow
    public var firstRow: Int
    /// One past the last output row.
    public var endRow: Int
    /// Its bias is never nil.
    public var epilogue: Epilogue
    public var scratch: UnsafeMutableRawPointer
    /// For grouped direct convolutions: first and one past the last input block of each pair of output blocks, and where its weights begin.
    public var pairs: UnsafePointer<Int32>?
    /// Writes the product of the first and the second half of the channels: the output has half of them.
    public var isGated: Bool

    public init(
        geometry: ConvolutionGeometry, weights: UnsafePointer<Float>, input: UnsafePointer<Float>, inputHeight: Int,
        inputWidth: Int,
        output: UnsafeMutablePointer<Float>, outputHeight: Int, outputWidth: Int, inputWindow: RowWindow,
        outputWindow: RowWindow, firstRow: Int, endRow: Int, epilogue: Epilogue, scratch: UnsafeMutableRawPointer,
        pairs: UnsafePointer<Int32>? = nil, isGated: Bool = false
    ) {
        self.geometry = geometry
        self.weights = weights
        self.input = input
        self.inputHeight = inputHeight
        self.inputWidth = inputWidth
        self.output = output
        self.outputHeight = outputHeight
        self.outputWidth = outputWidth
        self.inputWindow = inputWindow
        self.outputWindow = outputWindow
        self.firstRow = firstRow
        self.endRow = endRow
        self.epilogue = epilogue
        self.scratch = scratch
        self.pairs = pairs
        self.isGated = isGated
    }
}

/// One call of the matrix product C = activation(A · B + bias) + residual for the rows `firstRow ..< endRow` of A and C.
///
/// SAFETY: `@unchecked Sendable` because the entry points check the sizes and give each worker its own rows.
public struct MatrixJob: @unchecked Sendable {
    public var n: Int
    public var k: Int
    public var a: UnsafePointer<Float>
    public var lda: Int
    /// Panels of 16 columns: `[ceil(n/16)][k][16]`, zeros beyond column n.
    public var packed: UnsafePointer<Float>
    public var c: UnsafeMutablePointer<Float>
    public var ldc: Int
    public var firstRow: Int
    public var endRow: Int
    /// One value per column, or nil; only its first n values are read.
    public var bias: UnsafePointer<Float>?
    public var activation: Activation
    /// Where C's own rows are in a matrix like C, or nil; never C itself.
    public var residual: UnsafePointer<Float>?

    public init(
        n: Int, k: Int, a: UnsafePointer<Float>, lda: Int, packed: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>, ldc: Int,
        firstRow: Int, endRow: Int, bias: UnsafePointer<Float>?, activation: Activation, residual: UnsafePointer<Float>? = nil
    ) {
        self.n = n
        self.k = k
        self.a = a
        self.lda = lda
        self.packed = packed
        self.c = c
        self.ldc = ldc
        self.firstRow = firstRow
        self.endRow = endRow
        self.bias = bias
        self.activation = activation
        self.residual = residual
    }
}

/// One call of a mean or normalisation over the channels of each pixel: consecutive pixels of blocked planes.
///
/// SAFETY: `@unchecked Sendable` because the entry points check the sizes and give each worker its own pixels.
public struct PixelNormJob: @unchecked Sendable {
    public var input: UnsafePointer<Float>
    /// Floats from one block of channels to the next.
    public var inputPlane: Int
    public var output: UnsafeMutablePointer<Float>
    public var outputPlane: Int
    public var channels: Int
    public var pixels: Int
    /// One value for each channel, zeros up to a multiple of eight; not read for a mean.
    public var gamma: UnsafePointer<Float>
    public var beta: UnsafePointer<Float>
    public var epsilon: Float

    public var blocks: Int { (channels + 7) / 8 }

    public init(
        input: UnsafePointer<Float>, inputPlane: Int, output: UnsafeMutablePointer<Float>, outputPlane: Int, channels: Int,
        pixels: Int, gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>, epsilon: Float
    ) {
        self.input = input
        self.inputPlane = inputPlane
        self.output = output
        self.outputPlane = outputPlane
        self.channels = channels
        self.pixels = pixels
        self.gamma = gamma
        self.beta = beta
        self.epsilon = epsilon
    }
}
