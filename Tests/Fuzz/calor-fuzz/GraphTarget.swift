import GraphGenerator

/// Random valid networks: the fast path against the interpreter, one thread against three.
enum GraphTarget: FuzzTarget {
    static let name = "graph"
    static let summary = "random valid networks: kernels against the interpreter"

    static func seeds() -> [[UInt8]] {
        (0..<200).map { seed in
            var choices = Choices(seed: UInt64(seed))
            return (0..<choices.number(8...200)).map { _ in choices.byte() }
        }
    }

    static func run(_ bytes: [UInt8]) {
        let network = NetworkGenerator(Choices(bytes: bytes))
        do {
            if let difference = try NetworkCheck.difference(network) { fatalError("\(difference)\n\(network.listing)") }
        } catch {
            fatalError("\(error)\n\(network.listing)")
        }
    }
}
