import CalorKernels
import CalorTensor

/// Operands of different shapes as loops over the result: a stride of zero repeats an operand.
struct BroadcastLoops: Sendable, Hashable {
    struct Loop: Sendable, Hashable {
        var extent: Int
        var left: Int
        var right: Int
    }

    /// All loops but the innermost, outermost first.
    let outer: [Loop]
    let inner: Loop

    /// nil when an operand does not broadcast to the result.
    init?(_ result: Shape, _ left: Shape, _ right: Shape) {
        func strides(_ shape: Shape) -> [Int]? {
            guard shape.rank <= result.rank else { return nil }
            let missing = result.rank - shape.rank
            var strides = [Int](repeating: 0, count: missing)
            for (axis, (extent, stride)) in zip(shape.dims, shape.strides).enumerated() {
                guard extent == 1 || extent == result[missing + axis] else { return nil }
                strides.append(extent == 1 ? 0 : stride)
            }
            return strides
        }
        guard let a = strides(left), let b = strides(right) else { return nil }
        var loops: [Loop] = []
        for axis in 0..<result.rank where result[axis] != 1 {
            let loop = Loop(extent: result[axis], left: a[axis], right: b[axis])
            if let last = loops.last, last.left == loop.left * loop.extent, last.right == loop.right * loop.extent {
                loops[loops.count - 1] = Loop(extent: last.extent * loop.extent, left: loop.left, right: loop.right)
            } else {
                loops.append(loop)
            }
        }
        inner = loops.popLast() ?? Loop(extent: 1, left: 1, right: 1)
        outer = loops
    }
}

/// A function of two numbers over operands of which one repeats along some axes, split by the outer loops.
struct BroadcastStep: Step {
    let operation: BinaryOperation
    let left: Place
    let right: Place
    let output: Place
    let loops: BroadcastLoops

    var kernel: String { "binary_\(operation.rawValue)_broadcast_f32" }

    func run(_ state: RunState) {
        let rows = loops.outer.reduce(1) { $0 * $1.extent }
        let count = loops.inner.extent
        state.split(rows) { _, range in
            for row in range {
                var (rest, a, b) = (row, state.read(left), state.read(right))
                for loop in loops.outer.reversed() {
                    let index = rest % loop.extent
                    rest /= loop.extent
                    a += index * loop.left
                    b += index * loop.right
                }
                let to = state.write(output) + row * count
                switch (loops.inner.left, loops.inner.right) {
                case (0, 0):
                    CalorKernels.Elementwise.binary(operation, a, b, to, count: 1)
                    for i in 1..<max(count, 1) { to[i] = to[0] }
                case (0, _): CalorKernels.Elementwise.binary(operation, b, scalar: a[0], scalarFirst: true, to, count: count)
                case (_, 0): CalorKernels.Elementwise.binary(operation, a, scalar: b[0], to, count: count)
                default: CalorKernels.Elementwise.binary(operation, a, b, to, count: count)
                }
            }
        }
    }
}
