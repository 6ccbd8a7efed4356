import CalorBase
import CalorTensor
import Testing

@testable import CalorGraph

@Suite struct TransformerTests {
    private static func input(_ s: TransformerSpec, _ tiles: (Int, Int)) -> [String: Tensor] {
        var random = TestRandom(5)
        return ["input": random.tensor([1, 3, tiles.0 * s.window, tiles.1 * s.window])]
    }

    private static func applied(_ plan: Plan, _ pass: String) -> Int { plan.applied.first { $0.pass == pass }?.nodes ?? 0 }

    @Test("Every spelling is recognised and equals the interpreter", arguments: TransformerSpec.all.indices)
    func spellings(_ index: Int) throws {
        let s = TransformerSpec.all[index]
        let plan = try LoweringTests.check(TransformerNet.make(s), Self.input(s, (2, 3)), "\(s)")
        let kernels = plan.kernels.map(\.name)
        #expect(Self.applied(plan, "fuse attention") == 1, "\(s): \(plan.applied)")
        #expect(kernels.contains { $0.contains("attention_f32") || $0.contains("attention") }, "\(s): \(kernels)")
        #expect(!kernels.contains { $0.hasPrefix("interpreter") }, "\(s): \(kernels)")
        // Nothing of the softmax, the bias, the mask or the activation is left by itself.
        #expect(
            !kernels.contains { $0.hasPrefix("softmax") || $0.hasPrefix("unary") || $0.hasPrefix("binary_multiply") },
            "\(s): \(kernels)")
        if s.spellsNorm { #expect(Self.applied(plan, "recognise LayerNorm") == 2, "\(s): \(plan.applied)") }
        if s.gelu != .op { #expect(Self.applied(plan, "recognise GELU") == 1, "\(s): \(plan.applied)") }
    }

    @Test("Chains of rows and threads do not change a bit", arguments: TransformerSpec.all.indices)
    func sameBits(_ index: Int) throws {
        let s = TransformerSpec.all[index]
        let graph = TransformerNet.make(s, tiles: (3, 3))
        let x = Self.input(s, (3, 3))
        var options = SessionOptions()
        let chained = try Session(graph: graph, options: options)
        options.chainsRows = false
        let alone = try Session(graph: graph, options: options)
        let wanted = try #require(try alone.run(x)["out0"]).array(of: UInt32.self)
        for threads in 1...3 {
            let pool = WorkerPool(threads: threads)
            for session in [chained, alone] {
                #expect(try session.run(x, pool: pool)["out0"]?.array(of: UInt32.self) == wanted, "\(s), \(threads) threads")
            }
        }
        if s.layout == .channelsLast {
            #expect(Self.applied(try chained.plan(for: x.mapValues(\.shape)), "chain rows") > 0, "\(s)")
        }
    }

    @Test("Values that others read as well are not fused away")
    func sharedPieces() throws {
        var b = NetBuilder(channels: 8)
        // The scores are an output too: attention stays in pieces.
        let tokens = b.reshaped(b.transposed(b.input, [0, 2, 3, 1]), [1, 1, 24, 8])
        let scores = b.op("MatMul", tokens, b.transposed(tokens, [0, 1, 3, 2]))
        let result = b.op("MatMul", b.op("Softmax", scores, attributes: ["axis": .int(-1)]), tokens)
        let graph = b.finished(result, scores)
        var random = TestRandom(6)
        let plan = try LoweringTests.check(graph, ["input": random.tensor([1, 8, 4, 6])], "scores as output")
        #expect(Self.applied(plan, "fuse attention") == 0)
    }

    /// The attention of diffusion networks over a whole picture: channels first, as products of matrices or sums of products.
    @Test("Attention over planes", arguments: [false, true], [1, 3])
    func planes(_ isEinsum: Bool, _ heads: Int) throws {
        var b = NetBuilder(channels: 8)
        let (c, n) = (24, 35)
        let d = c / heads
        let x = b.conv(b.input, 8, c)
        let factor = 1 / Float(d).squareRoot().squareRoot()
        var y: ValueID
        if isEinsum {
            let parts = b.many(
                "Split", [b.reshaped(b.conv(x, c, 3 * c, k: 1), [heads, 3 * d, n]), b.ints(Int64(d), Int64(d), Int64(d))],
                outputs: 3, ["axis": .int(1)])
            let q = b.op("Mul", parts[0], b.number(factor))
            let k = b.op("Mul", parts[1], b.number(factor))
            let scores = b.op("Einsum", q, k, attributes: ["equation": .string("bct,bcs->bts")])
            let weights = b.op("Softmax", scores, attributes: ["axis": .int(-1)])
            y = b.op("Einsum", weights, parts[2], attributes: ["equation": .string("bts, bcs -> bct")])
        } else {
            let qkv = (0..<3).map { _ in
                let y = b.conv(x, c, c, k: 1); return b.reshaped(y, [heads, d, n])
            }
            let scores = b.op("MatMul", b.transposed(b.op("Mul", qkv[0], b.number(factor)), [0, 2, 1]), qkv[1])
            let weights = b.op("Softmax", b.op("Mul", scores, b.number(factor)), attributes: ["axis": .int(2)])
            y = b.op("MatMul", qkv[2], b.transposed(weights, [0, 2, 1]))
        }
        y = b.op("Add", x, b.conv(b.reshaped(y, [1, c, 5, 7]), c, c, k: 1))
        let graph = b.finished(y)
        var random = TestRandom(9)
        let plan = try LoweringTests.check(graph, ["input": random.tensor([1, 8, 5, 7])], "heads \(heads)")
        #expect(Self.applied(plan, "fuse attention") == 1, "\(plan.applied)")
        #expect(!plan.kernels.contains { $0.name.hasPrefix("scale") || $0.name.hasPrefix("interpreter") }, "\(plan.kernels)")
    }

    @Test(
        "Sums of products equal the interpreter",
        arguments: [
            ("ij,jk->ik", [3, 4], [4, 5]), ("bij,bkj->bki", [2, 3, 4], [2, 5, 4]),
            ("bhqd,bkhd->bqhk", [2, 3, 4, 5], [2, 6, 3, 5]),
            ("abc,cda->bd", [2, 3, 4], [4, 5, 2]), ("ab,bc->ac", [1, 7], [7, 1]), ("ij,jk->k", [3, 4], [4, 5]),
            ("ij,ij->i", [3, 4], [3, 4]), ("i,ij->j", [3], [3, 5]),
        ])
    func sumsOfProducts(_ equation: String, _ left: [Int], _ right: [Int]) throws {
        var b = NetBuilder(channels: 1)
        let tensors = [left, right].map { b.random.tensor(Shape($0)) }
        // Inputs of the run, so that nothing is folded.
        let values = tensors.indices.map { b.graph.makeValue(named: "x\($0)") }
        b.graph.inputs = zip(values, tensors).map { value, tensor in
            ValueInfo(
                name: b.graph.valueNames[value] ?? "", value: value, dtype: .f32, dims: tensor.shape.dims.map { .fixed($0) })
        }
        let y = b.op("Einsum", values[0], values[1], attributes: ["equation": .string(equation)])
        let graph = b.finished(y)
        _ = try LoweringTests.check(graph, ["x0": tensors[0], "x1": tensors[1]], equation)
    }

    @Test("A factor and an addend of the run go into the normalisation", arguments: [false, true])
    func modulation(_ isOperator: Bool) throws {
        var b = NetBuilder(channels: 8)
        b.graph.opset = 21
        let x = b.conv(b.input, 8, 16)
        let vector = b.conv(b.op("GlobalAveragePool", x), 16, 32, k: 1)
        let parts = b.many("Split", [vector, b.ints(16, 16)], outputs: 2, ["axis": .int(1)])
        var y: ValueID
        if isOperator {
            y = b.op(
                "GroupNormalization", x, b.constant(b.random.tensor([16])), b.constant(b.random.tensor([16])),
                attributes: ["num_groups": .int(4)])
        } else {
            let ones = b.floats([4], [1, 1, 1, 1])
            y = b.op("InstanceNormalization", b.op("Reshape", x, b.ints(0, 4, -1)), ones, b.floats([4], [0, 0, 0, 0]))
            y = b.op("Reshape", y, b.op("Shape", x))
            y = b.op("Add", b.op("Mul", y, b.constant(b.random.tensor([16, 1, 1]))), b.constant(b.random.tensor([16, 1, 1])))
        }
        y = b.op("Add", b.op("Mul", y, b.op("Add", parts[0], b.number(1))), parts[1])
        y = b.op("Mul", y, b.op("Sigmoid", y))
        let graph = b.finished(b.conv(y, 16, 3))
        var random = TestRandom(8)
        let plan = try LoweringTests.check(graph, ["input": random.tensor([1, 8, 12, 10])], "modulation")
        #expect(Self.applied(plan, "fuse modulation") == 2, "\(plan.applied)")
        #expect(plan.kernels.contains { $0.name == "groupnorm_silu_nchw8c_f32" }, "\(plan.kernels)")
        #expect(!plan.kernels.contains { $0.name.hasPrefix("unary") || $0.name.contains("channels") }, "\(plan.kernels)")
    }

    @Test("ONNX's own operator, both ranks", arguments: [3, 4])
    func attentionOperator(_ rank: Int) throws {
        var b = NetBuilder(channels: 16)
        b.graph.opset = 23
        let tokens = b.reshaped(b.transposed(b.input, [0, 2, 3, 1]), [2, 12, 16])
        var qkv = (0..<3).map { _ in b.linear(tokens, 16, 16) }
        if rank == 4 { qkv = qkv.map { b.transposed(b.reshaped($0, [2, 12, 4, 4]), [0, 2, 1, 3]) } }
        let mask = b.constant(b.random.tensor([12, 12]))
        let attributes: [String: Attribute] =
            rank == 3 ? ["q_num_heads": .int(4), "kv_num_heads": .int(4)] : ["scale": .float(0.3)]
        let y = b.op("Attention", qkv[0], qkv[1], qkv[2], mask, attributes: attributes)
        let graph = b.finished(y)
        var random = TestRandom(7)
        let plan = try LoweringTests.check(graph, ["input": random.tensor([1, 16, 4, 6])], "rank \(rank)")
        #expect(plan.kernels.contains { $0.name.contains("attention") }, "\(plan.kernels)")
    }

    @Test("Rearrangements in any order equal the interpreter", arguments: 0..<40)
    func movement(_ seed: Int) throws {
        var dice = TestRandom(UInt64(seed) + 900)
        var b = NetBuilder(channels: 8, seed: UInt64(seed))
        var (x, dims) = (seed % 2 == 0 ? b.conv(b.input, 8, 8) : b.input, [1, 8, 6, 4])
        for _ in 0..<7 {
            switch Int.random(in: 0..<6, using: &dice) {
            case 0:
                let order = Array(dims.indices).shuffled(using: &dice)
                x = b.transposed(x, order)
                dims = order.map { dims[$0] }
            case 1:
                // Factors of all extents, put together anew.
                var factors: [Int] = []
                var rest = dims.reduce(1, *)
                while rest > 1, factors.count < 4 {
                    let factor = [2, 3, 4, 8].filter { rest % $0 == 0 }.randomElement(using: &dice) ?? rest
                    factors.append(factor)
                    rest /= factor
                }
                factors.append(rest)
                dims = factors
                x = b.reshaped(x, dims)
            case 2, 3:
                guard let axis = dims.indices.filter({ dims[$0] > 1 }).randomElement(using: &dice) else { continue }
                let cut = Int.random(in: 1..<dims[axis], using: &dice)
                x = b.rolled(x, axis, by: cut, of: dims[axis])
            case 4:
                guard let axis = dims.indices.filter({ dims[$0] > 3 }).randomElement(using: &dice) else { continue }
                let start = Int.random(in: 0..<dims[axis] - 2, using: &dice)
                let end = Int.random(in: start + 1...dims[axis], using: &dice)
                x = b.sliced(x, axis, start, end)
                dims[axis] = end - start
            default: x = b.op("Relu", x)
            }
        }
        let graph = b.finished(x)
        var random = TestRandom(UInt64(seed) + 3)
        _ = try LoweringTests.check(graph, ["input": random.tensor([1, 8, 6, 4])], "seed \(seed): \(graph.nodes.map(\.op))")
    }
}
