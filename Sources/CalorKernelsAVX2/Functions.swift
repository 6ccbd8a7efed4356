// Polynomials for a vector of numbers at a time, fitted at Chebyshev nodes in f64 and rounded. The stated errors are those of the tests.

/// e^x. *Precision*: relative error 2e-7; 0 below −104, infinity above 88.73, NaN stays.
@inline(__always)
func exponential(_ x: V) -> V {
    let y = clipped(x, -104, 89)
    // Adding 1.5 · 2²³ rounds to an integer that stands in the low bits.
    let magic = V(repeating: 12_582_912)
    let shifted = fused(magic, y, V(repeating: 1.442_695_04))
    let n = shifted - magic
    // ln 2 in two parts, the first short enough that n times it is exact.
    let r = fused(fused(y, n, V(repeating: -0.693_145_75)), n, V(repeating: -1.428_606_8e-6))
    var q = fused(V(repeating: 0.008_363_181_7), r, V(repeating: 0.001_393_365_2))
    q = fused(V(repeating: 0.041_666_467), r, q)
    q = fused(V(repeating: 0.166_665_763), r, q)
    q = fused(V(repeating: 0.5), r, q)
    let p = fused(fused(V(repeating: 1), r, V(repeating: 1)), r * r, q)
    return scaled(p, n, shifted: shifted)
}

@inline(__always)
func magnitude(_ x: V) -> V {
    unsafeBitCast(unsafeBitCast(x, to: VU.self) & VU(repeating: 0x7fff_ffff), to: V.self)
}

/// `value`, which is not negative, with the sign of `x`.
@inline(__always)
func withSign(of x: V, _ value: V) -> V {
    let sign = unsafeBitCast(x, to: VU.self) & VU(repeating: 0x8000_0000)
    return unsafeBitCast(unsafeBitCast(value, to: VU.self) | sign, to: V.self)
}

/// The error function. *Precision*: relative error 4e-7; NaN stays.
@inline(__always)
func errorFunction(_ x: V) -> V {
    let a = magnitude(x)
    let s = x * x
    var p = fused(V(repeating: 0.005_189_312_2), s, fused(V(repeating: -0.000_801_885_5), s, V(repeating: 7.882_497_4e-5)))
    p = fused(V(repeating: -0.026_854_329), s, p)
    p = fused(V(repeating: 0.112_835_974), s, p)
    p = fused(V(repeating: -0.376_126_26), s, p)
    let small = x * fused(V(repeating: 1.128_379_1), s, p)
    // Beyond 1: 1 − e^−Q with a polynomial for Q = −ln(erfc x); erf(4) is 1 in f32.
    let t = a.replacing(with: V(repeating: 4), where: a .> V(repeating: 4))
    var q = fused(V(repeating: -0.000_318_758_04), t, V(repeating: 1.337_443_6e-5))
    q = fused(V(repeating: 0.003_445_899_8), t, q)
    q = fused(V(repeating: -0.022_659_134), t, q)
    q = fused(V(repeating: 0.103_407_867), t, q)
    q = fused(V(repeating: 0.638_969_9), t, q)
    q = fused(V(repeating: 1.126_017_8), t, q)
    q = fused(V(repeating: 0.000_728_769), t, q)
    let large = withSign(of: x, V(repeating: 1) - exponential(-q))
    return small.replacing(with: large, where: a .> V(repeating: 1))
}

/// x · (1 + erf(x / √2)) / 2. *Precision*: error under 3e-7 of |x|, with erf as a quotient of polynomials; NaN stays.
@inline(__always)
func gelu(_ x: V) -> V {
    let y = x * V(repeating: 0.707_106_78)
    let t = clipped(y, -3.8, 3.8)
    let s = t * t
    var p = fused(V(repeating: -2.019_908_2e-6), s, V(repeating: 2.124_068_2e-8))
    p = fused(V(repeating: 0.000_140_624_67), s, p)
    p = fused(V(repeating: 0.003_531_889), s, p)
    p = fused(V(repeating: 0.049_965_743), s, p)
    p = fused(V(repeating: 0.195_144_82), s, p)
    p = fused(V(repeating: 1.128_378_9), s, p)
    var q = fused(V(repeating: 0.013_973_709), s, V(repeating: 0.000_924_276_6))
    q = fused(V(repeating: 0.113_051_12), s, q)
    q = fused(V(repeating: 0.506_272_7), s, q)
    q = fused(V(repeating: 1), s, q)
    let half = x * V(repeating: 0.5)
    return fused(half, half, t * p / q)
}

/// *Precision*: relative error 4e-7; NaN stays.
@inline(__always)
func hyperbolicTangent(_ x: V) -> V {
    let a = magnitude(x)
    let s = x * x
    var p = fused(V(repeating: 0.021_763_638), s, fused(V(repeating: -0.008_326_414), s, V(repeating: 0.002_272_716)))
    p = fused(V(repeating: -0.053_958_625), s, p)
    p = fused(V(repeating: 0.133_333_01), s, p)
    p = fused(V(repeating: -0.333_333_34), s, p)
    let small = fused(x, x * s, p)
    let one = V(repeating: 1)
    let large = withSign(of: x, one - V(repeating: 2) / (exponential(a + a) + one))
    return small.replacing(with: large, where: a .> V(repeating: 0.632))
}

/// 1 / (1 + e^−x). *Precision*: relative error 4e-7.
@inline(__always)
func sigmoid(_ x: V) -> V { V(repeating: 1) / (V(repeating: 1) + exponential(-x)) }

/// x / (1 + e^−x). *Precision*: relative error 4e-7.
@inline(__always)
func silu(_ x: V) -> V { x / (V(repeating: 1) + exponential(-x)) }

/// The tanh approximation of GELU.
@inline(__always)
func geluTanh(_ x: V) -> V {
    let inner = fused(V(repeating: 0.797_884_56), x * x, V(repeating: 0.035_677_408)) * x
    return x * V(repeating: 0.5) * (V(repeating: 1) + hyperbolicTangent(inner))
}

/// log(1 + e^x). *Precision*: relative error 5e-7 down to the smallest normal number.
@inline(__always)
func softplus(_ x: V) -> V {
    let e = exponential(-magnitude(x))
    var p = fused(V(repeating: 0.019_907_162), e, V(repeating: -0.003_256_378_5))
    p = fused(V(repeating: -0.057_064_2), e, p)
    p = fused(V(repeating: 0.106_142_648), e, p)
    p = fused(V(repeating: -0.153_118_625), e, p)
    p = fused(V(repeating: 0.196_781_173), e, p)
    p = fused(V(repeating: -0.249_545_59), e, p)
    p = fused(V(repeating: 0.333_300_05), e, p)
    p = fused(V(repeating: -0.499_999_05), e, p)
    p = fused(V(repeating: 1), e, p)
    return fused(x.replacing(with: V(), where: x .< V()), e, p)
}
