/// What a journal proves: for every output, the last thing that was written there. Pure: bytes in, decisions out.
public struct JournalIndex: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var inputSHA256: String
        public var plan: String
        public var sha256: String
        public var bytes: Int
    }

    /// By the name relative to the output folder.
    public private(set) var entries: [String: Entry] = [:]
    /// What was announced and may have been put in place before a kill; forgotten when the job's own line follows.
    private var announced: [String: Entry] = [:]

    public init() {}

    /// Reads the lines of a journal. A line that is torn or damaged proves nothing and is passed over.
    ///
    /// - Returns: the index, and how many bytes of `text` end with a complete line: what follows was torn by a kill.
    public static func reading(_ text: some RandomAccessCollection<UInt8>) -> (index: JournalIndex, completeBytes: Int) {
        var index = JournalIndex()
        var complete = 0
        var start = text.startIndex
        while let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let line = JSON(parsing: text[start..<end]) { index.add(line) }
            start = text.index(after: end)
            complete = text.distance(from: text.startIndex, to: start)
        }
        return (index, complete)
    }

    mutating func add(_ line: JSON) {
        guard let status = line["status"]?.text.flatMap(JobRecord.Status.init), [.writing, .done].contains(status),
            let input = line["inputSHA256"]?.text,
            let plan = line["plan"]?.text
        else { return }
        for output in line["outputs"]?.list ?? [] {
            guard let name = output["name"]?.text, let sha256 = output["sha256"]?.text, let bytes = output["bytes"]?.integer else {
                continue
            }
            let entry = Entry(inputSHA256: input, plan: plan, sha256: sha256, bytes: bytes)
            if status == .done {
                entries[name] = entry
                announced[name] = nil
            } else {
                announced[name] = entry
            }
        }
    }

    /// Names that the journal has something to say about.
    func knows(_ name: String) -> Bool { entries[name] != nil || announced[name] != nil }

    /// Whether a file of that size may be one that this journal wrote.
    func expects(_ name: String, bytes: Int) -> Bool { entries[name]?.bytes == bytes || announced[name]?.bytes == bytes }

    /// The line that describes exactly this file, if there is one.
    private func proof(of file: Found) -> Entry? {
        [entries[file.name], announced[file.name]].compactMap { $0 }.first { file.bytes == $0.bytes && file.sha256 == $0.sha256 }
    }

    /// Names of outputs that were made with this plan.
    func names(plan: String) -> [String] {
        entries.filter { $1.plan == plan }.map(\.key) + announced.filter { $1.plan == plan }.map(\.key)
    }

    // MARK: - Decisions

    /// What is on the disk where an output would go.
    public struct Found: Sendable, Equatable {
        public var name: String
        /// nil: there is no such file.
        public var bytes: Int?
        public var sha256: String?

        public init(name: String, bytes: Int? = nil, sha256: String? = nil) {
            self.name = name
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    public enum Policy: Sendable, Equatable {
        /// Skip what is proved done, replace only what this journal wrote and nobody changed.
        case careful
        /// As `careful`, and make again what is damaged.
        case resume
        case overwrite
    }

    public enum Decision: Sendable, Equatable {
        case skip
        case work
        /// Something is there that the journal did not write.
        case refuse(name: String)
    }

    /// Before any work: only names are known.
    public func early(_ found: [Found], policy: Policy) -> Decision {
        guard policy != .overwrite else { return .work }
        for file in found where file.bytes != nil && !knows(file.name) { return .refuse(name: file.name) }
        return .work
    }

    /// When the input is read: `found` has digests where the sizes agree.
    public func decision(inputSHA256: String, plan: String, found: [Found], policy: Policy) -> Decision {
        guard policy != .overwrite else { return .work }
        let proofs = found.map(proof)
        if proofs.allSatisfy({ $0?.inputSHA256 == inputSHA256 && $0?.plan == plan }) { return .skip }
        for (file, proof) in zip(found, proofs) where file.bytes != nil && proof == nil {
            if policy == .careful || entries[file.name] == nil { return .refuse(name: file.name) }
        }
        return .work
    }
}
