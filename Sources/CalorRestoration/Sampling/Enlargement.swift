import CalorImage

extension SamplerDescription.Enlargement {
    /// The plane at a whole multiple of its size, without rounding.
    func enlarged(_ plane: [Float], from size: Size, to full: Size) -> [Float] {
        switch self {
        case .keys: Resampler(from: size, to: full, using: .bicubic).resample(plane, covering: Region(size), to: Region(full))
        case .keysEdge: Self.repeatingEdges(plane, size, full, a: -0.5)
        case .torch: Self.repeatingEdges(plane, size, full, a: -0.75)
        }
    }

    /// *Source*: PyTorch's `interpolate(mode="bicubic", align_corners=False)`, which takes a = −3/4: half-pixel centres, edges
    /// repeated.
    private static func repeatingEdges(_ plane: [Float], _ size: Size, _ full: Size, a: Double) -> [Float] {
        let columns = taps(size.width, full.width, a)
        let rows = taps(size.height, full.height, a)
        var wide = [Float](repeating: 0, count: full.width * size.height)
        for y in 0..<size.height {
            for (x, tap) in columns.enumerated() {
                var sum: Float = 0
                for k in 0..<4 { sum += tap.weights[k] * plane[y * size.width + tap.places[k]] }
                wide[y * full.width + x] = sum
            }
        }
        var result = [Float](repeating: 0, count: full.pixels)
        for (y, tap) in rows.enumerated() {
            for k in 0..<4 {
                let from = tap.places[k] * full.width
                for x in 0..<full.width { result[y * full.width + x] += tap.weights[k] * wide[from + x] }
            }
        }
        return result
    }

    private static func taps(_ source: Int, _ target: Int, _ a: Double) -> [(places: [Int], weights: SIMD4<Float>)] {
        (0..<target).map { i in
            let centre = (Double(i) + 0.5) * Double(source) / Double(target) - 0.5
            let first = Int(centre.rounded(.down))
            let t = centre - Double(first)
            let distances = [1 + t, t, 1 - t, 2 - t]
            var weights = SIMD4<Float>()
            for k in 0..<4 { weights[k] = Float(cubic(distances[k], a)) }
            return ((0..<4).map { min(max(first - 1 + $0, 0), source - 1) }, weights)
        }
    }

    private static func cubic(_ x: Double, _ a: Double) -> Double {
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }
}
