import CalorBase
import CalorCodecs
import CalorImage

/// One job on its way through decode, process and encode. One worker at a time holds it.
struct JobWork {
    /// What a phase came to.
    enum Step {
        case advanced
        case ended(JobRecord, PipelineFault?)
        /// The run was stopped: nothing was written, nothing is recorded.
        case dropped
    }

    let run: RunPlan
    let runner: GraphRunner
    let index: JournalIndex
    let journal: LineFile?
    let job: RunPlan.Job

    var record: JobRecord
    private var image: Image?
    private var written: [Image] = []
    /// Of an image that is not held: its file, and the outputs that wait to appear.
    private var streamed: OpenFile?
    var writers: [StreamWriter] = []
    private var start: UInt64 = 0

    init(run: RunPlan, runner: GraphRunner, index: JournalIndex, journal: LineFile?, job: RunPlan.Job) {
        self.run = run
        self.runner = runner
        self.index = index
        self.journal = journal
        self.job = job
        record = JobRecord(input: job.item.path, plan: run.digest, status: .done)
        record.seed = run.pipeline.seed
    }

    mutating func perform(_ phase: Schedule.Phase, in environment: StageEnvironment) -> Step {
        if phase == .decode { start = nanosecondsNow() }
        guard !environment.cancelled() else { return .dropped }
        let result =
            switch phase {
            case .decode: decode()
            case .process: process(environment)
            case .encode: encode()
            }
        switch result {
        case .success(true): return .advanced
        case .success(false):
            record.nanoseconds = nanosecondsNow() - start
            return .ended(record, nil)
        case .failure(let failure):
            if failure.fault.kind == .cancelled { return .dropped }
            record.nanoseconds = nanosecondsNow() - start
            record.status = .failed
            record.outputs = []
            record.failure = .init(stage: failure.stage, error: failure.fault.identifier, message: failure.fault.message)
            return .ended(record, failure.fault)
        }
    }

    /// True when the job goes on, false when it is complete.
    typealias PhaseResult = Result<Bool, StageFailure>

    // MARK: - Decode

    private mutating func decode() -> PhaseResult {
        if let failure = job.failure { return .failure(failure) }
        let begin = nanosecondsNow()
        do throws(PipelineFault) {
            var bytes: [UInt8] = []
            streamed = job.isStreamed ? OpenFile(reading: job.item.path) : nil
            if let known = job.bytes {
                bytes = known
            } else if streamed == nil {
                bytes = try FileSystem.read(job.item.path, limit: run.request.limits.fileBytes)
            }
            let digest = streamed?.hexDigest() ?? SHA256.hex(of: bytes)
            record.inputSHA256 = digest
            if case .folder = run.request.output {
                let found = job.files.map { onDisk($0) }
                switch index.decision(inputSHA256: digest, plan: run.digest, found: found, policy: run.request.policy) {
                case .work: break
                case .refuse(let name):
                    let path = job.files.first { $0.name == name }?.path ?? name
                    return .failure(StageFailure(stage: "encode", fault: .outputExists(path: path)))
                case .skip:
                    record.status = .skipped
                    record.outputs = zip(job.files, found).map { file, found in
                        .init(
                            path: file.path, name: file.name, sha256: found.sha256 ?? "", bytes: found.bytes ?? 0, width: 0,
                            height: 0)
                    }
                    fillSizes()
                    return .success(false)
                }
            }
            if streamed != nil { return .success(true) }
            let decoded: DecodedImage
            do { decoded = try ImageDecoder.decode(bytes, options: run.request.decodeOptions(for: job.item)) } catch {
                throw PipelineFault(error)
            }
            let (admitted, notes) = try run.pipeline.kind.admit(decoded.image)
            record.notes = decoded.warnings + notes + pageNote(pages: decoded.header.pages)
            image = admitted
            record.peakBytes = bytes.count + 2 * admitted.bytes
            record.stages.append(
                StageMetrics(
                    id: "decode", use: "decode", nanoseconds: nanosecondsNow() - begin, pixels: admitted.size.pixels, flops: nil,
                    peakBytes: record.peakBytes, values: [:]))
            return .success(true)
        } catch { return .failure(StageFailure(stage: "decode", fault: error)) }
    }

    func pageNote(pages: Int) -> [String] {
        pages > 1 && job.item.page == nil ? ["one of \(pages) pages was taken; --page N or all takes others"] : []
    }

    /// What lies where `file` would go. The digest is only taken when the size is the one in the journal.
    private func onDisk(_ file: RunPlan.File) -> JournalIndex.Found {
        guard let facts = FileSystem.facts(file.path) else { return .init(name: file.name) }
        guard !facts.isFolder, index.expects(file.name, bytes: facts.bytes), let bytes = try? FileSystem.read(file.path) else {
            return .init(name: file.name, bytes: facts.bytes)
        }
        return .init(name: file.name, bytes: facts.bytes, sha256: SHA256.hex(of: bytes))
    }

    /// Sizes of outputs that are skipped follow from the plan.
    private mutating func fillSizes() {
        guard let input = job.type, let types = try? run.pipeline.types(for: input) else { return }
        for (i, output) in run.pipeline.outputs.enumerated() where i < record.outputs.count {
            let size = run.pipeline.type(of: output.source, input: input, stages: types).size
            record.outputs[i].width = size.width
            record.outputs[i].height = size.height
        }
    }

    // MARK: - Process

    private mutating func process(_ environment: StageEnvironment) -> PhaseResult {
        if let file = streamed.take() { return stream(file, environment) }
        guard let input = image.take() else { preconditionFailure("a job is decoded before it is processed") }
        switch runner.run(input, in: environment) {
        case .failure(let failure): return .failure(failure)
        case .success(let outcome):
            written = outcome.images
            record.stages += outcome.metrics
            record.peakBytes = max(record.peakBytes, outcome.peakBytes)
            return .success(true)
        }
    }

    // MARK: - Encode

    private mutating func encode() -> PhaseResult {
        let begin = nanosecondsNow()
        if !writers.isEmpty { return appear(begin) }
        let images = written
        written = []
        do throws(PipelineFault) {
            // All outputs are encoded before the first is written: an image that fails leaves none of them behind.
            var encoded: [[UInt8]] = []
            var pixels = 0
            for (file, image) in zip(job.files, images) {
                do {
                    var image = image
                    if let input = job.type {
                        image.metadata.georeference = image.metadata.georeference?.scaled(from: input.size, to: image.size)
                    }
                    let result = try ImageEncoder.encodeReporting(image, as: file.format, options: run.request.encoding)
                    encoded.append(result.bytes)
                    record.notes += result.warnings
                } catch { throw PipelineFault(error) }
                pixels += image.size.pixels
            }
            record.outputs = zip(zip(job.files, images), encoded).map { place, bytes in
                .init(
                    path: place.0.path, name: place.0.name, sha256: SHA256.hex(of: bytes), bytes: bytes.count,
                    width: place.1.width, height: place.1.height)
            }
            announce()
            var isComplete = false
            var appeared: [String] = []
            // A job that fails takes back what it already put in place, so that outputs are there together or not at all.
            defer { if !isComplete { for path in appeared { FileSystem.remove(path) } } }
            for (i, file) in job.files.enumerated() {
                if run.request.output == .standardOutput {
                    if let problem = OutputFolder.writeAll(encoded[i], to: 1) {
                        throw .inputOutput(path: "standard output", reason: FileSystem.errorText(problem))
                    }
                } else {
                    try OutputFolder.write(encoded[i], to: file.path)
                    appeared.append(file.path)
                }
            }
            isComplete = true
            let peak = images.reduce(0) { $0 + 2 * $1.bytes }
            record.peakBytes = max(record.peakBytes, peak)
            record.stages.append(
                StageMetrics(
                    id: "encode", use: "encode", nanoseconds: nanosecondsNow() - begin, pixels: pixels, flops: nil, peakBytes: peak,
                    values: [:]))
            return .success(false)
        } catch { return .failure(StageFailure(stage: "encode", fault: error)) }
    }

    /// A kill between the rename and the line about it would leave a file that no later run may touch: the journal is told before.
    func announce() {
        guard let journal else { return }
        var line = JobRecord(input: record.input, inputSHA256: record.inputSHA256, plan: record.plan, status: .writing)
        line.outputs = record.outputs
        journal.append(line.json)
    }
}
