/// The last line of a run: counts, throughput, and how the times of every stage are distributed.
public struct RunSummary: Sendable {
    public private(set) var done = 0
    public private(set) var skipped = 0
    public private(set) var failed = 0
    /// Of the inputs that were worked on.
    public private(set) var pixels = 0
    public private(set) var peakBytes = 0
    /// Inputs with notes, and one of the notes.
    public private(set) var noted = 0
    public private(set) var note: (input: String, text: String)?
    /// Stages in the order in which they first reported; 4 bytes for each image and stage.
    private var times: [(id: String, milliseconds: [Float])] = []

    public init() {}

    public mutating func add(_ record: JobRecord, pixels: Int) {
        switch record.status {
        case .done:
            done += 1
            self.pixels += pixels
        case .skipped: skipped += 1
        case .failed: failed += 1
        case .writing: return
        }
        peakBytes = max(peakBytes, record.peakBytes)
        if let first = record.notes.first {
            noted += 1
            note = note ?? (record.input, first)
        }
        for stage in record.stages {
            let time = Float(stage.milliseconds)
            if let i = times.firstIndex(where: { $0.id == stage.id }) {
                times[i].milliseconds.append(time)
            } else {
                times.append((stage.id, [time]))
            }
        }
    }

    /// The value below which a share of the sorted values lies: the nearest rank.
    static func percentile(_ sorted: [Float], _ percent: Int) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = (sorted.count * percent + 99) / 100
        return (Double(sorted[max(rank, 1) - 1]) * 1000).rounded() / 1000
    }

    public func json(plan: String, wallNanoseconds: UInt64, stopped: Bool) -> JSON {
        let seconds = Double(wallNanoseconds) / 1e9
        func rate(_ amount: Double) -> Double { seconds > 0 ? (amount / seconds * 1000).rounded() / 1000 : 0 }
        let stages = times.map { stage in
            let sorted = stage.milliseconds.sorted()
            return JSON.Member(
                stage.id,
                .object(skippingNil: [
                    ("count", .integer(sorted.count)), ("p50", .number(Self.percentile(sorted, 50))),
                    ("p90", .number(Self.percentile(sorted, 90))), ("p99", .number(Self.percentile(sorted, 99))),
                ]))
        }
        return .object(skippingNil: [
            (
                "summary",
                .object(skippingNil: [
                    ("plan", .text(plan)), ("done", .integer(done)), ("skipped", .integer(skipped)), ("failed", .integer(failed)),
                    ("stopped", stopped ? .flag(true) : nil), ("megapixels", .number(megapixelsRounded(pixels))),
                    ("wallMs", .number(millisecondsRounded(wallNanoseconds))), ("imagesPerSecond", .number(rate(Double(done)))),
                    ("megapixelsPerSecond", .number(rate(Double(pixels) / 1e6))), ("peakBytes", .integer(peakBytes)),
                    ("stageMs", .object(stages)),
                ])
            )
        ])
    }
}
