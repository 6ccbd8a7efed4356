import CalorTensor
import GraphGenerator
import Testing

@testable import CalorGraph

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

    /// Found by the fuzzer: a function behind a convolution is applied to the stored sums, so a residual that nobody reads again must
    /// not lie where they are stored.
    @Test(arguments: ["Sigmoid", "Tanh", "HardSigmoid", "Softplus", "Relu", "LeakyRelu"], [3, 8, 16, 24])
    func aResidualIsNotOverwritten(activation: String, channels: Int) throws {
        var b = NetBuilder(channels: channels, seed: 5)
        let residual = b.conv(b.input, channels, 8)
        let y = b.op("Add", residual, b.op(activation, b.conv(b.input, channels, 8)))
        let graph = b.finished(b.op("Mul", y, b.conv(b.input, channels, 8)))
        let inputs = ["input": b.random.tensor([1, channels, 3, 5])]
        let (found, expected) = (try Session(graph: graph).run(inputs), try Interpreter.run(graph, inputs: inputs))
        let worst = zip(found["out0"]?.floats ?? [], expected["out0"]?.floats ?? []).map { abs($0 - $1) }.max()
        #expect(worst.map { $0 < 1e-4 } ?? false, "\(activation), \(channels) channels: \(worst ?? -1)")
    }

    /// Found by the fuzzer: the depthwise kernel for AVX-512 stored the sums of a row before it read the residual of that row.
    @Test(arguments: ["Identity", "Relu", "LeakyRelu", "Sigmoid"], [1, 2, 5, 16])
    func aResidualIsNotOverwrittenByADepthwiseConvolution(activation: String, width: Int) throws {
        var b = NetBuilder(channels: 3, seed: 6)
        let residual = b.conv(b.input, 3, 8)
        let y = b.op("Add", residual, b.op(activation, b.conv(b.conv(b.input, 3, 8), 8, 8, groups: 8)))
        let graph = b.finished(y)
        let inputs = ["input": b.random.tensor([1, 3, 4, width])]
        let (found, expected) = (try Session(graph: graph).run(inputs), try Interpreter.run(graph, inputs: inputs))
        let worst = zip(found["out0"]?.floats ?? [], expected["out0"]?.floats ?? []).map { abs($0 - $1) }.max()
        #expect(worst.map { $0 < 1e-4 } ?? false, "\(activation), width \(width): \(worst ?? -1)")
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
