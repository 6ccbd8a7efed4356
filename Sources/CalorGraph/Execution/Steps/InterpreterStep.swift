import CalorKernels
import CalorTensor

/// A node that has no kernel: its inputs become tensors, the interpreter runs it, its outputs are tensors of this run.
struct InterpreterStep: Step {
    /// Where an input comes from.
    enum Source: Sendable {
        case missing
        /// The tensor of a base, under this shape.
        case tensor(base: Int, shape: Shape?)
        /// Floats in memory.
        case memory(Place, Shape)
    }

    let node: Node
    let opset: Int
    let sources: [Source]
    /// Base of each output; nil for one that nobody asked for.
    let slots: [Int?]
    let expected: [ValueType?]

    var kernel: String { "interpreter_\(node.op)" }

    func run(_ state: RunState) throws(GraphFault) {
        var inputs: [Tensor?] = []
        for source in sources {
            switch source {
            case .missing: inputs.append(nil)
            case .tensor(let base, let shape):
                guard let tensor = state.tensors[base] else { throw .defect(reason: "\(node.name) reads a tensor that is gone") }
                inputs.append(shape.map { tensor.reshaped(to: $0) } ?? tensor)
            case .memory(let place, let shape):
                var tensor = Tensor(.f32, shape)
                tensor.withUnsafeMutableBytes {
                    $0.copyMemory(from: UnsafeRawBufferPointer(start: state.read(place), count: $0.count))
                }
                inputs.append(tensor)
            }
        }
        // 16-bit floats are converted by way of denormal numbers, and what the interpreter says must not depend on who asks.
        let mode = FloatMode.keepDenormals()
        defer { FloatMode.restore(mode) }
        let results = try Interpreter.evaluate(node: node, opset: opset, inputs: inputs)
        for (index, slot) in slots.enumerated() {
            guard let slot, let tensor = results[index] else { continue }
            if let type = expected[index], type != tensor.type {
                throw .defect(reason: "\(node.name) (\(node.op)) made \(tensor.type) where \(type) was inferred")
            }
            state.setSlot(slot, to: tensor)
        }
    }
}
