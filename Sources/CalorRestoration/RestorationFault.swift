import CalorBase

/// What can go wrong between a model's name and a restored image.
public enum RestorationFault: Fault {
    case modelNotFound(name: String, known: [String])
    case sidecar(path: String, reason: String)
    case unreadable(path: String, reason: String)
    case digest(path: String, expected: String, found: String)
    case undeclaredData(path: String, sidecarOf: String)
    case channels(model: String, wanted: Int, found: String)
    case notAnImageNetwork(model: String, reason: String)
    case notFinite(model: String, count: Int)
    case inputNotFinite(count: Int)
    case inputNoData(value: Float, count: Int)
    case steps(model: String, wanted: Int, most: Int)
    case guidance(model: String, reason: String)
    case ensemble(model: String, reason: String)
    case textureMode(model: String)
    case engine(model: String, identifier: String, kind: FaultKind, message: String, advice: String?)
    case cancelled

    public var identifier: String {
        switch self {
        case .modelNotFound: "model.not-found"
        case .sidecar: "model.sidecar"
        case .unreadable: "model.unreadable"
        case .digest: "model.digest"
        case .undeclaredData: "model.undeclared-data"
        case .channels: "model.channels"
        case .notAnImageNetwork: "model.not-an-image-network"
        case .notFinite: "network.not-finite"
        case .inputNotFinite: "input.not-finite"
        case .inputNoData: "input.no-data"
        case .steps: "model.steps"
        case .guidance: "model.guidance"
        case .ensemble: "model.ensemble"
        case .textureMode: "model.texture-mode"
        case .engine(_, let identifier, _, _, _): identifier
        case .cancelled: "cancelled"
        }
    }

    public var kind: FaultKind {
        switch self {
        case .modelNotFound, .unreadable: .missing
        case .sidecar, .digest, .undeclaredData, .notAnImageNetwork, .channels, .inputNotFinite, .inputNoData:
            .damagedInput
        case .notFinite: .defect
        case .steps, .guidance, .ensemble, .textureMode: .usage
        case .engine(_, _, let kind, _, _): kind
        case .cancelled: .cancelled
        }
    }

    public var message: String {
        switch self {
        case .modelNotFound(let name, _): "there is no model \(name)"
        case .sidecar(let path, let reason): "\(path): \(reason)"
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .digest(let path, let expected, let found):
            "\(path) is not the file that its model.yaml describes (SHA-256 \(found.prefix(12))…, not \(expected.prefix(12))…)"
        case .undeclaredData(let path, let model):
            "\(path) holds weights of \(model), but its model.yaml does not name it under external-data"
        case .channels(let model, let wanted, let found):
            "model \(model) works on \(wanted == 1 ? "grey" : "RGB") images, this one is \(found)"
        case .notAnImageNetwork(let model, let reason): "model \(model): \(reason)"
        case .notFinite(let model, let count): "network \(model) gave \(count) values that are not finite"
        case .inputNotFinite(let count):
            "the image has \(count) \(count == 1 ? "value that is" : "values that are") not finite (NaN or infinite)"
        case .inputNoData(let value, let count):
            "\(count) \(count == 1 ? "sample has" : "samples have") the value \(value), which the file calls no data (GDAL_NODATA)"
        case .steps(let model, let wanted, let most):
            most == 1
                ? "model \(model) works in one step, not in \(wanted)"
                : "model \(model) was trained for \(most) steps, not for \(wanted)"
        case .guidance(let model, let reason): "model \(model) cannot be guided like this: \(reason)"
        case .ensemble(let model, let reason): "model \(model) cannot be run as an ensemble: \(reason)"
        case .textureMode(let model): "model \(model) has no texture mode: it works in one pass and draws no noise"
        case .engine(let model, _, _, let message, _): "model \(model): \(message)"
        case .cancelled: "stopped"
        }
    }

    public var advice: String? {
        switch self {
        case .modelNotFound(_, let known):
            known.isEmpty
                ? "no models were found: set CALOR_HOME to the folder that holds models/, or give the path of an .onnx file"
                : "known models: \(known.joined(separator: ", ")); the path of an .onnx file works too"
        case .sidecar: "the keys of a model.yaml are listed in docs/models.md"
        case .unreadable: "check the path and its permissions"
        case .undeclaredData: "add the file with its SHA-256 to `external-data` in the model.yaml"
        case .digest: "fetch the model again, or run the .onnx file by its own path to accept it without a sidecar"
        case .channels(_, let wanted, _):
            wanted == 1 ? "use an infrared or grey image, or a pipeline for RGB" : "use a pipeline for infrared"
        case .notAnImageNetwork: "look at it with `calor model info`"
        case .notFinite: "the weights may be damaged; check the model with `calor model check`"
        case .inputNotFinite, .inputNoData: "a network would spread them; fill such pixels first"
        case .steps(_, _, let most): most == 1 ? "leave out `steps`" : "give `steps` from 1 to \(most)"
        case .guidance: "leave out that part of `guidance`, or use another model"
        case .ensemble: "give `ensemble` 1, 2, 4 or 8, or leave it out"
        case .textureMode: "leave out `mode`, or use a model with a sampler"
        case .engine(_, _, _, _, let advice): advice
        case .cancelled: nil
        }
    }

    /// The fault of a lower floor as it concerns `model`.
    init(_ fault: any Fault, model: String) {
        self = .engine(model: model, identifier: fault.identifier, kind: fault.kind, message: fault.message, advice: fault.advice)
    }
}
