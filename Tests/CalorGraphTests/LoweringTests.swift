import CalorBase
import CalorTensor
import Testing

@testable import CalorGraph

@Suite struct LoweringTests {
    /// Largest difference relative to the largest number of the reference.
    static func difference(_ a: Tensor, _ b: Tensor) -> Float {
        guard a.shape == b.shape else { return .infinity }
        let (x, y) = (a.floats, b.floats)
        let top = y.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
        return zip(x, y).reduce(Float(0)) { $1.0.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity } / top
    }

    static func check(_ graph: Graph, _ inputs: [String: Tensor], _ label: String, pool: WorkerPool? = nil) throws -> Plan {
        let want = try Interpreter.run(graph, inputs: inputs)
        let session = try Session(graph: graph)
        let got = try session.run(inputs, pool: pool)
        #expect(Set(got.keys) == Set(want.keys), "\(label)")
        for (name, tensor) in want {
            let found = try #require(got[name], "\(label) \(name)")
            let error = difference(found, tensor)
            // Winograd and fused sums round in another order; 1e-4 is the bar of the peers' comparison as well.
            #expect(error <= 1e-4, "\(label) \(name): \(found.shape) against \(tensor.shape), difference \(error)")
        }
        return try session.plan(for: inputs.mapValues(\.shape))
    }

    @Test(arguments: TestNets.all.indices, [(8, 12), (16, 16), (20, 8)])
    func networksEqualTheInterpreter(index: Int, size: (Int, Int)) throws {
        let net = TestNets.all[index]
        var random = TestRandom(9)
        let x = random.tensor([1, net.channels, size.0, size.1])
        let plan = try Self.check(net.graph, ["input": x], "\(net.name) \(size)")
        #expect(!plan.kernels.contains { $0.name.hasPrefix("interpreter") }, "\(net.name): \(plan.kernels)")
    }

    @Test(arguments: TestNets.all.indices)
    func everyNumberOfThreadsGivesTheSameBits(index: Int) throws {
        let net = TestNets.all[index]
        var random = TestRandom(3)
        let x = ["input": random.tensor([1, net.channels, 24, 20])]
        let session = try Session(graph: net.graph)
        let one = try session.run(x, pool: nil)
        for threads in [1, 2, 3] {
            let pool = WorkerPool(threads: threads)
            for round in 0..<2 {
                let many = try session.run(x, pool: pool)
                for (name, tensor) in one {
                    let same = many[name]?.array(of: UInt32.self) == tensor.array(of: UInt32.self)
                    #expect(same, "\(net.name) \(name), threads \(threads), round \(round)")
                }
            }
        }
    }

    @Test func fusionsAreFound() throws {
        func plan(_ name: String, _ size: Int = 16) throws -> Plan {
            let net = try #require(TestNets.all.first { $0.name == name })
            return try Session(graph: net.graph).plan(for: ["input": [1, net.channels, size, size]])
        }
        // Seventeen nodes of arithmetic become five convolutions, the enlarged input and the shuffle with its addition.
        #expect(try plan("srvgg").reports.count == 7)
        // Nine convolutions with everything fused, and the shuffle.
        #expect(try plan("ir").reports.count == 10)
        let rrdb = try plan("rrdb").kernels.map(\.name)
        #expect(!rrdb.contains { $0.hasPrefix("copy") }, "\(rrdb)")
        let unet = try plan("unet")
        #expect(unet.applied.contains { $0.pass == "recognise GroupNorm" && $0.nodes > 10 }, "\(unet.applied)")
        #expect(
            !unet.kernels.contains { $0.name.hasPrefix("unary") || $0.name.hasPrefix("copy") || $0.name.hasPrefix("scale") },
            "\(unet.kernels)")
        #expect(try plan("swinish").applied.contains { $0.pass == "recognise GELU" && $0.nodes == 2 })
        let nafish = try plan("nafish")
        #expect(nafish.applied.contains { $0.pass == "fuse gate" && $0.nodes == 3 }, "\(nafish.applied)")
        #expect(!nafish.kernels.contains { $0.name.hasPrefix("binary") || $0.name.hasPrefix("copy") }, "\(nafish.kernels)")
        let nafnet = try plan("nafnet")
        #expect(nafnet.applied.contains { $0.pass == "fuse gate" && $0.nodes == 2 }, "\(nafnet.applied)")
        #expect(nafnet.applied.contains { $0.pass == "recognise LayerNorm" && $0.nodes == 4 }, "\(nafnet.applied)")
        #expect(!nafnet.kernels.contains { $0.name.hasPrefix("gather") || $0.name.hasPrefix("scale") }, "\(nafnet.kernels)")
        #expect(try plan("fsrcnn").applied.contains { $0.pass == "split transposed convolutions" && $0.nodes == 2 })
    }

    @Test(arguments: 0..<40)
    func randomGraphsEqualTheInterpreter(seed: Int) throws {
        let graph = RandomNet.make(seed: UInt64(seed))
        var random = TestRandom(UInt64(seed) + 1_000)
        let x = random.tensor([1, 5, 7 + seed % 6, 6 + seed % 5])
        _ = try Self.check(
            graph, ["input": x], "seed \(seed): \(graph.nodes.map(\.op))", pool: seed % 2 == 0 ? nil : WorkerPool(threads: 2))
    }

    @Test func withoutOptimisationTheInterpreterRunsEverything() throws {
        let net = TestNets.all[4]
        var options = SessionOptions()
        options.optimises = false
        var random = TestRandom(4)
        let x = ["input": random.tensor([1, net.channels, 9, 8])]
        let session = try Session(graph: net.graph, options: options)
        #expect(try session.plan(for: x.mapValues(\.shape)).kernels.allSatisfy { $0.name.hasPrefix("interpreter") })
        let (want, got) = (try Interpreter.run(net.graph, inputs: x), try session.run(x))
        #expect(want["out0"]?.floats == got["out0"]?.floats)
    }
}

/// Chains and diamonds of random operations over one picture.
enum RandomNet {
    static func make(seed: UInt64) -> Graph {
        var b = NetBuilder(channels: 5, seed: seed)
        var dice = TestRandom(seed &+ 77)
        var values: [(value: ValueID, channels: Int)] = [(b.input, 5)]
        for _ in 0..<12 {
            let (x, c) = values[Int.random(in: max(0, values.count - 4)..<values.count, using: &dice)]
            let twins = values.filter { $0.channels == c }
            let other = twins[Int.random(in: 0..<twins.count, using: &dice)].value
            switch Int.random(in: 0..<14, using: &dice) {
            case 0, 1, 2:
                let out = [3, 5, 8, 16, 24].randomElement(using: &dice)!
                values.append((b.conv(x, c, out, k: [1, 3, 5].randomElement(using: &dice)!), out))
            case 3: values.append((b.op(["Relu", "Sigmoid", "Tanh", "Neg"].randomElement(using: &dice)!, x), c))
            case 4: values.append((b.leaky(x, 0.3), c))
            case 5: values.append((b.op("PRelu", x, b.constant(b.random.tensor([c, 1, 1]))), c))
            case 6, 7: values.append((b.op("Add", x, other), c))
            case 8: values.append((b.op("Mul", x, other), c))
            case 9: values.append((b.op("Mul", x, b.number(0.25)), c))
            case 10: values.append((b.op("Add", x, b.constant(b.random.tensor([1, c, 1, 1]))), c))
            case 11:
                let second = values[Int.random(in: 0..<values.count, using: &dice)]
                values.append((b.concat([x, second.value]), c + second.channels))
            case 12 where c % 2 == 0:
                let halves = b.many("Split", [x, b.ints(Int64(c / 2), Int64(c / 2))], outputs: 2, ["axis": .int(1)])
                values.append((halves[0], c / 2))
                values.append((halves[1], c / 2))
            default:
                let mean = b.op("GlobalAveragePool", x)
                values.append((b.op("Mul", x, b.op("Sigmoid", b.conv(mean, c, c, k: 1))), c))
            }
        }
        return b.finished(values[values.count - 1].value, values[values.count / 2].value)
    }
}
