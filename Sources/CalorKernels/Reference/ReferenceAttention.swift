import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The oracle of attention: plain loops in f64; an item is one query.
enum ReferenceAttention {
    static func run(_ job: AttentionJob) {
        let g = job.geometry
        for item in job.firstItem..<job.endItem {
            let (query, flat) = (item % g.queries, item / g.queries)
            let (batch, head) = (flat / g.heads, flat % g.heads)
            func at(_ s: AttentionStrides, _ token: Int, _ channel: Int) -> Int {
                batch * s.batch + head * s.head + token * s.token + channel * s.channel
            }
            func table(_ term: AttentionTerm?, _ key: Int) -> Double {
                guard let term else { return 0 }
                return Double(term.numbers[(flat / term.each % term.count * g.queries + query) * g.keys + key])
            }
            let scores = (0..<g.keys).map { key in
                let sum = (0..<g.depth).reduce(0.0) {
                    $0 + Double(job.query[at(job.queryStrides, query, $1)]) * Double(job.key[at(job.keyStrides, key, $1)])
                }
                return sum * Double(g.scale) + table(job.first, key) + table(job.second, key)
            }
            let top = scores.reduce(-Double.infinity) { max($0, $1) }
            let powers = scores.map { exp($0 - top) }
            let total = powers.reduce(0, +)
            for channel in 0..<g.valueDepth {
                let sum = (0..<g.keys).reduce(0.0) { $0 + powers[$1] * Double(job.value[at(job.valueStrides, $1, channel)]) }
                job.output[at(job.outputStrides, query, channel)] = Float(sum / total)
            }
        }
    }
}
