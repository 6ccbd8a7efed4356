import CYaml
import Yams

/// YAML that nobody trusts. An alias stands for a whole tree, so a few hundred bytes can stand for billions of nodes, and a key that is
/// a tree is hashed on every level: the text is checked as a stream of events before anything is built.
public enum YAMLText {
    /// Nodes of one file with every alias followed. The longest of our own files has some hundred.
    public static let maximumNodes = 100_000

    /// What is wrong with a text, and in which line.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public var line: Int?
        public var description: String
    }

    /// The only document of `text`; nil when it is empty.
    public static func compose(_ text: String) throws(Problem) -> Node? {
        var copy = text
        if let problem = copy.withUTF8(firstProblem) { throw problem }
        do { return try Yams.compose(yaml: text, .default, .default, .utf8) } catch { throw problem(error) }
    }

    /// The first event that goes too far; nil when there is none before the end or before a fault, which `compose` explains.
    private static func firstProblem(_ text: UnsafeBufferPointer<UInt8>) -> Problem? {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { return nil }
        defer { yaml_parser_delete(&parser) }
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(&parser, text.baseAddress, text.count)
        var guardian = EventGuard()
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
            defer { yaml_event_delete(&event) }
            if event.type == YAML_STREAM_END_EVENT { return nil }
            if let problem = guardian.problem(with: event) {
                return Problem(line: Int(event.start_mark.line) + 1, description: problem)
            }
        }
    }

    private static func problem(_ error: any Error) -> Problem {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            Problem(line: mark.line, description: problem)
        case YamlError.duplicatedKeysInMapping(let duplicates, let context):
            Problem(line: context.mark.line, description: "the key \(duplicates.joined(separator: ", ")) appears twice")
        default: Problem(line: nil, description: "\(error)")
        }
    }
}

/// Counts the nodes of a stream of events as if every alias were written out, and looks at what the keys are.
private struct EventGuard {
    private struct Collection {
        var anchor: String?
        var isMapping: Bool
        var children = 0
        /// With those of the children that have ended.
        var nodes = 1
    }

    /// By anchor: the nodes that an alias stands for.
    private var nodes: [String: Int] = [:]
    private var open: [Collection] = []

    mutating func problem(with event: yaml_event_t) -> String? {
        switch event.type {
        case YAML_ALIAS_EVENT:
            guard !isAtKey else { return "a key must be one value" }
            return ended(nil, name(event.data.alias.anchor).flatMap { nodes[$0] } ?? 1)
        case YAML_SCALAR_EVENT:
            if isLongSexagesimal(UnsafeBufferPointer(start: event.data.scalar.value, count: event.data.scalar.length)) {
                return "a number in base 60 has at most \(Self.sexagesimalLength) characters"
            }
            return ended(name(event.data.scalar.anchor), 1)
        case YAML_SEQUENCE_START_EVENT: return begun(event.data.sequence_start.anchor, isMapping: false)
        case YAML_MAPPING_START_EVENT: return begun(event.data.mapping_start.anchor, isMapping: true)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return open.popLast().flatMap { ended($0.anchor, $0.nodes) }
        default: return nil
        }
    }

    /// What cannot overflow: Yams computes `1:30:00` without a check.
    private static let sexagesimalLength = 16

    private func isLongSexagesimal(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        value.count > Self.sexagesimalLength && value.contains(UInt8(ascii: ":"))
            && value.allSatisfy { "0123456789:+-_".utf8.contains($0) }
    }

    private var isAtKey: Bool { open.last.map { $0.isMapping && $0.children.isMultiple(of: 2) } ?? false }

    private mutating func begun(_ anchor: UnsafeMutablePointer<UInt8>?, isMapping: Bool) -> String? {
        guard !isAtKey else { return "a key must be one value" }
        open.append(Collection(anchor: name(anchor), isMapping: isMapping))
        return nil
    }

    private mutating func ended(_ anchor: String?, _ count: Int) -> String? {
        if let anchor { nodes[anchor] = count }
        guard !open.isEmpty else { return nil }
        open[open.count - 1].children += 1
        open[open.count - 1].nodes += count
        return open[open.count - 1].nodes > YAMLText.maximumNodes
            ? "more than \(YAMLText.maximumNodes) values, with aliases followed" : nil
    }

    private func name(_ anchor: UnsafeMutablePointer<UInt8>?) -> String? { anchor.map { String(cString: $0) } }
}
