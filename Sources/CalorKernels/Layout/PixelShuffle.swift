import CalorTensor

/// Trades channels for pixels and back. Sizes are those of the small side: `height` × `width` with `channels · factor²` channels there,
/// `channels` on the large side. `rows` are rows of the small side. `smallPlane` and `largePlane` are pixels from one plane to the next,
/// where that is not `height · width` and `height · width · factor²`.
public enum PixelShuffle {
    private typealias Two = SIMD2<Float>
    private typealias Four = SIMD4<Float>

    @inline(__always)
    private static func smallChannel(_ channel: Int, _ dy: Int, _ dx: Int, _ factor: Int, _ channels: Int, _ order: ShuffleOrder)
        -> Int
    {
        order == .crd ? (channel * factor + dy) * factor + dx : (dy * factor + dx) * channels + channel
    }

    /// Blocked small side → NCHW large side.
    public static func toPlanes(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, channels: Int, height: Int, width: Int, factor: Int,
        order: ShuffleOrder = .crd, rows: Range<Int>? = nil, smallPlane: Int? = nil, largePlane: Int? = nil
    ) {
        let plane = largePlane ?? height * factor * width * factor
        if order == .crd, factor == 2 || factor == 4 {
            // The columns of a pixel are neighbouring lanes of one block: they move together.
            forEachLine(channels, height, width, factor, order, rows, smallPlane) { source, channel, y, dx in
                guard dx == 0 else { return }
                let from = UnsafeRawPointer(input + source)
                let to = UnsafeMutableRawPointer(output + channel * plane + y * width * factor)
                if factor == 4 {
                    for x in 0..<width {
                        to.storeBytes(
                            of: from.loadUnaligned(fromByteOffset: x * 32, as: Four.self), toByteOffset: x * 16, as: Four.self)
                    }
                } else {
                    for x in 0..<width {
                        to.storeBytes(
                            of: from.loadUnaligned(fromByteOffset: x * 32, as: Two.self), toByteOffset: x * 8, as: Two.self)
                    }
                }
            }
            return
        }
        forEachLine(channels, height, width, factor, order, rows, smallPlane) { source, channel, y, dx in
            let from = input + source
            let to = output + channel * plane + y * width * factor + dx
            for x in 0..<width { to[x * factor] = from[x * 8] }
        }
    }

    /// Blocked small side → blocked large side; padding lanes become zero.
    public static func toBlocked(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, channels: Int, height: Int, width: Int, factor: Int,
        order: ShuffleOrder = .crd, rows: Range<Int>? = nil, smallPlane: Int? = nil, largePlane: Int? = nil
    ) {
        let rows = rows ?? 0..<height
        let plane = (largePlane ?? height * factor * width * factor) * 8
        forEachLine(channels, height, width, factor, order, rows, smallPlane) { source, channel, y, dx in
            let from = input + source
            let to = output + (channel / 8) * plane + (y * width * factor + dx) * 8 + channel % 8
            for x in 0..<width { to[x * factor * 8] = from[x * 8] }
        }
        let line = width * factor
        BlockedLayout.clearPadding(
            output, channels: channels, pixels: plane / 8,
            range: rows.lowerBound * factor * line..<rows.upperBound * factor * line)
    }

    /// Blocked large side → blocked small side (space to depth); padding lanes become zero.
    public static func unshuffle(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, channels: Int, height: Int, width: Int, factor: Int,
        order: ShuffleOrder = .crd, rows: Range<Int>? = nil, smallPlane: Int? = nil, largePlane: Int? = nil
    ) {
        let rows = rows ?? 0..<height
        let plane = (largePlane ?? height * factor * width * factor) * 8
        forEachLine(channels, height, width, factor, order, rows, smallPlane) { small, channel, y, dx in
            let from = input + (channel / 8) * plane + (y * width * factor + dx) * 8 + channel % 8
            let to = output + small
            for x in 0..<width { to[x * 8] = from[x * factor * 8] }
        }
        BlockedLayout.clearPadding(
            output, channels: channels * factor * factor, pixels: smallPlane ?? height * width,
            range: rows.lowerBound * width..<rows.upperBound * width)
    }

    /// Calls `body` with the offset of a line on the small side, and its channel, row and column offset on the large side.
    @inline(__always)
    private static func forEachLine(
        _ channels: Int, _ height: Int, _ width: Int, _ factor: Int, _ order: ShuffleOrder, _ rows: Range<Int>?,
        _ smallPlane: Int?, _ body: (Int, Int, Int, Int) -> Void
    ) {
        let rows = rows ?? 0..<height
        let plane = smallPlane ?? height * width
        precondition(
            channels > 0 && width > 0 && factor > 0 && rows.lowerBound >= 0 && rows.upperBound <= height,
            "rows \(rows) of \(height)")
        for channel in 0..<channels {
            for row in rows {
                for dy in 0..<factor {
                    for dx in 0..<factor {
                        let small = smallChannel(channel, dy, dx, factor, channels, order)
                        body((small / 8) * plane * 8 + row * width * 8 + small % 8, channel, row * factor + dy, dx)
                    }
                }
            }
        }
    }
}
