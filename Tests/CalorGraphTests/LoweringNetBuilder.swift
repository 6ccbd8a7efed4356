import CalorTensor

@testable import CalorGraph

/// Numbers that are the same in every run of the tests (splitmix64).
struct TestRandom: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func uniform() -> Float { Float(next() >> 40) / Float(1 << 24) * 2 - 1 }
    mutating func tensor(_ shape: Shape, scale: Float = 1) -> Tensor {
        Tensor(shape, (0..<shape.count).map { _ in uniform() * scale })
    }
}

/// Writes graphs by hand, as the exporters do.
struct NetBuilder {
    var graph: Graph
    var random: TestRandom
    let input: ValueID

    init(channels: Int, seed: UInt64 = 1, rank4: Bool = true) {
        graph = Graph(
            name: "test", opset: 17, inputs: [], outputs: [], nodes: [], constants: [:], valueNames: [:], valueCount: 0)
        random = TestRandom(seed)
        input = graph.makeValue(named: "input")
        graph.inputs = [
            ValueInfo(
                name: "input", value: input, dtype: .f32, dims: [.fixed(1), .fixed(channels), .symbol("h"), .symbol("w")])
        ]
    }

    mutating func constant(_ tensor: Tensor) -> ValueID {
        let value = graph.makeValue()
        graph.constants[value] = tensor
        return value
    }

    mutating func floats(_ shape: Shape, _ values: [Float]) -> ValueID { constant(Tensor(shape, values)) }
    mutating func number(_ value: Float) -> ValueID { floats([], [value]) }
    mutating func ints(_ values: Int64...) -> ValueID { constant(Tensor([values.count], values)) }
    mutating func weights(_ shape: Shape, fan: Int) -> ValueID {
        constant(random.tensor(shape, scale: 1.2 / Float(max(fan, 1)).squareRoot()))
    }

    mutating func many(_ op: String, _ inputs: [ValueID?], outputs: Int, _ attributes: [String: Attribute] = [:]) -> [ValueID] {
        let values = (0..<outputs).map { _ in graph.makeValue() }
        graph.nodes.append(Node(name: "n\(graph.nodes.count)", op: op, inputs: inputs, outputs: values, attributes: attributes))
        return values
    }

    mutating func op(_ op: String, _ inputs: ValueID?..., attributes: [String: Attribute] = [:]) -> ValueID {
        many(op, inputs, outputs: 1, attributes)[0]
    }

    mutating func conv(_ x: ValueID, _ cin: Int, _ cout: Int, k: Int = 3, groups: Int = 1, stride: Int = 1) -> ValueID {
        let w = weights([cout, cin / groups, k, k], fan: cin / groups * k * k)
        let b = constant(random.tensor([cout], scale: 0.1))
        let (k64, p) = (Int64(k), Int64(k / 2))
        return op(
            "Conv", x, w, b,
            attributes: [
                "pads": .ints([p, p, p, p]), "kernel_shape": .ints([k64, k64]), "group": .int(Int64(groups)),
                "strides": .ints([Int64(stride), Int64(stride)]),
            ])
    }

    mutating func up(_ x: ValueID, _ s: Int) -> ValueID {
        let scales = floats([4], [1, 1, Float(s), Float(s)])
        return op(
            "Resize", x, nil, scales,
            attributes: [
                "mode": .string("nearest"), "coordinate_transformation_mode": .string("asymmetric"),
                "nearest_mode": .string("floor"),
            ])
    }

    mutating func leaky(_ x: ValueID, _ alpha: Float) -> ValueID { op("LeakyRelu", x, attributes: ["alpha": .float(alpha)]) }
    mutating func concat(_ parts: [ValueID], axis: Int64 = 1) -> ValueID {
        many("Concat", parts, outputs: 1, ["axis": .int(axis)])[0]
    }

    /// Mutating, so that an argument that still adds nodes is evaluated first.
    mutating func finished(_ outputs: ValueID...) -> Graph {
        var graph = graph
        graph.outputs = outputs.enumerated().map { ValueInfo(name: "out\($0.offset)", value: $0.element, dtype: .f32, dims: nil) }
        return graph
    }
}

/// The six shapes of image network of the benchmark, with few channels.
enum TestNets {
    static let all: [(name: String, graph: Graph, channels: Int)] = [
        ("srvgg", srvgg(), 3), ("rrdb", rrdb(), 3), ("unet", unet(), 6), ("nafish", nafish(), 3), ("ir", ir(), 1),
        ("swinish", swin(), 3), ("nafnet", nafnet(), 3), ("fsrcnn", fsrcnn(), 3),
    ]

    static func srvgg() -> Graph {
        var b = NetBuilder(channels: 3, seed: 1)
        var x = b.conv(b.input, 3, 24)
        for _ in 0..<3 {
            let slopes = b.constant(b.random.tensor([24, 1, 1]))
            x = b.conv(b.op("PRelu", x, slopes), 24, 24)
        }
        x = b.op("DepthToSpace", b.conv(x, 24, 48), attributes: ["blocksize": .int(4), "mode": .string("CRD")])
        return b.finished(b.op("Add", x, b.up(b.input, 4)))
    }

    static func rrdb() -> Graph {
        var b = NetBuilder(channels: 3, seed: 2)
        func dense(_ b: inout NetBuilder, _ x: ValueID) -> ValueID {
            var parts = [x]
            for i in 0..<4 {
                let y = i > 0 ? b.concat(parts) : x
                parts.append(b.leaky(b.conv(y, 16 + 8 * i, 8), 0.2))
            }
            let y = b.conv(b.concat(parts), 48, 16)
            return b.op("Add", b.op("Mul", y, b.number(0.2)), x)
        }
        let first = b.conv(b.input, 3, 16)
        var x = first
        for _ in 0..<2 {
            var y = x
            for _ in 0..<2 { y = dense(&b, y) }
            x = b.op("Add", b.op("Mul", y, b.number(0.2)), x)
        }
        x = b.op("Add", b.conv(x, 16, 16), first)
        for _ in 0..<2 { x = b.leaky(b.conv(b.up(x, 2), 16, 16), 0.2) }
        x = b.leaky(b.conv(x, 16, 16), 0.2)
        return b.finished(b.conv(x, 16, 3))
    }

    static func unet() -> Graph {
        var b = NetBuilder(channels: 6, seed: 3)
        func norm(_ b: inout NetBuilder, _ x: ValueID, _ c: Int, _ g: Int = 4) -> ValueID {
            var y = b.op("Reshape", x, b.ints(0, Int64(g), -1))
            y = b.op(
                "InstanceNormalization", y, b.floats([g], [Float](repeating: 1, count: g)),
                b.floats([g], [Float](repeating: 0, count: g)),
                attributes: ["epsilon": .float(1e-5)])
            y = b.op("Reshape", y, b.op("Shape", x))
            let scale = b.constant(b.random.tensor([c, 1, 1]))
            let shift = b.constant(b.random.tensor([c, 1, 1]))
            return b.op("Add", b.op("Mul", y, scale), shift)
        }
        func silu(_ b: inout NetBuilder, _ x: ValueID) -> ValueID { b.op("Mul", x, b.op("Sigmoid", x)) }
        func block(_ b: inout NetBuilder, _ x: ValueID, _ cin: Int, _ cout: Int) -> ValueID {
            var y = b.conv(silu(&b, norm(&b, x, cin)), cin, cout)
            y = b.conv(silu(&b, norm(&b, y, cout)), cout, cout)
            return b.op("Add", y, cin == cout ? x : b.conv(x, cin, cout, k: 1))
        }
        var x = b.conv(b.input, 6, 8)
        var c = 8
        var skips: [(ValueID, Int)] = []
        for (i, m) in [8, 16, 32].enumerated() {
            for _ in 0..<2 { (x, c) = (block(&b, x, c, m), m) }
            skips.append((x, c))
            if i < 2 { x = b.conv(x, c, c, stride: 2) }
        }
        for (i, m) in [(1, 16), (0, 8)] {
            x = b.concat([b.conv(b.up(x, 2), c, m), skips[i].0])
            x = block(&b, block(&b, x, m + skips[i].1, m), m, m)
            c = m
        }
        return b.finished(b.conv(silu(&b, norm(&b, x, c)), c, 3))
    }

    static func nafish() -> Graph {
        var b = NetBuilder(channels: 3, seed: 4)
        var x = b.conv(b.input, 3, 16)
        for _ in 0..<3 {
            let y = b.conv(b.conv(x, 16, 32, k: 1), 32, 32, groups: 32)
            let parts = b.many("Split", [y, b.ints(16, 16)], outputs: 2, ["axis": .int(1)])
            x = b.op("Add", x, b.conv(b.op("Mul", parts[0], parts[1]), 16, 16, k: 1))
        }
        return b.finished(b.conv(x, 16, 3))
    }

    /// Normalisation over channels as PyTorch spells it, gates as slices.
    static func nafnet() -> Graph {
        var b = NetBuilder(channels: 3, seed: 7)
        func norm(_ b: inout NetBuilder, _ x: ValueID, _ channels: Int) -> ValueID {
            let axis: [String: Attribute] = ["axes": .ints([1]), "keepdims": .int(1)]
            let centred = b.op("Sub", x, b.op("ReduceMean", x, attributes: axis))
            let variance = b.op("ReduceMean", b.op("Pow", centred, b.number(2)), attributes: axis)
            let normal = b.op("Div", centred, b.op("Sqrt", b.op("Add", variance, b.number(1e-3))))
            let scaled = b.op("Mul", b.constant(b.random.tensor([1, channels, 1, 1])), normal)
            return b.op("Add", scaled, b.constant(b.random.tensor([1, channels, 1, 1])))
        }
        func gate(_ b: inout NetBuilder, _ x: ValueID, _ half: Int64) -> ValueID {
            let first = b.op("Slice", x, b.ints(0), b.ints(half), b.ints(1))
            let second = b.op("Slice", x, b.ints(half), b.ints(1 << 40), b.ints(1))
            return b.op("Mul", first, second)
        }
        var x = b.conv(b.input, 3, 12)
        for _ in 0..<2 {
            let y = gate(&b, b.conv(b.conv(norm(&b, x, 12), 12, 32, k: 1), 32, 32, groups: 32), 16)
            let attention = b.conv(b.op("GlobalAveragePool", y), 16, 16, k: 1)
            x = b.op("Add", x, b.conv(b.op("Mul", y, attention), 16, 12, k: 1))
            x = b.op("Add", x, b.conv(gate(&b, b.conv(norm(&b, x, 12), 12, 16, k: 1), 8), 8, 12, k: 1))
        }
        return b.finished(b.conv(x, 12, 3))
    }

    /// Transposed convolutions with and without a border to cut off, and resizes that are no repetition.
    static func fsrcnn() -> Graph {
        var b = NetBuilder(channels: 3, seed: 8)
        func transposed(_ x: ValueID, _ shape: Shape, _ attributes: [String: Attribute]) -> ValueID {
            let (w, bias) = (b.weights(shape, fan: shape[0] * 4), b.constant(b.random.tensor([shape[1]], scale: 0.1)))
            return b.op("ConvTranspose", x, w, bias, attributes: attributes)
        }
        let x = b.leaky(b.conv(b.input, 3, 16, k: 5), 0.1)
        let large = transposed(
            x, [16, 6, 9, 9],
            ["strides": .ints([4, 4]), "pads": .ints([4, 4, 4, 4]), "output_padding": .ints([3, 3])])
        let odd = transposed(x, [16, 5, 3, 3], ["strides": .ints([2, 2])])
        let scales = b.floats([4], [1, 1, 4, 4])
        let bilinear = b.op(
            "Resize", x, nil, scales,
            attributes: ["mode": .string("linear"), "coordinate_transformation_mode": .string("half_pixel")])
        let sum = b.op("Add", b.conv(large, 6, 3), b.conv(bilinear, 16, 3))
        return b.finished(sum, b.conv(odd, 5, 3))
    }

    static func ir() -> Graph {
        var b = NetBuilder(channels: 1, seed: 5)
        let first = b.conv(b.input, 1, 20)
        var x = first
        for _ in 0..<3 { x = b.op("Add", x, b.conv(b.leaky(b.conv(x, 20, 20), 0.1), 20, 20)) }
        x = b.op("Add", b.conv(x, 20, 20), first)
        return b.finished(b.op("DepthToSpace", b.conv(x, 20, 16), attributes: ["blocksize": .int(4), "mode": .string("CRD")]))
    }

    static func swin() -> Graph {
        var b = NetBuilder(channels: 3, seed: 6)
        let (c, heads, win) = (12, 3, 4)
        func linear(_ b: inout NetBuilder, _ x: ValueID, _ cin: Int, _ cout: Int) -> ValueID {
            let w = b.weights([cin, cout], fan: cin)
            return b.op("Add", b.op("MatMul", x, w), b.constant(b.random.tensor([cout], scale: 0.1)))
        }
        func norm(_ b: inout NetBuilder, _ x: ValueID) -> ValueID {
            b.op(
                "LayerNormalization", x, b.constant(b.random.tensor([c])), b.constant(b.random.tensor([c])),
                attributes: ["axis": .int(-1), "epsilon": .float(1e-5)])
        }
        func gelu(_ b: inout NetBuilder, _ x: ValueID) -> ValueID {
            let e = b.op("Erf", b.op("Mul", x, b.number(0.70710678)))
            return b.op("Mul", b.op("Mul", x, b.number(0.5)), b.op("Add", e, b.number(1)))
        }
        func transposed(_ b: inout NetBuilder, _ x: ValueID, _ order: [Int64]) -> ValueID {
            b.op("Transpose", x, attributes: ["perm": .ints(order)])
        }
        let w64 = Int64(win)
        let c64 = Int64(c)
        var x = b.conv(b.input, 3, c)
        let hw = b.op("Slice", b.op("Shape", x), b.ints(2), b.ints(4), b.ints(0))
        let tiles = b.op("Div", hw, b.ints(w64))
        let parts = b.many("Split", [tiles, b.ints(1, 1)], outputs: 2, ["axis": .int(0)])
        x = b.op("Reshape", x, b.concat([b.ints(c64), parts[0], b.ints(w64), parts[1], b.ints(w64)], axis: 0))
        x = b.op("Reshape", transposed(&b, x, [1, 3, 2, 4, 0]), b.ints(-1, w64 * w64, c64))
        for _ in 0..<2 {
            let y = norm(&b, x)
            var qkv: [ValueID] = []
            for _ in 0..<3 {
                let split = b.op("Reshape", linear(&b, y, c, c), b.ints(0, 0, Int64(heads), Int64(c / heads)))
                qkv.append(transposed(&b, split, [0, 2, 1, 3]))
            }
            var a = b.op("MatMul", b.op("Mul", qkv[0], b.number(0.5)), transposed(&b, qkv[1], [0, 1, 3, 2]))
            a = b.op("MatMul", b.op("Softmax", a, attributes: ["axis": .int(-1)]), qkv[2])
            a = b.op("Reshape", transposed(&b, a, [0, 2, 1, 3]), b.ints(0, 0, c64))
            x = b.op("Add", x, linear(&b, a, c, c))
            x = b.op("Add", x, linear(&b, gelu(&b, linear(&b, norm(&b, x), c, 2 * c)), 2 * c, c))
        }
        x = b.op("Reshape", x, b.concat([parts[0], parts[1], b.ints(w64), b.ints(w64), b.ints(c64)], axis: 0))
        x = b.op("Reshape", transposed(&b, x, [4, 0, 2, 1, 3]), b.concat([b.ints(1), b.ints(c64), hw], axis: 0))
        return b.finished(b.conv(x, c, 3))
    }
}
