import CalorTensor

extension SpecialisedGraph {
    /// This graph with every sum of products of two operands as transpositions and one product of matrices, which have kernels.
    func withProducts() -> SpecialisedGraph {
        rewritten("turn sums of products into matrices") { node, result in
            guard let plan = ProductPlan(node, types) else { return false }
            plan.emit(node, into: &result)
            return true
        }
    }
}

/// Two operands whose axes are batches, rows, columns, or summed.
private struct ProductPlan {
    /// Orders of the axes of the operands: batches, then rows and summed ones, or summed ones and columns.
    private let left: [Int]
    private let right: [Int]
    private let leftShape: [Int]
    private let rightShape: [Int]
    /// The result of the product with all axes, and the order in which the equation wants them.
    private let full: [Int]
    private let order: [Int]

    init?(_ node: Node, _ types: [ValueID: ValueType]) {
        guard node.op == "Einsum", node.inputs.count == 2, case .string(let text)? = node.attributes["equation"],
            let a = node.inputs[0].flatMap({ types[$0] }), let b = node.inputs[1].flatMap({ types[$0] }), a.dtype == .f32,
            b.dtype == .f32
        else { return nil }
        let sides = text.filter { $0 != " " }.split(separator: "-", omittingEmptySubsequences: false)
        guard sides.count == 2, sides[1].first == ">" else { return nil }
        let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
        let result = Array(sides[1].dropFirst())
        guard terms.count == 2, terms[0].count == a.shape.rank, terms[1].count == b.shape.rank else { return nil }
        // An ellipsis or a diagonal is rare; the interpreter knows them.
        for term in terms + [result] {
            guard term.allSatisfy(\.isLetter), Set(term).count == term.count else { return nil }
        }
        var extents: [Character: Int] = [:]
        for (letter, extent) in Array(zip(terms[0], a.shape.dims)) + Array(zip(terms[1], b.shape.dims)) {
            if let known = extents[letter], known != extent { return nil }
            extents[letter] = extent
        }
        let (first, second, last) = (Set(terms[0]), Set(terms[1]), Set(result))
        let batches = terms[0].filter { second.contains($0) && last.contains($0) }
        let rows = terms[0].filter { !second.contains($0) && last.contains($0) }
        let columns = terms[1].filter { !first.contains($0) && last.contains($0) }
        let summed = terms[0].filter { second.contains($0) && !last.contains($0) }
        guard batches.count + rows.count + summed.count == terms[0].count, !summed.isEmpty,
            batches.count + columns.count + summed.count == terms[1].count,
            batches.count + rows.count + columns.count == result.count
        else { return nil }
        func size(_ letters: [Character]) -> Int { letters.reduce(1) { $0 * (extents[$1] ?? 1) } }
        func places(_ letters: [Character], _ term: [Character]) -> [Int] { letters.compactMap { term.firstIndex(of: $0) } }
        let leading = batches.map { extents[$0] ?? 1 }
        left = places(batches + rows + summed, terms[0])
        right = places(batches + summed + columns, terms[1])
        leftShape = leading + [size(rows), size(summed)]
        rightShape = leading + [size(summed), size(columns)]
        full = (batches + rows + columns).map { extents[$0] ?? 1 }
        order = places(result, batches + rows + columns)
        guard size(batches) * size(rows) * size(columns) * size(summed) > 0 else { return nil }
    }

    func emit(_ node: Node, into target: inout SpecialisedGraph) {
        guard let a = node.inputs[0], let b = node.inputs[1], let output = node.outputs[0] else { return }
        func value(_ dims: [Int]) -> ValueID { target.value(ValueType(.f32, Shape(dims))) }
        func add(_ op: String, _ inputs: [ValueID], _ output: ValueID, _ attributes: [String: Attribute] = [:]) {
            target.graph.nodes.append(Node(name: node.name, op: op, inputs: inputs, outputs: [output], attributes: attributes))
        }
        func dims(_ value: ValueID) -> [Int] { target.types[value]?.shape.dims ?? [] }
        func transposed(_ x: ValueID, _ order: [Int], to known: ValueID? = nil) -> ValueID {
            if known == nil, order == Array(order.indices) { return x }
            let from = dims(x)
            let y = known ?? value(order.map { from[$0] })
            add("Transpose", [x], y, ["perm": .ints(order.map { Int64($0) })])
            return y
        }
        func reshaped(_ x: ValueID, _ shape: [Int]) -> ValueID {
            if dims(x) == shape { return x }
            let extents = target.constant(Tensor([shape.count], shape.map { Int64($0) }))
            let y = value(shape)
            add("Reshape", [x, extents], y)
            return y
        }
        let x = reshaped(transposed(a, left), leftShape)
        let y = reshaped(transposed(b, right), rightShape)
        let dense = Array(leftShape.dropLast()) + [rightShape[rightShape.count - 1]]
        if dense == full, order == Array(order.indices) { return add("MatMul", [x, y], output) }
        let product = value(dense)
        add("MatMul", [x, y], product)
        _ = transposed(reshaped(product, full), order, to: output)
    }
}
