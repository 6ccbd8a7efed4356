import CalorBase
import CalorGraph
import CalorONNX
import CalorTensor
import Foundation

/// An ONNX file that a command names; every fault carries its path.
struct ModelFile {
    let path: String
    let model: ONNXModel

    init(path: String) throws(NamedFault) {
        let file = InputFile(path: path, content: .model)
        let bytes = try file.bytes()
        let folder = file.isStandardInput ? nil : (path as NSString).deletingLastPathComponent
        do { model = try ONNXModel(decoding: bytes, folder: folder) } catch { throw file.named(error) }
        self.path = path
    }

    /// The graph, of which every operator is supported.
    func graph() throws(NamedFault) -> Graph {
        do { return try model.supportedGraph() } catch { throw named(error) }
    }

    func named(_ fault: any Fault) -> NamedFault { NamedFault(name: path, fault: fault) }

    /// One shape per input: from the command line, else what the model fixes, else one image as large as the first that is given, or of
    /// 128 × 128. Where several inputs do not fit each other so, an open one is tried at 2, 3, 4 and 8 times the size and at these fractions.
    func shapes(_ given: [String]) throws -> [String: Shape] {
        var shapes: [String: Shape] = [:]
        for text in given {
            let (name, value) = try ModelInput.split(text, of: model.graph)
            guard let shape = ModelInput.shape(value) else {
                throw ModelFault.shape(text: value)
            }
            shapes[name] = shape
        }
        let image = model.graph.inputs.compactMap { shapes[$0.name] }.first { $0.rank == 4 }
        let sides = image.map { [$0[2], $0[3]] } ?? [Self.trialSide, Self.trialSide]
        var open: [String: [CalorGraph.Dimension]] = [:]
        for input in model.graph.inputs where shapes[input.name] == nil {
            guard let dims = input.dims else { throw ModelFault.rank(input: input.name) }
            if dims.count == 4 { open[input.name] = dims }
            shapes[input.name] = Self.shape(dims, sides)
        }
        return model.graph.inputs.count > 1 ? agreeing(shapes, open, sides) : shapes
    }

    private static func shape(_ dims: [CalorGraph.Dimension], _ sides: [Int]) -> Shape {
        Shape(
            dims.enumerated().map { axis, dimension in
                switch dimension {
                case .fixed(let extent): extent
                case .symbol: dims.count == 4 && axis >= 2 ? sides[axis - 2] : 1
                }
            })
    }

    /// `shapes`, or where the nodes contradict them the first that they do not with one of the `open` inputs larger or smaller.
    private func agreeing(_ shapes: [String: Shape], _ open: [String: [CalorGraph.Dimension]], _ sides: [Int]) -> [String: Shape] {
        guard let graph = try? graph() else { return shapes }
        func agree(_ shapes: [String: Shape]) -> Bool { (try? graph.specialised(to: shapes)) != nil }
        // Each trial follows the whole graph.
        if open.isEmpty || open.count > 4 || agree(shapes) { return shapes }
        for factor in [2, 3, 4, 8] {
            let sizes = [sides.map { $0 * factor }] + (sides.allSatisfy { $0 % factor == 0 } ? [sides.map { $0 / factor }] : [])
            for size in sizes {
                for (name, dims) in open.sorted(by: { $0.key < $1.key }) {
                    let trial = shapes.merging([name: Self.shape(dims, size)]) { $1 }
                    if agree(trial) { return trial }
                }
            }
        }
        return shapes
    }
    /// Rows and columns of an image whose size the model leaves open.
    static let trialSide = 128
}

/// `NAME=VALUE` as the model commands take it.
enum ModelInput {
    /// The name may be left out when the model has one input.
    static func split(_ text: String, of graph: Graph) throws(ModelFault) -> (name: String, value: String) {
        // The longest known name wins, because names may hold "=".
        for input in graph.inputs.sorted(by: { $0.name.count > $1.name.count }) where text.hasPrefix(input.name + "=") {
            return (input.name, String(text.dropFirst(input.name.count + 1)))
        }
        if graph.inputs.count == 1, let only = graph.inputs.first, !text.contains("=") { return (only.name, text) }
        throw .input(text: text, known: graph.inputs.map(\.name))
    }

    /// `1x3x128x128`; `scalar` for no axes.
    static func shape(_ text: String) -> Shape? {
        if text == "scalar" { return [] }
        var extents: [Int] = []
        for part in text.split(separator: "x", omittingEmptySubsequences: false) {
            guard let extent = Int(part), extent >= 0, extent < 1 << 31 else { return nil }
            extents.append(extent)
        }
        return extents.isEmpty || extents.count > 64 ? nil : Shape(extents)
    }
}

/// A wrong argument of a model command.
enum ModelFault: Fault {
    case input(text: String, known: [String])
    case shape(text: String)
    case rank(input: String)
    case twice(input: String)
    case number(option: String, value: Int, allowed: String)

    var identifier: String {
        switch self {
        case .input: "usage.input"
        case .shape: "usage.shape"
        case .rank: "usage.rank"
        case .twice: "usage.twice"
        case .number: "usage.number"
        }
    }

    var kind: FaultKind { .usage }

    var message: String {
        switch self {
        case .input(let text, _): "--input \(text) names no input of the model"
        case .shape(let text): "\(text) is not a shape"
        case .rank(let input): "the model does not say how many axes the input \(input) has"
        case .twice(let input): "the input \(input) is given twice"
        case .number(let option, let value, _): "\(option) \(value) is not possible"
        }
    }

    var advice: String? {
        switch self {
        case .input(_, let known): "write NAME=VALUE; the inputs are: \(known.joined(separator: ", "))"
        case .shape: "write extents with x between them, for example 1x3x128x128"
        case .rank(let input): "give its shape, for example --input \(input)=1x3x128x128"
        case .twice: "give every input once"
        case .number(_, _, let allowed): "give \(allowed)"
        }
    }
}
