/// The two passes of a separable resampling; sums run over the taps in order.
enum Resampling {
    @inline(never)
    static func weightedRows(_ rows: UnsafePointer<Source>, _ weights: Source, _ taps: Int, _ output: Target, _ count: Int) {
        var i = 0
        while i &+ 8 <= count {
            var sum = load(rows[0], i) * V(repeating: weights[0])
            var t = 1
            while t < taps {
                sum = fused(sum, load(rows[t], i), V(repeating: weights[t]))
                t &+= 1
            }
            store(sum, output, i)
            i &+= 8
        }
        if i < count {
            let rest = count &- i
            var sum = partial(rows[0] + i, rest) * V(repeating: weights[0])
            var t = 1
            while t < taps {
                sum = fused(sum, partial(rows[t] + i, rest), V(repeating: weights[t]))
                t &+= 1
            }
            for lane in 0..<rest { output[i &+ lane] = sum[lane] }
        }
    }

    @inline(never)
    static func gatherLanes(
        _ row: Source, _ indices: UnsafePointer<Int32>, _ weights: Source, _ taps: Int, _ output: Target, _ count: Int
    ) {
        for i in 0..<count {
            let (index, weight) = (indices + i &* taps, weights + i &* taps)
            var sum = load(row, Int(index[0]) &* 8) * V(repeating: weight[0])
            var t = 1
            while t < taps {
                sum = fused(sum, load(row, Int(index[t]) &* 8), V(repeating: weight[t]))
                t &+= 1
            }
            store(sum, output, i &* 8)
        }
    }
}
