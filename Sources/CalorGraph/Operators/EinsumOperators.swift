import CalorTensor

/// Sums of products over named axes.
enum EinsumOperators {
    static let all: [Operator] = [
        Operator(
            "Einsum", 1...64, "a sum of products over named axes",
            infer: { call throws(GraphFault) in
                let plan = try EinsumPlan(call)
                return [ValueType(try call.dtype(0), plan.shape)]
            },
            evaluate: { call throws(GraphFault) in
                let plan = try EinsumPlan(call)
                let tensors = try call.allTensors()
                let dtype = try call.dtype(0)
                try call.checkWork(plan.shape.dims + plan.summed + [tensors.count])
                try call.require(tensors.allSatisfy { $0.dtype == dtype }, "the inputs differ in type")
                return [try dtype.visitWide(Products(plan: plan, tensors: tensors.map { $0.widened() })).narrowed(to: dtype)]
            })
    ]

    private struct Products: WideVisitor {
        let plan: EinsumPlan
        let tensors: [Tensor]

        func visit<N: WideNumber>(_: N.Type) throws(GraphFault) -> Tensor {
            let values = tensors.map { $0.array(of: N.self) }
            return Tensor.filled(N.dtype, plan.shape, N.self) { out in
                var outer = Odometer(plan.shape.dims, plan.outerStrides)
                for place in out.indices {
                    var inner = Odometer(plan.summed, plan.innerStrides)
                    var sum = N.zero
                    for _ in 0..<plan.summed.reduce(1, *) {
                        var product = N.one
                        for k in values.indices { product = N.times(product, values[k][outer.offsets[k] + inner.offsets[k]]) }
                        sum = N.plus(sum, product)
                        inner.advance()
                    }
                    out[place] = sum
                    outer.advance()
                }
            }
        }
    }
}

/// An equation such as `bij,bjk->bik`, applied to shapes. An ellipsis stands for broadcast axes, named by numbers here.
struct EinsumPlan {
    let shape: Shape
    let summed: [Int]
    /// Strides of every input along the axes of the result, and along the summed axes.
    let outerStrides: [[Int]]
    let innerStrides: [[Int]]

    init(_ call: OperatorCall) throws(GraphFault) {
        guard let text = try call.string("equation") else { throw call.fault("the equation is missing") }
        let equation = text.filter { $0 != " " }
        try call.require(equation.count <= 1024, "the equation is too long")
        let sides = equation.split(separator: ">", omittingEmptySubsequences: false).map(String.init)
        let left = sides[0].hasSuffix("-") ? String(sides[0].dropLast()) : sides[0]
        let terms = left.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        try call.require(
            sides.count <= 2 && terms.count == call.types.count, "the equation \(text) does not fit \(call.types.count) inputs")

        var extents: [String: Int] = [:]
        var inputs: [[String]] = []
        var ellipsis = 0
        for (index, term) in terms.enumerated() {
            let shape = try call.shape(index)
            let labels = try Self.labels(call, term, rank: shape.rank)
            ellipsis = max(ellipsis, labels.filter { $0.hasPrefix(".") }.count)
            for (label, extent) in zip(labels, shape.dims) {
                let known = extents[label] ?? 1
                try call.require(known == extent || known == 1 || extent == 1, "axis \(label) has extents \(known) and \(extent)")
                extents[label] = max(known, extent)
                if extent == 0 { extents[label] = 0 }
            }
            inputs.append(labels)
        }
        var output: [String]
        if sides.count == 2 {
            let named = sides[1].replacingEllipsis()
            output = try Self.labels(call, sides[1], rank: named.count + (named.count < sides[1].count ? ellipsis : 0))
        } else {
            let letters = inputs.joined().filter { !$0.hasPrefix(".") }
            output =
                (0..<ellipsis).reversed().map { ".\($0)" }
                + Set(letters).filter { l in letters.filter { $0 == l }.count == 1 }.sorted()
        }
        try call.require(
            Set(output).count == output.count && output.allSatisfy { extents[$0] != nil },
            "the result of \(text) is not well formed")
        let rest = Set(inputs.joined()).subtracting(output).sorted()
        shape = try call.checked(output.map { extents[$0] ?? 1 }, .f64)
        summed = try call.checked(rest.map { extents[$0] ?? 1 }, .i8).dims
        var (outer, inner): ([[Int]], [[Int]]) = ([], [])
        for (index, labels) in inputs.enumerated() {
            let own = try call.shape(index)
            func strides(_ axes: [String]) -> [Int] {
                axes.map { axis in
                    labels.indices.filter { labels[$0] == axis && own.dims[$0] != 1 }.reduce(0) { $0 + own.strides[$1] }
                }
            }
            outer.append(strides(output))
            inner.append(strides(rest))
        }
        (outerStrides, innerStrides) = (outer, inner)
    }

    /// One label per axis; the axes of an ellipsis are counted from its end, so that they broadcast.
    private static func labels(_ call: OperatorCall, _ term: String, rank: Int) throws(GraphFault) -> [String] {
        let plain = term.replacingEllipsis()
        let hasEllipsis = plain.count < term.count
        let open = rank - plain.count
        try call.require(
            hasEllipsis ? open >= 0 && plain.count + 3 == term.count : open == 0, "the term \(term) does not fit \(rank) axes")
        try call.require(plain.allSatisfy { $0.isLetter && $0.isASCII }, "the term \(term) is not well formed")
        guard hasEllipsis else { return plain.map(String.init) }
        let before = term.prefix { $0 != "." }.map(String.init)
        return before + (0..<open).reversed().map { ".\($0)" } + plain.dropFirst(before.count).map(String.init)
    }
}

extension String {
    /// Without its dots.
    fileprivate func replacingEllipsis() -> String { filter { $0 != "." } }
}
