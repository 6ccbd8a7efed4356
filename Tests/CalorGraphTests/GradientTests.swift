import CalorTensor
import Foundation
import Testing

@testable import CalorGraph

/// Every rule of reverse mode against central differences, in double, on the oracle; and the same graph on the fast kernels.
@Suite struct GradientTests {
    /// A graph of one operation on f64 inputs; inputs after the first `differentiable` are constants.
    struct Case: Sendable, CustomStringConvertible {
        var op: String
        var shapes: [Shape]
        var constants: [Tensor] = []
        var attributes: [String: Attribute] = [:]
        var opset = 17
        var outputs = 1
        /// Inputs lie in this range, away from kinks.
        var range: ClosedRange<Double> = -1.5...1.5
        /// Constants are given as extra inputs from here on; nil leaves one out.
        var skips = 0

        var description: String { "\(op)\(shapes)\(attributes.keys.sorted()) opset \(opset)" }
    }

    static func numbers(_ values: [Int64]) -> Tensor { Tensor([values.count], values) }

    static func doubles(_ shape: Shape, seed: UInt64, _ range: ClosedRange<Double> = -1...1) -> Tensor {
        var random = TestRandom(seed)
        let span = range.upperBound - range.lowerBound
        return Tensor(
            .f64, shape, copying: (0..<shape.count).map { _ in range.lowerBound + span * (Double(random.uniform()) + 1) / 2 })
    }

    static let image: Shape = [1, 3, 6, 5]

    static let activations: [Case] = [
        "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Exp", "Abs", "Sin", "Cos", "Erf", "Softplus", "Softsign", "Elu", "Celu", "Selu",
        "Neg", "HardSigmoid", "HardSwish", "Mish", "Identity",
    ].map { Case(op: $0, shapes: [[2, 7]]) }

    static let cases: [Case] =
        activations + [
            Case(op: "Log", shapes: [[2, 7]], range: 0.3...2), Case(op: "Sqrt", shapes: [[2, 7]], range: 0.3...2),
            Case(op: "Reciprocal", shapes: [[2, 7]], range: 0.3...2), Case(op: "HardSwish", shapes: [[40]], range: -5...5),
            Case(op: "ThresholdedRelu", shapes: [[9]], attributes: ["alpha": .float(0.3)]),
            Case(op: "Gelu", shapes: [[2, 7]], opset: 20),
            Case(op: "Gelu", shapes: [[2, 7]], attributes: ["approximate": .string("tanh")], opset: 20),
            Case(op: "PRelu", shapes: [image, [3, 1, 1]]),
            Case(
                op: "Clip", shapes: [[20]],
                constants: [Tensor(.f64, [], copying: [-0.5]), Tensor(.f64, [], copying: [0.7])]),
            Case(op: "Add", shapes: [image, [5]]), Case(op: "Sub", shapes: [[4, 1], [2, 4, 3]]),
            Case(op: "Mul", shapes: [image, [3, 1, 1]]), Case(op: "Div", shapes: [[2, 3], [3]], range: 0.5...2),
            Case(op: "Pow", shapes: [[2, 3], []], range: 0.5...2), Case(op: "Max", shapes: [[3, 4], [3, 4]]),
            Case(op: "Min", shapes: [[3, 4], [4]]), Case(op: "Sum", shapes: [[2, 3], [3], [2, 1]]),
            Case(op: "Mean", shapes: [[2, 3], [3]]),
            Case(op: "MatMul", shapes: [[2, 3, 4], [4, 5]]), Case(op: "MatMul", shapes: [[3, 4], [2, 4, 2]]),
            Case(op: "MatMul", shapes: [[4], [2, 4, 3]]), Case(op: "MatMul", shapes: [[2, 3, 4], [4]]),
            Case(op: "MatMul", shapes: [[4], [4]]),
            Case(
                op: "Gemm", shapes: [[3, 4], [5, 3], [5]],
                attributes: ["transA": .int(1), "transB": .int(1), "alpha": .float(0.5), "beta": .float(2)]),
            Case(op: "Gemm", shapes: [[3, 4], [4, 5], [3, 1]]),
            Case(op: "Softmax", shapes: [[2, 3, 4]], attributes: ["axis": .int(1)]),
            Case(op: "Softmax", shapes: [[2, 3, 4]], attributes: ["axis": .int(1)], opset: 11),
            Case(op: "LogSoftmax", shapes: [[2, 3, 4]]),
        ]

    static let convolutions: [Case] = {
        func conv(_ input: Shape, _ weights: Shape, _ attributes: [String: Attribute], op: String = "Conv") -> Case {
            Case(op: op, shapes: [input], constants: [doubles(weights, seed: 9)], attributes: attributes)
        }
        func ints(_ v: Int64...) -> Attribute { .ints(v) }
        return [
            conv(image, [4, 3, 3, 3], ["pads": ints(1, 1, 1, 1)]), conv(image, [4, 3, 3, 3], [:]),
            conv(image, [4, 3, 1, 1], [:]), conv(image, [4, 3, 3, 3], ["pads": ints(3, 0, 2, 4)]),
            conv(image, [4, 3, 3, 3], ["strides": ints(2, 2), "pads": ints(1, 1, 1, 1)]),
            conv([1, 3, 7, 8], [4, 3, 4, 4], ["strides": ints(2, 2), "pads": ints(1, 1, 1, 1)]),
            conv([1, 3, 9, 11], [4, 3, 3, 3], ["strides": ints(3, 3)]),
            conv(image, [4, 3, 3, 3], ["strides": ints(2, 1), "pads": ints(1, 1, 1, 1)]),
            conv(image, [4, 3, 3, 2], ["dilations": ints(2, 1), "pads": ints(2, 0, 2, 1)]),
            conv(image, [6, 1, 3, 3], ["group": .int(3), "pads": ints(1, 1, 1, 1)]),
            conv([2, 4, 5, 5], [4, 2, 3, 3], ["group": .int(2), "strides": ints(2, 2)]),
            conv(image, [4, 3, 3, 3], ["auto_pad": .string("SAME_LOWER"), "strides": ints(2, 2)]),
            conv([1, 3, 10], [2, 3, 4], ["strides": ints(2)]),
            conv(image, [3, 4, 3, 3], [:], op: "ConvTranspose"),
            conv(image, [3, 4, 4, 4], ["strides": ints(2, 2), "pads": ints(1, 1, 1, 1)], op: "ConvTranspose"),
            conv(
                image, [3, 2, 3, 3],
                ["strides": ints(2, 2), "pads": ints(1, 1, 1, 1), "output_padding": ints(1, 1), "group": .int(3)],
                op: "ConvTranspose"),
        ]
    }()

    static let others: [Case] = {
        func ints(_ v: Int64...) -> Attribute { .ints(v) }
        let norm = { (shape: Shape, seed: UInt64) in doubles(shape, seed: seed, 0.5...1.5) }
        return [
            Case(op: "MaxPool", shapes: [image], attributes: ["kernel_shape": ints(2, 2), "strides": ints(2, 2)]),
            Case(
                op: "MaxPool", shapes: [image],
                attributes: ["kernel_shape": ints(3, 3), "strides": ints(1, 1), "pads": ints(1, 1, 1, 1)]),
            Case(op: "AveragePool", shapes: [image], attributes: ["kernel_shape": ints(2, 2), "strides": ints(2, 2)]),
            Case(
                op: "AveragePool", shapes: [image],
                attributes: ["kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(1, 1, 1, 1)]),
            Case(
                op: "AveragePool", shapes: [image],
                attributes: [
                    "kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(1, 1, 1, 1), "count_include_pad": .int(1),
                    "ceil_mode": .int(1),
                ], opset: 19),
            Case(op: "GlobalAveragePool", shapes: [image]),
            Case(
                op: "BatchNormalization", shapes: [image],
                constants: [norm([3], 1), norm([3], 2), norm([3], 3), norm([3], 4)]),
            Case(op: "InstanceNormalization", shapes: [image], constants: [norm([3], 1), norm([3], 2)]),
            Case(
                op: "GroupNormalization", shapes: [[2, 6, 3, 3]], constants: [norm([6], 1), norm([6], 2)],
                attributes: ["num_groups": .int(3)], opset: 21),
            Case(
                op: "LayerNormalization", shapes: [[2, 3, 4]], constants: [norm([3, 4], 1), norm([3, 4], 2)],
                attributes: ["axis": .int(1)]),
            Case(op: "RMSNormalization", shapes: [[2, 3, 4]], constants: [norm([4], 1)], opset: 23),
            Case(op: "ReduceSum", shapes: [[2, 3, 4]], constants: [numbers([1])], attributes: ["keepdims": .int(0)]),
            Case(op: "ReduceMean", shapes: [[2, 3, 4]], attributes: ["axes": ints(0, 2)]),
            Case(op: "ReduceMean", shapes: [[2, 3, 4]], constants: [numbers([-1])], opset: 18),
            Case(op: "ReduceSumSquare", shapes: [[2, 3]], attributes: ["axes": ints(1)]),
            Case(op: "ReduceL1", shapes: [[2, 3]]), Case(op: "ReduceL2", shapes: [[2, 3]], attributes: ["axes": ints(1)]),
            Case(op: "ReduceLogSumExp", shapes: [[2, 3]], attributes: ["axes": ints(1)]),
            Case(op: "Reshape", shapes: [[2, 3, 4]], constants: [numbers([4, -1])]),
            Case(op: "Flatten", shapes: [[2, 3, 4]], attributes: ["axis": .int(2)]),
            Case(op: "Unsqueeze", shapes: [[2, 3]], constants: [numbers([1])]),
            Case(op: "Squeeze", shapes: [[2, 1, 3]], constants: [numbers([1])]),
            Case(op: "Transpose", shapes: [[2, 3, 4]], attributes: ["perm": ints(2, 0, 1)]),
            Case(op: "Expand", shapes: [[2, 1, 4]], constants: [numbers([3, 2, 5, 4])]),
            Case(op: "Concat", shapes: [[2, 3], [2, 1], [2, 2]], attributes: ["axis": .int(-1)]),
            Case(op: "Split", shapes: [[2, 6]], constants: [numbers([1, 3, 2])], attributes: ["axis": .int(1)], outputs: 3),
            Case(
                op: "Slice", shapes: [[5, 6]],
                constants: [numbers([1, -2]), numbers([4, 0]), numbers([0, 1]), numbers([1, -2])]),
            Case(op: "Pad", shapes: [[3, 4]], constants: [numbers([1, 0, 2, 3])]),
            Case(op: "Pad", shapes: [[3, 4]], constants: [numbers([1, 2, 2, 3])], attributes: ["mode": .string("reflect")]),
            Case(op: "Pad", shapes: [[3, 4]], constants: [numbers([1, 2, 0, 5])], attributes: ["mode": .string("edge")]),
            Case(op: "Pad", shapes: [[3, 4]], constants: [numbers([-1, 2, 0, -1])]),
            Case(op: "Tile", shapes: [[2, 3]], constants: [numbers([3, 2])]),
            Case(op: "Gather", shapes: [[4, 3]], constants: [Tensor([2, 2], [Int64(1), -1, 1, 0])]),
            Case(op: "Gather", shapes: [[4, 3]], constants: [Tensor([], [Int64(2)])], attributes: ["axis": .int(1)]),
            Case(op: "DepthToSpace", shapes: [[1, 8, 2, 3]], attributes: ["blocksize": .int(2), "mode": .string("CRD")]),
            Case(op: "DepthToSpace", shapes: [[1, 8, 2, 3]], attributes: ["blocksize": .int(2)]),
            Case(op: "SpaceToDepth", shapes: [[1, 2, 4, 6]], attributes: ["blocksize": .int(2)]),
        ]
    }()

    static let resizes: [Case] = {
        let empty = Tensor(.f32, [0])
        func to(_ h: Int64, _ w: Int64, _ attributes: [String: Attribute]) -> Case {
            Case(
                op: "Resize", shapes: [[1, 2, 4, 5]], constants: [empty, empty, numbers([1, 2, h, w])], attributes: attributes)
        }
        return [
            to(
                8, 10,
                [
                    "mode": .string("nearest"), "coordinate_transformation_mode": .string("asymmetric"),
                    "nearest_mode": .string("floor"),
                ]),
            to(7, 9, ["mode": .string("nearest")]), to(8, 10, ["mode": .string("linear")]),
            to(3, 4, ["mode": .string("linear"), "coordinate_transformation_mode": .string("align_corners")]),
            to(12, 11, ["mode": .string("cubic")]),
            to(2, 3, ["mode": .string("linear"), "antialias": .int(1)]),
        ]
    }()

    static func graph(_ entry: Case) -> Graph {
        var graph = Graph(
            name: "one", opset: entry.opset, inputs: [], outputs: [], nodes: [], constants: [:], valueNames: [:], valueCount: 0)
        var inputs: [ValueID] = []
        for (k, shape) in entry.shapes.enumerated() {
            let value = graph.makeValue()
            graph.inputs.append(ValueInfo(name: "x\(k)", value: value, dtype: .f64, dims: shape.dims.map { .fixed($0) }))
            inputs.append(value)
        }
        for tensor in entry.constants {
            let value = graph.makeValue()
            graph.constants[value] = tensor
            inputs.append(value)
        }
        let outputs = (0..<entry.outputs).map { _ in graph.makeValue() }
        graph.nodes = [Node(name: "it", op: entry.op, inputs: inputs, outputs: outputs, attributes: entry.attributes)]
        graph.outputs = outputs.enumerated().map { ValueInfo(name: "y\($0)", value: $1, dtype: .f64, dims: nil) }
        return graph
    }

    @Test(arguments: cases + convolutions + others + resizes)
    func agreesWithFiniteDifferences(entry: Case) throws {
        let graph = Self.graph(entry)
        let shapes = Dictionary(uniqueKeysWithValues: entry.shapes.enumerated().map { ("x\($0)", $1) })
        let names = entry.shapes.indices.map { "x\($0)" }
        let outputs = graph.outputs.map(\.name)
        let reversed = try graph.reversed(for: shapes, outputs: outputs, inputs: names)
        var feeds: [String: Tensor] = [:]
        for (k, shape) in entry.shapes.enumerated() { feeds["x\(k)"] = Self.doubles(shape, seed: UInt64(k + 1), entry.range) }
        let plain = try Interpreter.run(graph, inputs: feeds)
        var seeds: [String: Tensor] = [:]
        for (k, name) in outputs.enumerated() {
            let shape = try #require(plain[name]).shape
            seeds[name] = Self.doubles(shape, seed: UInt64(50 + k))
        }
        func value(_ feeds: [String: Tensor]) throws -> Double {
            let made = try Interpreter.run(graph, inputs: feeds)
            return outputs.reduce(0) { $0 + zip(made[$1]!.doubles, seeds[$1]!.doubles).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        var all = feeds
        for (name, seed) in seeds { all[Graph.seedName(of: name)] = seed }
        let result = try Interpreter.run(reversed, inputs: all)
        for name in outputs { #expect(result[name]?.doubles == plain[name]?.doubles, "the forward pass is still there") }
        for name in names {
            let found = try #require(result[Graph.gradientName(of: name)])
            let x = try #require(feeds[name])
            #expect(found.shape == x.shape)
            for place in 0..<x.count {
                func moved(_ by: Double) throws -> Double {
                    var values = x.doubles
                    values[place] += by
                    var changed = feeds
                    changed[name] = Tensor(.f64, x.shape, copying: values)
                    return try value(changed)
                }
                let step = 1e-5
                let numeric = (try moved(step) - (try moved(-step))) / (2 * step)
                let exact = found.doubles[place]
                #expect(
                    abs(numeric - exact) <= 1e-6 * max(1, abs(numeric)), "\(entry), \(name)[\(place)]: \(exact), not \(numeric)")
            }
        }
    }

    @Test func everyRuleIsTested() {
        let tested = Set((Self.cases + Self.convolutions + Self.others + Self.resizes).map(\.op))
        // Where, Cast, Swish, Dropout and Upsample have tests of their own below, or are other names of tested ones.
        let aside: Set<String> = ["Where", "Cast", "Swish", "Dropout", "Upsample"]
        #expect(Set(GradientTable.operators).subtracting(tested) == aside)
    }

    /// A value that is read twice, a branch that no gradient reaches, a choice, a kernel path: everything at once, fast and slow.
    @Test func theReverseGraphRunsOnTheFastKernels() throws {
        var net = NetBuilder(channels: 3, seed: 5)
        let a = net.leaky(net.conv(net.input, 3, 16), 0.1)
        let b = net.op("Add", a, net.conv(net.op("Relu", net.conv(a, 16, 16)), 16, 16))
        let small = net.op("Relu", net.conv(b, 16, 24, stride: 2))
        let gate = net.op("Mul", small, net.op("Sigmoid", net.conv(small, 24, 24, k: 1)))
        let c = net.concat([b, net.up(net.conv(gate, 24, 16), 2)])
        let d = net.conv(c, 32, 12)
        let condition = net.op("Greater", d, net.number(0))
        let chosen = net.op("Where", condition, d, net.op("Mul", d, net.number(0.2)))
        let shuffled = net.op("DepthToSpace", chosen, attributes: ["blocksize": .int(2), "mode": .string("CRD")])
        let output = net.op("Cast", net.op("Add", shuffled, net.op("Floor", shuffled)), attributes: ["to": .int(1)])
        var graph = net.graph
        graph.outputs = [ValueInfo(name: "y", value: output, dtype: .f32, dims: nil)]
        let shape: Shape = [1, 3, 16, 20]
        let reversed = try graph.reversed(for: ["input": shape], outputs: ["y"], inputs: ["input"])
        var random = TestRandom(8)
        let feeds = ["input": random.tensor(shape), Graph.seedName(of: "y"): random.tensor([1, 3, 32, 40])]
        let slow = try #require(try Interpreter.run(reversed, inputs: feeds)[Graph.gradientName(of: "input")])
        let session = try Session(graph: reversed)
        let fast = try #require(try session.run(feeds)[Graph.gradientName(of: "input")])
        let largest = slow.floats.map(abs).max() ?? 0
        let worst = zip(slow.floats, fast.floats).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest > 0.1 && worst <= 1e-4 * largest, "\(worst) of \(largest)")
        let plan = try session.plan(for: feeds.mapValues(\.shape))
        let slowSteps = plan.reports.filter { $0.kernel.contains("interpreter") && $0.flops > 1e5 }
        #expect(slowSteps.isEmpty, "\(slowSteps)")
    }

    @Test func whatHasNoRuleIsNamed() throws {
        var net = NetBuilder(channels: 2)
        let sums = net.op("CumSum", net.input, net.constant(Tensor([], [Int64(2)])))
        var graph = net.graph
        graph.outputs = [ValueInfo(name: "y", value: sums, dtype: .f32, dims: nil)]
        #expect {
            try graph.reversed(for: ["input": [1, 2, 4, 4]], outputs: ["y"], inputs: ["input"])
        } throws: { error in
            guard case .unsupported(_, let op, _)? = error as? GraphFault else { return false }
            return op == "CumSum"
        }
        #expect { try graph.reversed(for: ["input": [1, 2, 4, 4]], outputs: ["z"], inputs: ["input"]) } throws: { error in
            (error as? GraphFault)?.identifier == "graph.structure"
        }
    }

    @Test func anInputThatNothingDependsOnHasAGradientOfZero() throws {
        var net = NetBuilder(channels: 2)
        let y = net.op("Floor", net.input)
        var graph = net.graph
        graph.outputs = [ValueInfo(name: "y", value: y, dtype: .f32, dims: nil)]
        let reversed = try graph.reversed(for: ["input": [1, 2, 2, 2]], outputs: ["y"], inputs: ["input"])
        let ones = Tensor([1, 2, 2, 2], [Float](repeating: 1, count: 8))
        let result = try Session(graph: reversed).run(["input": ones, Graph.seedName(of: "y"): ones])
        #expect(result[Graph.gradientName(of: "input")]?.floats == [Float](repeating: 0, count: 8))
    }
}
