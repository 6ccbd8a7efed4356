import CalorBase
import CalorImage

/// A request after every check that can be made before work: jobs, names of outputs, memory.
public struct RunPlan: Sendable {
    public struct File: Sendable, Equatable {
        /// Relative to the output folder; the path itself for a single file; `-` for standard output.
        public var name: String
        public var path: String
        public var format: OutputFormat
    }

    /// One file of a job, for one input of the pipeline.
    public struct Part: Sendable {
        public var item: InputItem
        /// Standard input is read once, while the plan is made.
        public var bytes: [UInt8]?
        public var type: ImageType?

        public var path: String { item.path }
    }

    public struct Job: Sendable {
        public var name: InputName
        /// In the order of the pipeline's inputs; fewer when a partner is missing.
        public var parts: [Part]
        public var files: [File]
        public var peakBytes: Int
        public var flops: Double?
        /// The image is never held: its rows go from the input to the outputs.
        public var isStreamed = false
        /// Found before work: the job only reports it.
        public var failure: StageFailure?

        /// The first file, which stands for the job in messages and metrics.
        public var path: String { parts.first?.path ?? name.relativePath }
        /// Of all parts; nil when one of them could not be read.
        public var types: [ImageType]? {
            let types = parts.compactMap(\.type)
            return types.count == parts.count && !types.isEmpty ? types : nil
        }
        public var pixels: Int { parts.reduce(0) { $0 + ($1.type?.size.pixels ?? 0) } }
    }

    public let request: RunRequest
    public let pipeline: PipelinePlan
    public let digest: String
    public internal(set) var jobs: [Job]
    public let memoryBudget: Int
    /// What was found and is left alone.
    public let warnings: [String]

    /// Where the journal lies; nil when the output is not a folder.
    public var journalPath: String? {
        if case .folder(let folder) = request.output { Self.journalPath(in: folder) } else { nil }
    }

    static func journalPath(in folder: String) -> String { FileSystem.join(folder, ".calor/journal.jsonl") }
}
