/// What can go wrong between this program and the file system.
public enum FileFault: Fault, Equatable {
    /// The path, and the system's reason.
    case cannotCreate(String, String)
    case write(String, String)

    public var identifier: String {
        switch self {
        case .cannotCreate: "file.cannot-create"
        case .write: "file.write"
        }
    }

    public var kind: FaultKind {
        switch self {
        case .cannotCreate: .cannotCreate
        case .write: .inputOutput
        }
    }

    public var message: String {
        switch self {
        case .cannotCreate(let path, let reason): "\(path): cannot be created: \(reason)"
        case .write(let path, let reason): "\(path): writing failed: \(reason)"
        }
    }

    public var advice: String? {
        switch self {
        case .cannotCreate: "Check that the folder exists and may be written to."
        case .write: "Check the free space of the disk; nothing incomplete was left behind."
        }
    }
}
