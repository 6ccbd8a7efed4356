import CalorBase
import CalorTensor
import Testing

@testable import CalorGraph

/// Batches: every image has the bits that it has alone, by the same kernels.
@Suite struct SingleImagesTests {
    /// Convolutions, norms in both spellings, a residual, a pool, a gate and an enlargement.
    private func network(_ images: Int) -> Graph {
        var b = NetBuilder(channels: 8, seed: 3)
        b.graph.inputs[0].dims?[0] = .symbol("n")
        let x = b.op("Relu", b.conv(b.input, 8, 16))
        let folded = b.op("Reshape", x, b.ints(0, 4, -1))
        let normal = b.op("InstanceNormalization", folded, b.floats([4], [1, 1, 1, 1]), b.floats([4], [0, 0, 0, 0]))
        let whole = b.op("Reshape", normal, b.op("Shape", x))
        let y = b.op("Add", x, b.conv(b.op("Mul", whole, b.op("Sigmoid", whole)), 16, 16))
        let squeezed = b.op("Sigmoid", b.conv(b.op("GlobalAveragePool", y), 16, 16, k: 1))
        let halves = b.op("Concat", b.op("Mul", y, squeezed), x, attributes: ["axis": .int(1)])
        return b.finished(b.op("DepthToSpace", b.conv(halves, 32, 12), attributes: ["blocksize": .int(2), "mode": .string("CRD")]))
    }

    @Test(arguments: [2, 3, 5], [1, 3]) func everyImageHasTheBitsThatItHasAlone(images: Int, threads: Int) throws {
        let graph = network(images)
        var b = NetBuilder(channels: 1, seed: 9)
        let batch = b.random.tensor([images, 8, 13, 21])
        let pool = WorkerPool(threads: threads)
        let session = try Session(graph: graph)
        let found = try #require(try session.run(["input": batch], pool: pool)["out0"])
        #expect(found.shape == Shape([images, 3, 26, 42]))
        let size = batch.count / images
        for image in 0..<images {
            let alone = Tensor([1, 8, 13, 21], Array(batch.floats[image * size..<(image + 1) * size]))
            let expected = try #require(try session.run(["input": alone])["out0"]).floats.map(\.bitPattern)
            let part = found.floats[image * expected.count..<(image + 1) * expected.count].map(\.bitPattern)
            #expect(part == expected, "image \(image)")
        }
        let plan = try session.plan(for: ["input": batch.shape])
        #expect(plan.applied.contains { $0.pass == "take images apart" && $0.nodes > 10 }, "\(plan.applied)")
        #expect(!plan.steps.contains { $0.kernel.hasPrefix("interpreter") }, "\(plan.steps.map(\.kernel))")
    }

    /// What mixes images, and what only looks as if it did not.
    @Test(arguments: ["flip", "mean", "roll", "reshape", "constant", "shared", "concat"])
    func imagesThatSeeEachOtherStayTogether(mixing: String) throws {
        var b = NetBuilder(channels: 8, seed: 4)
        b.graph.inputs[0].dims?[0] = .fixed(2)
        let x = b.conv(b.input, 8, 8)
        let y: ValueID
        switch mixing {
        case "flip": y = b.op("Slice", x, b.ints(-1), b.ints(-3), b.ints(0), b.ints(-1))
        case "mean": y = b.op("Sub", x, b.op("ReduceMean", x, b.ints(0), attributes: ["keepdims": .int(1)]))
        case "roll":
            let halves = [(0, 1), (1, 2)].map { b.op("Slice", x, b.ints($0.0), b.ints($0.1), b.ints(0)) }
            y = b.op("Concat", halves[1], halves[0], attributes: ["axis": .int(0)])
        case "reshape": y = b.op("Reshape", b.op("Reshape", x, b.ints(1, 16, 6, 7)), b.ints(2, 8, 6, 7))
        case "constant": y = b.op("Add", x, b.constant(b.random.tensor([2, 8, 1, 1])))
        case "shared": y = b.op("Add", b.op("ReduceMean", x, b.ints(0), attributes: ["keepdims": .int(1)]), x)
        default:
            let both = b.op("Reshape", b.op("Concat", x, x, attributes: ["axis": .int(0)]), b.ints(2, 2, 8, 6, 7))
            y = b.op("ReduceMean", both, b.ints(0), attributes: ["keepdims": .int(0)])
        }
        let graph = b.finished(b.op("MaxPool", b.conv(y, 8, 8), attributes: ["kernel_shape": .ints([2, 2])]))
        let inputs = ["input": b.random.tensor([2, 8, 6, 7])]
        let (found, expected) = (try Session(graph: graph).run(inputs), try Interpreter.run(graph, inputs: inputs))
        #expect(found["out0"]?.shape == expected["out0"]?.shape)
        let worst = zip(found["out0"]?.floats ?? [], expected["out0"]?.floats ?? []).map { abs($0 - $1) }.max()
        #expect(worst.map { $0 < 1e-4 } ?? false, "\(mixing): \(worst ?? -1)")
    }

    /// Windows that hang over the border are the kernel's where every one has a pixel and padding does not count.
    @Test(arguments: ["MaxPool", "AveragePool"], [0, 1])
    func poolsThatRoundUp(op: String, counting: Int) throws {
        for (height, width) in [(4, 4), (5, 7), (1, 1), (2, 9), (6, 3)] {
            for (kernel, stride, pad) in [(2, 2, 0), (3, 2, 1), (3, 2, 0), (2, 3, 1), (3, 3, 1)] {
                var b = NetBuilder(channels: 8, seed: 5)
                var attributes: [String: Attribute] = [
                    "kernel_shape": .ints([Int64(kernel), Int64(kernel)]), "strides": .ints([Int64(stride), Int64(stride)]),
                    "pads": .ints([Int64](repeating: Int64(pad), count: 4)), "ceil_mode": .int(1),
                ]
                if op == "AveragePool" { attributes["count_include_pad"] = .int(Int64(counting)) }
                let graph = b.finished(b.op(op, b.conv(b.input, 8, 8), attributes: attributes))
                let inputs = ["input": b.random.tensor([1, 8, height, width])]
                guard let expected = try? Interpreter.run(graph, inputs: inputs) else { continue }
                let found = try Session(graph: graph).run(inputs)
                #expect(found["out0"]?.shape == expected["out0"]?.shape)
                let worst = zip(found["out0"]?.floats ?? [], expected["out0"]?.floats ?? []).map { abs($0 - $1) }.max()
                #expect(worst.map { $0 < 1e-4 } ?? false, "\(op) \(height)×\(width) \(kernel) \(stride) \(pad): \(worst ?? -1)")
            }
        }
    }

    /// 1e-5 is a denormal number in 16 bits: a plan must not lose it, wherever it is converted.
    @Test func smallHalvesAreKept() throws {
        var b = NetBuilder(channels: 1, seed: 6)
        let small = b.op("Cast", b.op("Mul", b.input, b.number(1e-5)), attributes: ["to": .int(10)])
        let graph = b.finished(b.op("Cast", b.op("Add", small, small), attributes: ["to": .int(1)]))
        let inputs = ["input": Tensor([1, 1, 2, 2], [Float(1), 2, 3, 0.5])]
        let (found, expected) = (try Session(graph: graph).run(inputs), try Interpreter.run(graph, inputs: inputs))
        #expect(found["out0"]?.floats == expected["out0"]?.floats && found["out0"]?.floats[0] ?? 0 > 1e-5)
    }
}

/// Networks in 16 bits: computed in 32, rounded at their ends.
@Suite struct HalvesTests {
    /// A half anywhere an exporter puts one: input, weights, shared values, conversions there and back, outputs that are read inside.
    private func network() -> Graph {
        var b = NetBuilder(channels: 8, seed: 7)
        b.graph.inputs[0].dtype = .f16
        for (id, tensor) in b.graph.constants { b.graph.constants[id] = tensor.narrowed(to: .f16) }
        let x = b.op("Relu", b.conv(b.input, 8, 16))
        let exact = b.op("Sqrt", b.op("Cast", b.op("Mul", x, x), attributes: ["to": .int(1)]))
        let back = b.op("Cast", exact, attributes: ["to": .int(10)])
        let counted = b.op("Cast", b.op("Shape", x), attributes: ["to": .int(10)])
        let whole = b.op("Cast", b.op("Cast", x, attributes: ["to": .int(7)]), attributes: ["to": .int(10)])
        let y = b.op(
            "Add", b.op("Add", b.conv(back, 16, 16), x),
            b.op("Mul", whole, b.op("ReduceMax", counted, attributes: ["keepdims": .int(0)])))
        for (id, tensor) in b.graph.constants where tensor.dtype == .f32 { b.graph.constants[id] = tensor.narrowed(to: .f16) }
        var graph = b.finished(b.op("Sigmoid", b.conv(y, 16, 3)))
        for (id, tensor) in graph.constants where tensor.dtype == .f32 { graph.constants[id] = tensor.narrowed(to: .f16) }
        for value in [x, y, exact, b.input] {
            graph.outputs.append(
                ValueInfo(name: "out\(graph.outputs.count)", value: value, dtype: value == exact ? .f32 : .f16, dims: nil))
        }
        return graph
    }

    @Test func networksOfHalvesUseTheKernels() throws {
        let graph = network()
        var random = TestRandom(8)
        let inputs = ["input": random.tensor([1, 8, 11, 14]).narrowed(to: .f16)]
        let session = try Session(graph: graph)
        let (found, expected) = (try session.run(inputs), try Interpreter.run(graph, inputs: inputs))
        for (name, tensor) in expected {
            #expect(found[name]?.type == tensor.type, "\(name)")
            let (a, b) = (tensor.widened().floats, found[name]?.widened().floats ?? [])
            let largest = a.reduce(0) { max($0, abs($1)) }
            let worst = zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(worst <= 4e-3 * largest, "\(name): \(worst) of \(largest)")
        }
        let plan = try session.plan(for: ["input": [1, 8, 11, 14]])
        #expect(!plan.steps.contains { $0.kernel == "interpreter_Conv" }, "\(plan.steps.map(\.kernel))")
    }

    /// One operator alone keeps ONNX's arithmetic to the bit.
    @Test func singleOperatorsKeepTheirHalves() throws {
        var b = NetBuilder(channels: 8, seed: 7)
        b.graph.inputs[0].dtype = .f16
        let graph = b.finished(b.op("Mul", b.op("Sqrt", b.op("Abs", b.input)), b.input))
        var random = TestRandom(8)
        let inputs = ["input": random.tensor([1, 8, 11, 14]).narrowed(to: .f16)]
        let (found, expected) = (try Session(graph: graph).run(inputs), try Interpreter.run(graph, inputs: inputs))
        #expect(found["out0"]?.array(of: UInt16.self) == expected["out0"]?.array(of: UInt16.self))
    }
}
