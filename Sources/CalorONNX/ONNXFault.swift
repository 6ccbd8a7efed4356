import CalorBase

/// What is wrong with an ONNX file.
public enum ONNXFault: Fault {
    /// Not a protocol buffer, cut short, or without a graph.
    case format(reason: String)
    case opset(found: Int64)
    case node(name: String, op: String, reason: String)
    case unsupported(node: String, op: String, reason: String)
    case tensor(name: String, reason: String)
    case value(name: String, reason: String)
    case cycle(node: String)
    case tooLarge(bytes: Int, limit: Int)

    public var identifier: String {
        switch self {
        case .format: "onnx.format"
        case .opset: "onnx.opset"
        case .node: "onnx.node"
        case .unsupported: "onnx.unsupported"
        case .tensor: "onnx.tensor"
        case .value: "onnx.value"
        case .cycle: "onnx.cycle"
        case .tooLarge: "onnx.too-large"
        }
    }

    public var kind: FaultKind {
        if case .tooLarge = self { .limit } else { .damagedInput }
    }

    public var message: String {
        switch self {
        case .format(let reason): "not an ONNX model: \(reason)"
        case .opset(let found): "operator set \(found) is not supported"
        case .node(let name, let op, let reason): "node \(name) (\(op)): \(reason)"
        case .unsupported(let node, let op, let reason): "node \(node) (\(op)) is not supported: \(reason)"
        case .tensor(let name, let reason): "tensor \(name): \(reason)"
        case .value(let name, let reason): "value \(name): \(reason)"
        case .cycle(let node): "node \(node) depends on its own output"
        case .tooLarge(let bytes, let limit): "\(bytes) bytes are above the limit of \(limit)"
        }
    }

    public var advice: String? {
        switch self {
        case .format: "check that the download is complete and that the file is an .onnx model"
        case .opset: "export the model for an operator set from 7 to \(ONNXModel.newestOpset)"
        case .unsupported: "`calor model check` lists every operator of the model and whether it is supported"
        case .tensor(_, let reason) where reason.contains("external data") || reason.contains("another file"):
            "keep the model's data files beside it as the exporter wrote them, or save the model as one file"
        case .node, .tensor, .value, .cycle: "export the model again; onnx.checker.check_model names the same fault"
        case .tooLarge: "models above this size are not read"
        }
    }
}
