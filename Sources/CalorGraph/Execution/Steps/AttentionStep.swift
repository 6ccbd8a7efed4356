import CalorKernels
import CalorTensor

/// softmax(scale · Q · Kᵀ + terms) · V, split by blocks of queries, or by batches when those are rows of a chain.
struct AttentionStep: Step {
    struct Operand: Sendable {
        var place: Place
        var strides: AttentionStrides
    }

    let geometry: AttentionGeometry
    let query: Operand
    let key: Operand
    let value: Operand
    let output: Operand
    let terms: [PreparedAttentionTerm]

    var kernel: String { "attention_f32" }
    var scratchBytes: Int { (AttentionProduct.scratchBytes(geometry) + 63) / 64 * 64 }

    func run(_ state: RunState) {
        state.split(AttentionProduct.items(geometry)) { part, items in
            run(items, RowMemory(state: state, part: part, first: 0, offsets: [:], reserved: 0))
        }
    }

    fileprivate func run(_ items: Range<Int>, _ memory: RowMemory) {
        AttentionProduct.run(
            geometry, query: AttentionOperand(memory.read(query.place, query.strides.token), query.strides),
            key: AttentionOperand(memory.read(key.place, key.strides.token), key.strides),
            value: AttentionOperand(memory.read(value.place, value.strides.token), value.strides),
            output: AttentionOperand(memory.write(output.place, output.strides.token), output.strides), terms: terms, items: items,
            scratch: memory.scratch)
    }

    /// This step over rows of tokens, when every batch is a run of them.
    var overRows: AttentionRowStep? {
        let operands = [(query, geometry.queries), (key, geometry.keys), (value, geometry.keys), (output, geometry.queries)]
        guard geometry.queries == geometry.keys, geometry.batches > 1,
            operands.allSatisfy({ $0.0.strides.batch == $0.1 * $0.0.strides.token && $0.0.strides.token > 1 })
        else { return nil }
        return AttentionRowStep(whole: self)
    }
}

/// Attention inside windows: a batch is a unit of rows.
struct AttentionRowStep: RowStep {
    let whole: AttentionStep

    var kernel: String { whole.kernel }
    var scratchBytes: Int { whole.scratchBytes }
    var rows: Int { whole.geometry.batches * whole.geometry.queries }
    var unit: Int { whole.geometry.queries }
    var operands: [RowOperand] {
        [whole.query, whole.key, whole.value].map { RowOperand(place: $0.place, stride: $0.strides.token) }
            + [RowOperand(place: whole.output.place, stride: whole.output.strides.token, isWritten: true)]
    }

    func run(_ rows: Range<Int>, _ memory: RowMemory) {
        let each = AttentionProduct.items(whole.geometry) / whole.geometry.batches
        whole.run(rows.lowerBound / unit * each..<rows.upperBound / unit * each, memory)
    }
}
