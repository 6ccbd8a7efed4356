import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reductions of rows. Sums run in eight lanes over runs of 2048 numbers; the runs are added lane by lane in f64, then the lanes in order.
enum Reduction {
    private static let run = 2048

    @inline(__always)
    private static func lanesOf(_ low: SIMD4<Double>, _ high: SIMD4<Double>) -> Double {
        ((low[0] + low[1]) + (low[2] + low[3])) + ((high[0] + high[1]) + (high[2] + high[3]))
    }

    @inline(__always)
    private static func widen(_ v: V, _ low: inout SIMD4<Double>, _ high: inout SIMD4<Double>) {
        low += SIMD4(Double(v[0]), Double(v[1]), Double(v[2]), Double(v[3]))
        high += SIMD4(Double(v[4]), Double(v[5]), Double(v[6]), Double(v[7]))
    }

    @inline(__always)
    private static func sum(_ input: Source, _ count: Int, _ body: (V) -> V) -> Double {
        var (low, high) = (SIMD4<Double>(), SIMD4<Double>())
        let whole = count &- count % 8
        var i = 0
        while i < whole {
            let end = min(i &+ run, whole)
            var part = V()
            while i < end {
                part += body(load(input, i))
                i &+= 8
            }
            widen(part, &low, &high)
        }
        var total = lanesOf(low, high)
        if i < count {
            let last = body(partial(input + i, count &- i))
            for lane in 0..<count &- i { total += Double(last[lane]) }
        }
        return total
    }

    @inline(__always)
    private static func extreme(_ input: Source, _ count: Int, _ start: Float, _ better: (V, V) -> V) -> Float {
        var best = V(repeating: start)
        var i = 0
        while i &+ 8 <= count {
            best = better(best, load(input, i))
            i &+= 8
        }
        if i < count {
            var last = V(repeating: start)
            for lane in 0..<count &- i { last[lane] = input[i &+ lane] }
            best = better(best, last)
        }
        // Halves against each other: the extreme of the lanes, and a NaN, do not depend on the order.
        best = better(best, V(lowHalf: best.highHalf, highHalf: best.lowHalf))
        let low = best.lowHalf
        let turned = SIMD4(lowHalf: low.highHalf, highHalf: low.lowHalf)
        best = better(best, V(lowHalf: turned, highHalf: turned))
        return better(V(repeating: best[0]), V(repeating: best[1]))[0]
    }

    @inline(never)
    static func row(_ operation: ReductionOperation, _ input: Source, _ count: Int) -> Float {
        switch operation {
        case .sum: Float(sum(input, count) { $0 })
        case .mean: Float(sum(input, count) { $0 } / Double(count))
        case .sumOfSquares: Float(sum(input, count) { $0 * $0 })
        case .maximum: extreme(input, count, -.infinity, greater)
        case .minimum: extreme(input, count, .infinity, lesser)
        }
    }

    /// Sums and sums of squares of the distances from `centres` for each of eight lanes.
    @inline(never)
    static func laneSums(_ input: Source, _ count: Int, _ centres: Source, _ sums: Target, _ squares: Target) {
        let centre = load(centres)
        var (sumLow, sumHigh) = (SIMD4<Double>(), SIMD4<Double>())
        var (squareLow, squareHigh) = (SIMD4<Double>(), SIMD4<Double>())
        var i = 0
        while i < count {
            let end = min(i &+ run / 8, count)
            var (sum, square) = (V(), V())
            while i < end {
                let distance = load(input, i &* 8) - centre
                sum += distance
                square = fused(square, distance, distance)
                i &+= 1
            }
            widen(sum, &sumLow, &sumHigh)
            widen(square, &squareLow, &squareHigh)
        }
        for lane in 0..<4 {
            sums[lane] = Float(sumLow[lane])
            sums[lane &+ 4] = Float(sumHigh[lane])
            squares[lane] = Float(squareLow[lane])
            squares[lane &+ 4] = Float(squareHigh[lane])
        }
    }

    @inline(never)
    static func softmaxRow(_ input: Source, _ output: Target, _ count: Int, _ logarithms: Bool) {
        let top = V(repeating: row(.maximum, input, count))
        if logarithms {
            laneFloats(.subtract, input, top, output, count, false)
            let total = sum(Source(output), count) { exponential($0) }
            laneFloats(.subtract, Source(output), V(repeating: Float(log(total))), output, count, false)
            return
        }
        let whole = count &- count % 8
        var (low, high) = (SIMD4<Double>(), SIMD4<Double>())
        var i = 0
        while i < whole {
            let end = min(i &+ run, whole)
            var part = V()
            while i < end {
                let power = exponential(load(input, i) - top)
                store(power, output, i)
                part += power
                i &+= 8
            }
            widen(part, &low, &high)
        }
        var total = lanesOf(low, high)
        if i < count {
            let last = exponential(partial(input + i, count &- i) - top)
            for lane in 0..<count &- i {
                output[i &+ lane] = last[lane]
                total += Double(last[lane])
            }
        }
        laneFloats(.multiply, Source(output), V(repeating: 1 / Float(total)), output, count, false)
    }

    /// (x − mean) / √(variance + epsilon) · gamma + beta.
    @inline(never)
    static func normaliseRow(_ input: Source, _ output: Target, _ count: Int, _ gamma: Source?, _ beta: Source?, _ epsilon: Float) {
        let mean = V(repeating: row(.mean, input, count))
        let squares = sum(input, count) { x in
            let distance = x - mean
            return distance * distance
        }
        let factor = V(repeating: 1 / (Float(squares) / Float(count) + epsilon).squareRoot())
        let whole = count &- count % 8
        var i = 0
        while i < whole {
            let y = (load(input, i) - mean) * factor
            let scaled = gamma.map { y * load($0, i) } ?? y
            store(beta.map { scaled + load($0, i) } ?? scaled, output, i)
            i &+= 8
        }
        while i < count {
            let y = (input[i] - mean[0]) * factor[0]
            let scaled = gamma.map { y * $0[i] } ?? y
            output[i] = beta.map { scaled + $0[i] } ?? scaled
            i &+= 1
        }
    }
}
