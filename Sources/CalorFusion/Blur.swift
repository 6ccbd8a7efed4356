import CalorImage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Goals, in order: one sum with a fixed order for every pixel; speed.

/// A Gaussian, first along rows, then along columns; beyond the border the edge is repeated.
struct Blur {
    private let weights: [Float]
    private let radius: Int

    /// *Precision*: cut at three deviations.
    init(deviation: Double) {
        radius = max(1, Int((3 * deviation).rounded(.up)))
        let raw = (-radius...radius).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let sum = raw.reduce(0, +)
        weights = raw.map { Float($0 / sum) }
    }

    func callAsFunction(_ values: [Float], _ size: Size) -> [Float] {
        let (width, height) = (size.width, size.height)
        guard width > 0, height > 0 else { return values }
        var rows = [Float](repeating: 0, count: values.count)
        var result = rows
        var padded = [Float](repeating: 0, count: width + 2 * radius)
        values.withUnsafeBufferPointer { values in
            rows.withUnsafeMutableBufferPointer { rows in
                padded.withUnsafeMutableBufferPointer { padded in
                    for y in 0..<height {
                        let start = y * width
                        for i in 0..<radius {
                            padded[i] = values[start]
                            padded[width + radius + i] = values[start + width - 1]
                        }
                        for x in 0..<width { padded[radius &+ x] = values[start &+ x] }
                        for tap in weights.indices {
                            let weight = weights[tap]
                            for x in 0..<width { rows[start &+ x] += weight * padded[x &+ tap] }
                        }
                    }
                }
            }
        }
        rows.withUnsafeBufferPointer { rows in
            result.withUnsafeMutableBufferPointer { result in
                for y in 0..<height {
                    let start = y * width
                    for tap in weights.indices {
                        let weight = weights[tap]
                        let from = min(max(y + tap - radius, 0), height - 1) * width
                        for x in 0..<width { result[start &+ x] += weight * rows[from &+ x] }
                    }
                }
            }
        }
        return result
    }
}
