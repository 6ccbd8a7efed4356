import CCalorCPU

// Helpers of this target, all inlined into their callers: nothing generic and nothing inlinable leaves it, or wide instructions
// would end up in code that runs on every processor.

/// Sixteen channels: two blocks of the layout.
typealias V = SIMD16<Float>
typealias VI = SIMD16<Int32>
typealias VU = SIMD16<UInt32>
/// One block of the layout.
typealias Block = SIMD8<Float>
typealias Source = UnsafePointer<Float>
typealias Target = UnsafeMutablePointer<Float>

/// Numbers in a vector.
let lanes = 16

@inline(__always)
func load(_ pointer: Source, _ index: Int = 0) -> V {
    UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: index &* 4, as: V.self)
}

@inline(__always)
func store(_ value: V, _ pointer: Target, _ index: Int = 0) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, toByteOffset: index &* 4, as: V.self)
}

@inline(__always)
func loadBlock(_ pointer: Source, _ index: Int = 0) -> Block {
    UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: index &* 4, as: Block.self)
}

@inline(__always)
func storeBlock(_ value: Block, _ pointer: Target, _ index: Int = 0) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, toByteOffset: index &* 4, as: Block.self)
}

/// Two blocks side by side.
@inline(__always)
func joined(_ low: Block, _ high: Block) -> V { calor_f32x16_join(low, high) }

@inline(__always)
func lowBlock(_ value: V) -> Block { calor_f32x16_low(value) }

@inline(__always)
func highBlock(_ value: V) -> Block { calor_f32x16_high(value) }

@inline(__always)
func broadcast(_ pointer: Source, _ index: Int = 0) -> V { V(repeating: pointer[index]) }

/// sum + a · b, rounded once.
@inline(__always)
func fused(_ sum: V, _ a: V, _ b: V) -> V { calor_f32x16_fma(a, b, sum) }

@inline(__always)
func clear(_ pointer: Target, _ count: Int) {
    let raw = UnsafeMutableRawPointer(pointer)
    var i = 0
    while i < count {
        raw.storeBytes(of: Block(), toByteOffset: i &* 4, as: Block.self)
        i &+= 8
    }
}

/// Copies `count` floats, a multiple of 8.
@inline(__always)
func copy(_ from: Source, _ to: Target, _ count: Int) {
    var i = 0
    while i < count {
        storeBlock(loadBlock(from, i), to, i)
        i &+= 8
    }
}

/// The eight numbers of a block, in every block of a vector.
@inline(__always)
func repeatedBlock(_ pointer: Source) -> V { joined(loadBlock(pointer), loadBlock(pointer)) }

@inline(__always)
func squareRootLanes(_ x: V) -> V { calor_f32x16_sqrt(x) }

@inline(__always)
func floorLanes(_ x: V) -> V { calor_f32x16_floor(x) }

@inline(__always)
func ceilingLanes(_ x: V) -> V { calor_f32x16_ceil(x) }

@inline(__always)
func roundedToEvenLanes(_ x: V) -> V { calor_f32x16_roundeven(x) }

/// NaN of either operand wins, as in the reference. In C, as are the next two: of Swift's comparisons in wide vectors the compiler
/// inlines only a few.
@inline(__always)
func greater(_ x: V, _ y: V) -> V { calor_f32x16_greater(x, y) }

@inline(__always)
func lesser(_ x: V, _ y: V) -> V { calor_f32x16_lesser(x, y) }

/// Not below `low` and not above `high`; NaN stays.
@inline(__always)
func clipped(_ x: V, _ low: Float, _ high: Float) -> V { calor_f32x16_clip(x, V(repeating: low), V(repeating: high)) }

/// x · 2ⁿ for whole n; `shifted` is n + 1.5 · 2²³.
@inline(__always)
func scaled(_ x: V, _ n: V, shifted: V) -> V { calor_f32x16_scale(x, n) }

/// In every block of eight: the sums of the eight numbers of a, b, c and d, then four zeros.
@inline(__always)
func blockSums(_ a: V, _ b: V, _ c: V, _ d: V) -> V { calor_f32x16_sums(a, b, c, d) }

/// In every lane of a block: the sum of the block's numbers, added in halves.
@inline(__always)
func blockTotals(_ x: V) -> V { calor_f32x16_total(x) }

/// The blocks of a vector from places `stride` floats apart.
@inline(__always)
func spread(_ pointer: Source, _ stride: Int) -> V { joined(loadBlock(pointer), loadBlock(pointer, stride)) }

/// The sum of all lanes, added in pairs.
@inline(__always)
func sumOfLanes(_ x: V) -> Float {
    let eight = sumOfBlocks(x)
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
}

/// The blocks of a vector added up.
@inline(__always)
func sumOfBlocks(_ x: V) -> SIMD8<Float> { lowBlock(x) + highBlock(x) }

/// The lanes turned by 2, 4 or 8, as far as the first half needs it.
@inline(__always)
func turned(_ x: V, _ count: Int) -> V {
    if count == 8 { return joined(highBlock(x), lowBlock(x)) }
    let low = lowBlock(x)
    if count == 4 {
        let block = Block(lowHalf: low.highHalf, highHalf: low.lowHalf)
        return joined(block, block)
    }
    let quarter = SIMD4(lowHalf: low.lowHalf.highHalf, highHalf: low.lowHalf.lowHalf)
    let block = Block(lowHalf: quarter, highHalf: quarter)
    return joined(block, block)
}
