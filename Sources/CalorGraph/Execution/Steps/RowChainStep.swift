import CalorTensor

/// A step whose output rows need only the same rows of its operands, or the rows of the same unit, such as the tokens of a window.
protocol RowStep: Step {
    var rows: Int { get }
    /// Rows that belong together; divides `rows`.
    var unit: Int { get }
    /// Everything that has rows: what is read and written.
    var operands: [RowOperand] { get }
    /// Computes whole units.
    func run(_ rows: Range<Int>, _ memory: RowMemory)
}

struct RowOperand: Sendable {
    var place: Place
    /// Floats from one row to the next.
    var stride: Int
    var isWritten = false
}

extension RowStep {
    func run(_ state: RunState) throws(GraphFault) {
        // Whole tiles of a product where rows are independent.
        state.split(rows, alignment: unit == 1 ? 12 : unit) { part, range in
            run(range, RowMemory(state: state, part: part, first: 0, offsets: [:], reserved: 0))
        }
    }
}

/// Where the rows of a step are: in the memory of the run, or in the scratch of the part that computes them.
struct RowMemory {
    let state: RunState
    let part: Int
    /// The first row that is in the scratch.
    let first: Int
    /// Bytes from the start of the scratch, by base, for values that only exist there.
    let offsets: [Int: Int]
    /// Bytes of the scratch that those values take.
    let reserved: Int

    /// Row r is at `r · stride`, though in the scratch only the rows at hand exist.
    func write(_ place: Place, _ stride: Int) -> UnsafeMutablePointer<Float> {
        guard let offset = offsets[place.base] else { return state.write(place) }
        let start = state.scratch(part) + offset + place.offset
        return (start - first * stride * 4).assumingMemoryBound(to: Float.self)
    }

    func read(_ place: Place, _ stride: Int) -> UnsafePointer<Float> { UnsafePointer(write(place, stride)) }

    /// What a step may use for itself.
    var scratch: UnsafeMutableRawPointer { state.scratch(part) + reserved }
}

/// Steps over the same rows, run one after the other on a few rows at a time: what one writes is in the cache when the next reads it, and
/// values that nothing else reads exist for these rows only.
///
/// Goals, in order: the bits of the steps run one by one; speed.
struct RowChainStep: Step {
    let steps: [any RowStep]
    let rows: Int
    let unit: Int
    let chunk: Int
    let offsets: [Int: Int]
    let bytes: Int

    /// A quarter of a second cache of 1 MiB.
    private static let cacheBytes = 256 << 10

    var kernel: String {
        var names: [String] = []
        for step in steps {
            let name = step.kernel.hasSuffix("_f32") ? String(step.kernel.dropLast(4)) : step.kernel
            if !names.contains(name) { names.append(name) }
        }
        return "rows_\(names.joined(separator: "+"))_f32"
    }

    var scratchBytes: Int { bytes + (steps.map(\.scratchBytes).max() ?? 0) }

    /// - Parameter own: bases that only these steps use, with the first and last position in `steps`.
    init(steps: [any RowStep], own: [Int: (stride: Int, first: Int, last: Int)]) {
        self.steps = steps
        rows = steps[0].rows
        unit = steps.reduce(1) { max($0, $1.unit) }
        let keys = own.keys.sorted()
        func plan(_ rows: Int) -> ArenaPlan {
            ArenaPlan(
                keys.map { key in
                    let value = own[key] ?? (0, 0, 0)
                    return ArenaPlan.Buffer(bytes: rows * value.stride * 4, first: value.first, last: value.last)
                })
        }
        // As many whole units as the cache has room for, in whole tiles of a product where rows are independent.
        let grain = unit == 1 ? 12 : unit
        let each = max(plan(grain).bytes, grain * 4)
        chunk = min(rows, max(1, min(Self.cacheBytes / each, 96 / grain)) * grain)
        let final = plan(chunk)
        offsets = Dictionary(uniqueKeysWithValues: zip(keys, final.offsets))
        bytes = (final.bytes + 63) / 64 * 64
    }

    func run(_ state: RunState) throws(GraphFault) {
        state.split(rows, alignment: unit == 1 ? 12 : unit) { part, range in
            var first = range.lowerBound
            while first < range.upperBound {
                let end = min(first + chunk, range.upperBound)
                let memory = RowMemory(state: state, part: part, first: first, offsets: offsets, reserved: bytes)
                for step in steps { step.run(first..<end, memory) }
                first = end
            }
        }
    }
}

/// Finds the chains in a list of steps.
struct RowChains {
    private(set) var steps: [any Step] = []
    /// The position of every old step in the new list.
    private(set) var positions: [Int] = []
    /// Names and kernels of the new steps come from this old step.
    private(set) var sources: [Range<Int>] = []
    /// Bases that now live in scratch.
    private(set) var scratch: Set<Int> = []

    init(_ old: [any Step], bases: [PlaceBase]) {
        var at = 0
        while at < old.count {
            var end = at + 1
            if let first = old[at] as? any RowStep {
                var chain: [any RowStep] = [first]
                while end < old.count, let next = old[end] as? any RowStep, Self.fits(next, chain) {
                    chain.append(next)
                    end += 1
                }
                if chain.count > 1 {
                    steps.append(RowChainStep(steps: chain, own: own(chain, at..<end, bases)))
                } else {
                    steps.append(old[at])
                }
            } else {
                steps.append(old[at])
            }
            for _ in at..<end { positions.append(steps.count - 1) }
            sources.append(at..<end)
            at = end
        }
    }

    /// Whether a step may follow: the same rows, units that nest, and one stride for everything that the chain writes.
    private static func fits(_ next: any RowStep, _ chain: [any RowStep]) -> Bool {
        guard let first = chain.first, next.rows == first.rows else { return false }
        let unit = chain.reduce(1) { max($0, $1.unit) }
        guard max(unit, next.unit) % min(unit, next.unit) == 0 else { return false }
        let known = chain.flatMap(\.operands)
        for operand in next.operands {
            for other in known where other.place.base == operand.place.base && (other.isWritten || operand.isWritten) {
                if other.stride != operand.stride { return false }
            }
        }
        return true
    }

    /// The bases of the arena that only this chain uses, whole rows of them.
    private mutating func own(_ chain: [any RowStep], _ range: Range<Int>, _ bases: [PlaceBase]) -> [Int: (
        stride: Int, first: Int, last: Int
    )] {
        var found: [Int: (stride: Int, first: Int, last: Int)] = [:]
        for (position, step) in chain.enumerated() {
            for operand in step.operands {
                let base = operand.place.base
                guard case .arena(let buffer) = bases[base], buffer.first >= range.lowerBound, buffer.last < range.upperBound,
                    buffer.bytes == step.rows * operand.stride * 4, operand.place.offset < operand.stride * 4
                else { continue }
                if let known = found[base] {
                    found[base] = (known.stride, known.first, position)
                } else if operand.isWritten {
                    found[base] = (operand.stride, position, position)
                }
            }
        }
        scratch.formUnion(found.keys)
        return found
    }
}
