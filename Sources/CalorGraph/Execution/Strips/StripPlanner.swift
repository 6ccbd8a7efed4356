import CalorTensor

/// When the steps of a plan run depth-first.
public enum StripChoice: Sendable, Hashable {
    /// When the intermediate values of the plain order do not fit in `StripPlanner.budgetBytes`.
    case automatic
    /// Always the plain order.
    case never
    /// Wherever steps work row by row, with so many rows in a turn; for tests and measurements.
    case always(rows: Int)
}

/// Finds the chains of steps that work row by row and cuts them into segments that run depth-first.
struct StripPlanner {
    /// Intermediate values of the plain order that still do well in the caches.
    static let budgetBytes = 24 << 20
    /// Bytes of windows that one segment may have, tried in turn; the cut with the smallest arena wins.
    static let windowLimits = [Int.max, 256 << 20, 128 << 20, 64 << 20, 32 << 20, 16 << 20, 8 << 20]

    struct Segment {
        var steps: Range<Int>
        var schedule: StripSchedule
    }

    let steps: [any Step]
    let flops: [Double]
    let bases: [PlaceBase]
    let threads: Int
    private let contracts: [RowContract?]

    init(steps: [any Step], flops: [Double], bases: [PlaceBase], threads: Int) {
        self.steps = steps
        self.flops = flops
        self.bases = bases
        self.threads = max(threads, 1)
        contracts = steps.map(\.contract)
    }

    /// The segments of a plan, in order; empty for the plain order.
    ///
    /// - Parameter plain: bytes of the arena in the plain order.
    func segments(_ choice: StripChoice, plain: Int) -> [Segment] {
        switch choice {
        case .never: return []
        case .always(let rows): return cut(windowBytes: .max, rows: rows)
        case .automatic:
            guard plain > Self.budgetBytes else { return [] }
            var best: (segments: [Segment], bytes: Int) = ([], plain)
            for limit in Self.windowLimits {
                let segments = cut(windowBytes: limit, rows: nil)
                let bytes = ArenaPlan(buffers(segments)).bytes
                if bytes < best.bytes { best = (segments, bytes) }
                // A tighter limit changes nothing when every segment was within it.
                if limit == .max, segments.allSatisfy({ windowBytes($0) <= Self.windowLimits[Self.windowLimits.count - 1] }) {
                    break
                }
            }
            return best.segments
        }
    }

    // MARK: - Segments

    private func cut(windowBytes limit: Int, rows: Int?) -> [Segment] {
        var segments: [Segment] = []
        var first = 0
        while first < steps.count {
            let end = endOfRun(first)
            guard end > first + 1 else {
                first = max(end, first + 1)
                continue
            }
            guard let segment = longest(first..<end, limit, rows) else {
                first += 1
                continue
            }
            if !segment.schedule.windows.isEmpty { segments.append(segment) }
            first = segment.steps.upperBound
        }
        return segments
    }

    /// One past the last step from `first` on that works row by row and sees every base as the others do.
    private func endOfRun(_ first: Int) -> Int {
        var seen: [Int: RowPlanes] = [:]
        var end = first
        while end < steps.count, let contract = contracts[end] {
            for planes in contract.reads.map(\.planes) + [contract.write] {
                guard planes.channelsOfBase != nil else { return end }
                if let known = seen[planes.place.base] {
                    if !known.isCutLike(planes) { return end }
                } else {
                    seen[planes.place.base] = planes
                }
            }
            end += 1
        }
        return end
    }

    /// The longest beginning of `run` (at least two steps) with a schedule whose windows fit the limit.
    private func longest(_ run: Range<Int>, _ limit: Int, _ rows: Int?) -> Segment? {
        func fitting(_ end: Int) -> Segment? {
            guard let segment = segment(run.lowerBound..<end, rows), windowBytes(segment) <= limit else { return nil }
            return segment
        }
        if let all = fitting(run.upperBound) { return all }
        // A longer segment has more windows: halve the interval between one that fits and one that does not.
        var (low, high) = (run.lowerBound + 2, run.upperBound)
        var best = fitting(low)
        while high - low > 1, best != nil {
            let middle = (low + high) / 2
            if let found = fitting(middle) { (best, low) = (found, middle) } else { high = middle }
        }
        return best
    }

    private func segment(_ range: Range<Int>, _ rows: Int?) -> Segment? {
        let contracts = range.compactMap { self.contracts[$0] }
        guard contracts.count == range.count else { return nil }
        let height = mainHeight(range)
        let rows = rows ?? rowsPerTurn(range, height)
        return StripSchedule(contracts, locals: locals(range), height: height, rowsPerTurn: max(1, min(rows, height)))
            .map { Segment(steps: range, schedule: $0) }
    }

    /// Arena bases that only the steps of `range` touch.
    private func locals(_ range: Range<Int>) -> Set<Int> {
        var found: Set<Int> = []
        for index in range {
            guard let base = contracts[index]?.write.place.base, case .arena(let buffer) = bases[base] else { continue }
            if buffer.first >= range.lowerBound, buffer.last < range.upperBound { found.insert(base) }
        }
        return found
    }

    /// The height at which most of the arithmetic happens.
    private func mainHeight(_ range: Range<Int>) -> Int {
        var work: [Int: Double] = [:]
        for index in range {
            if let height = contracts[index]?.write.height { work[height, default: 0] += flops[index] + 1 }
        }
        return work.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 1
    }

    /// Rows in a turn: tiles of four for every thread, and more where a turn of a step would otherwise be short (`flopsPerTurn`).
    private func rowsPerTurn(_ range: Range<Int>, _ height: Int) -> Int {
        let total = range.reduce(0) { $0 + flops[$1] }
        let perRow = total / Double(max(height * range.count, 1))
        let unit = 4 * threads
        let wanted = Int((Self.flopsPerTurn * Double(threads) / max(perRow, 1)).rounded(.up))
        return min(max(unit, wanted.raised(to: unit)), Self.maximumRows.raised(to: unit))
    }

    /// Arithmetic of one thread in one turn of a step, about half a millisecond of it: a turn of a few tiles would read the
    /// weights for little, and hand out work too often.
    static let flopsPerTurn = 4e8
    static let maximumRows = 64

    // MARK: - Memory

    func windowBytes(_ segment: Segment) -> Int {
        segment.schedule.windows.reduce(0) { $0 + bytes(of: $1.key, rows: $1.value, segment) }
    }

    /// Bytes of a window: those of the whole base, for fewer rows.
    private func bytes(of base: Int, rows: Int, _ segment: Segment) -> Int {
        guard case .arena(let buffer) = bases[base] else { return 0 }
        let height = segment.steps.lazy.compactMap { contracts[$0]?.write }.first { $0.place.base == base }?.height ?? 1
        return buffer.bytes / height * rows
    }

    /// The buffers of the arena, by base, when every segment is one step.
    func buffers(_ segments: [Segment]) -> [ArenaPlan.Buffer] {
        let order = order(segments)
        var buffers = bases.map { base in
            guard case .arena(var buffer) = base, buffer.last < order.count else {
                return ArenaPlan.Buffer(bytes: 0, first: 0, last: -1)
            }
            (buffer.first, buffer.last) = (order[buffer.first], order[buffer.last])
            return buffer
        }
        for segment in segments {
            for (base, rows) in segment.schedule.windows { buffers[base].bytes = bytes(of: base, rows: rows, segment) }
        }
        return buffers
    }

    /// Position of every step when every segment is one step.
    func order(_ segments: [Segment]) -> [Int] {
        var order: [Int] = []
        var (position, next) = (0, 0)
        for index in steps.indices {
            order.append(position)
            if next < segments.count, segments[next].steps.contains(index) {
                if index + 1 == segments[next].steps.upperBound { (position, next) = (position + 1, next + 1) }
            } else {
                position += 1
            }
        }
        return order
    }

    /// The steps of the plan, every segment one of them.
    func grouped(_ segments: [Segment]) -> [any Step] {
        var result: [any Step] = []
        var index = 0
        for segment in segments {
            result += steps[index..<segment.steps.lowerBound]
            result.append(
                StripStep(
                    steps: Array(steps[segment.steps]), contracts: segment.steps.compactMap { contracts[$0] },
                    schedule: segment.schedule))
            index = segment.steps.upperBound
        }
        return result + steps[index...]
    }
}
