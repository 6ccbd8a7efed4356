import CalorTensor

/// Moves between `[C][H][W]` and `[ceil(C/8)][H][W][8]`, and along the channels of the blocked layout.
///
/// Every function works on whole planes of `pixels` pixels, or on the part `range` of them so that threads can share the work.
public enum BlockedLayout {
    /// Floats of a blocked activation.
    public static func count(channels: Int, pixels: Int) -> Int { (channels + 7) / 8 * 8 * pixels }

    /// NCHW → blocked; padding lanes become zero.
    public static func toBlocked(
        _ planes: UnsafePointer<Float>, _ blocked: UnsafeMutablePointer<Float>, channels: Int, pixels: Int, range: Range<Int>? = nil
    ) {
        let range = range ?? 0..<pixels
        precondition(channels > 0 && range.lowerBound >= 0 && range.upperBound <= pixels, "pixels \(range) of \(pixels)")
        for block in 0..<(channels + 7) / 8 {
            let to = blocked + block * pixels * 8
            let used = min(8, channels - block * 8)
            let from = planes + block * 8 * pixels
            if used == 8 {
                for pixel in range {
                    let at = to + pixel * 8
                    let source = from + pixel
                    var lanes = SIMD8<Float>()
                    lanes[0] = source[0]
                    lanes[1] = source[pixels]
                    lanes[2] = source[pixels * 2]
                    lanes[3] = source[pixels * 3]
                    lanes[4] = source[pixels * 4]
                    lanes[5] = source[pixels * 5]
                    lanes[6] = source[pixels * 6]
                    lanes[7] = source[pixels * 7]
                    UnsafeMutableRawPointer(at).storeBytes(of: lanes, as: SIMD8<Float>.self)
                }
            } else {
                for pixel in range {
                    let at = to + pixel * 8
                    for lane in 0..<used { at[lane] = from[lane * pixels + pixel] }
                    for lane in used..<8 { at[lane] = 0 }
                }
            }
        }
    }

    /// Blocked → NCHW.
    public static func toPlanes(
        _ blocked: UnsafePointer<Float>, _ planes: UnsafeMutablePointer<Float>, channels: Int, pixels: Int, range: Range<Int>? = nil
    ) {
        let range = range ?? 0..<pixels
        precondition(channels > 0 && range.lowerBound >= 0 && range.upperBound <= pixels, "pixels \(range) of \(pixels)")
        for channel in 0..<channels {
            let from = blocked + (channel / 8) * pixels * 8 + channel % 8
            let to = planes + channel * pixels
            for pixel in range { to[pixel] = from[pixel * 8] }
        }
    }

    /// Copies `count` channels from one blocked activation to another, from channel `first` on to channel `at` on.
    ///
    /// Where `at`, `first` and `count` are multiples of 8 this is a copy of memory. A copy that ends inside a block and reaches
    /// the last channel of the destination clears the padding lanes behind it.
    public static func copyChannels(
        _ source: UnsafePointer<Float>, first: Int, count: Int, _ destination: UnsafeMutablePointer<Float>, at: Int,
        destinationChannels: Int, pixels: Int, range: Range<Int>? = nil
    ) {
        let range = range ?? 0..<pixels
        precondition(
            first >= 0 && count > 0 && at >= 0 && at + count <= destinationChannels,
            "channels \(at)+\(count) of \(destinationChannels)")
        precondition(range.lowerBound >= 0 && range.upperBound <= pixels, "pixels \(range) of \(pixels)")
        let whole = first % 8 == 0 && at % 8 == 0 ? count / 8 : 0
        for block in 0..<whole {
            (destination + ((at / 8 + block) * pixels + range.lowerBound) * 8)
                .update(from: source + ((first / 8 + block) * pixels + range.lowerBound) * 8, count: range.count * 8)
        }
        for channel in whole * 8..<max(count, whole * 8) {
            let from = source + ((first + channel) / 8) * pixels * 8 + (first + channel) % 8
            let to = destination + ((at + channel) / 8) * pixels * 8 + (at + channel) % 8
            for pixel in range { to[pixel * 8] = from[pixel * 8] }
        }
        if at + count == destinationChannels {
            clearPadding(destination, channels: destinationChannels, pixels: pixels, range: range)
        }
    }

    /// Sets the padding lanes of the last block to zero.
    public static func clearPadding(_ blocked: UnsafeMutablePointer<Float>, channels: Int, pixels: Int, range: Range<Int>? = nil) {
        let used = channels % 8
        if used == 0 { return }
        let base = blocked + (channels / 8) * pixels * 8
        for pixel in range ?? 0..<pixels {
            for lane in used..<8 { base[pixel * 8 + lane] = 0 }
        }
    }
}
