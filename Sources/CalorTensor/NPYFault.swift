import CalorBase

/// What is wrong with an `.npy` file.
public enum NPYFault: Fault {
    case notNPY
    case truncated(expected: Int, found: Int)
    case header(reason: String)
    case type(descr: String)
    case shape(reason: String)

    public var identifier: String {
        switch self {
        case .notNPY: "npy.magic"
        case .truncated: "npy.truncated"
        case .header: "npy.header"
        case .type: "npy.type"
        case .shape: "npy.shape"
        }
    }

    public var kind: FaultKind { .damagedInput }

    public var message: String {
        switch self {
        case .notNPY: "not an .npy file"
        case .truncated(let expected, let found): "truncated .npy file: \(expected) bytes are needed, it has \(found)"
        case .header(let reason): "the header of the .npy file is wrong: \(reason)"
        case .type(let descr): "elements of type \(descr) cannot be read"
        case .shape(let reason): "the shape in the .npy file is wrong: \(reason)"
        }
    }

    public var advice: String? {
        switch self {
        case .type: "save little-endian numbers or bools, for example array.astype(numpy.float32)"
        case .notNPY, .truncated, .header, .shape: "save the array again with numpy.save"
        }
    }
}
