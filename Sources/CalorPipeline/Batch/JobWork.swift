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
    /// One for each input of the pipeline, between decode and process.
    private var images: [Image] = []
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
        record = JobRecord(input: job.path, plan: run.digest, status: .done)
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
            record.failure = .init(
                stage: failure.stage, error: failure.fault.identifier, message: failure.fault.message,
                file: failure.file == record.input ? nil : failure.file)
            return .ended(record, failure.fault)
        }
    }

    /// True when the job goes on, false when it is complete.
    typealias PhaseResult = Result<Bool, StageFailure>

    // MARK: - Decode

    private mutating func decode() -> PhaseResult {
        if let failure = job.failure { return .failure(failure) }
        let begin = nanosecondsNow()
        var reading: String?
        do throws(PipelineFault) {
            var files: [[UInt8]] = []
            var parts: [JobRecord.Part] = []
            streamed = job.isStreamed ? OpenFile(reading: job.path) : nil
            for (part, input) in zip(job.parts, run.pipeline.inputs) {
                reading = part.path
                var bytes: [UInt8] = []
                if let known = part.bytes {
                    bytes = known
                } else if streamed == nil {
                    bytes = try FileSystem.read(part.path, limit: run.request.limits.bytesToRead)
                }
                parts.append(.init(id: input.id, path: part.path, sha256: streamed?.hexDigest() ?? SHA256.hex(of: bytes)))
                files.append(bytes)
            }
            let digest = JobRecord.digest(of: parts)
            record.inputSHA256 = digest
            if parts.count > 1 { record.parts = parts }
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
            for (i, input) in run.pipeline.inputs.enumerated() {
                let item = job.parts[i].item
                reading = item.path
                let decoded = try input.reader(options: run.request.decodeOptions(for: item)).decode(files[i])
                let (admitted, notes) = try input.kind.admit(decoded.image, of: decoded.header)
                let all = decoded.warnings + notes + pageNote(pages: decoded.header.pages, of: item)
                record.notes += record.parts.isEmpty ? all : all.map { "\(input.id): \($0)" }
                images.append(admitted)
            }
            record.peakBytes =
                files.reduce(0) { $0 + $1.count } + images.reduce(0) { $0 + $1.bytes } + (images.map(\.bytes).max() ?? 0)
            record.stages.append(
                StageMetrics(
                    id: "decode", use: "decode", nanoseconds: nanosecondsNow() - begin,
                    pixels: images.reduce(0) { $0 + $1.size.pixels }, flops: nil, peakBytes: record.peakBytes, values: [:]))
            return .success(true)
        } catch {
            images = []
            return .failure(StageFailure(stage: "decode", fault: error, file: reading))
        }
    }

    func pageNote(pages: Int, of item: InputItem) -> [String] {
        pages > 1 && item.page == nil ? ["one of \(pages) pages was taken; --page N or all takes others"] : []
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
        guard let inputs = job.types, let types = try? run.pipeline.types(for: inputs) else { return }
        for (i, output) in run.pipeline.outputs.enumerated() where i < record.outputs.count {
            let size = run.pipeline.type(of: output.source, inputs: inputs, stages: types).size
            record.outputs[i].width = size.width
            record.outputs[i].height = size.height
        }
    }

    // MARK: - Process

    private mutating func process(_ environment: StageEnvironment) -> PhaseResult {
        if let file = streamed.take() { return stream(file, environment) }
        let inputs = images
        images = []
        switch runner.run(inputs, in: environment) {
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
                    image.metadata.georeference = georeference(of: image)
                    let result = try file.format.encode(image.describedForFile, options: run.request.encoding)
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
                    try OutputFolder.writeToStandardOutput(encoded[i])
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

    /// Where the picture lies on the ground. Of a pair it is known only on the grid of one of the inputs.
    private func georeference(of image: Image) -> Georeference? {
        let sizes = (job.types ?? []).map(\.size)
        if sizes.count == 1 { return image.metadata.georeference?.scaled(from: sizes[0], to: image.size) }
        return sizes.contains(image.size) ? image.metadata.georeference : nil
    }

    /// A kill between the rename and the line about it would leave a file that no later run may touch: the journal is told before.
    func announce() {
        guard let journal else { return }
        var line = JobRecord(input: record.input, inputSHA256: record.inputSHA256, plan: record.plan, status: .writing)
        line.parts = record.parts
        line.outputs = record.outputs
        journal.append(line.json)
    }
}
