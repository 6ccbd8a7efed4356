import CalorBase
import CalorCodecs
import CalorImage
import CalorThermal
import Foundation

/// Makes a run plan: reads the heads of all inputs, names all outputs, and refuses what cannot work while nothing is touched.
public struct RunPlanner {
    let request: RunRequest
    let pipeline: PipelinePlan

    /// Enough to see whether a file may be radiometric.
    private static let headBytes = 1 << 18

    public init(request: RunRequest, pipeline: PipelinePlan) {
        self.request = request
        self.pipeline = pipeline
    }

    public func plan() throws(PipelineFault) -> RunPlan {
        let digest = digest()
        let (items, warnings) = try items(plan: digest)
        try checkOutput(items)
        let budget = request.memoryBytes ?? Int(Double(ProcessInfo.processInfo.physicalMemory) * 0.7)
        var jobs: [RunPlan.Job] = []
        for item in items { jobs.append(try job(item, budget: budget)) }
        try checkNames(jobs)
        return RunPlan(request: request, pipeline: pipeline, digest: digest, jobs: jobs, memoryBudget: budget, warnings: warnings)
    }

    /// The jobs of this shard, and what else was found.
    private func items(plan digest: String) throws(PipelineFault) -> (items: [JobItem], warnings: [String]) {
        let found = try InputCollector(request: request, plan: digest).items()
        let isPair = pipeline.inputs.count > 1
        guard !isPair || !found.contains(where: { $0.path == "-" }) else {
            throw .usage(
                problem: "standard input is one image, and pipeline \(pipeline.name) takes two",
                advice: "give both files, or the folder that holds them")
        }
        guard !isPair || !request.takesAllPages else {
            throw .usage(problem: "--page all does not say which pages make a pair", advice: "give --page N, or split the files")
        }
        let sorted = JobSorter(inputs: pipeline.inputs).sorted(found)
        if isPair, sorted.items.isEmpty {
            throw .noPairs(
                where: request.inputs.isEmpty ? "the list of inputs" : request.inputs.joined(separator: ", "),
                patterns: pipeline.inputs.compactMap(\.match?.text))
        }
        let warnings = sorted.unmatched.first.map { first in
            ["\(sorted.unmatched.count) images are like no pattern of the pipeline and left alone, such as \(first.path)"]
        }
        // Both halves of a pair are in the same shard: it goes by the name that they share.
        let own = sorted.items.filter { request.shard?.contains($0.name.relativePath) ?? true }
        return (request.takesAllPages ? own.flatMap(pages) : own, warnings ?? [])
    }

    /// A file of several pages as one item a page. What cannot be read is left to fail as it is.
    private func pages(of item: JobItem) -> [JobItem] {
        guard let first = item.files.first, let file = OpenFile(reading: first.path),
            let count = try? ImageDecoder.header(of: file, options: request.decodeOptions(for: first)).pages, count > 1
        else { return [item] }
        let name = item.name
        let ending = name.fileExtension.isEmpty ? "" : "." + name.fileExtension
        return (0..<count).map { page in
            let own = InputName(FileSystem.join(name.folder, "\(name.stem)_p\(page)\(ending)"))
            return JobItem(name: own, files: [InputItem(path: first.path, name: own, page: page)])
        }
    }

    // MARK: - One input

    private func job(_ item: JobItem, budget: Int) throws(PipelineFault) -> RunPlan.Job {
        var job = RunPlan.Job(
            name: item.name, parts: item.files.map { RunPlan.Part(item: $0) }, files: [], peakBytes: 0, flops: nil, failure: nil)
        if let problem = item.problem {
            job.failure = StageFailure(stage: "pair", fault: problem.pipelineFault, file: problem.file)
            return job
        }
        var reading: String?
        var format = "image"
        do throws(PipelineFault) {
            var headers: [ImageHeader] = []
            var fileBytes = 0
            for (i, input) in pipeline.inputs.enumerated() {
                reading = item.files[i].path
                let (header, bytes, count) = try head(of: item.files[i], for: input)
                format = header.format.name
                job.parts[i].bytes = bytes
                job.parts[i].type = input.kind.type(of: header)
                fileBytes += count
                headers.append(header)
            }
            reading = nil
            guard let inputs = job.types else { preconditionFailure("a pipeline has an input") }
            let types = try pipeline.types(for: inputs)
            for output in pipeline.outputs {
                let type = pipeline.type(of: output.source, inputs: inputs, stages: types)
                job.files.append(try file(output, of: job, header: headers[0], type: type))
            }
            job.isStreamed = try streams(item.files[0], headers[0], inputs[0], job.files)
            job.peakBytes =
                job.isStreamed
                ? try pipeline.streamedPeakBytes(for: inputs[0], threads: request.threads)
                : try pipeline.peakBytes(for: inputs, fileBytes: fileBytes)
            job.flops = try pipeline.flops(for: inputs)
            if job.peakBytes > budget { throw .memory(needed: job.peakBytes, budget: budget) }
        } catch {
            // A wrong request concerns every input; a bad input concerns only itself.
            switch error {
            case .format, .template: throw error
            default: break
            }
            let fault = takesPreview(of: error) ? .noTemperatureInPreview : error.naming(format)
            job.failure = StageFailure(stage: "decode", fault: fault, file: reading)
            if case .type(_, let stage, _, _) = error { job.failure?.stage = stage }
        }
        return job
    }

    /// Whether a file is called not radiometric because the 8-bit picture in it was asked for.
    private func takesPreview(of error: PipelineFault) -> Bool {
        guard case .wrapped(ThermalFault.notRadiometric) = error else { return false }
        return pipeline.inputs.contains { $0.kind == .infrared && $0.reader(options: DecodeOptions()).use == .preview }
    }

    /// Whether the image is large enough, its file can be read by rows, and the pipeline is a chain of local stages.
    private func streams(
        _ item: InputItem, _ header: ImageHeader, _ type: ImageType, _ files: [RunPlan.File]
    ) throws(PipelineFault) -> Bool {
        guard header.decodedBytes > request.streamsFrom, request.output != .standardOutput, item.path != "-",
            header.colour.isGrey || pipeline.inputs[0].kind == .rgb, !files.contains(where: { $0.format == .table }),
            try pipeline.streamSegments(for: type) != nil, let file = OpenFile(reading: item.path),
            !pipeline.inputs[0].reader(options: request.decodeOptions(for: item)).needsWholeFile(file.head(Self.headBytes))
        else { return false }
        return (try? RowDecoder.open(file, options: request.decodeOptions(for: item))) != nil
    }

    private func head(
        of item: InputItem, for input: PipelinePlan.Input
    ) throws(PipelineFault) -> (ImageHeader, [UInt8]?, Int) {
        let reader = input.reader(options: request.decodeOptions(for: item))
        // One byte more shows that there are more; the reader refuses them.
        let limit = request.limits.bytesToRead
        if item.path == "-" {
            let bytes = try FileSystem.read(0, path: "standard input", expected: 0, limit: limit)
            return (try reader.header(of: bytes), bytes, bytes.count)
        }
        let facts = FileSystem.facts(item.path)
        if let facts, !facts.isFolder, !facts.isRegular {
            // A pipe such as <(command) can be read only once.
            let bytes = try FileSystem.read(item.path, limit: limit)
            return (try reader.header(of: bytes), bytes, bytes.count)
        }
        guard let file = OpenFile(reading: item.path) else {
            // Says why it cannot be opened.
            _ = try FileSystem.read(item.path, limit: 1)
            throw .inputUnreadable(path: item.path, reason: "it cannot be opened")
        }
        if reader.needsWholeFile(file.head(Self.headBytes)) {
            let bytes = try FileSystem.read(item.path, limit: limit)
            return (try reader.header(of: bytes), nil, bytes.count)
        }
        return (try reader.header(of: file), nil, file.count)
    }

    // MARK: - Outputs

    private func file(
        _ output: PipelinePlan.Output, of job: RunPlan.Job, header: ImageHeader, type: ImageType
    ) throws(PipelineFault) -> RunPlan.File {
        let (format, ext) = try format(output, of: job, header: header, type: type)
        let name: String
        let path: String
        switch request.output {
        case .standardOutput: (name, path) = ("-", "-")
        case .file(let file): (name, path) = (InputName(file).file, file)
        case .folder(let folder):
            name = try output.template.path(for: job.name, ext: ext, stage: pipeline.id(of: output.source))
            path = FileSystem.join(folder, name)
        }
        if let (problem, advice) = format.problem(with: type) {
            throw .format(output: "\(job.path) → \(path)", problem: problem, advice: advice)
        }
        return RunPlan.File(name: name, path: path, format: format)
    }

    /// The format that was asked for, that the name says, or that the input has, where it can hold the output; TIFF holds everything.
    private func format(
        _ output: PipelinePlan.Output, of job: RunPlan.Job, header: ImageHeader, type: ImageType
    ) throws(PipelineFault) -> (OutputFormat, String) {
        func holds(_ format: FileFormat) -> Bool {
            ImageEncoder.canHold(format: type.format, colour: type.colour, size: type.size, as: format) == nil
        }
        if case .file(let path) = request.output {
            let own = OutputFormat(fileExtension: InputName(path).fileExtension)
            if let asked = request.format, let own, .picture(asked) != own {
                throw .format(
                    output: path, problem: "the name says \(own.name), --format says \(asked.name)", advice: "make them agree")
            }
            return (own ?? .picture(header.format), InputName(path).fileExtension)
        }
        if let literal = output.template.literalExtension, request.output != .standardOutput {
            guard let own = OutputFormat(fileExtension: literal) else {
                throw .format(
                    output: output.template.text, problem: "no format is called .\(literal)",
                    advice: "use .png, .jpg, .tiff or .csv, or .{ext}")
            }
            if let asked = request.format, own != .table, .picture(asked) != own {
                throw .format(
                    output: output.template.text, problem: "the name says \(own.name), --format says \(asked.name)",
                    advice: "leave out --format, or give a --name that ends in .{ext}")
            }
            return (own, literal)
        }
        if let asked = request.format { return (.picture(asked), asked.fileExtension) }
        let ext = job.name.fileExtension
        // A PNG that is called .jpg stays a PNG, and is called so.
        if let own = FileFormat(fileExtension: ext), own == header.format {
            return holds(own) ? (.picture(own), ext) : (.picture(.tiff), "tiff")
        }
        return holds(header.format) ? (.picture(header.format), header.format.fileExtension) : (.picture(.tiff), "tiff")
    }

    private func checkOutput(_ items: [JobItem]) throws(PipelineFault) {
        let takesOne: String
        switch request.output {
        case .folder: return
        case .file(let path): takesOne = path
        case .standardOutput: takesOne = "standard output"
        }
        guard items.count == 1 else {
            throw .usage(
                problem: "\(items.count) \(pipeline.inputs.count > 1 ? "pairs" : "images") cannot be written to \(takesOne)",
                advice: "give a folder with -o")
        }
        guard pipeline.outputs.count == 1 else {
            throw .usage(
                problem: "pipeline \(pipeline.name) writes \(pipeline.outputs.count) images for each input, not one to \(takesOne)",
                advice: "give a folder with -o")
        }
    }

    private func checkNames(_ jobs: [RunPlan.Job]) throws(PipelineFault) {
        guard request.output != .standardOutput else { return }
        // By bytes: two names that differ only in how ü is written are two files.
        var owners: [[UInt8]: String] = [:]
        let inputs = Set(jobs.flatMap(\.parts).compactMap { FileSystem.facts($0.path)?.identity })
        var seen: Set<[UInt8]> = []
        for job in jobs {
            for part in job.parts where !seen.insert(Array("\(part.item.page ?? -1) \(part.path)".utf8)).inserted {
                throw .usage(problem: "\(part.path) is among the inputs twice", advice: "give every file and folder once")
            }
            for file in job.files {
                if let other = owners.updateValue(job.path, forKey: Array(file.name.utf8)) {
                    throw .collision(output: file.path, inputs: other == job.path ? [other] : [other, job.path])
                }
                if let facts = FileSystem.facts(file.path), inputs.contains(facts.identity) {
                    throw .replacesInput(output: file.path)
                }
            }
        }
    }

    /// Names the work: the same digest means the same pixels and the same bytes in the files.
    private func digest() -> String {
        let text =
            pipeline.canonicalText()
            + "\nformat \(request.format?.rawValue ?? "as named")\n\(request.encoding)\ntolerates \(request.toleratesTruncation)"
            + (request.page == 0 ? "" : "\npage \(request.page)")
        return SHA256.hex(of: Array(text.utf8))
    }
}
