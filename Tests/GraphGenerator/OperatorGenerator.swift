import CalorGraph
import CalorTensor

/// One operator with inputs and attributes that need not make sense: any mixture of types, ranks, missing inputs and numbers at the
/// edges. The engine must answer with tensors or with a fault.
public struct OperatorGenerator {
    public private(set) var graph: Graph
    public private(set) var inputs: [String: Tensor] = [:]
    private var choices: Choices
    /// Whether numbers are small and types mostly fit, so that most graphs run.
    private let isTame: Bool

    public init(_ choices: Choices, tame: Bool = false) {
        self.choices = choices
        isTame = tame
        let opset = self.choices.one(of: [18, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25])
        graph = Graph(
            name: "operator", opset: opset, inputs: [], outputs: [], nodes: [], constants: [:], valueNames: [:], valueCount: 0)
        let names = Self.names
        let op = names[(self.choices.number(0...255) * 256 + self.choices.number(0...255)) % names.count]
        addNode(op)
    }

    private static let names = OperatorTable.all.keys.sorted()

    private mutating func addNode(_ op: String) {
        guard let entry = OperatorTable.all[op] else { return }
        let most = min(entry.inputs.upperBound, 8)
        let count = isTame || choices.flag() ? choices.number(min(entry.inputs.lowerBound, most)...most) : choices.number(0...6)
        var operands: [ValueID?] = []
        for index in 0..<count { operands.append(operand(index, listed: entry.shapedBy.contains(index))) }
        let outputs = (0..<choices.number(1...max(1, min(entry.outputs, 4)))).map { _ in graph.makeValue() }
        var attributes: [String: Attribute] = [:]
        for name in Self.attributes(of: op) where choices.flag() { attributes[name] = attribute(name) }
        if choices.flag(oneIn: 8) {
            let name = choices.one(of: Self.allAttributes)
            attributes[name] = attribute(name)
        }
        graph.nodes = [Node(name: "node", op: op, inputs: operands, outputs: outputs, attributes: attributes)]
        graph.outputs = outputs.enumerated().map { ValueInfo(name: "out\($0.offset)", value: $0.element, dtype: .f32, dims: nil) }
    }

    // MARK: - Inputs

    private mutating func operand(_ index: Int, listed: Bool) -> ValueID? {
        let tensor: Tensor
        switch choices.number(0...9) {
        case 0 where !isTame: return nil
        case 1, 2,
            3 where index > 0:
            tensor = integers()
        case _ where listed: tensor = integers()
        case 4: tensor = any(choices.one(of: DType.allCases), shape())
        case 5: tensor = any(.f32, [])
        default: tensor = any(.f32, shape())
        }
        let value = graph.makeValue(named: "value\(index)")
        // Shapes that hang on values fed at run time could be of any size.
        if listed || tensor.dtype == .i64 || choices.flag(oneIn: 3) {
            graph.constants[value] = tensor
        } else {
            graph.inputs.append(
                ValueInfo(name: "value\(index)", value: value, dtype: tensor.dtype, dims: tensor.shape.dims.map { .fixed($0) }))
            inputs["value\(index)"] = tensor
        }
        return value
    }

    private mutating func shape() -> Shape {
        let rank = choices.one(of: [4, 4, 3, 2, 1, 0, 5, 6])
        return Shape((0..<rank).map { _ in choices.one(of: isTame ? [2, 1, 3, 4, 8, 5] : [2, 1, 3, 0, 4, 8, 5]) })
    }

    private mutating func integers() -> Tensor {
        let count = choices.number(0...8)
        let values = (0..<count).map { _ in integer() }
        if choices.flag(oneIn: 8) { return Tensor(.i32, [count], copying: values.map { Int32(truncatingIfNeeded: $0) }) }
        if count == 1, choices.flag() { return Tensor([], values) }
        return Tensor([count], values)
    }

    private mutating func any(_ dtype: DType, _ shape: Shape) -> Tensor {
        let count = shape.count
        let salt = UInt64(choices.byte())
        func bits(_ i: Int) -> UInt64 { Choices.mixed(salt << 32 | UInt64(i)) }
        let isWild = !isTame && choices.flag(oneIn: 4)
        switch dtype {
        case .f32:
            let wild: [Float] = [.nan, .infinity, -.infinity, 1e38, -1e38, .leastNormalMagnitude / 2, 0, -0.0, 3e9, 1e19]
            return Tensor(
                shape,
                (0..<count).map { isWild ? wild[Int(bits($0) % UInt64(wild.count))] : Float(bits($0) >> 40) / Float(1 << 23) - 1 })
        case .f64:
            let wild: [Double] = [.nan, .infinity, 1e300, -1e300, 1e19, -1e19, 0]
            return Tensor(
                .f64, shape,
                copying: (0..<count).map { isWild ? wild[Int(bits($0) % UInt64(wild.count))] : Double(bits($0) >> 40) / 1e6 })
        case .bool: return Tensor(.bool, shape, copying: (0..<count).map { UInt8(bits($0) & 1) })
        default:
            // Any bits are a number of an integer type, and of f16.
            var tensor = Tensor(dtype, shape)
            tensor.withUnsafeMutableBytes { bytes in
                for i in bytes.indices {
                    bytes[i] = isWild ? UInt8(truncatingIfNeeded: bits(i)) : UInt8(i % dtype.bytes == 0 ? bits(i) % 4 : 0)
                }
            }
            return tensor
        }
    }

    // MARK: - Attributes

    private static let edges: [Int64] = [
        0, 1, 2, -1, 3, 4, -2, .max, .min, .max - 1, .min + 1, 1 << 31, -(1 << 31), 1 << 32, 1 << 40, 1 << 62, 255, 256, 65_536, -3,
        -4, 5, 7, 8, 1000, 1_000_000,
    ]

    private mutating func integer() -> Int64 {
        if isTame || choices.flag() { return Int64(choices.number(-1...4)) }
        return choices.one(of: Self.edges)
    }

    private mutating func number() -> Float {
        if isTame || choices.flag() { return Float(choices.number(-4...12)) / 4 }
        return choices.one(of: [0, .nan, .infinity, -.infinity, 1e38, -1e38, .leastNonzeroMagnitude, -0.0, 1e10, 9.3e18, -9.3e18])
    }

    private mutating func attribute(_ name: String) -> Attribute {
        if !isTame, choices.flag(oneIn: 16) {
            return choices.one(of: [
                .int(1), .float(1), .string("x"), .ints([1]), .floats([1]), .strings(["x"]), .tensor(Tensor([], [Int64(1)])),
            ])
        }
        if let words = Self.words[name] { return .string(choices.one(of: words + (isTame ? [] : ["", "nonsense"]))) }
        if Self.numbers.contains(name) { return .float(number()) }
        if Self.lists.contains(name) { return .ints((0..<choices.number(0...8)).map { _ in integer() }) }
        switch name {
        case "value": return .tensor(choices.flag() ? integers() : any(choices.one(of: DType.allCases), shape()))
        case "value_floats": return .floats((0..<choices.number(0...4)).map { _ in number() })
        case "value_float": return .float(number())
        case "equation": return .string(equation())
        default: return .int(integer())
        }
    }

    private mutating func equation() -> String {
        let letters = Array("ij,k->ab. ")
        if choices.flag() {
            return choices.one(of: ["ij,jk->ik", "bij,bjk->bik", "ii->i", "...i->...", "i,j->ij", "ij->ji", "ij->"])
        }
        return String((0..<choices.number(0...14)).map { _ in choices.one(of: letters) })
    }

    private static let words: [String: [String]] = [
        "mode": ["nearest", "linear", "cubic", "constant", "reflect", "edge", "wrap", "DCR", "CRD", "bilinear", "bicubic"],
        "auto_pad": ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"], "approximate": ["tanh", "none"],
        "coordinate_transformation_mode": [
            "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "tf_crop_and_resize", "half_pixel_symmetric",
        ],
        "nearest_mode": ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"],
        "keep_aspect_ratio_policy": ["stretch", "not_larger", "not_smaller"], "padding_mode": ["zeros", "border", "reflection"],
        "reduction": ["none", "add", "mul", "min", "max"], "round_mode": ["up", "down", "nearest"],
    ]
    private static let numbers: Set<String> = [
        "alpha", "beta", "gamma", "bias", "epsilon", "extrapolation_value", "cubic_coeff_a", "ratio", "lambd", "min", "max",
        "scale",
        "softcap", "momentum",
    ]
    private static let lists: Set<String> = [
        "axes", "pads", "strides", "dilations", "kernel_shape", "output_padding", "output_shape", "perm", "split", "starts", "ends",
        "shape", "repeats", "scales", "value_ints", "steps",
    ]
    private static let allAttributes = Set(families.values.joined()).sorted()

    private static let window = ["auto_pad", "pads", "strides", "dilations", "kernel_shape"]
    private static let families: [String: [String]] = [
        "Conv": window + ["group"], "ConvTranspose": window + ["group", "output_padding", "output_shape"],
        "MaxPool": window + ["ceil_mode", "storage_order"], "AveragePool": window + ["ceil_mode", "count_include_pad"],
        "LpPool": window + ["p"], "LRN": ["alpha", "beta", "bias", "size"],
        "Resize": [
            "mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "exclude_outside", "antialias", "axes",
            "extrapolation_value", "keep_aspect_ratio_policy",
        ],
        "Upsample": ["mode", "scales"], "DepthToSpace": ["blocksize", "mode"], "SpaceToDepth": ["blocksize"],
        "Pad": ["mode", "pads", "value"], "GridSample": ["mode", "padding_mode", "align_corners"],
        "Attention": [
            "q_num_heads", "kv_num_heads", "is_causal", "scale", "softcap", "qk_matmul_output_mode", "softmax_precision",
        ],
        "DFT": ["axis", "inverse", "onesided"], "Einsum": ["equation"], "TopK": ["axis", "largest", "sorted", "k"],
        "Gemm": ["alpha", "beta", "transA", "transB"], "Transpose": ["perm"], "Split": ["axis", "split", "num_outputs"],
        "Slice": ["axes", "starts", "ends"], "Reshape": ["shape", "allowzero"], "Tile": [], "Shape": ["start", "end"],
        "EyeLike": ["dtype", "k"], "Cast": ["to", "saturate", "round_mode"], "ConstantOfShape": ["value"],
        "Constant": ["value", "value_int", "value_ints", "value_float", "value_floats"], "Trilu": ["upper"],
        "CumSum": ["exclusive", "reverse"], "OneHot": ["axis"],
        "BatchNormalization": ["epsilon", "momentum", "training_mode", "spatial"],
        "GroupNormalization": ["num_groups", "epsilon", "stash_type"], "LayerNormalization": ["axis", "epsilon", "stash_type"],
        "LpNormalization": ["axis", "p"], "Mod": ["fmod"], "Clip": ["min", "max"], "Dropout": ["ratio", "seed"],
        "ScatterElements": ["axis", "reduction"], "ScatterND": ["reduction"], "GatherND": ["batch_dims"],
    ]

    private static func attributes(of op: String) -> [String] {
        families[op] ?? ["axis", "axes", "keepdims", "epsilon", "alpha", "beta", "noop_with_empty_axes", "select_last_index"]
    }

    /// The node and its inputs, for a message.
    public var listing: String {
        guard let node = graph.nodes.first else { return "empty" }
        let operands = node.inputs.map { input -> String in
            guard let input else { return "-" }
            if let tensor = graph.constants[input] {
                let values = tensor.dtype == .i64 ? " \(tensor.array(of: Int64.self))" : ""
                return "constant \(tensor.dtype) \(tensor.shape)\(values)"
            }
            return graph.inputs.first { $0.value == input }.map {
                "\($0.dtype) \(Shape(($0.dims ?? []).map { d in if case .fixed(let n) = d { n } else { -1 } }))"
            } ?? "?"
        }
        let attributes = node.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return
            "opset \(graph.opset) \(node.op)(\(operands.joined(separator: "; "))) \(attributes.joined(separator: " ")) → \(node.outputs.count)"
    }
}
