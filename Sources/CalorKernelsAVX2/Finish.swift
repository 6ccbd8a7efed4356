import CalorTensor

/// The end of a convolution for one block of 8 channels, in the form that costs least inside a kernel.
///
/// `none`, `relu`, `leakyRelu` and `prelu` become a slope for negative values, `clip` two bounds; anything else is `isComplex`, for
/// which the kernel stores its sums and then calls `completeRow`.
struct Finish {
    /// Bias and slopes of all channels.
    let bias: Source
    let slopes: Source?
    let slope: Float
    let lower: Float
    let upper: Float
    let scale: Float
    let residual: Source?
    let isClip: Bool
    let isComplex: Bool
    let activation: Activation

    @inline(__always)
    init(_ job: ConvolutionJob) { self.init(job.epilogue) }

    @inline(__always)
    init(_ epilogue: Epilogue) {
        bias = epilogue.bias.unsafelyUnwrapped
        activation = epilogue.activation
        scale = epilogue.scale
        residual = epilogue.residual
        var slope: Float = 1
        var slopes: Source?
        var (lower, upper) = (-Float.infinity, Float.infinity)
        var (isClip, isComplex) = (false, false)
        switch epilogue.activation {
        case .none: break
        case .relu: (isClip, lower) = (true, 0)
        case .leakyRelu(let value): slope = value
        case .prelu: slopes = epilogue.slopes
        case .clip(let low, let high): (isClip, lower, upper) = (true, low, high)
        default: isComplex = true
        }
        (self.slope, self.slopes, self.lower, self.upper, self.isClip, self.isComplex) = (
            slope, slopes, lower, upper, isClip, isComplex
        )
    }

    @inline(__always)
    func lanes(_ block: Int) -> LaneFinish {
        LaneFinish(
            bias: load(bias, block &* 8), slope: slopes.map { load($0, block &* 8) } ?? V(repeating: slope), lower: lower,
            upper: upper,
            scale: isComplex ? 1 : scale, isClip: isClip,
            isPlain: isComplex || !isClip && slopes == nil && slope == 1 && scale == 1)
    }

    /// The eight channels of one block.
    @inline(__always)
    func block(_ block: Int) -> LaneFinish { lanes(block) }

    /// What the kernel itself may add; a complex activation comes before it, in `completeRow`.
    @inline(__always)
    var directResidual: Source? { isComplex ? nil : residual }
}

/// `Finish` for one block.
struct LaneFinish {
    let bias: V
    let slope: V
    let lower: Float
    let upper: Float
    let scale: Float
    let isClip: Bool
    /// Neither activation nor scale.
    let isPlain: Bool

    /// The activation of a sum that has its bias.
    @inline(__always)
    func activated(_ x: V) -> V { isClip ? bounded(x) : leaky(x) }

    @inline(__always)
    func bounded(_ x: V) -> V { clipped(x, lower, upper) }

    @inline(__always)
    func leaky(_ x: V) -> V { x.replacing(with: x * slope, where: x .< V()) }

    /// Activation, scale and residual; `residual` points to the eight numbers or is nil.
    @inline(__always)
    func finished(_ x: V, _ residual: Source?) -> V {
        if let residual { return ended(x, adding: load(residual)) }
        return ended(x)
    }

    /// Activation and scale.
    @inline(__always)
    func ended(_ x: V) -> V { isPlain ? x : activated(x) * V(repeating: scale) }

    /// Activation, scale and residual.
    @inline(__always)
    func ended(_ x: V, adding residual: V) -> V { isPlain ? residual + x : fused(residual, activated(x), V(repeating: scale)) }
}

/// Where the channels of a vector stand: one plane here, two where a vector has sixteen numbers.
struct PlanePair {
    @inline(__always)
    init(_ block: Int, _ blocks: Int, _ plane: Int) {}

    @inline(__always)
    func load(_ pointer: Source, _ at: Int) -> V { UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: at &* 4, as: V.self) }

    @inline(__always)
    func store(_ value: V, _ pointer: Target, _ at: Int) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: value, toByteOffset: at &* 4, as: V.self)
    }
}

/// Activation, scale and residual of `count` pixels of one block.
@inline(never)
func endRow(_ end: LaneFinish, _ sums: Source, _ row: Target, _ residual: Source?, _ count: Int) {
    var at = 0
    while at < count &* 8 {
        store(end.finished(load(sums, at), residual.map { $0 + at }), row, at)
        at &+= 8
    }
}

/// Applies a complex activation, the scale and the residual to `count` pixels of one block, in place.
@inline(never)
func completeRow(_ finish: Finish, _ row: Target, _ residual: Source?, _ count: Int) {
    unaryFloats(.activation(finish.activation), Source(row), row, count &* 8)
    let scale = V(repeating: finish.scale)
    var i = 0
    while i < count &* 8 {
        let y = load(Source(row), i)
        if let residual {
            store(fused(load(residual, i), y, scale), row, i)
        } else {
            store(y * scale, row, i)
        }
        i &+= 8
    }
}
