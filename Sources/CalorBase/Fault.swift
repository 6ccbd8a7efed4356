/// The three parties that can be at fault, in the detail that an exit status needs.
///
/// *Source*: the table of exit statuses in `docs/interfaces.md`.
public enum FaultKind: String, Sendable, CaseIterable {
    /// The command line or the pipeline file is wrong; nothing was touched (64).
    case usage
    /// A file is damaged, or is not what it claims to be (65).
    case damagedInput
    /// An input, a model or a pipeline does not exist or cannot be opened for reading (66).
    case missing
    /// A defect of Calor (70).
    case defect
    /// An output cannot be created (73).
    case cannotCreate
    /// Reading or writing failed half way, for example on a full disk (74).
    case inputOutput
    /// This CPU or a limit of the policy does not allow it (78).
    case limit
    /// The user asked to stop (130, 143).
    case cancelled
}

/// An error that can be shown to a user: what happened, and what to do next.
///
/// Every module has one enum that conforms; `identifier` is stable and is what scripts match on.
public protocol Fault: Error, Sendable, CustomStringConvertible {
    /// A stable word such as `png.crc`, never translated or reworded.
    var identifier: String { get }
    var kind: FaultKind { get }
    /// What happened, as the end of a sentence that begins with the file's name; no full stop.
    var message: String { get }
    /// What the user can do about it; one line.
    var advice: String? { get }
}

extension Fault {
    public var description: String { advice.map { "\(message)\n    \($0)" } ?? message }
}
