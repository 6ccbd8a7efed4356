import PipelineChecks

/// Any bytes as a pipeline file: read, planned, its outputs named, its types and memory worked out.
enum PipelineTarget: FuzzTarget {
    static let name = "pipeline"
    static let summary = "bytes as a pipeline file: read, write, plan, names, types"

    static func seeds() -> [[UInt8]] {
        ((0..<300).map(PipelineSamples.text) + PipelineSamples.strange).map { Array($0.utf8) }
    }

    static func run(_ bytes: [UInt8]) {
        // Other bytes are refused before anything is read.
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        if let problem = PipelineCheck.problem(text).problem { fatalError(problem) }
    }
}

/// Any bytes as a journal: what it proves, line by line and torn, and what is decided from it.
enum JournalTarget: FuzzTarget {
    static let name = "journal"
    static let summary = "bytes as a journal: what it proves and what follows"

    static func seeds() -> [[UInt8]] { (0..<100).map(JournalCheck.sample) }

    static func run(_ bytes: [UInt8]) {
        if let problem = JournalCheck.problem(bytes) { fatalError(problem) }
    }
}
