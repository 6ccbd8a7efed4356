import CalorBase
import CalorTensor
import Testing

@testable import CalorGraph

@Suite struct ExecutionTests {
    @Test(arguments: 0..<60)
    func livingBuffersNeverOverlap(seed: Int) {
        var random = TestRandom(UInt64(seed))
        let count = Int.random(in: 1...40, using: &random)
        let buffers = (0..<count).map { _ in
            let first = Int.random(in: 0..<30, using: &random)
            return ArenaPlan.Buffer(
                bytes: Int.random(in: 0...5_000, using: &random), first: first, last: first + Int.random(in: 0..<10, using: &random)
            )
        }
        let plan = ArenaPlan(buffers)
        for (i, a) in buffers.enumerated() {
            #expect(
                plan.offsets[i] % ArenaPlan.alignment == 0 && plan.offsets[i] + a.bytes <= plan.bytes, "seed \(seed), buffer \(i)")
            for (j, b) in buffers.enumerated() where i < j && a.overlapsInTime(b) && a.bytes > 0 && b.bytes > 0 {
                let apart = plan.offsets[i] + a.bytes <= plan.offsets[j] || plan.offsets[j] + b.bytes <= plan.offsets[i]
                #expect(apart, "seed \(seed): buffers \(i) and \(j)")
            }
        }
        // Never worse than one after the other, never better than the fullest moment.
        let fullest =
            (0..<40).map { now in buffers.filter { $0.first <= now && now <= $0.last }.reduce(0) { $0 + $1.bytes } }.max() ?? 0
        #expect(plan.bytes >= fullest && plan.bytes <= buffers.reduce(0) { $0 + ($1.bytes + 63) / 64 * 64 }, "seed \(seed)")
    }

    @Test func severalThreadsMayRunOneSession() async throws {
        let net = TestNets.all[1]
        let session = try Session(graph: net.graph)
        var random = TestRandom(5)
        let inputs = (0..<4).map { ["input": random.tensor([1, net.channels, 8 + $0 % 2 * 4, 8])] }
        let wants = try inputs.map { try session.run($0) }
        let pool = WorkerPool(threads: 2)
        try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
            for task in 0..<8 {
                group.addTask {
                    let which = task % inputs.count
                    let got = try session.run(inputs[which], pool: pool)
                    return (which, got["out0"]?.floats == wants[which]["out0"]?.floats)
                }
            }
            for try await (which, same) in group { #expect(same, "input \(which)") }
        }
    }

    @Test func wrongInputsAreTheUsersFault() throws {
        let net = TestNets.all[0]
        let session = try Session(graph: net.graph)
        let cases: [(String, [String: Tensor])] = [
            ("graph.missing-input", [:]), ("graph.input-mismatch", ["input": Tensor(.f32, [1, 4, 8, 8])]),
            ("graph.input-mismatch", ["input": Tensor(.u8, [1, 3, 8, 8])]),
            ("graph.input-mismatch", ["input": Tensor(.f32, [1, 3, 8, 8]), "more": Tensor(.f32, [1])]),
        ]
        for (identifier, inputs) in cases {
            #expect("\(identifier) for \(inputs.keys.sorted())") { try session.run(inputs) } throws: { error in
                (error as? GraphFault)?.identifier == identifier && (error as? GraphFault)?.kind == .usage
            }
        }
    }

    @Test func plansAreKeptForShapesThatComeBack() throws {
        let net = TestNets.all[4]
        var options = SessionOptions()
        options.planCapacity = 2
        let session = try Session(graph: net.graph, options: options)
        for size in [8, 9, 10, 8] {
            let plan = try session.plan(for: ["input": [1, 1, size, 7]])
            #expect(plan.inputShapes["input"] == [1, 1, size, 7])
            #expect(plan.arenaBytes > 0 && plan.flops > 1e4)
        }
    }

    @Test func outputsMayBeInputsOrConstants() throws {
        var b = NetBuilder(channels: 2)
        let same = b.op("Identity", b.input)
        let fixed = b.op("Add", b.number(1), b.number(2))
        let reshaped = b.op("Reshape", b.input, b.ints(2, -1))
        let graph = b.finished(same, fixed, reshaped)
        var random = TestRandom(8)
        let x = random.tensor([1, 2, 3, 4])
        let got = try Session(graph: graph).run(["input": x])
        #expect(got["out0"]?.floats == x.floats)
        #expect(got["out1"]?.floats == [3])
        #expect(got["out2"]?.shape == [2, 12] && got["out2"]?.floats == x.floats)
    }

    @Test func theProfileNamesEveryStep() throws {
        let net = TestNets.all[4]
        let session = try Session(graph: net.graph)
        var random = TestRandom(8)
        let (outputs, profile) = try session.profiled(["input": random.tensor([1, 1, 8, 8])])
        let plan = try session.plan(for: ["input": [1, 1, 8, 8]])
        #expect(outputs.count == 1 && profile.rows.map(\.step) == plan.reports)
        #expect(profile.rows.allSatisfy { $0.milliseconds >= 0 })
    }
}
