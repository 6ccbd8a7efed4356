import CalorTensor

extension SpecialisedGraph {
    /// This graph with the images of a batch taken apart: kernels for pictures take one at a time, and so do the rows of strips.
    ///
    /// Operations on pictures (convolutions, pooling, resizing, norms of channels) are done once for each image, and what stands between
    /// them with them, as long as no image sees another. The rest takes the images as they were, put together again. All operations of one
    /// image come before those of the next, so that memory and cache serve one at a time.
    func withSingleImages() -> SpecialisedGraph {
        let most = ImageSplit.mostImages(of: graph)
        guard graph.nodes.contains(where: { ImageOperation($0, self, most: most)?.needsSingleImages ?? false }) else { return self }
        var pass = ImageSplit(self, most: most)
        for node in graph.nodes { pass.visit(node) }
        return pass.finished(self)
    }
}

/// A node that treats every image of a batch alike and alone.
private struct ImageOperation {
    /// Images of the batch.
    let count: Int
    /// Whether the kernels only take single images; the others follow their inputs.
    let needsSingleImages: Bool
    /// The positions of inputs that hold one part for each image; the other inputs are shared.
    let images: Set<Int>
    /// What another input is for one image.
    var replaced: (index: Int, value: Tensor)?
    /// A reshaping of any kind, as a Reshape.
    var isReshape = false

    private static let pictures: Set = [
        "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization",
        "InstanceNormalization", "GroupNormalization", "DepthToSpace", "SpaceToDepth", "Resize", "Upsample",
    ]
    private static let unary: Set = [
        "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Gelu", "HardSigmoid", "HardSwish", "Elu", "Softplus", "Mish", "Softsign", "Neg",
        "Abs",
        "Sqrt", "Reciprocal", "Exp", "Log", "Erf", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos", "Clip",
    ]
    private static let binary: Set = ["Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "PRelu"]
    private static let reshapes: Set = ["Reshape", "Flatten", "Squeeze", "Unsqueeze"]
    private static let reductions: Set = ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"]

    /// nil where an image sees another, or there are more than `most`.
    init?(_ node: Node, _ graph: SpecialisedGraph, most: Int) {
        let outputs = node.outputs.compactMap { $0 }.compactMap { graph.types[$0] }
        guard let output = outputs.first, outputs.count == node.outputs.count, node.op == "Split" || outputs.count == 1,
            outputs.allSatisfy({ $0.dtype == .f32 && $0.shape.rank >= 2 && $0.shape.count > 0 && $0.shape[0] == output.shape[0] }),
            output.shape[0] > 1, output.shape[0] <= most
        else { return nil }
        let (count, rank) = (output.shape[0], output.shape.rank)
        func type(_ index: Int) -> ValueType? { index < node.inputs.count ? node.inputs[index].flatMap { graph.types[$0] } : nil }
        /// Whether an input is a batch of as many images.
        func isBatch(_ index: Int) -> Bool {
            type(index).map { $0.dtype == .f32 && $0.shape.rank >= 2 && $0.shape.count > 0 && $0.shape[0] == count } ?? false
        }
        let call = OperatorCall(
            node: node, opset: graph.graph.opset, types: node.inputs.map { $0.flatMap { graph.types[$0] } },
            tensors: node.inputs.map { $0.flatMap { graph.graph.constants[$0] } })
        func integers(_ index: Int) -> [Int]? {
            call.optionalTensor(index).flatMap { $0.dtype == .i64 ? $0.array(of: Int64.self).map { Int($0) } : nil }
        }
        /// Axes of an attribute or a constant, from 0 on; nil when they are not known.
        func axes(_ index: Int) -> [Int]? {
            ((try? call.ints("axes")) ?? integers(index))?.map { $0 < 0 ? $0 + (type(0)?.shape.rank ?? 0) : $0 }
        }
        let others = node.inputs.indices.dropFirst()
        let restIsConstant = others.allSatisfy { node.inputs[$0] == nil || call.optionalTensor($0) != nil }
        self.count = count
        var needsSingleImages = false
        var images: Set = [0]
        let own: Bool
        switch node.op {
        case _ where Self.pictures.contains(node.op):
            needsSingleImages = true
            let isNorm = node.op == "InstanceNormalization"
            own = isBatch(0) && restIsConstant && (rank == 4 || isNorm && rank >= 3) && type(0)?.shape.rank == rank
            if ["Resize", "Upsample"].contains(node.op) {
                // Two images enlarged 1.2 times are two images, and not the same.
                let inputs = others.compactMap { call.optionalTensor($0) }.filter { $0.dtype == .f32 && $0.count == 4 }
                let scales = [try? call.floats("scales")].compactMap { $0?.first } + inputs.map { $0.floats[0] }
                let listedAxes = axes(node.inputs.count) ?? []
                guard scales.allSatisfy({ $0 == 1 }), !listedAxes.contains(0) else { return nil }
            }
            if node.op == "Resize", node.inputs.count > 3, node.inputs[3] != nil {
                guard node.attributes["axes"] == nil, node.attributes["keep_aspect_ratio_policy"] == nil, let sizes = integers(3),
                    sizes.count == 4
                else { return nil }
                replaced = (3, Tensor([4], [1] + sizes.dropFirst().map { Int64($0) }))
            }
        case _ where Self.unary.contains(node.op): own = isBatch(0) && restIsConstant
        case _ where Self.binary.contains(node.op):
            images = Set(node.inputs.indices.filter { type($0)?.shape.rank == rank && isBatch($0) })
            // The others are repeated for every image.
            func isRepeated(_ index: Int) -> Bool {
                type(index).map { $0.dtype == .f32 && ($0.shape.rank < rank || $0.shape[0] == 1) } ?? false
            }
            own =
                !images.isEmpty && node.inputs.count == 2
                && node.inputs.indices.allSatisfy { images.contains($0) || isRepeated($0) }
        case "Concat":
            images = Set(node.inputs.indices)
            let axis = (try? call.int("axis")) ?? 0
            own = axis != 0 && axis != -rank && images.allSatisfy { isBatch($0) && type($0)?.shape.rank == rank }
        case "Split", "Softmax", "LayerNormalization":
            let axis = (try? call.int("axis")) ?? (node.op == "Split" ? 0 : graph.graph.opset < 13 && node.op == "Softmax" ? 1 : -1)
            own = axis != 0 && axis != -rank && isBatch(0) && restIsConstant
        case "Slice":
            own = isBatch(0) && restIsConstant && axes(3).map { !$0.isEmpty && !$0.contains(0) } ?? false
        case "Pad":
            let pads = (try? call.ints("pads")) ?? integers(1)
            own =
                isBatch(0) && restIsConstant && (node.inputs.count < 4 || node.inputs[3] == nil)
                && pads.map { $0.count == 2 * rank && $0[0] == 0 && $0[rank] == 0 } ?? false
        case "Transpose": own = isBatch(0) && (try? call.ints("perm"))?.first == 0
        case _ where Self.reshapes.contains(node.op):
            own = isBatch(0) && restIsConstant && type(0)?.shape.count == output.shape.count
            isReshape = true
            replaced = (1, Tensor([rank], [1] + output.shape.dims.dropFirst().map { Int64($0) }))
        case _ where Self.reductions.contains(node.op):
            own = isBatch(0) && restIsConstant && axes(1).map { !$0.isEmpty && !$0.contains(0) } ?? false
        case "MatMul":
            let second = call.optionalTensor(1)
            if second == nil { images = [0, 1] }
            let fits = second.map { $0.shape.rank == 2 } ?? (isBatch(1) && type(1)?.shape.rank == rank)
            own = rank >= 3 && isBatch(0) && type(0)?.shape.rank == rank && fits
        default: return nil
        }
        guard own else { return nil }
        self.needsSingleImages = needsSingleImages
        self.images = images
    }
}

private struct ImageSplit {
    private var result: SpecialisedGraph
    /// The images of a value, one value each.
    private var parts: [ValueID: [ValueID]] = [:]
    /// Values that exist as a whole although they have parts.
    private var whole: Set<ValueID> = []
    /// Operations on single images that are not in the graph yet, by number of images and image.
    private var pending: [Int: [[Node]]] = [:]
    private var taken = 0
    private let most: Int

    /// Images that may be taken apart: a plan has its operations once for each, and until the weights are packed, the weights as well.
    static func mostImages(of graph: Graph) -> Int {
        let weights = graph.constants.values.reduce(0) { $0 + $1.count * $1.dtype.bytes }
        return min(64, 8192 / max(graph.nodes.count, 1), (2 << 30) / max(weights, 1))
    }

    init(_ graph: SpecialisedGraph, most: Int) {
        self.most = most
        result = graph
        result.graph.nodes = []
    }

    mutating func visit(_ node: Node) {
        guard let operation = ImageOperation(node, result, most: most),
            operation.needsSingleImages || operation.images.contains(where: { node.inputs[$0].map { parts[$0] != nil } ?? false })
        else {
            for case let input? in node.inputs { join(input) }
            result.graph.nodes.append(node)
            return
        }
        taken += 1
        let operands = operation.images.sorted().map { index in (index, images(node.inputs[index], operation.count)) }
        var rest = node
        if let (index, tensor) = operation.replaced {
            let value = result.constant(tensor)
            if operation.isReshape { rest.inputs = [node.inputs[0], value] } else { rest.inputs[index] = value }
        }
        if operation.isReshape { (rest.op, rest.attributes) = ("Reshape", [:]) }
        // A shared value is read by every image.
        for (index, input) in rest.inputs.enumerated() where !operation.images.contains(index) { if let input { join(input) } }
        var made = [[ValueID]](repeating: [], count: node.outputs.count)
        for image in 0..<operation.count {
            var single = rest
            for (index, values) in operands { single.inputs[index] = values[image] }
            for (position, output) in node.outputs.enumerated() {
                guard let output, let type = result.types[output] else { continue }
                let value = result.value(ValueType(type.dtype, Shape([1] + type.shape.dims.dropFirst())))
                result.twins[value] = output
                single.outputs[position] = value
                made[position].append(value)
            }
            pending[operation.count, default: [[Node]](repeating: [], count: operation.count)][image].append(single)
        }
        for (position, output) in node.outputs.enumerated() { if let output { parts[output] = made[position] } }
    }

    func finished(_ original: SpecialisedGraph) -> SpecialisedGraph {
        var pass = self
        for output in original.graph.outputs { pass.join(output.value) }
        pass.result.applied.append(PassReport(pass: "take images apart", nodes: taken))
        return pass.result
    }

    /// The images of a value, cut out of it where it is a whole.
    private mutating func images(_ value: ValueID?, _ count: Int) -> [ValueID] {
        guard let value, let type = result.types[value] else { preconditionFailure("an image operation has typed inputs") }
        if let known = parts[value] { return known }
        let shape = Shape([1] + type.shape.dims.dropFirst())
        whole.insert(value)
        if let tensor = result.graph.constants[value] {
            let numbers = tensor.floats
            let made = (0..<count).map { result.constant(Tensor(shape, Array(numbers[$0 * shape.count..<($0 + 1) * shape.count]))) }
            parts[value] = made
            return made
        }
        let made = (0..<count).map { _ in result.value(ValueType(type.dtype, shape)) }
        var attributes: [String: Attribute] = ["axis": .int(0)]
        if result.graph.opset >= 18 { attributes["num_outputs"] = .int(Int64(count)) }
        result.graph.nodes.append(
            Node(
                name: "images of \(result.graph.label(value))", op: "Split", inputs: [value], outputs: made, attributes: attributes)
        )
        parts[value] = made
        return made
    }

    /// Makes the value a whole again, which the next operation reads.
    private mutating func join(_ value: ValueID) {
        guard let values = parts[value], whole.insert(value).inserted else { return }
        for count in pending.keys.sorted() { for nodes in pending[count] ?? [] { result.graph.nodes += nodes } }
        pending = [:]
        result.graph.nodes.append(
            Node(
                name: "images of \(result.graph.label(value))", op: "Concat", inputs: values, outputs: [value],
                attributes: ["axis": .int(0)]))
    }
}
