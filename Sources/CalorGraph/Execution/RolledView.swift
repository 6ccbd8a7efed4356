import CalorTensor

/// A value whose axes start somewhere else and go round, as in shifted windows, perhaps rearranged afterwards; copied once, when a kernel
/// needs it in order.
struct RolledView: Sendable {
    /// What is rolled, where it lies.
    let source: StridedView
    /// Index i of the rolled axis is index `(i + shift) % extent` of the source.
    private(set) var shifts: [Int]
    /// The value itself, as a view of the rolled source in the order of its shape.
    private(set) var shown: StridedView

    init(_ source: StridedView) {
        self.source = source
        shifts = [Int](repeating: 0, count: source.axes.count)
        shown = StridedView(source.place, Shape(source.dims))
    }

    /// nil once the value is rearranged.
    func rolled(_ axis: Int, by shift: Int) -> RolledView? {
        guard shown == StridedView(source.place, Shape(source.dims)) else { return nil }
        var result = self
        result.shifts[axis] = (shifts[axis] + shift) % max(source.extent(axis), 1)
        return result
    }

    func reshaped(to dims: [Int]) -> RolledView? {
        guard let view = shown.reshaped(to: dims) else { return nil }
        var result = self
        result.shown = view
        return result
    }

    func permuted(_ order: [Int]) -> RolledView {
        var result = self
        result.shown = shown.permuted(order)
        return result
    }

    /// Offsets of every index of every source axis, in the source and in `target`, which has the shape of the value.
    func tables(to target: StridedView) -> [OffsetTable]? {
        guard let loops = CopyLoops(from: shown, to: target)?.loops else { return nil }
        let strides = Shape(source.dims).strides
        return source.axes.indices.map { axis in
            let extent = source.extent(axis)
            let from = (0..<extent).map { index -> Int in
                var (rest, offset) = ((index + shifts[axis]) % extent, 0)
                for part in source.axes[axis].reversed() {
                    offset += rest % part.extent * part.stride
                    rest /= part.extent
                }
                return offset
            }
            let to = (0..<extent).map { index in
                loops.reduce(0) { $0 + index * strides[axis] / max($1.from, 1) % $1.extent * $1.to }
            }
            return OffsetTable(from: from, to: to)
        }
    }
}

/// Where the indices of one axis are on both sides of a copy, in floats.
struct OffsetTable: Sendable {
    var from: [Int]
    var to: [Int]

    var count: Int { from.count }

    /// The length of the pieces that are contiguous on both sides; divides `count`.
    var run: Int {
        var length = 1
        while length < count, from[length] == from[0] + length, to[length] == to[0] + length { length += 1 }
        while length > 1 {
            let uniform =
                count % length == 0
                && (0..<count).allSatisfy { index in
                    let start = index - index % length
                    return from[index] == from[start] + index % length && to[index] == to[start] + index % length
                }
            if uniform { return length }
            length -= 1
        }
        return 1
    }
}

/// A copy by one table of offsets for each axis, split by the outer axes.
struct TableCopyStep: Step {
    let input: Place
    let output: Place
    private let outer: [OffsetTable]
    private let inner: OffsetTable
    private let run: Int

    var kernel: String { "gather_rolled_f32" }

    init(input: Place, output: Place, tables: [OffsetTable]) {
        self.input = input
        self.output = output
        var rest = tables.filter { $0.count > 1 }
        let runs = rest.map(\.run)
        if let best = runs.indices.max(by: { runs[$0] < runs[$1] }), runs[best] > 1 {
            let table = rest.remove(at: best)
            run = runs[best]
            let starts = stride(from: 0, to: table.count, by: runs[best])
            inner = OffsetTable(from: starts.map { table.from[$0] }, to: starts.map { table.to[$0] })
        } else {
            run = 1
            inner = rest.popLast() ?? OffsetTable(from: [0], to: [0])
        }
        outer = rest.sorted { ($0.to.max() ?? 0) > ($1.to.max() ?? 0) }
    }

    func run(_ state: RunState) {
        let groups = outer.reduce(1) { $0 * $1.count }
        state.split(groups) { _, range in
            let (from, to) = (state.read(input), state.write(output))
            for group in range {
                var (rest, x, y) = (group, from, to)
                for table in outer.reversed() {
                    let index = rest % table.count
                    rest /= table.count
                    x += table.from[index]
                    y += table.to[index]
                }
                copy(x, y)
            }
        }
    }

    private func copy(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
        for index in 0..<inner.count {
            let (source, target) = (UnsafeRawPointer(x + inner.from[index]), UnsafeMutableRawPointer(y + inner.to[index]))
            if run % 8 == 0 {
                var at = 0
                while at < run * 4 {
                    target.storeBytes(
                        of: source.loadUnaligned(fromByteOffset: at, as: SIMD8<Float>.self), toByteOffset: at,
                        as: SIMD8<Float>.self)
                    at += 32
                }
            } else {
                target.copyMemory(from: source, byteCount: run * 4)
            }
        }
    }
}
