import CalorBase
import CalorCodecs
import CalorImage

// Goals, in order: the same samples and files as `GraphRunner` and the encoders give for a held image; memory of a few strips, however
// high the image is; all cores busy while rows are read and written.

/// Sends an image through a plan without ever holding it: rows are read, go through the chain of region stages strip by strip, and
/// are written. Where a stage must first see the whole of its input, the rows wait in a temporary file.
struct StreamRunner {
    /// Larger than the strips of images that are held: what two neighbours both need is computed twice.
    static let stripPixels = 1 << 20

    let plan: PipelinePlan
    var stripPixels = Self.stripPixels

    /// Strips that are at work together.
    static func stripsAtOnce(_ threads: Int) -> Int { threads <= 1 ? 1 : threads * 2 }

    struct Outcome {
        var metrics: [StageMetrics]
        var warnings: [String]
        var pages = 1
        var peakBytes: Int
    }

    /// - Parameters:
    ///   - open: the rows of the input; called again for a second look at it.
    ///   - writers: one for each output of the plan.
    ///   - folder: where temporary files may go.
    func run(
        _ input: ImageType, opening open: () throws(PipelineFault) -> DecodedRows, to writers: [StreamWriter],
        spoolingIn folder: String,
        in environment: StageEnvironment
    ) -> Result<Outcome, StageFailure> {
        var stage = "decode"
        do throws(PipelineFault) {
            guard let segments = try plan.streamSegments(for: input) else { preconditionFailure("this plan cannot be streamed") }
            let types = try plan.types(for: [input])
            var outcome = Outcome(metrics: [], warnings: [], peakBytes: 0)
            let threads = environment.pool?.threads ?? 1
            outcome.peakBytes = try plan.streamedPeakBytes(for: input, threads: threads)
            var decoded = try open()
            var source: any RowSource = decoded
            var found: (any RegionOperation)?
            for (position, segment) in segments.enumerated() {
                if !segment.nodes.isEmpty { stage = plan.nodes[segment.nodes.lowerBound].site.id }
                let chain = try operations(segment, input: input, types: types, first: found)
                let next = position + 1 < segments.count ? segments[position + 1] : nil
                let survey = try next.flatMap { (next) throws(PipelineFault) -> (any StripSurvey)? in
                    guard let stage = plan.nodes[next.nodes.lowerBound].stage as? any RegionStage, stage.surveys(segment.result)
                    else {
                        return nil
                    }
                    return stage.survey(for: segment.result)
                }
                // The input itself is read twice rather than copied.
                let isInput = segment.nodes.isEmpty
                let spool = next != nil && !isInput ? try Spool(in: folder) : nil
                var pass = StripPass(
                    operations: chain, size: segment.result.size, window: RowWindow(source), stripPixels: stripPixels,
                    environment: environment
                ) { (strip) throws(PipelineFault) in
                    survey?.add(strip)
                    try spool?.append(strip)
                    for output in segment.outputs { try writers[output].write(strip) }
                }
                try pass.run()
                for output in segment.outputs { try writers[output].finish() }
                outcome.metrics += metrics(of: segment, chain, pass.nanoseconds)
                found = try survey?.operation()
                guard next != nil else { break }
                if let spool {
                    source = spool.rows()
                } else {
                    outcome.warnings = decoded.warnings
                    decoded = try open()
                    source = decoded
                }
            }
            if outcome.warnings.isEmpty { outcome.warnings = decoded.warnings }
            outcome.pages = decoded.pages
            return .success(outcome)
        } catch {
            return .failure(StageFailure(stage: stage, fault: error))
        }
    }

    /// `first` is what a survey made of the segment's first stage.
    private func operations(
        _ segment: PipelinePlan.StreamSegment, input: ImageType, types: [ImageType], first: (any RegionOperation)?
    ) throws(PipelineFault) -> [any RegionOperation] {
        var out: [any RegionOperation] = []
        for i in segment.nodes {
            if i == segment.nodes.lowerBound, let first {
                out.append(first)
                continue
            }
            guard let stage = plan.nodes[i].stage as? any RegionStage else {
                preconditionFailure("only region stages are streamed")
            }
            out.append(
                try stage.operation(for: plan.type(of: plan.nodes[i].source, inputs: [input], stages: types), surveying: nil))
        }
        return out
    }

    private func metrics(
        of segment: PipelinePlan.StreamSegment, _ chain: [any RegionOperation], _ nanoseconds: [UInt64]
    ) -> [StageMetrics] {
        zip(segment.nodes, zip(chain, nanoseconds)).map { i, done in
            StageMetrics(
                id: plan.nodes[i].site.id, use: plan.nodes[i].site.use, nanoseconds: done.1, pixels: done.0.outputSize.pixels,
                flops: nil, peakBytes: 0, values: done.0.values.filter { $0.value.isFinite }.mapValues(JSON.number))
        }
    }
}

/// One pass over the rows of a source through a chain of operations.
private struct StripPass {
    let operations: [any RegionOperation]
    let strips: [Range<Int>]
    let environment: StageEnvironment
    let deliver: (Image) throws(PipelineFault) -> Void
    private var window: RowWindow
    private(set) var nanoseconds: [UInt64]

    init(
        operations: [any RegionOperation], size: Size, window: RowWindow, stripPixels: Int, environment: StageEnvironment,
        deliver: @escaping (Image) throws(PipelineFault) -> Void
    ) {
        self.operations = operations
        self.window = window
        self.environment = environment
        self.deliver = deliver
        let widest = max(size.width, operations.map(\.outputSize.width).max() ?? 1, 1)
        let height = max(8, stripPixels / widest)
        strips = stride(from: 0, to: size.height, by: height).map { $0..<min($0 + height, size.height) }
        nanoseconds = [UInt64](repeating: 0, count: operations.count)
    }

    /// What each operation needs of its input to make `rows` of the last one.
    private static func needs(_ rows: Range<Int>, _ operations: [any RegionOperation]) -> [Range<Int>] {
        var needed = [rows]
        for operation in operations.reversed() { needed.insert(operation.inputRows(for: needed[0]), at: 0) }
        return needed
    }

    private typealias Part = (rows: [Range<Int>], image: Image)
    private typealias Finished = Result<(Image, [UInt64]), PipelineFault>

    /// While a group of strips is at work, the rows of the next one are read and those of the last one are written.
    mutating func run() throws(PipelineFault) {
        let atOnce = StreamRunner.stripsAtOnce(environment.pool?.threads ?? 1)
        let groups = stride(from: 0, to: strips.count, by: atOnce).map { Array(strips[$0..<min($0 + atOnce, strips.count)]) }
        var working: [Part] = []
        var writing: [Image] = []
        for step in 0..<(groups.count + 2) {
            guard !environment.cancelled() else { throw .cancelled }
            let group = step < groups.count ? groups[step] : []
            let parts = working
            let operations = operations
            let done = writing
            var read: Result<[Part], PipelineFault> = .success([])
            var wrote: Result<Void, PipelineFault> = .success(())
            var results = [Finished?](repeating: nil, count: parts.count)
            results.withUnsafeMutableBufferPointer { slots in
                // SAFETY: part 0 alone touches the window and `read`, part 1 alone `deliver` and `wrote`, each other part its own slot.
                nonisolated(unsafe) let slots = slots
                nonisolated(unsafe) let deliver = deliver
                withUnsafeMutablePointer(to: &read) { read in
                    withUnsafeMutablePointer(to: &wrote) { wrote in
                        withUnsafeMutablePointer(to: &window) { window in
                            nonisolated(unsafe) let (read, wrote, window) = (read, wrote, window)
                            let body: @Sendable (Int) -> Void = { i in
                                switch i {
                                case 0: read.pointee = Self.loaded(group, from: window, for: operations)
                                case 1: wrote.pointee = Self.delivering(done, deliver)
                                default: slots[i - 2] = Self.apply(operations, to: parts[i - 2])
                                }
                            }
                            if let pool = environment.pool {
                                pool.parallel(parts.count + 2, body)
                            } else {
                                for i in 0..<(parts.count + 2) { body(i) }
                            }
                        }
                    }
                }
            }
            // The earliest fault in the order of the rows.
            try wrote.get()
            writing = []
            for result in results {
                guard let (strip, times) = try result?.get() else { preconditionFailure("a strip was not worked on") }
                writing.append(strip)
                for i in times.indices { nanoseconds[i] += times[i] }
            }
            working = try read.get()
        }
    }

    private static func loaded(
        _ group: [Range<Int>], from window: UnsafeMutablePointer<RowWindow>, for operations: [any RegionOperation]
    ) -> Result<[Part], PipelineFault> {
        var out: [Part] = []
        for rows in group {
            let needed = needs(rows, operations)
            do { out.append((needed, try window.pointee.rows(needed[0]))) } catch { return .failure(error) }
        }
        return .success(out)
    }

    private static func delivering(
        _ strips: [Image], _ deliver: (Image) throws(PipelineFault) -> Void
    ) -> Result<Void, PipelineFault> {
        for strip in strips { do { try deliver(strip) } catch { return .failure(error) } }
        return .success(())
    }

    private static func apply(_ operations: [any RegionOperation], to part: Part) -> Finished {
        var image = part.image
        var times: [UInt64] = []
        for (i, operation) in operations.enumerated() {
            let start = nanosecondsNow()
            do { image = try operation.apply(to: image, covering: part.rows[i], producing: part.rows[i + 1]) } catch {
                return .failure(error)
            }
            times.append(nanosecondsNow() - start)
        }
        return .success((image, times))
    }
}
