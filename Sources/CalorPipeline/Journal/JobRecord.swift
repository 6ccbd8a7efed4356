import CalorBase

/// One line of the journal and of the metrics: what became of one input, or of one pair.
public struct JobRecord: Sendable, Equatable {
    public enum Status: String, Sendable {
        case done, skipped, failed
        /// Only in the journal: these files are about to appear. After a kill it proves what of them is there.
        case writing
    }

    public struct Output: Sendable, Equatable {
        /// As a user in the folder of the run would write it.
        public var path: String
        /// Relative to the output folder, so that the journal can be read from anywhere.
        public var name: String
        public var sha256: String
        public var bytes: Int
        public var width: Int
        public var height: Int
    }

    /// One of the files that a pair was made from.
    public struct Part: Sendable, Equatable {
        public var id: String
        public var path: String
        public var sha256: String?
    }

    /// The file; of a pair, the first.
    public var input: String
    /// Of the file's bytes; of a pair, the digest of both digests: see `digest(of:)`.
    public var inputSHA256: String?
    /// Both files of a pair; empty for one input.
    public var parts: [Part] = []
    public var plan: String
    public var status: Status
    public var outputs: [Output] = []
    public var nanoseconds: UInt64 = 0
    public var peakBytes = 0
    public var seed = 0
    public var notes: [String] = []
    public var stages: [StageMetrics] = []
    public var failure: StageFailureText?

    public init(input: String, inputSHA256: String? = nil, plan: String, status: Status) {
        self.input = input
        self.inputSHA256 = inputSHA256
        self.plan = plan
        self.status = status
    }

    public struct StageFailureText: Sendable, Equatable {
        public var stage: String
        public var error: String
        public var message: String
        /// The file that is at fault, where it is not `input`.
        public var file: String?
    }

    /// What proves the inputs of a job: the digest of the file, or the digest of the digests of both, one a line with its input.
    static func digest(of parts: [Part]) -> String {
        guard parts.count > 1 else { return parts.first?.sha256 ?? "" }
        return SHA256.hex(of: Array(parts.map { "\($0.id) \($0.sha256 ?? "")\n" }.joined().utf8))
    }

    public var json: JSON {
        .object(skippingNil: [
            ("input", .text(input)), ("inputSHA256", inputSHA256.map(JSON.text)),
            (
                "inputs",
                parts.isEmpty
                    ? nil
                    : .object(
                        parts.map {
                            JSON.Member(
                                $0.id, .object(skippingNil: [("path", .text($0.path)), ("sha256", $0.sha256.map(JSON.text))]))
                        })
            ),
            ("plan", .text(plan)),
            ("status", .text(status.rawValue)),
            ("stage", failure.map { .text($0.stage) }), ("error", failure.map { .text($0.error) }),
            ("message", failure.map { .text($0.message) }), ("file", failure?.file.map(JSON.text)),
            (
                "outputs",
                .list(
                    outputs.map {
                        .object(skippingNil: [
                            ("path", .text($0.path)), ("name", .text($0.name)), ("sha256", .text($0.sha256)),
                            ("bytes", .integer($0.bytes)),
                            ("width", .integer($0.width)), ("height", .integer($0.height)),
                        ])
                    })
            ),
            ("wallMs", .number(millisecondsRounded(nanoseconds))), ("peakBytes", .integer(peakBytes)), ("seed", .integer(seed)),
            ("notes", notes.isEmpty ? nil : .list(notes.map(JSON.text))), ("stages", .list(stages.map(\.json))),
        ])
    }
}
