import CalorBase

/// Where the nearest consistent picture leaves the format's range: looks for one inside it.
extension DataConsistency {
    /// Only pictures with burnt-out areas come here; most need fewer than ten.
    private static let maximumRounds = 80
    /// Counts.
    private var goal: Double { max(slack, 0.25) + 0.05 }

    /// Returns the rounds it took.
    ///
    /// *Source*: alternating projections on the range and on the consistent pictures are a projected gradient method for the distance to
    /// the latter, whose gradient −A⁺ r has Lipschitz constant 1; accelerated after A. Beck and M. Teboulle (FISTA), 2009, with the
    /// restart of B. O'Donoghue and E. Candès, 2015.
    func correct(_ values: inout [Float], low: [Float], pool: WorkerPool?) -> Int {
        let top = format.fullScale
        let whole = DataConsistency(reduction: reduction, format: format, slack: max(slack, 0.25))
        var ahead = values
        var momentum = 1.0
        var best = (values: values, size: DataConsistency.rms(residual(of: values, low: low, pool: pool).map(whole.shrunk)))
        for round in 1...Self.maximumRounds {
            let residual = self.residual(of: ahead, low: low, pool: pool).map(whole.shrunk)
            var next = ahead
            reduction.lift(residual, onto: &next, pool: pool)
            clamp(&next)
            var turn = 0.0
            for i in next.indices { turn += Double(ahead[i] - next[i]) * Double(next[i] - values[i]) }
            // A step against the momentum: start again from here without it.
            let grown = turn > 0 ? 1 : (1 + (1 + 4 * momentum * momentum).squareRoot()) / 2
            let share = turn > 0 ? 0 : Float((momentum - 1) / grown)
            for i in next.indices { ahead[i] = min(max(next[i] + share * (next[i] - values[i]), 0), top) }
            values = next
            momentum = grown
            guard round % 4 == 0 else { continue }
            let left = self.residual(of: values, low: low, pool: pool)
            let size = DataConsistency.rms(left.map(whole.shrunk))
            if size < best.size { best = (values, size) }
            if (left.map(abs).max() ?? 0) <= goal { return round }
        }
        values = best.values
        return Self.maximumRounds
    }
}
