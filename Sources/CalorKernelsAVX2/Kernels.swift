import CalorTensor

/// The kernels that every set has. Never inlined: their instructions must stay where the processor has been asked first.
public enum Kernels {
    /// Any algorithm but the reference.
    @inline(never)
    public static func convolution(_ algorithm: ConvolutionAlgorithm, _ job: ConvolutionJob) {
        switch algorithm {
        case .winograd43: Winograd43.run(job)
        case .winograd23: Winograd23.run(job)
        case .direct: DirectConvolution.run(job)
        case .pointwise: DirectConvolution.runPointwise(job)
        case .depthwise: DepthwiseThree.supports(job.geometry) ? DepthwiseThree.run(job) : Depthwise.run(job)
        case .firstLayer: FirstLayer.run(job)
        case .lastLayer: LastLayer.run(job)
        case .reference: preconditionFailure("the reference is not a kernel of this set")
        }
    }

    /// Bytes of scratch for an input of this width (a flat one for pointwise).
    @inline(never)
    public static func convolutionScratch(
        _ algorithm: ConvolutionAlgorithm, _ geometry: ConvolutionGeometry, _ height: Int, _ width: Int
    ) -> Int {
        switch algorithm {
        case .winograd43: Winograd43.scratchFloats(geometry) * 4
        case .winograd23: Winograd23.scratchFloats(geometry) * 4
        case .direct: DirectConvolution.scratchFloats(geometry, geometry.outputWidth(width)) * 4
        case .pointwise: DirectConvolution.scratchFloats(geometry, height * width) * 4
        case .depthwise:
            DepthwiseThree.supports(geometry)
                ? DepthwiseThree.scratchFloats(width) * 4 : Depthwise.scratchFloats(geometry, geometry.outputWidth(width)) * 4
        case .firstLayer: FirstLayer.scratchFloats(geometry, geometry.outputWidth(width)) * 4
        case .lastLayer: LastLayer.scratchFloats(geometry, geometry.outputWidth(width)) * 4
        case .reference: 0
        }
    }

    @inline(never)
    public static func matrix(_ job: MatrixJob) { Matrix.run(job) }

    @inline(never)
    public static func attention(_ job: AttentionJob) { Attention.run(job) }

    /// Queries that `attention` takes together.
    @inline(never)
    public static var attentionWidth: Int { Attention.width }

    // MARK: - Element-wise

    @inline(never)
    public static func unary(
        _ operation: UnaryOperation, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        unaryFloats(operation, input, output, count)
    }

    @inline(never)
    public static func binary(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        binaryFloats(operation, a, b, output, count)
    }

    @inline(never)
    public static func scaleShiftLanes(
        _ input: UnsafePointer<Float>, _ scale: UnsafePointer<Float>, _ shift: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        scaleShiftFloats(input, scale, shift, output, count)
    }

    // MARK: - Reductions

    @inline(never)
    public static func reduceRow(_ operation: ReductionOperation, _ input: UnsafePointer<Float>, _ count: Int) -> Float {
        Reduction.row(operation, input, count)
    }

    @inline(never)
    public static func pixelNorm(_ job: PixelNormJob) { PixelNorm.normalise(job) }

    @inline(never)
    public static func pixelMeans(_ job: PixelNormJob) { PixelNorm.means(job) }

    @inline(never)
    public static func laneSums(
        _ input: UnsafePointer<Float>, _ count: Int, _ centres: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>,
        _ squares: UnsafeMutablePointer<Float>
    ) {
        Reduction.laneSums(input, count, centres, sums, squares)
    }

    @inline(never)
    public static func softmaxRow(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int, _ logarithms: Bool
    ) {
        Reduction.softmaxRow(input, output, count, logarithms)
    }

    @inline(never)
    public static func normaliseRow(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int, _ gamma: UnsafePointer<Float>?,
        _ beta: UnsafePointer<Float>?, _ epsilon: Float
    ) {
        Reduction.normaliseRow(input, output, count, gamma, beta, epsilon)
    }

    // MARK: - Measuring

    /// Runs `rounds` times 96 fused multiply-adds of eight lanes (192 of sixteen) that do not wait for each other; returns the floating-point
    /// operations done. The time that this takes is the peak of one core.
    @inline(never)
    public static func fusedMultiplyAddRounds(_ rounds: Int, _ seed: UnsafeMutablePointer<Float>) -> Int {
        multiplyAddRounds(rounds, seed)
    }
}
