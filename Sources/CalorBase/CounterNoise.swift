#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Goals, in order: the same number for the same place, whatever the tile, the thread or the order of calls; the published numbers
// of the generator; speed.

/// Random numbers that are looked up by place and not drawn in sequence.
///
/// The number of a pixel depends only on the seed, the image key, x, y and the channel. Four neighbours along a row share one call
/// of the generator (x / 4 is in the counter, x mod 4 picks the word), which nobody can see from outside.
///
/// *Precision*: uniform numbers use all 32 bits; normal ones come from the Box–Muller transform in double, rounded to float, so
/// their magnitude stays below 6.7.
/// *Source*: Philox4x32-10, J. Salmon and others, "Parallel random numbers: as easy as 1, 2, 3", 2011.
public struct CounterNoise: Sendable, Equatable {
    private let key: SIMD2<UInt32>

    /// - Parameter imageKey: what tells images apart, such as `CounterNoise.key(of:)` of a relative path; the same seed then gives
    ///   different noise for different images.
    public init(seed: UInt64, imageKey: UInt64 = 0) {
        let mixed = mix(mix(seed) &+ imageKey)
        key = SIMD2(UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32))
    }

    /// A key from a name. *Source*: FNV-1a, 64 bits, over the UTF-8 bytes.
    public static func key(of name: String) -> UInt64 {
        name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// 32 random bits for a pixel.
    public func bits(x: Int, y: Int, channel: Int = 0) -> UInt32 { block(x: x, y: y, channel: channel)[x & 3] }

    /// A number from 0 up to but not including 1.
    public func uniform(x: Int, y: Int, channel: Int = 0) -> Float { Float(bits(x: x, y: y, channel: channel) >> 8) * 0x1p-24 }

    /// A number of the standard normal distribution.
    public func normal(x: Int, y: Int, channel: Int = 0) -> Float {
        Self.normals(block(x: x, y: y, channel: channel))[x & 3]
    }

    /// Standard normal numbers for a run of pixels that begins at (`x`, `y`): the same as `normal` for each of them, but faster.
    public func fillNormals(_ row: UnsafeMutableBufferPointer<Float>, x: Int, y: Int, channel: Int = 0) {
        var i = 0
        while i < row.count {
            let four = Self.normals(block(x: x + i, y: y, channel: channel))
            var lane = (x + i) & 3
            while lane < 4, i < row.count {
                row[i] = four[lane]
                lane += 1
                i += 1
            }
        }
    }

    /// Numbers from 0 up to but not including 1 for a run of pixels: the same as `uniform` for each of them, but faster.
    public func fillUniform(_ row: UnsafeMutableBufferPointer<Float>, x: Int, y: Int, channel: Int = 0) {
        var i = 0
        while i < row.count {
            let four = block(x: x + i, y: y, channel: channel)
            var lane = (x + i) & 3
            while lane < 4, i < row.count {
                row[i] = Float(four[lane] >> 8) * 0x1p-24
                lane += 1
                i += 1
            }
        }
    }

    private func block(x: Int, y: Int, channel: Int) -> SIMD4<UInt32> {
        Self.philox(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: x >> 2), UInt32(truncatingIfNeeded: y), UInt32(truncatingIfNeeded: channel), 0),
            key: key)
    }

    /// Ten rounds of the generator.
    static func philox(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for round in 0..<10 {
            if round > 0 { k = k &+ SIMD2(0x9E37_79B9, 0xBB67_AE85) }
            let first = UInt64(c[0]) * 0xD251_1F53
            let second = UInt64(c[2]) * 0xCD9E_8D57
            c = SIMD4(
                UInt32(second >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: second),
                UInt32(first >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: first))
        }
        return c
    }

    private static func normals(_ bits: SIMD4<UInt32>) -> SIMD4<Float> {
        let (a, b) = pair(bits[0], bits[1])
        let (c, d) = pair(bits[2], bits[3])
        return SIMD4(a, b, c, d)
    }

    /// Two independent normal numbers from two words; half a unit is added so that the logarithm never sees zero.
    private static func pair(_ first: UInt32, _ second: UInt32) -> (Float, Float) {
        let radius = (-2 * log((Double(first) + 0.5) * 0x1p-32)).squareRoot()
        let angle = (Double(second) + 0.5) * 0x1p-31 * Double.pi
        return (Float(radius * cos(angle)), Float(radius * sin(angle)))
    }
}

/// Spreads the bits of a key. *Source*: the finaliser of SplitMix64.
private func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}
