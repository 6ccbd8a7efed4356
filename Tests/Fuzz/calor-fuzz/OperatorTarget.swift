import GraphGenerator

/// One operator with absurd inputs and attributes.
enum OperatorTarget: FuzzTarget {
    static let name = "operator"
    static let summary = "one operator with absurd inputs and attributes: a fault or tensors, never a trap"

    static func seeds() -> [[UInt8]] {
        (0..<500).map { seed in
            var choices = Choices(seed: UInt64(seed))
            return (0..<choices.number(20...120)).map { _ in choices.byte() }
        }
    }

    static func run(_ bytes: [UInt8]) {
        let sample = OperatorGenerator(Choices(bytes: bytes))
        _ = try? OperatorCheck.run(sample.graph, inputs: sample.inputs)
    }
}
