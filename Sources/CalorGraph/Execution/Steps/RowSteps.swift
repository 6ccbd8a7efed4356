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
    /// One number per channel each, which the run computes.
    let factor: Place?
    let addend: Place?
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
            let channels = range.count * perGroup
            // (norm · gamma + beta) · factor + addend, as one scale and one shift.
            withUnsafeTemporaryAllocation(of: Float.self, capacity: channels * 2) { memory in
                for channel in 0..<channels {
                    let times = factor.map { state.read($0)[first + channel] } ?? 1
                    let plus = addend.map { state.read($0)[first + channel] } ?? 0
                    memory[channel] = gamma.pointer[first + channel] * times
                    memory[channels + channel] = beta.pointer[first + channel] * times + plus
                }
                guard let base = memory.baseAddress else { return }
                Reductions.groupNorm(
                    state.read(input) + at, state.write(output) + at, channels: channels, groups: range.count,
                    pixels: extent.pixels, gamma: base, beta: base + channels, epsilon: epsilon, activation: activation)
            }
        }
        if extent.isPadded, activation != .none {
            BlockedLayout.clearPadding(state.write(output), channels: extent.channels, pixels: extent.pixels)
        }
    }
}

/// Normalisation of every row.
struct LayerNormStep: RowStep {
    let input: Place
    let output: Place
    let rows: Int
    let columns: Int
    let gamma: FloatVector
    let beta: FloatVector
    let epsilon: Float

    var kernel: String { "layernorm_f32" }
    var unit: Int { 1 }
    var operands: [RowOperand] {
        [RowOperand(place: input, stride: columns), RowOperand(place: output, stride: columns, isWritten: true)]
    }

    func run(_ range: Range<Int>, _ memory: RowMemory) {
        Reductions.layerNorm(
            memory.read(input, columns), memory.write(output, columns), rows: range, count: columns, gamma: gamma.pointer,
            beta: beta.pointer, epsilon: epsilon)
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

/// The mean of every row.
struct RowMeanStep: Step {
    let input: Place
    let output: Place
    let rows: Int
    let columns: Int

    var kernel: String { "rowmean_f32" }

    func run(_ state: RunState) {
        state.split(rows) { _, range in
            Reductions.rows(.mean, state.read(input), state.write(output), rows: range, count: columns)
        }
    }
}

/// x · weights + bias, activation, residual; split by rows.
struct LinearStep: RowStep {
    let weights: PreparedMatrix
    let bias: FloatVector
    let rows: Int
    let activation: Activation
    let input: Place
    /// Floats from one row of the input to the next.
    let inputStride: Int
    let output: Place
    let residual: Place?

    var kernel: String { "matmul_packed_f32" }

    var unit: Int { 1 }
    var operands: [RowOperand] {
        [RowOperand(place: input, stride: inputStride), RowOperand(place: output, stride: weights.n, isWritten: true)]
            + (residual.map { [RowOperand(place: $0, stride: weights.n)] } ?? [])
    }

    func run(_ state: RunState) {
        let memory = RowMemory(state: state, part: 0, first: 0, offsets: [:], reserved: 0)
        // A few rows have too few tiles to go round: their columns are split instead.
        if rows < 4 * state.threads, state.threads > 1 {
            return state.split(weights.n, alignment: 16) { _, columns in multiply(memory, 0..<rows, columns) }
        }
        state.split(rows, alignment: 12) { _, range in multiply(memory, range, 0..<weights.n) }
    }

    func run(_ range: Range<Int>, _ memory: RowMemory) { multiply(memory, range, 0..<weights.n) }

    private func multiply(_ memory: RowMemory, _ range: Range<Int>, _ columns: Range<Int>) {
        CalorKernels.MatrixProduct.run(
            m: rows, a: memory.read(input, inputStride), lda: inputStride, b: weights, c: memory.write(output, weights.n),
            ldc: weights.n, bias: bias.pointer, activation: activation, residual: residual.map { memory.read($0, weights.n) },
            rows: range, columns: columns)
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
