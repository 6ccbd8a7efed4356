import CalorBase
import CalorCodecs
import CalorImage

// Images that are never held: they are decoded, processed and encoded in one pass, and appear together at the end.

extension JobWork {
    /// Reads, works and writes; the outputs are complete, but not yet in their places.
    mutating func stream(_ file: OpenFile, _ environment: StageEnvironment) -> PhaseResult {
        guard let input = job.types?.first else { preconditionFailure("a job that is streamed has been looked at") }
        let begin = nanosecondsNow()
        let stages: [StageMetrics]
        do throws(PipelineFault) {
            let types = try run.pipeline.types(for: [input])
            for (file, output) in zip(job.files, run.pipeline.outputs) {
                let size = run.pipeline.type(of: output.source, inputs: [input], stages: types).size
                writers.append(try StreamWriter(file, size: size, from: input.size, options: run.request.encoding))
            }
        } catch { return abandon(StageFailure(stage: "encode", fault: error)) }
        let item = job.parts[0].item
        let options = run.request.decodeOptions(for: item)
        let kind = run.pipeline.inputs[0].kind
        let outcome = StreamRunner(plan: run.pipeline).run(
            input,
            opening: { () throws(PipelineFault) in
                do {
                    guard let decoder = try RowDecoder.open(file, options: options) else {
                        throw CodecFault.damaged(.tiff, .damaged, "the file has changed since it was planned")
                    }
                    return DecodedRows(decoder, kind: kind)
                } catch { throw PipelineFault(error) }
            }, to: writers, spoolingIn: OutputFolder.folder(of: job.files.first?.path ?? ""), in: environment)
        switch outcome {
        case .failure(let failure): return abandon(failure)
        case .success(let outcome):
            stages = outcome.metrics
            record.notes = outcome.warnings + pageNote(pages: outcome.pages, of: item) + writers.flatMap(\.warnings)
            record.peakBytes = outcome.peakBytes
        }
        // Rows are read and written while the stages work: the time of the whole pass stands here.
        record.stages.append(
            StageMetrics(
                id: "decode", use: "stream", nanoseconds: nanosecondsNow() - begin, pixels: input.size.pixels, flops: nil,
                peakBytes: record.peakBytes, values: [:]))
        record.stages += stages
        return .success(true)
    }

    /// The outputs go to their places together, or none does.
    mutating func appear(_ begin: UInt64) -> PhaseResult {
        let finished = writers
        writers = []
        record.outputs = finished.map { $0.record() }
        announce()
        var appeared: [String] = []
        do throws(PipelineFault) {
            for writer in finished {
                try writer.commit()
                appeared.append(writer.place.path)
            }
        } catch {
            for path in appeared { FileSystem.remove(path) }
            return .failure(StageFailure(stage: "encode", fault: error))
        }
        record.stages.append(
            StageMetrics(
                id: "encode", use: "encode", nanoseconds: nanosecondsNow() - begin,
                pixels: record.outputs.reduce(0) { $0 + $1.width * $1.height }, flops: nil, peakBytes: 0, values: [:]))
        return .success(false)
    }

    private mutating func abandon(_ failure: StageFailure) -> PhaseResult {
        writers = []
        return .failure(failure)
    }
}
