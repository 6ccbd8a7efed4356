/// Which files belong to one of two inputs, and what their partners share with them: `ir/{stem}.*` and `rgb/{stem}_v.jpg`.
///
/// `{stem}` is what both halves of a pair have in common; `{dir}` stands for folders in common, none or several; `{ext}` and `*` may
/// differ between them and stay inside one name. A pattern is compared with the end of a path, whole names at a time: the folders
/// before it must be the same for both halves.
public struct MatchPattern: Sendable, Equatable {
    enum Token: Equatable, Sendable {
        case literal([Character])
        case stem
        /// Any characters, or none; of the extension, not even a dot.
        case any(isExtension: Bool)
    }

    public let text: String
    /// Names before `{dir}`; empty when the pattern has none.
    private let head: [[Token]]
    private let hasFolders: Bool
    private let tail: [[Token]]

    /// More wildcards in one name than this help nobody, and make matching slow.
    private static let maximumWildcards = 4

    /// What a path that matches is made of.
    struct Match: Equatable {
        /// Folders before the pattern.
        var prefix: String
        /// What `{dir}` stands for.
        var folders: String
        var stem: String
    }

    init(_ text: String, input: String, place: Place) throws(PipelineFault) {
        func fault(_ problem: String) -> PipelineFault { .match(place: place, input: input, text: text, problem: problem) }
        self.text = text
        var names = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard !text.hasPrefix("/"), !names.contains(".."), !names.contains("."), !names.contains("") else {
            throw fault("must be names and folders below the INPUT folder")
        }
        // Folders before the pattern are always allowed.
        while names.first == "{dir}" { names.removeFirst() }
        var parsed: [[Token]?] = []
        for name in names { parsed.append(name == "{dir}" ? nil : try Self.tokens(name, fault)) }
        let gaps = parsed.indices.filter { parsed[$0] == nil }
        guard gaps.count <= 1 else { throw fault("has {dir} more than once") }
        guard parsed.last.map({ $0 != nil }) ?? false else { throw fault("names no file") }
        let stems = parsed.reduce(0) { $0 + ($1 ?? []).count { $0 == .stem } }
        guard stems == 1 else { throw fault("needs {stem} exactly once") }
        hasFolders = !gaps.isEmpty
        head = gaps.first.map { parsed[..<$0].compactMap { $0 } } ?? []
        tail = (gaps.first.map { Array(parsed[($0 + 1)...]) } ?? parsed).compactMap { $0 }
    }

    private static func tokens(_ name: String, _ fault: (String) -> PipelineFault) throws(PipelineFault) -> [Token] {
        var tokens: [Token] = []
        var literal: [Character] = []
        func flush() {
            if !literal.isEmpty { tokens.append(.literal(literal)) }
            literal = []
        }
        var rest = name[...]
        while let character = rest.popFirst() {
            switch character {
            case "*":
                flush()
                tokens.append(.any(isExtension: false))
            case "{":
                guard let end = rest.firstIndex(of: "}") else { throw fault("opens a brace that is never closed") }
                flush()
                switch rest[..<end] {
                case "stem": tokens.append(.stem)
                case "ext": tokens.append(.any(isExtension: true))
                case "dir": throw fault("has {dir} beside other letters; it stands for whole folders")
                case let other:
                    let nearest = nearestWord(to: String(other), among: ["stem", "dir", "ext"]).map { "; did you mean {\($0)}?" }
                    throw fault("has an unknown placeholder {\(other)}\(nearest ?? "")")
                }
                rest = rest[rest.index(after: end)...]
            case "}": throw fault("closes a brace that was never opened")
            default: literal.append(character)
            }
        }
        flush()
        guard tokens.count(where: { if case .literal = $0 { false } else { true } }) <= maximumWildcards else {
            throw fault("has more than \(maximumWildcards) wildcards in one name")
        }
        return tokens
    }

    /// Two inputs with patterns of the same form could not tell their files apart.
    static func checkDistinct(_ patterns: [MatchPattern], place: Place) throws(PipelineFault) {
        guard patterns.count == 2, patterns[0].shape == patterns[1].shape else { return }
        throw .match(
            place: place, input: "both", text: patterns[1].text, problem: "fits the same files as \"\(patterns[0].text)\"")
    }

    private var shape: [[Token]] { head + (hasFolders ? [[]] : []) + tail }

    /// Of two patterns that fit one path, the one that says more about it is meant.
    var literalCount: Int {
        (head + tail).joined().reduce(0) { if case .literal(let letters) = $1 { $0 + letters.count + 1 } else { $0 } } + head.count
            + tail.count
    }

    // MARK: - Matching

    /// nil when `path` is not one of this input's files.
    func match(_ path: String) -> Match? {
        let names = path.split(separator: "/").map(Array.init)
        guard names.count >= tail.count + head.count else { return nil }
        let tailStart = names.count - tail.count
        guard let tailStem = Self.stem(tail, names[tailStart...]) else { return nil }
        var found = tailStem
        var start = tailStart
        var end = tailStart
        if hasFolders {
            // The last place where the folders before {dir} fit: it leaves the longest common prefix.
            guard
                let place = stride(from: tailStart - head.count, through: 0, by: -1).first(where: {
                    Self.stem(head, names[$0..<$0 + head.count]) != nil
                })
            else { return nil }
            start = place
            end = place + head.count
            found += Self.stem(head, names[start..<end]) ?? ""
        }
        func joined(_ range: Range<Int>) -> String { names[range].map { String($0) }.joined(separator: "/") }
        let root = path.hasPrefix("/") ? "/" : ""
        return Match(prefix: root + joined(0..<start), folders: hasFolders ? joined(end..<tailStart) : "", stem: found)
    }

    /// What `{stem}` stands for; empty when it is not among `names`.
    private static func stem(_ tokens: [[Token]], _ names: ArraySlice<[Character]>) -> String? {
        var stem = ""
        for (pattern, name) in zip(tokens, names) {
            guard let part = match(pattern[...], name[...]) else { return nil }
            stem += part
        }
        return stem
    }

    /// Every wildcard takes as much as it can.
    private static func match(_ tokens: ArraySlice<Token>, _ text: ArraySlice<Character>) -> String? {
        guard let token = tokens.first else { return text.isEmpty ? "" : nil }
        let rest = tokens.dropFirst()
        switch token {
        case .literal(let letters): return text.starts(with: letters) ? match(rest, text.dropFirst(letters.count)) : nil
        case .stem, .any:
            let isExtension = token == .any(isExtension: true)
            for count in stride(from: text.count, through: token == .stem ? 1 : 0, by: -1) {
                let taken = text.prefix(count)
                if isExtension, taken.contains(".") { continue }
                if let found = match(rest, text.dropFirst(count)) { return token == .stem ? String(taken) + found : found }
            }
            return nil
        }
    }

    // MARK: - Partners

    /// The path of the partner as this pattern would write it, with `*` where anything may stand, for messages.
    func partner(of match: Match) -> String {
        func text(_ tokens: [Token]) -> String {
            tokens.map { token in
                switch token {
                case .literal(let letters): String(letters)
                case .stem: match.stem
                case .any: "*"
                }
            }.joined()
        }
        let names = head.map(text) + (match.folders.isEmpty ? [] : [match.folders]) + tail.map(text)
        return FileSystem.join(match.prefix, names.joined(separator: "/"))
    }
}
