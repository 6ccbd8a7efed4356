import Foundation

/// One line of metrics, as far as a report needs it.
public struct MetricsRecord: Decodable, Sendable {
    public struct Output: Decodable, Sendable {
        public var path: String
        public var name: String?
        public var sha256: String?
        public var width: Int?
        public var height: Int?
    }

    public struct Part: Decodable, Sendable { public var path: String }

    public struct Stage: Decodable, Sendable {
        public var id: String
        public var use: String
        public var ms: Double?
        public var peakBytes: Int?
        public var values: [String: MetricValue]?
    }

    public var input: String
    public var status: String
    public var inputs: [String: Part]?
    public var stage: String?
    public var error: String?
    public var message: String?
    public var file: String?
    public var outputs: [Output]?
    public var wallMs: Double?
    public var peakBytes: Int?
    public var stages: [Stage]?
    public var notes: [String]?
}

/// A figure of a stage. Only numbers have distributions.
public enum MetricValue: Decodable, Sendable, Equatable {
    case number(Double)
    case flag(Bool)
    case text(String)
    case other

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else {
            self = .other
        }
    }

    public var number: Double? { if case .number(let value) = self { value } else { nil } }
}

/// The lines of one or several metrics files, or of a journal.
public struct MetricsFile: Sendable {
    /// Of each input the last line: a journal tells of every attempt.
    public private(set) var records: [MetricsRecord] = []
    /// Lines that are neither records nor summaries.
    public private(set) var damagedLines = 0
    /// From the summaries; nil when no run was closed.
    public private(set) var wallMilliseconds: Double?

    private var places: [String: Int] = [:]

    public init() {}

    private struct Summary: Decodable {
        struct Body: Decodable { var wallMs: Double? }
        var summary: Body
    }

    public mutating func add(_ text: some Sequence<UInt8>) {
        let decoder = JSONDecoder()
        for line in Data(text).split(separator: UInt8(ascii: "\n")) {
            if let record = try? decoder.decode(MetricsRecord.self, from: line) {
                add(record)
            } else if let summary = try? decoder.decode(Summary.self, from: line) {
                wallMilliseconds = (wallMilliseconds ?? 0) + (summary.summary.wallMs ?? 0)
            } else {
                damagedLines += 1
            }
        }
    }

    private mutating func add(_ record: MetricsRecord) {
        // An announcement of the journal; the line about the result follows.
        guard record.status != "writing" else { return }
        if let place = places[record.input] {
            // Work that was already done says less than the work itself.
            if record.status != "skipped" { records[place] = record }
        } else {
            places[record.input] = records.count
            records.append(record)
        }
    }
}
