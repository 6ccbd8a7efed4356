/// Looks for better noise at inference time: branches at the first draws, scores every leaf, keeps the best.
///
/// A full tree: at each of the first `depth` draws (that of the prior first) every node has `width` children; below that one. Branch 0 of
/// every node is the run without a search, which is therefore among the leaves. Nothing is drawn in sequence: the same seed gives
/// the same tree.
///
/// *Source*: after "Diffusion Tree Sampling", arXiv 2506.20701, with a score that needs no true picture.
public struct NoiseSearch: Sendable, Equatable {
    public var width: Int
    public var depth: Int
    /// Trees with more leaves than this are refused.
    public static let maximumLeaves = 256

    public init(width: Int, depth: Int) {
        self.width = width
        self.depth = depth
    }

    public var isOn: Bool { width > 1 && depth > 0 }

    /// width^depth; nil above the limit.
    func leaves(steps: Int) -> Int? {
        var leaves = 1
        for _ in 0..<min(depth, steps) {
            leaves *= width
            if leaves > Self.maximumLeaves { return nil }
        }
        return leaves
    }

    /// Passes of the network, for the planner.
    func passes(steps: Int) -> Int {
        var nodes = 1
        var passes = 0
        for level in 0..<steps {
            if level < depth { nodes *= width }
            passes += nodes
        }
        return passes
    }

    struct Outcome {
        var result: [Float]
        var steps: [GuidanceStep]
        var score: Double
        /// Of the run without a search.
        var firstScore: Double
        var leaves: Int
    }

    /// - Parameter score: greater is better.
    func run(
        _ sampler: ResidualShiftSampler, _ parts: ResidualShiftSampler.Parts, score: ([Float]) -> Double
    ) throws(RestorationFault) -> Outcome {
        var best: Outcome?
        var leaves = 0
        var first = 0.0
        func explore(_ state: [Float], _ t: Int, branch: Int, level: Int, steps: [GuidanceStep]) throws(RestorationFault) {
            let (estimate, taken) = try sampler.estimate(state, parts, t)
            guard t > 0 else {
                let value = score(estimate)
                if leaves == 0 { first = value }
                leaves += 1
                // Ties go to the earlier leaf, so that the order of branches decides and nothing else.
                if value > best?.score ?? -.infinity {
                    best = Outcome(result: estimate, steps: steps + taken, score: value, firstScore: 0, leaves: 0)
                }
                return
            }
            for child in 0..<(level < depth ? width : 1) {
                var next = state
                let number = level < depth ? branch * width + child : branch
                // Branch 0 of a node is its plain continuation; numbers tell the draws of different nodes apart.
                sampler.step(&next, estimate, parts, t, branch: child == 0 && branch == 0 ? 0 : number)
                try explore(next, t - 1, branch: number, level: level + 1, steps: steps + taken)
            }
        }
        for child in 0..<(depth > 0 ? width : 1) {
            try explore(sampler.start(parts, branch: child), sampler.schedule.steps - 1, branch: child, level: 1, steps: [])
        }
        guard var found = best else { throw .notFinite(model: "search", count: leaves) }
        found.firstScore = first
        found.leaves = leaves
        return found
    }
}
