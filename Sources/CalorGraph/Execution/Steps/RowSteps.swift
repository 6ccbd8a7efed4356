import CalorKernels
import CalorTensor

/// Normalisation over groups of channels, split by whole groups that fill whole blocks.
struct NormalisationStep: Step {
    let input: Place
    let output: Place
    let extent: BlockedExtent
    let groups: Int
    let gamma: FloatVector
    let beta: FloatVector
    let epsilon: Float
    let activation: Activation

    var kernel: String { "groupnorm_\(activation == .none ? "" : "\(activation.name)_")nchw8c_f32" }

    func run(_ state: RunState) {
        let perGroup = extent.channels / groups
        var alignment = 1
        while alignment * perGroup % 8 != 0 { alignment += 1 }
        state.split(groups, alignment: alignment) { _, range in
            let first = range.lowerBound * perGroup
            let at = first * extent.pixels
            Reductions.groupNorm(
                state.read(input) + at, state.write(output) + at, channels: range.count * perGroup, groups: range.count,
                pixels: extent.pixels, gamma: gamma.pointer + first, beta: beta.pointer + first, epsilon: epsilon,
                activation: activation)
        }
        if extent.isPadded, activation != .none {
            BlockedLayout.clearPadding(state.write(output), channels: extent.channels, pixels: extent.pixels)
        }
    }
}

/// Normalisation of every row.
struct LayerNormStep: Step {
    let input: Place
    let output: Place
    let rows: Int
    let columns: Int
    let gamma: FloatVector
    let beta: FloatVector
    let epsilon: Float

    var kernel: String { "layernorm_f32" }

    func run(_ state: RunState) {
        state.split(rows) { _, range in
            Reductions.layerNorm(
                state.read(input), state.write(output), rows: range, count: columns, gamma: gamma.pointer, beta: beta.pointer,
                epsilon: epsilon)
        }
    }
}

struct SoftmaxStep: Step {
    let input: Place
    let output: Place
    let rows: Int
    let columns: Int

    var kernel: String { "softmax_f32" }

    func run(_ state: RunState) {
        state.split(rows) { _, range in Reductions.softmax(state.read(input), state.write(output), rows: range, count: columns) }
    }
}

/// x · weights + bias, activation, residual; split by rows.
struct LinearStep: Step {
    let weights: PreparedMatrix
    let bias: FloatVector
    let rows: Int
    let activation: Activation
    let input: Place
    let output: Place
    let residual: Place?

    var kernel: String { "matmul_packed_f32" }

    func run(_ state: RunState) {
        let columns = weights.n
        state.split(rows, alignment: 6) { _, range in
            let to = state.write(output)
            CalorKernels.MatrixProduct.run(
                m: rows, a: state.read(input), lda: weights.k, b: weights, c: to, ldc: columns, bias: bias.pointer,
                activation: activation, rows: range)
            if let residual {
                let at = range.lowerBound * columns
                CalorKernels.Elementwise.binary(.add, to + at, state.read(residual) + at, to + at, count: range.count * columns)
            }
        }
    }
}

/// One product for each entry of the leading axes.
struct ProductStep: Step {
    let product: BatchedProduct
    let left: Place
    let right: Place
    let output: Place

    var kernel: String { product.transposedRight ? "matmul_transposed_f32" : "matmul_f32" }
    var scratchBytes: Int { (PreparedMatrix.packedCount(k: product.inner, n: product.columns) * 4 + 63) / 64 * 64 }

    func run(_ state: RunState) {
        let (m, n, k) = (product.rows, product.columns, product.inner)
        if product.batch >= state.threads {
            return state.split(product.batch) { part, range in
                CalorKernels.MatrixProduct.batch(
                    count: range.count, m: m, n: n, k: k, a: state.read(left) + range.lowerBound * m * k, strideA: m * k,
                    b: state.read(right) + range.lowerBound * k * n, strideB: k * n, transposedB: product.transposedRight,
                    c: state.write(output) + range.lowerBound * m * n, strideC: m * n,
                    scratch: state.scratch(part).assumingMemoryBound(to: Float.self))
            }
        }
        for entry in 0..<product.batch {
            // One packed operand serves all rows.
            let packed = state.scratch(0).assumingMemoryBound(to: Float.self)
            PreparedMatrix.pack(
                k: k, n: n, b: state.read(right) + entry * k * n, ldb: product.transposedRight ? k : n,
                transposed: product.transposedRight, into: packed)
            state.split(m, alignment: 6) { _, range in
                CalorKernels.MatrixProduct.run(
                    m: m, n: n, k: k, a: state.read(left) + entry * m * k, lda: k,
                    packed: UnsafePointer(state.scratch(0).assumingMemoryBound(to: Float.self)),
                    c: state.write(output) + entry * m * n, ldc: n, rows: range)
            }
        }
    }
}
