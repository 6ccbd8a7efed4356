import CalorImage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How strong edges of each direction are around every pixel, relative to all edges there: what an infrared and a visible picture of
/// one scene have in common.
///
/// Directions are taken modulo half a turn, so that an edge from cold to warm is the same as one from bright to dark, and each pixel
/// is divided by the strength of its edges, so that a weak edge of one picture answers a strong one of the other.
///
/// *Source*: the idea of channel features of oriented gradients, Y. Ye and others, "Fast and robust matching for multimodal remote
/// sensing image registration", 2019.
struct EdgeField: Sendable {
    static let directions = 8

    let size: Size
    /// One after the other: `directions` planes of `size`.
    let channels: [[Float]]

    /// - Parameters:
    ///   - smoothing: deviation of the Gaussian before gradients are taken, in pixels.
    ///   - pooling: of the one after it, which lets edges that are not quite in the same place find each other.
    ///   - floor: share of the mean strength below which an edge counts less than in full.
    init(_ values: [Float], _ size: Size, smoothing: Double = 1, pooling: Double = 2, floor: Float = 0.5) {
        self.size = size
        let (width, height) = (size.width, size.height)
        let smooth = Blur(deviation: smoothing)(values, size)
        var raw = [[Float]](repeating: [Float](repeating: 0, count: size.pixels), count: Self.directions)
        for y in 0..<height {
            let above = max(y - 1, 0) * width
            let below = min(y + 1, height - 1) * width
            for x in 0..<width {
                let i = y * width + x
                let dx = smooth[y * width + min(x + 1, width - 1)] - smooth[y * width + max(x - 1, 0)]
                let dy = smooth[below + x] - smooth[above + x]
                let strength = (dx * dx + dy * dy).squareRoot()
                guard strength > 0, strength.isFinite else { continue }
                var turn = atan2(dy, dx) / .pi
                if turn < 0 { turn += 1 }
                let place = turn * Float(Self.directions)
                let low = min(Int(place), Self.directions)
                let share = place - Float(low)
                raw[low % Self.directions][i] += strength * (1 - share)
                raw[(low + 1) % Self.directions][i] += strength * share
            }
        }
        let pool = Blur(deviation: pooling)
        for k in raw.indices { raw[k] = pool(raw[k], size) }
        var strength = [Float](repeating: 0, count: size.pixels)
        for k in raw.indices { for i in strength.indices { strength[i] += raw[k][i] * raw[k][i] } }
        var sum = 0.0
        for i in strength.indices {
            strength[i] = strength[i].squareRoot()
            sum += Double(strength[i])
        }
        let least = floor * Float(sum / Double(max(size.pixels, 1))) + .leastNormalMagnitude
        for k in raw.indices { for i in strength.indices { raw[k][i] /= strength[i] + least } }
        channels = raw
    }

    /// The directions as one complex number for each pixel, with twice the angle: opposite directions are one, crossed ones cancel.
    /// Its correlation with another field's is a single Fourier product.
    func doubledAngles() -> (real: [Float], imaginary: [Float]) {
        var real = [Float](repeating: 0, count: size.pixels)
        var imaginary = real
        for k in channels.indices {
            let angle = 2 * Float.pi * Float(k) / Float(Self.directions)
            let (c, s) = (cos(angle), sin(angle))
            for i in real.indices {
                real[i] += c * channels[k][i]
                imaginary[i] += s * channels[k][i]
            }
        }
        return (real, imaginary)
    }
}
