/// The two passes of a separable resampling as plain loops.
enum ReferenceResampling {
    static func weightedRows(
        _ rows: UnsafePointer<UnsafePointer<Float>>, _ weights: UnsafePointer<Float>, _ taps: Int,
        _ output: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        for i in 0..<count {
            var sum: Float = 0
            for t in 0..<taps { sum += rows[t][i] * weights[t] }
            output[i] = sum
        }
    }

    static func gatherLanes(
        _ row: UnsafePointer<Float>, _ indices: UnsafePointer<Int32>, _ weights: UnsafePointer<Float>, _ taps: Int,
        _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        for i in 0..<count {
            for lane in 0..<8 {
                var sum: Float = 0
                for t in 0..<taps { sum += row[Int(indices[i * taps + t]) * 8 + lane] * weights[i * taps + t] }
                output[i * 8 + lane] = sum
            }
        }
    }
}
