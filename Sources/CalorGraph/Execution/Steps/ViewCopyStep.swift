import CalorKernels
import CalorTensor

/// Copies a value from one order in memory to another, split by the outer loops.
struct ViewCopyStep: Step {
    let input: Place
    let output: Place
    /// All loops but the last two.
    private let outer: [CopyLoops.Loop]
    private let middle: CopyLoops.Loop
    private let inner: CopyLoops.Loop

    var kernel: String { inner.from == 1 && inner.to == 1 ? "gather_rows_f32" : "reorder_f32" }

    init(input: Place, output: Place, loops: CopyLoops) {
        self.input = input
        self.output = output
        var all = loops.loops
        // The loop along which the input is contiguous goes beside the one along which the output is: together they are tiles.
        if let last = all.last, last.from != 1, let index = all.firstIndex(where: { $0.from == 1 }) {
            let unit = all.remove(at: index)
            all.insert(unit, at: all.count - 1)
        }
        inner = all.removeLast()
        middle = all.popLast() ?? CopyLoops.Loop(extent: 1, from: 0, to: 0)
        outer = all
    }

    func run(_ state: RunState) {
        let groups = outer.reduce(1) { $0 * $1.extent }
        // Few outer rounds and many inner lines: the lines are what is split.
        if groups < state.threads * 2 {
            state.split(middle.extent, alignment: 8) { _, lines in
                for group in 0..<groups { copy(state, group, lines) }
            }
        } else {
            state.split(groups) { _, range in
                for group in range { copy(state, group, 0..<middle.extent) }
            }
        }
    }

    private func copy(_ state: RunState, _ group: Int, _ lines: Range<Int>) {
        var (rest, from, to) = (group, 0, 0)
        for loop in outer.reversed() {
            let index = rest % loop.extent
            rest /= loop.extent
            from += index * loop.from
            to += index * loop.to
        }
        StridedCopy.run(
            state.read(input) + from + lines.lowerBound * middle.from, state.write(output) + to + lines.lowerBound * middle.to,
            rows: lines.count, rowFrom: middle.from, rowTo: middle.to, count: inner.extent, from: inner.from, to: inner.to)
    }
}
