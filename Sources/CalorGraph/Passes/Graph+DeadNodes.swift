extension Graph {
    /// Removes nodes, outputs of nodes and constants that no output of the graph depends on. Returns the number of nodes removed.
    @discardableResult
    public mutating func removeDeadNodes() -> Int {
        var needed = Set(outputs.map(\.value))
        var kept: [Node] = []
        for var node in nodes.reversed() {
            guard node.outputs.contains(where: { $0.map(needed.contains) ?? false }) else { continue }
            // An output that nobody reads need not be computed; its place stays, because places have meaning.
            node.outputs = node.outputs.map { output in output.flatMap { needed.contains($0) ? $0 : nil } }
            needed.formUnion(node.inputs.compactMap { $0 })
            kept.append(node)
        }
        let removed = nodes.count - kept.count
        nodes = kept.reversed()
        constants = constants.filter { needed.contains($0.key) }
        return removed
    }
}
