import CalorBase

/// The statuses of `docs/interfaces.md`.
enum ExitStatus {
    static let regression: Int32 = 1
    static let someFailed: Int32 = 2

    static func of(_ fault: any Fault) -> Int32 {
        switch fault.kind {
        case .usage: 64
        case .damagedInput: 65
        case .missing: 66
        case .defect: 70
        case .cannotCreate: 73
        case .inputOutput: 74
        case .limit: 78
        case .cancelled: 130
        }
    }
}
