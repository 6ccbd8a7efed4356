/// A pattern for paths: `*` and `?` stay inside one folder, `**` crosses folders, `[a-z]` and `[!a-z]` are sets. A pattern without a
/// slash is compared with the file's name, in whatever folder it is.
public struct Glob: Sendable, Equatable {
    private enum Token: Equatable {
        case literal(Character)
        case anyOne
        case anyRun
        case anyPath
        /// `**/`: whole folders, or none.
        case anyFolders
        case set([ClosedRange<Character>], isNegated: Bool)
    }

    private let tokens: [Token]
    private let comparesName: Bool

    public init(_ pattern: String) throws(PipelineFault) {
        comparesName = !pattern.contains("/")
        var tokens: [Token] = []
        var rest = Array(pattern)[...]
        while let character = rest.popFirst() {
            switch character {
            case "*":
                if rest.first == "*" {
                    rest.removeFirst()
                    let crossesFolders = rest.first == "/"
                    if crossesFolders { rest.removeFirst() }
                    tokens.append(crossesFolders ? .anyFolders : .anyPath)
                } else {
                    tokens.append(.anyRun)
                }
            case "?": tokens.append(.anyOne)
            case "[": tokens.append(try Self.set(&rest, pattern))
            case "\\": tokens.append(.literal(rest.popFirst() ?? "\\"))
            default: tokens.append(.literal(character))
            }
        }
        self.tokens = tokens
    }

    private static func set(_ rest: inout ArraySlice<Character>, _ pattern: String) throws(PipelineFault) -> Token {
        let isNegated = rest.first == "!" || rest.first == "^"
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<Character>] = []
        while let first = rest.popFirst() {
            if first == "]", !ranges.isEmpty { return .set(ranges, isNegated: isNegated) }
            if rest.first == "-", let last = rest.dropFirst().first, last != "]" {
                rest.removeFirst(2)
                ranges.append(min(first, last)...max(first, last))
            } else {
                ranges.append(first...first)
            }
        }
        throw .usage(
            problem: "the pattern \(pattern) opens a bracket that is never closed", advice: "close it, or write \\[ for a bracket")
    }

    public func matches(_ path: String) -> Bool {
        let text = comparesName ? InputName(path).file : path
        return matches(Array(text))
    }

    /// Sets of positions in the pattern that are reachable: linear in the path, whatever the pattern.
    private func matches(_ text: [Character]) -> Bool {
        var states: Set<Int> = closure([0])
        for character in text {
            var following: Set<Int> = []
            // Inside a folder's name: the pattern goes on only after its slash.
            var staying: Set<Int> = []
            for state in states where state < tokens.count {
                switch tokens[state] {
                case .literal(let own): if own == character { following.insert(state + 1) }
                case .anyOne: if character != "/" { following.insert(state + 1) }
                case .anyRun: if character != "/" { following.insert(state) }
                case .anyPath: following.insert(state)
                case .anyFolders: if character == "/" { following.insert(state) } else { staying.insert(state) }
                case .set(let ranges, let isNegated):
                    if character != "/", ranges.contains(where: { $0.contains(character) }) != isNegated {
                        following.insert(state + 1)
                    }
                }
            }
            states = closure(following).union(staying)
            if states.isEmpty { return false }
        }
        return states.contains(tokens.count)
    }

    private func closure(_ states: Set<Int>) -> Set<Int> {
        var result = states
        for state in states {
            var at = state
            while at < tokens.count, [.anyRun, .anyPath, .anyFolders].contains(tokens[at]) {
                at += 1
                result.insert(at)
            }
        }
        return result
    }
}
