/// One setting of a stage: its name, what it may be, and what it does. The tables of these are what `calor plan`, the error messages
/// and the documentation are made from.
public struct ParameterDescription: Sendable {
    public enum Kind: Sendable, Equatable {
        case number(ClosedRange<Double>)
        case integer(ClosedRange<Int>)
        case choice([String])
        case text
        case flag
        /// The name of another stage or of an input.
        case source
    }

    /// With dots where the file nests keys: `guidance.consistency`.
    public var name: String
    public var kind: Kind
    /// nil stands for a setting that is off, or that must be given.
    public var standard: ParameterValue?
    public var isRequired: Bool
    public var summary: String

    public init(_ name: String, _ kind: Kind, standard: ParameterValue? = nil, isRequired: Bool = false, _ summary: String) {
        self.name = name
        self.kind = kind
        self.standard = standard
        self.isRequired = isRequired
        self.summary = summary
    }

    /// What the value may be, for messages: `a number from 0 to 1`.
    public var expectation: String {
        switch kind {
        case .number(let range): "a number from \(compact(range.lowerBound)) to \(compact(range.upperBound))"
        case .integer(let range):
            range.lowerBound == range.upperBound
                ? "\(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let names): names.count == 1 ? names[0] : "one of \(names.joined(separator: ", "))"
        case .text: "a text"
        case .flag: "true or false"
        case .source: "the name of a stage or of the input"
        }
    }

    /// The value that `text` stands for; nil when it is not allowed.
    public func value(of text: String) -> ParameterValue? {
        switch kind {
        case .number(let range): Double(text).flatMap { range.contains($0) ? .number($0) : nil }
        case .integer(let range): Int(text).flatMap { range.contains($0) ? .integer($0) : nil }
        case .choice(let names): names.contains(text) ? .text(text) : nil
        case .text, .source: text.isEmpty ? nil : .text(text)
        case .flag: ["true": .flag(true), "yes": .flag(true), "false": .flag(false), "no": .flag(false)][text.lowercased()]
        }
    }
}

/// A checked value of a parameter.
public enum ParameterValue: Sendable, Hashable, CustomStringConvertible {
    case number(Double)
    case integer(Int)
    case text(String)
    case flag(Bool)

    public var description: String {
        switch self {
        case .number(let value): compact(value)
        case .integer(let value): "\(value)"
        case .text(let value): value
        case .flag(let value): "\(value)"
        }
    }
}

/// The values of one stage: what was given and the defaults of the rest.
public struct ParameterValues: Sendable {
    public private(set) var values: [String: ParameterValue] = [:]
    /// Names that the file or the command line gave.
    public private(set) var given: Set<String> = []

    public init(defaults: [ParameterDescription]) {
        for parameter in defaults { values[parameter.name] = parameter.standard }
    }

    mutating func give(_ name: String, _ value: ParameterValue) {
        values[name] = value
        given.insert(name)
    }

    public func number(_ name: String) -> Double? {
        switch values[name] {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }

    public func integer(_ name: String) -> Int? { if case .integer(let value) = values[name] { value } else { nil } }
    public func text(_ name: String) -> String? { if case .text(let value) = values[name] { value } else { nil } }
    public func flag(_ name: String) -> Bool { values[name] == .flag(true) }

    /// `filter=bicubic scale=4`: every value in a stable order.
    public var summary: String { values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }
}

/// `4` rather than `4.0`; the shortest text that gives the same number back.
func compact(_ value: Double) -> String {
    if let whole = Int(exactly: value), abs(whole) < 1_000_000_000_000 { return "\(whole)" }
    return "\(value)"
}
