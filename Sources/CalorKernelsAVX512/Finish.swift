import CalorTensor

/// The end of a convolution for sixteen channels, in the form that costs least inside a kernel.
///
/// `none`, `relu`, `leakyRelu` and `prelu` become a slope for negative values, `clip` two bounds; anything else is `isComplex`, for
/// which the kernel stores its sums and then calls `completeRow`.
struct Finish {
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
    let outBlocks: Int

    @inline(__always)
    init(_ job: ConvolutionJob) {
        let epilogue = job.epilogue
        bias = epilogue.bias.unsafelyUnwrapped
        activation = epilogue.activation
        scale = epilogue.scale
        residual = epilogue.residual
        outBlocks = job.geometry.outBlocks
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

    /// Sixteen channels from block `block` on; those beyond the last block are zero.
    @inline(__always)
    private func channels(_ values: Source, _ block: Int) -> V {
        if block &+ 1 < outBlocks { return load(values, block &* 8) }
        return joined(block < outBlocks ? loadBlock(values, block &* 8) : Block(), Block())
    }

    @inline(__always)
    func lanes(_ block: Int) -> LaneFinish {
        LaneFinish(
            bias: channels(bias, block), slope: slopes.map { channels($0, block) } ?? V(repeating: slope), lower: lower,
            upper: upper, scale: isComplex ? 1 : scale, isClip: isClip,
            isPlain: isComplex || !isClip && slopes == nil && slope == 1 && scale == 1)
    }

    /// The eight channels of one block, twice.
    @inline(__always)
    func block(_ block: Int) -> LaneFinish {
        LaneFinish(
            bias: repeatedBlock(bias + block &* 8), slope: slopes.map { repeatedBlock($0 + block &* 8) } ?? V(repeating: slope),
            lower: lower, upper: upper, scale: isComplex ? 1 : scale, isClip: isClip,
            isPlain: isComplex || !isClip && slopes == nil && slope == 1 && scale == 1)
    }

    /// What the kernel itself may add; a complex activation comes before it, in `completeRow`.
    @inline(__always)
    var directResidual: Source? { isComplex ? nil : residual }
}

/// `Finish` for sixteen channels.
struct LaneFinish {
    let bias: V
    let slope: V
    let lower: Float
    let upper: Float
    let scale: Float
    let isClip: Bool
    /// Neither activation nor scale.
    let isPlain: Bool
    /// At most a slope below zero.
    var isLeaky: Bool { !isClip && scale == 1 }

    /// The activation of a sum that has its bias.
    @inline(__always)
    func activated(_ x: V) -> V { isClip ? bounded(x) : leaky(x) }

    @inline(__always)
    func bounded(_ x: V) -> V { clipped(x, lower, upper) }

    @inline(__always)
    func leaky(_ x: V) -> V { x.replacing(with: x * slope, where: x .< V()) }

    // No optional vectors here: they would go through memory, and the calls would not be inlined.

    /// Activation and scale.
    @inline(__always)
    func ended(_ x: V) -> V { isPlain ? x : activated(x) * V(repeating: scale) }

    /// Activation, scale and residual.
    @inline(__always)
    func ended(_ x: V, adding residual: V) -> V { isPlain ? residual + x : fused(residual, activated(x), V(repeating: scale)) }
}

/// Where sixteen channels of a pixel stand: two planes of eight, or one for an odd last block.
struct PlanePair {
    /// Floats from a block to the next, zero where there is no second block.
    let stride: Int

    @inline(__always)
    init(_ block: Int, _ blocks: Int, _ plane: Int) { stride = block &+ 1 < blocks ? plane : 0 }

    @inline(__always)
    func load(_ pointer: Source, _ at: Int) -> V {
        joined(loadBlock(pointer, at), stride == 0 ? Block() : loadBlock(pointer, at &+ stride))
    }

    @inline(__always)
    func store(_ value: V, _ pointer: Target, _ at: Int) {
        storeBlock(lowBlock(value), pointer, at)
        if stride != 0 { storeBlock(highBlock(value), pointer, at &+ stride) }
    }
}

/// Activation, scale and residual of `count` pixels of one block; `row` may be `sums`.
@inline(never)
func endRow(_ end: LaneFinish, _ sums: Source, _ row: Target, _ residual: Source?, _ count: Int) {
    let whole = count &* 8 &- count % 2 &* 8
    var at = 0
    while at < whole {
        let sum = load(sums, at)
        if let residual { store(end.ended(sum, adding: load(residual, at)), row, at) } else { store(end.ended(sum), row, at) }
        at &+= 16
    }
    if at < count &* 8 {
        let sum = joined(loadBlock(sums, at), Block())
        if let residual {
            storeBlock(lowBlock(end.ended(sum, adding: joined(loadBlock(residual, at), Block()))), row, at)
        } else {
            storeBlock(lowBlock(end.ended(sum)), row, at)
        }
    }
}

/// Applies a complex activation, the scale and the residual to `count` pixels of one block, in place.
@inline(never)
func completeRow(_ finish: Finish, _ row: Target, _ residual: Source?, _ count: Int) {
    unaryFloats(.activation(finish.activation), Source(row), row, count &* 8)
    if finish.scale == 1 && residual == nil { return }
    let scale = V(repeating: finish.scale)
    var i = 0
    while i < count &* 8 {
        let whole = i &+ 16 <= count &* 8
        let y = whole ? load(Source(row), i) : joined(loadBlock(Source(row), i), Block())
        var z = y * scale
        if let residual { z = fused(whole ? load(residual, i) : joined(loadBlock(residual, i), Block()), y, scale) }
        if whole { store(z, row, i) } else { storeBlock(lowBlock(z), row, i) }
        i &+= 16
    }
}
