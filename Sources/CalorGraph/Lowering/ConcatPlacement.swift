import CalorTensor

/// Decides which values are written straight into the concatenation that reads them.
///
/// Blocks of eight channels are the outermost axis of the blocked layout, so channels that begin at a multiple of eight are one piece of
/// memory. A dense unit concatenates ever longer prefixes of one list: all of them are the beginning of one buffer.
struct ConcatPlacement: Sendable {
    struct Spot: Sendable, Hashable {
        var root: Int
        var channel: Int
    }

    /// Where a value lies, if not in a buffer of its own.
    private(set) var spots: [ValueID: Spot] = [:]
    /// Channels of every shared buffer.
    private(set) var channels: [Int] = []
    /// Operands that need no copy.
    private(set) var placed = 0

    init(_ nodes: [LoweredNode], types: [ValueID: ValueType]) {
        // Only operations that write a blocked value of their own can write it elsewhere.
        var writers: Set<ValueID> = []
        for node in nodes {
            if case .concat = node.kind { place(node, types, writers) }
            if node.kind.writesBlocked { writers.formUnion(node.outputs.compactMap { $0 }) }
        }
    }

    private mutating func place(_ node: LoweredNode, _ types: [ValueID: ValueType], _ writers: Set<ValueID>) {
        guard Self.isBlockedConcat(node, types), let output = node.outputs.first.flatMap({ $0 }) else { return }
        let sizes = node.inputs.map { types[$0]?.shape.dims[1] ?? 0 }
        var root = channels.count
        var origin = 0
        var matched = 0
        if let spot = spots[node.inputs[0]] {
            // How many operands follow each other where they already are.
            var end = spot.channel
            while matched < node.inputs.count, spots[node.inputs[matched]] == Spot(root: spot.root, channel: end) {
                end += sizes[matched]
                matched += 1
            }
            if matched == node.inputs.count || end == channels[spot.root] {
                (root, origin) = (spot.root, spot.channel)
            } else {
                matched = 0
            }
        }
        if root == channels.count { channels.append(0) }
        spots[output] = Spot(root: root, channel: origin)
        placed += matched
        var channel = origin
        for (index, input) in node.inputs.enumerated() {
            if index >= matched, spots[input] == nil, writers.contains(input) {
                spots[input] = Spot(root: root, channel: channel)
                placed += 1
            }
            channel += sizes[index]
        }
        channels[root] = max(channels[root], channel)
    }

    /// Along channels, every operand whole blocks.
    static func isBlockedConcat(_ node: LoweredNode, _ types: [ValueID: ValueType]) -> Bool {
        guard case .concat(axis: 1) = node.kind else { return false }
        return node.inputs.allSatisfy { input in
            guard let type = types[input] else { return false }
            return type.dtype == .f32 && type.shape.rank == 4 && type.shape[0] == 1 && type.shape[1] % 8 == 0
                && type.shape.count > 0
        }
    }
}
