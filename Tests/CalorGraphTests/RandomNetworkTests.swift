import GraphGenerator
import Testing

/// The deterministic share of what `scripts/fuzz graph` and `scripts/fuzz operator` do without end.
@Suite struct RandomNetworkTests {
    @Test(arguments: 0..<24) func kernelsAgreeWithTheInterpreter(batch: Int) throws {
        for seed in batch * 15..<(batch + 1) * 15 {
            let network = NetworkGenerator(Choices(seed: UInt64(seed)), operations: 10)
            do {
                let difference = try NetworkCheck.difference(network)
                #expect(difference == nil, "seed \(seed): \(difference ?? "")\n\(network.listing)")
            } catch {
                Issue.record("seed \(seed): \(error)\n\(network.listing)")
            }
        }
    }

    /// A trap would end the test process: that every seed is answered is what is tested.
    @Test(arguments: 0..<16) func absurdOperatorsGetTensorsOrFaults(batch: Int) {
        var (ran, refused) = (0, 0)
        for seed in batch * 400..<(batch + 1) * 400 {
            let sample = OperatorGenerator(Choices(seed: UInt64(seed)))
            do {
                if try OperatorCheck.run(sample.graph, inputs: sample.inputs) { ran += 1 }
            } catch {
                refused += 1
                #expect(
                    error.message.contains("node (") || error.identifier == "graph.input-mismatch", "\(error)\n\(sample.listing)")
            }
        }
        #expect(ran > 10 && refused > 100, "\(ran) ran, \(refused) were refused")
    }

    @Test func tameOperatorsMostlyRun() {
        var ran = 0
        for seed in 0..<400 {
            let sample = OperatorGenerator(Choices(seed: UInt64(seed)), tame: true)
            if (try? OperatorCheck.run(sample.graph, inputs: sample.inputs)) == true { ran += 1 }
        }
        #expect(ran > 100, "\(ran) of 400 ran")
    }
}
