import CCalorCPU
import CalorTensor

/// attention_f32: softmax(scale · Q · Kᵀ + terms) · V, a block of two vectors of queries at a time; the scores never leave the cache.
///
/// Queries are lanes: maxima and sums of the softmax go down the keys without a step across lanes, and keys and values are read as single
/// numbers, wherever their strides put them.
/// Goals, in order: the same bits however the items are split; speed. Scores sum over channels in order after the first term; each sum
/// of exponentials runs in four parts; results sum over keys in order and are divided at the end.
/// *Precision*: 2e-6 of the largest value for scores of ordinary size.
enum Attention {
    /// Queries of a block.
    static var width: Int { Tile.columns }

    static func scratchFloats(_ g: AttentionGeometry) -> Int { (g.depth &+ g.keys &+ g.valueDepth) &* width }

    static func run(_ job: AttentionJob) {
        let g = job.geometry
        let blocks = (g.queries &+ width &- 1) / width
        let scores = job.scratch + g.depth &* width
        let results = scores + g.keys &* width
        for item in job.firstItem..<job.endItem {
            let block = item % blocks
            let head = item / blocks % g.heads
            let batch = item / blocks / g.heads
            let (start, count) = (block &* width, min(width, g.queries &- block &* width))
            func at(_ s: AttentionStrides, _ token: Int) -> Int { batch &* s.batch &+ head &* s.head &+ token &* s.token }
            gather(job.query + at(job.queryStrides, start), job.queryStrides, count, g.depth, g.scale, job.scratch)
            func table(_ term: AttentionTerm) -> Source {
                let which = (batch &* g.heads &+ head) / term.each % term.count
                return term.numbers + (which &* blocks &+ block) &* g.keys &* width
            }
            let first = job.first.map(table)
            let second = job.second.map(table)
            let top = score(
                job.key + at(job.keyStrides, 0), job.keyStrides, Source(job.scratch), first, second, scores, g.keys, g.depth)
            let factor = exponentiate(scores, top.0, top.1, g.keys)
            let isDirect = job.outputStrides.token == 1 && count == width
            let output = job.output + at(job.outputStrides, start)
            weigh(
                job.value + at(job.valueStrides, 0), job.valueStrides, Source(scores), factor.0, factor.1,
                isDirect ? output : results, isDirect ? job.outputStrides.channel : width, g.keys, g.valueDepth)
            if !isDirect { scatter(Source(results), output, job.outputStrides, count, g.valueDepth) }
        }
    }

    // MARK: - Between the layouts

    /// Queries as rows of lanes, times the scale: `[channel][query]`, zeros beyond `count`.
    @inline(never)
    private static func gather(
        _ from: Source, _ strides: AttentionStrides, _ count: Int, _ depth: Int, _ scale: Float, _ to: Target
    ) {
        if strides.token == 1 && count == width {
            for channel in 0..<depth {
                let x = from + channel &* strides.channel
                store(load(x) * V(repeating: scale), to, channel &* width)
                store(load(x, lanes) * V(repeating: scale), to, channel &* width &+ lanes)
            }
            return
        }
        let whole = strides.channel == 1 ? (count / 8 &* 8, depth / 8 &* 8) : (0, 0)
        if count < width { clear(to, depth &* width) }
        var token = 0
        while token < whole.0 {
            var channel = 0
            while channel < whole.1 {
                calor_transpose8(
                    from + (token &* strides.token &+ channel), strides.token, to + (channel &* width &+ token), width, scale)
                channel &+= 8
            }
            token &+= 8
        }
        for channel in 0..<depth {
            let line = to + channel &* width
            let x = from + channel &* strides.channel
            for token in (channel < whole.1 ? whole.0 : 0)..<count { line[token] = x[token &* strides.token] * scale }
        }
    }

    /// The way back, without a scale.
    @inline(never)
    private static func scatter(_ from: Source, _ to: Target, _ strides: AttentionStrides, _ count: Int, _ depth: Int) {
        let whole = strides.channel == 1 ? (count / 8 &* 8, depth / 8 &* 8) : (0, 0)
        var token = 0
        while token < whole.0 {
            var channel = 0
            while channel < whole.1 {
                calor_transpose8(
                    from + (channel &* width &+ token), width, to + (token &* strides.token &+ channel), strides.token, 1)
                channel &+= 8
            }
            token &+= 8
        }
        for channel in 0..<depth {
            let line = from + channel &* width
            let y = to + channel &* strides.channel
            for token in (channel < whole.1 ? whole.0 : 0)..<count { y[token &* strides.token] = line[token] }
        }
    }

    // MARK: - Scores

    /// Scores `[key][query]` and the largest of each query.
    private static func score(
        _ key: Source, _ strides: AttentionStrides, _ query: Source, _ first: Source?, _ second: Source?, _ scores: Target,
        _ keys: Int, _ depth: Int
    ) -> (V, V) {
        var call = ScoreCall(
            key: key, strides: strides, query: query, first: first, second: second, scores: scores, depth: depth,
            low: V(repeating: -.infinity), high: V(repeating: -.infinity))
        var rest = keys
        while rest > 0 {
            let rows = Tile.rows(rest)
            switch rows {
            case 12: score12(&call)
            case 8: score8(&call)
            case 6: score6(&call)
            case 4: score4(&call)
            case 2: score2(&call)
            default: score1(&call)
            }
            call.key += rows &* strides.token
            call.scores += rows &* width
            call.first = call.first.map { $0 + rows &* width }
            call.second = call.second.map { $0 + rows &* width }
            rest &-= rows
        }
        return (call.low, call.high)
    }

    private struct ScoreCall {
        var key: Source
        let strides: AttentionStrides
        let query: Source
        var first: Source?
        var second: Source?
        var scores: Target
        let depth: Int
        var low: V
        var high: V

        @inline(__always)
        mutating func run(_ rows: Int) {
            var tile: Tile
            if let first {
                tile = Tile(rows) { (load(first, $0 &* width), load(first, $0 &* width &+ lanes)) }
            } else {
                tile = Tile(V(), V())
            }
            if strides.channel == 1 {
                tile.addProduct(rows, true, key, strides.token, 1, query, query + lanes, width, depth)
            } else {
                tile.addProduct(rows, true, key, strides.token, strides.channel, query, query + lanes, width, depth)
            }
            var (top, right) = (low, high)
            tile.forEach(rows) { row, a, b in
                let at = row &* width
                let x = second.map { a + load($0, at) } ?? a
                let y = second.map { b + load($0, at &+ lanes) } ?? b
                store(x, scores, at)
                store(y, scores, at &+ lanes)
                top = top.replacing(with: x, where: top .< x)
                right = right.replacing(with: y, where: right .< y)
            }
            (low, high) = (top, right)
        }
    }

    @inline(never) private static func score12(_ call: inout ScoreCall) { if lanes == 16 { call.run(12) } }
    @inline(never) private static func score8(_ call: inout ScoreCall) { if lanes == 16 { call.run(8) } }
    @inline(never) private static func score6(_ call: inout ScoreCall) { if lanes == 8 { call.run(6) } }
    @inline(never) private static func score4(_ call: inout ScoreCall) { call.run(4) }
    @inline(never) private static func score2(_ call: inout ScoreCall) { call.run(2) }
    @inline(never) private static func score1(_ call: inout ScoreCall) { call.run(1) }

    // MARK: - Softmax

    /// e^x for x ≤ 0. *Precision*: relative error 2e-7 down to −87, where it stays; NaN stays.
    @inline(__always)
    private static func decay(_ x: V) -> V {
        let y = x.replacing(with: V(repeating: -87), where: x .< V(repeating: -87))
        let magic = V(repeating: 12_582_912)
        let shifted = fused(magic, y, V(repeating: 1.442_695_04))
        let n = shifted - magic
        let r = fused(fused(y, n, V(repeating: -0.693_145_75)), n, V(repeating: -1.428_606_8e-6))
        var q = fused(V(repeating: 0.008_363_181_7), r, V(repeating: 0.001_393_365_2))
        q = fused(V(repeating: 0.041_666_467), r, q)
        q = fused(V(repeating: 0.166_665_763), r, q)
        q = fused(V(repeating: 0.5), r, q)
        let p = fused(fused(V(repeating: 1), r, V(repeating: 1)), r * r, q)
        // The low bits of `shifted` are n: they go to the exponent.
        return unsafeBitCast(unsafeBitCast(p, to: VI.self) &+ unsafeBitCast(shifted, to: VI.self) &<< VI(repeating: 23), to: V.self)
    }

    /// One vector of scores becomes e^(score − top).
    @inline(__always)
    private static func decayed(_ scores: Target, _ top: V) -> V {
        let y = decay(load(Source(scores)) - top)
        store(y, scores)
        return y
    }

    /// Scores become e^(score − top); returns one over their sums.
    @inline(never)
    private static func exponentiate(_ scores: Target, _ low: V, _ high: V, _ keys: Int) -> (V, V) {
        var (a, b, c, d) = (V(), V(), V(), V())
        var (e, f, g, h) = (V(), V(), V(), V())
        var key = 0
        while key &+ 4 <= keys {
            let at = scores + key &* width
            a += decayed(at, low)
            e += decayed(at + lanes, high)
            b += decayed(at + width, low)
            f += decayed(at + (width &+ lanes), high)
            c += decayed(at + 2 &* width, low)
            g += decayed(at + (2 &* width &+ lanes), high)
            d += decayed(at + 3 &* width, low)
            h += decayed(at + (3 &* width &+ lanes), high)
            key &+= 4
        }
        // The last keys go on in the first parts.
        while key < keys {
            let at = scores + key &* width
            a += decayed(at, low)
            e += decayed(at + lanes, high)
            key &+= 1
        }
        return (V(repeating: 1) / ((a + b) + (c + d)), V(repeating: 1) / ((e + f) + (g + h)))
    }

    // MARK: - Values

    private static func weigh(
        _ value: Source, _ strides: AttentionStrides, _ scores: Source, _ low: V, _ high: V, _ output: Target, _ stride: Int,
        _ keys: Int, _ depth: Int
    ) {
        var call = WeighCall(
            value: value, strides: strides, scores: scores, low: low, high: high, output: output, stride: stride, keys: keys)
        var rest = depth
        while rest > 0 {
            let rows = Tile.rows(rest)
            switch rows {
            case 12: weigh12(call)
            case 8: weigh8(call)
            case 6: weigh6(call)
            case 4: weigh4(call)
            case 2: weigh2(call)
            default: weigh1(call)
            }
            call.value += rows &* strides.channel
            call.output += rows &* stride
            rest &-= rows
        }
    }

    private struct WeighCall {
        var value: Source
        let strides: AttentionStrides
        let scores: Source
        let low: V
        let high: V
        var output: Target
        let stride: Int
        let keys: Int

        @inline(__always)
        func run(_ rows: Int) {
            var tile = Tile(V(), V())
            if strides.channel == 1 {
                tile.addProduct(rows, true, value, 1, strides.token, scores, scores + lanes, width, keys)
            } else {
                tile.addProduct(rows, true, value, strides.channel, strides.token, scores, scores + lanes, width, keys)
            }
            tile.forEach(rows) { row, a, b in
                store(a * low, output, row &* stride)
                store(b * high, output, row &* stride &+ lanes)
            }
        }
    }

    @inline(never) private static func weigh12(_ call: WeighCall) { if lanes == 16 { call.run(12) } }
    @inline(never) private static func weigh8(_ call: WeighCall) { if lanes == 16 { call.run(8) } }
    @inline(never) private static func weigh6(_ call: WeighCall) { if lanes == 8 { call.run(6) } }
    @inline(never) private static func weigh4(_ call: WeighCall) { call.run(4) }
    @inline(never) private static func weigh2(_ call: WeighCall) { call.run(2) }
    @inline(never) private static func weigh1(_ call: WeighCall) { call.run(1) }
}
