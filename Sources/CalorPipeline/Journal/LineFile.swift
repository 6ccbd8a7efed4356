import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file that only grows, line by line; each line is one write, so that a kill can tear at most the last one.
public final class LineFile: Sendable {
    static let maximumBytes = 4 << 30

    public let path: String
    private let descriptor: Int32
    private let closes: Bool
    private let firstProblem = Mutex<Int32?>(nil)

    /// Lines on standard output.
    public static func standardOutput() -> LineFile { LineFile(path: "standard output", descriptor: 1, closes: false) }

    private init(path: String, descriptor: Int32, closes: Bool) {
        self.path = path
        self.descriptor = descriptor
        self.closes = closes
    }

    /// The journal at `path` and what it proves. A torn last line is cut off, unless another run holds the file at this moment.
    static func journal(at path: String) throws(PipelineFault) -> (file: LineFile, index: JournalIndex) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .journal(path: path, reason: FileSystem.errorText(errno)) }
        let file = LineFile(path: path, descriptor: descriptor, closes: true)
        // Shards may share a journal: only one that is alone may cut, and all hold the lock while they run.
        let isAlone = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        let text = try FileSystem.read(descriptor, path: path, expected: FileSystem.facts(path)?.bytes ?? 0, limit: maximumBytes)
        let (index, complete) = JournalIndex.reading(text)
        if isAlone, complete < text.count, ftruncate(descriptor, complete) != 0 {
            throw .journal(path: path, reason: FileSystem.errorText(errno))
        }
        _ = flock(descriptor, LOCK_SH)
        return (file, index)
    }

    /// A metrics file of its own: new for each run, continued with `--resume`. Only a file of this kind is ever replaced.
    static func metrics(at path: String, continues: Bool) throws(PipelineFault) -> LineFile {
        if let facts = FileSystem.facts(path), !facts.isFolder, facts.bytes > 0 {
            let head = try FileSystem.read(path, limit: 1)
            guard head == [UInt8(ascii: "{")] else { throw .metricsFile(path: path, reason: "exists and does not hold metrics") }
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (continues ? 0 : O_TRUNC), 0o666)
        guard descriptor >= 0 else { throw .metricsFile(path: path, reason: FileSystem.errorText(errno)) }
        return LineFile(path: path, descriptor: descriptor, closes: true)
    }

    deinit { if closes { close(descriptor) } }

    public func append(_ line: JSON) {
        let bytes = Array((line.description + "\n").utf8)
        let problem = OutputFolder.writeAll(bytes, to: descriptor)
        if let problem { firstProblem.withLock { $0 = $0 ?? problem } }
    }

    /// *Throws*: when a line could not be written; the images are safe all the same.
    ///
    /// A reader that has read enough is no problem.
    func check() throws(PipelineFault) {
        if let problem = firstProblem.withLock({ $0 }), problem != EPIPE {
            throw .inputOutput(path: path, reason: FileSystem.errorText(problem))
        }
    }
}
