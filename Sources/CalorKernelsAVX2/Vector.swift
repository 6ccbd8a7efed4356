import CCalorCPU

// Helpers of this target, all inlined into their callers: nothing generic and nothing inlinable leaves it, or wide instructions
// would end up in code that runs on every processor.

typealias V = SIMD8<Float>
typealias VI = SIMD8<Int32>
typealias VU = SIMD8<UInt32>
typealias Source = UnsafePointer<Float>
typealias Target = UnsafeMutablePointer<Float>

/// Numbers in a vector.
let lanes = 8

@inline(__always)
func load(_ pointer: Source, _ index: Int = 0) -> V {
    UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: index &* 4, as: V.self)
}

@inline(__always)
func store(_ value: V, _ pointer: Target, _ index: Int = 0) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, toByteOffset: index &* 4, as: V.self)
}

@inline(__always)
func broadcast(_ pointer: Source, _ index: Int = 0) -> V { V(repeating: pointer[index]) }

/// sum + a · b, rounded once.
@inline(__always)
func fused(_ sum: V, _ a: V, _ b: V) -> V { calor_f32x8_fma(a, b, sum) }

@inline(__always)
func clear(_ pointer: Target, _ count: Int) {
    let raw = UnsafeMutableRawPointer(pointer)
    var i = 0
    while i < count {
        raw.storeBytes(of: V(), toByteOffset: i &* 4, as: V.self)
        i &+= 8
    }
}

/// Copies `count` floats, a multiple of 8.
@inline(__always)
func copy(_ from: Source, _ to: Target, _ count: Int) {
    var i = 0
    while i < count {
        store(load(from, i), to, i)
        i &+= 8
    }
}

/// The eight numbers of a block, in every block of a vector.
@inline(__always)
func repeatedBlock(_ pointer: Source) -> V { load(pointer) }

@inline(__always)
func squareRootLanes(_ x: V) -> V { calor_f32x8_sqrt(x) }

@inline(__always)
func floorLanes(_ x: V) -> V { calor_f32x8_floor(x) }

@inline(__always)
func ceilingLanes(_ x: V) -> V { calor_f32x8_ceil(x) }

@inline(__always)
func roundedToEvenLanes(_ x: V) -> V { calor_f32x8_roundeven(x) }

/// NaN of either operand wins, as in the reference. In C, as are the next two: of Swift's comparisons in wide vectors the compiler
/// inlines only a few.
@inline(__always)
func greater(_ x: V, _ y: V) -> V { calor_f32x8_greater(x, y) }

@inline(__always)
func lesser(_ x: V, _ y: V) -> V { calor_f32x8_lesser(x, y) }

/// Not below `low` and not above `high`; NaN stays.
@inline(__always)
func clipped(_ x: V, _ low: Float, _ high: Float) -> V { calor_f32x8_clip(x, V(repeating: low), V(repeating: high)) }

/// x · 2ⁿ for whole n from −252 to 254; `shifted` is n + 1.5 · 2²³.
@inline(__always)
func scaled(_ x: V, _ n: V, shifted: V) -> V {
    // In two factors, so that neither overflows.
    let bits = unsafeBitCast(shifted, to: VI.self) &- VI(repeating: 0x4b40_0000)
    let half = bits &>> VI(repeating: 1)
    let one = VI(repeating: 127)
    let shift = VI(repeating: 23)
    let first = unsafeBitCast((half &+ one) &<< shift, to: V.self)
    let second = unsafeBitCast((bits &- half &+ one) &<< shift, to: V.self)
    return x * first * second
}

/// In every block of eight: the sums of the eight numbers of a, b, c and d, then four zeros.
@inline(__always)
func blockSums(_ a: V, _ b: V, _ c: V, _ d: V) -> V { calor_f32x8_sums(a, b, c, d) }

/// In every lane of a block: the sum of the block's numbers, added in halves.
@inline(__always)
func blockTotals(_ x: V) -> V { calor_f32x8_total(x) }

/// The blocks of a vector from places `stride` floats apart.
@inline(__always)
func spread(_ pointer: Source, _ stride: Int) -> V { load(pointer) }

/// The sum of all lanes, added in pairs.
@inline(__always)
func sumOfLanes(_ x: V) -> Float {
    let four = x.lowHalf + x.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
}

/// The blocks of a vector added up.
@inline(__always)
func sumOfBlocks(_ x: V) -> SIMD8<Float> { x }

/// The lanes turned by 2 or 4.
@inline(__always)
func turned(_ x: V, _ count: Int) -> V {
    if count == 4 { return V(lowHalf: x.highHalf, highHalf: x.lowHalf) }
    let low = SIMD4(lowHalf: x.lowHalf.highHalf, highHalf: x.lowHalf.lowHalf)
    return V(lowHalf: low, highHalf: low)
}
