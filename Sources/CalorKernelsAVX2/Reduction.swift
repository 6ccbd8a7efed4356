import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reductions of rows. Sums run in four vectors of lanes over runs of 2048 numbers, the four and then the lanes are added in pairs, and the
/// runs in f64 in order.
enum Reduction {
    private static let run = 2048

    /// The sum of the distances from `centre`, or of their squares. No closure: wide vectors would be handed over in calls.
    @inline(__always)
    private static func sum(_ input: Source, _ count: Int, from centre: V, squared: Bool) -> Double {
        @inline(__always) func add(_ x: V, _ sum: inout V) {
            let distance = x - centre
            sum = squared ? fused(sum, distance, distance) : sum + distance
        }
        let whole = count &- count % lanes
        var total = 0.0
        var i = 0
        while i < whole {
            let end = min(i &+ run, whole)
            var (a, b, c, d) = (V(), V(), V(), V())
            while i &+ 4 &* lanes <= end {
                add(load(input, i), &a)
                add(load(input, i &+ lanes), &b)
                add(load(input, i &+ 2 &* lanes), &c)
                add(load(input, i &+ 3 &* lanes), &d)
                i &+= 4 &* lanes
            }
            while i < end {
                add(load(input, i), &a)
                i &+= lanes
            }
            total += Double(sumOfLanes((a + b) + (c + d)))
        }
        if i < count {
            var last = V()
            add(partial(input + i, count &- i), &last)
            for lane in 0..<count &- i { total += Double(last[lane]) }
        }
        return total
    }

    @inline(__always)
    private static func extreme(_ input: Source, _ count: Int, _ start: Float, _ better: (V, V) -> V) -> Float {
        var best = V(repeating: start)
        var other = best
        var i = 0
        while i &+ 2 &* lanes <= count {
            best = better(best, load(input, i))
            other = better(other, load(input, i &+ lanes))
            i &+= 2 &* lanes
        }
        best = better(best, other)
        if i &+ lanes <= count {
            best = better(best, load(input, i))
            i &+= lanes
        }
        if i < count {
            var last = V(repeating: start)
            for lane in 0..<count &- i { last[lane] = input[i &+ lane] }
            best = better(best, last)
        }
        // Halves against each other: the extreme of the lanes, and a NaN, do not depend on the order.
        best = better(best, turned(best, lanes / 2))
        best = better(best, turned(best, lanes / 4))
        if lanes == 16 { best = better(best, turned(best, 2)) }
        return better(V(repeating: best[0]), V(repeating: best[1]))[0]
    }

    @inline(never)
    static func row(_ operation: ReductionOperation, _ input: Source, _ count: Int) -> Float {
        switch operation {
        case .sum: Float(sum(input, count, from: V(), squared: false))
        case .mean: Float(sum(input, count, from: V(), squared: false) / Double(count))
        case .sumOfSquares: Float(sum(input, count, from: V(), squared: true))
        case .maximum: extreme(input, count, -.infinity, greater)
        case .minimum: extreme(input, count, .infinity, lesser)
        }
    }

    /// Sums and sums of squares of the distances from `centres` for each of eight channels.
    @inline(never)
    static func laneSums(_ input: Source, _ count: Int, _ centres: Source, _ sums: Target, _ squares: Target) {
        let centre = repeatedBlock(centres)
        let group = lanes / 8
        var (sumLow, sumHigh) = (SIMD4<Double>(), SIMD4<Double>())
        var (squareLow, squareHigh) = (SIMD4<Double>(), SIMD4<Double>())
        @inline(__always) func widen(_ v: SIMD8<Float>, _ low: inout SIMD4<Double>, _ high: inout SIMD4<Double>) {
            low += SIMD4(Double(v[0]), Double(v[1]), Double(v[2]), Double(v[3]))
            high += SIMD4(Double(v[4]), Double(v[5]), Double(v[6]), Double(v[7]))
        }
        let whole = count &- count % group
        var i = 0
        while i < whole {
            let end = min(i &+ run / 8, whole)
            var (s0, s1, s2, s3) = (V(), V(), V(), V())
            var (q0, q1, q2, q3) = (V(), V(), V(), V())
            @inline(__always) func add(_ at: Int, _ sum: inout V, _ square: inout V) {
                let distance = load(input, at &* 8) - centre
                sum += distance
                square = fused(square, distance, distance)
            }
            while i &+ 4 &* group <= end {
                add(i, &s0, &q0)
                add(i &+ group, &s1, &q1)
                add(i &+ 2 &* group, &s2, &q2)
                add(i &+ 3 &* group, &s3, &q3)
                i &+= 4 &* group
            }
            while i < end {
                add(i, &s0, &q0)
                i &+= group
            }
            widen(sumOfBlocks((s0 + s1) + (s2 + s3)), &sumLow, &sumHigh)
            widen(sumOfBlocks((q0 + q1) + (q2 + q3)), &squareLow, &squareHigh)
        }
        if i < count {
            let last = UnsafeRawPointer(input + i &* 8).loadUnaligned(as: SIMD8<Float>.self)
            let distance = last - UnsafeRawPointer(centres).loadUnaligned(as: SIMD8<Float>.self)
            widen(distance, &sumLow, &sumHigh)
            widen(distance * distance, &squareLow, &squareHigh)
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
        let whole = count &- count % lanes
        var total = 0.0
        var i = 0
        while i < whole {
            let end = min(i &+ run, whole)
            var part = V()
            while i < end {
                let shifted = load(input, i) - top
                let power = exponential(shifted)
                store(logarithms ? shifted : power, output, i)
                part += power
                i &+= lanes
            }
            total += Double(sumOfLanes(part))
        }
        if i < count {
            let shifted = partial(input + i, count &- i) - top
            let last = exponential(shifted)
            storePartial(logarithms ? shifted : last, output + i, count &- i)
            for lane in 0..<count &- i { total += Double(last[lane]) }
        }
        // As a difference or a product of all.
        let (factor, term) = logarithms ? (1, -Float(log(total))) : (1 / Float(total), 0)
        scale(output, count, V(repeating: factor), V(repeating: term))
    }

    @inline(__always)
    private static func scale(_ values: Target, _ count: Int, _ factor: V, _ term: V) {
        var i = 0
        while i &+ lanes <= count {
            store(fused(term, load(values, i), factor), values, i)
            i &+= lanes
        }
        if i < count { storePartial(fused(term, partial(values + i, count &- i), factor), values + i, count &- i) }
    }

    /// (x − mean) / √(variance + epsilon) · gamma + beta.
    @inline(never)
    static func normaliseRow(_ input: Source, _ output: Target, _ count: Int, _ gamma: Source?, _ beta: Source?, _ epsilon: Float) {
        let mean = V(repeating: row(.mean, input, count))
        let squares = sum(input, count, from: mean, squared: true)
        let factor = V(repeating: 1 / (Float(squares) / Float(count) + epsilon).squareRoot())
        let whole = count &- count % lanes
        var i = 0
        while i < whole {
            let y = (load(input, i) - mean) * factor
            let scaled = gamma.map { y * load($0, i) } ?? y
            store(beta.map { scaled + load($0, i) } ?? scaled, output, i)
            i &+= lanes
        }
        while i < count {
            let y = (input[i] - mean[0]) * factor[0]
            let scaled = gamma.map { y * $0[i] } ?? y
            output[i] = beta.map { scaled + $0[i] } ?? scaled
            i &+= 1
        }
    }
}
