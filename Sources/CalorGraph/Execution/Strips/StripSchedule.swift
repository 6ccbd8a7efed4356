import CalorTensor

// Goals, in order: no row is read before it is there, none is overwritten before it was read for the last time, none is computed twice;
// windows as small as that allows; turns of equal work.

/// In which turns the rows of a segment's steps are computed, and how many rows each value keeps.
///
/// In turn t the values that leave the segment are due up to a row that moves down evenly, and every step computes what its readers need
/// for that, rounded up to its alignment. What is due begins above the image and ends below it, so that the first turns do not have to
/// compute the halo of the whole chain at once, nor the last ones its rest: every turn does about the same.
struct StripSchedule: Sendable, Equatable {
    /// Rows of the step with the most arithmetic in a turn.
    let rowsPerTurn: Int
    let turns: Int
    /// Rows that are done after each turn: `[turn][step]`.
    private let ends: [[Int]]
    /// Rows that the window of a base holds; a base that is missing is whole.
    let windows: [Int: Int]

    /// The rows that a step computes in a turn.
    func rows(_ step: Int, in turn: Int) -> Range<Int> { (turn == 0 ? 0 : ends[turn - 1][step])..<ends[turn][step] }

    /// - Parameters:
    ///   - locals: bases that nothing outside the segment touches.
    ///   - height: rows that `rowsPerTurn` is a part of.
    /// - Returns: nil when a step writes over rows that an earlier one still needs.
    init?(_ contracts: [RowContract], locals: Set<Int>, height: Int, rowsPerTurn: Int) {
        let links = Links(contracts)
        let count = contracts.count
        self.rowsPerTurn = rowsPerTurn

        /// Rows that are due in every step when the leaving values are due up to `numerator` / `height` of their rows.
        func due(_ numerator: Int) -> [Int] {
            var due = [Int](repeating: -RowReach.far, count: count)
            for step in (0..<count).reversed() {
                let contract = contracts[step]
                if links.readers[step].isEmpty || !locals.contains(contract.write.place.base) {
                    due[step] = -((-numerator * contract.write.height).floorDivided(by: height))
                }
                for (reader, reach) in links.readers[step] {
                    let isAll = reach == .whole || due[reader] >= RowReach.far
                    due[step] = max(due[step], isAll ? RowReach.far : reach.end(due[reader]))
                }
                due[step] = due[step].raised(to: contract.alignment)
            }
            return due
        }

        // The halo of the whole chain, in rows of `height`; what is needed at once from the first turn on is no halo.
        var lag = 0
        for (step, rows) in due(0).enumerated() where rows < RowReach.far {
            let own = contracts[step].write.height
            lag = max(lag, -((-rows * height).floorDivided(by: own)))
        }
        lag = min(lag, height).raised(to: rowsPerTurn)
        let turns = (height + lag + rowsPerTurn - 1) / rowsPerTurn
        let ends = (0..<turns).map { turn in
            zip(due((turn + 1) * rowsPerTurn - lag), contracts).map { min(max($0, 0), $1.write.height) }
        }
        self.turns = turns
        self.ends = ends
        guard links.overwritesAreSafe(contracts, ends) else { return nil }
        windows = Self.windows(contracts, locals, ends)
    }

    // MARK: - Windows

    private static func windows(_ contracts: [RowContract], _ locals: Set<Int>, _ ends: [[Int]]) -> [Int: Int] {
        var heights: [Int: Int] = [:]
        var alignments: [Int: Int] = [:]
        for contract in contracts {
            let base = contract.write.place.base
            heights[base] = contract.write.height
            alignments[base] = leastCommonMultiple(alignments[base] ?? 1, contract.alignment)
            for read in contract.reads {
                alignments[read.planes.place.base] = leastCommonMultiple(
                    alignments[read.planes.place.base] ?? 1, read.alignment)
            }
        }
        let needed = rowsInUse(contracts, Array(heights.keys), ends)
        // A residual lies as its output does: both windows have the rows of the larger one.
        var groups = Groups()
        for contract in contracts {
            for read in contract.reads where read.isLaidOutLikeOutput {
                groups.join(read.planes.place.base, contract.write.place.base)
            }
        }
        var rows: [Int: Int] = [:]
        var units: [Int: Int] = [:]
        for base in Set(heights.keys).union(groups.members) {
            let root = groups.root(of: base)
            let own = locals.contains(base) ? needed[base] ?? 1 : RowReach.far
            rows[root] = max(rows[root] ?? 0, own)
            units[root] = leastCommonMultiple(units[root] ?? 1, alignments[base] ?? 1)
        }
        var windows: [Int: Int] = [:]
        for (base, height) in heights where locals.contains(base) {
            let root = groups.root(of: base)
            let held = (rows[root] ?? RowReach.far).raised(to: units[root] ?? 1)
            if held < height { windows[base] = held }
        }
        return windows
    }

    /// The most rows of each base that are there and still needed in any turn, those that the turn adds among them.
    private static func rowsInUse(_ contracts: [RowContract], _ bases: [Int], _ ends: [[Int]]) -> [Int: Int] {
        let places = Dictionary(uniqueKeysWithValues: bases.enumerated().map { ($0.element, $0.offset) })
        let writes = contracts.map { places[$0.write.place.base] ?? 0 }
        let reads = contracts.map { contract in
            contract.reads.compactMap { read in places[read.planes.place.base].map { (place: $0, reach: read.reach) } }
        }
        let last = ends[ends.count - 1]
        var most = [Int](repeating: 1, count: bases.count)
        var before = [Int](repeating: 0, count: contracts.count)
        for turn in ends {
            var newest = [Int](repeating: 0, count: bases.count)
            for step in contracts.indices { newest[writes[step]] = max(newest[writes[step]], turn[step]) }
            var oldest = newest
            for step in contracts.indices where before[step] < last[step] {
                for read in reads[step] { oldest[read.place] = min(oldest[read.place], max(0, read.reach.first(before[step]))) }
            }
            // What is written in this turn must have room even if nobody reads it.
            for step in contracts.indices where before[step] < turn[step] {
                oldest[writes[step]] = min(oldest[writes[step]], before[step])
            }
            for place in bases.indices { most[place] = max(most[place], newest[place] - oldest[place]) }
            before = turn
        }
        return places.mapValues { most[$0] }
    }
}

// MARK: - Who reads whom

/// The steps that read what a step writes.
private struct Links {
    /// By writer: the reading step and its reach.
    var readers: [[(step: Int, reach: RowReach)]]
    /// By writer: the steps up to it that read the channels before it writes them.
    var replaced: [[(step: Int, reach: RowReach)]]

    init(_ contracts: [RowContract]) {
        readers = contracts.map { _ in [] }
        replaced = contracts.map { _ in [] }
        var writers: [Int: [Int]] = [:]
        func overlaps(_ a: RowPlanes, _ b: RowPlanes) -> Bool {
            guard let x = a.channelsOfBase, let y = b.channelsOfBase else { return true }
            return x.overlaps(y)
        }
        for (step, contract) in contracts.enumerated() {
            for read in contract.reads {
                for writer in writers[read.planes.place.base] ?? [] where overlaps(contracts[writer].write, read.planes) {
                    readers[writer].append((step, read.reach))
                }
            }
            let base = contract.write.place.base
            for earlier in 0...step {
                for read in contracts[earlier].reads
                where read.planes.place.base == base && overlaps(read.planes, contract.write) {
                    replaced[step].append((earlier, read.reach))
                }
            }
            writers[base, default: []].append(step)
        }
    }

    /// Whether a step that writes over another's rows finds them read by all earlier steps.
    func overwritesAreSafe(_ contracts: [RowContract], _ ends: [[Int]]) -> Bool {
        let last = ends[ends.count - 1]
        for (writer, earlier) in replaced.enumerated() {
            for (reader, reach) in earlier {
                // The step itself reads each row just before it writes it.
                if reader == writer {
                    if reach != .same { return false }
                    continue
                }
                for turn in ends where turn[reader] < last[reader] && max(0, reach.first(turn[reader])) < turn[writer] {
                    return false
                }
            }
        }
        return true
    }
}

/// Bases whose windows are equal.
private struct Groups {
    private var parents: [Int: Int] = [:]

    var members: [Int] { Array(parents.keys) }

    func root(of base: Int) -> Int {
        var base = base
        while let next = parents[base], next != base { base = next }
        return base
    }

    mutating func join(_ a: Int, _ b: Int) {
        let (x, y) = (root(of: a), root(of: b))
        parents[a] = parents[a] ?? a
        parents[b] = parents[b] ?? b
        parents[x] = y
        parents[y] = parents[y] ?? y
    }
}

private func leastCommonMultiple(_ a: Int, _ b: Int) -> Int {
    var (x, y) = (a, b)
    while y != 0 { (x, y) = (y, x % y) }
    return a / x * b
}
