import Foundation

/// What a suite came to: the stored baseline and every later run have this form.
public struct SuiteResults: Codable, Sendable, Equatable {
    public struct Output: Codable, Sendable, Equatable {
        public var sha256: String
        public var width: Int
        public var height: Int
        /// Figures against the truth.
        public var truth: [String: Double]?

        public init(sha256: String, width: Int, height: Int, truth: [String: Double]? = nil) {
            (self.sha256, self.width, self.height, self.truth) = (sha256, width, height, truth)
        }
    }

    public struct Input: Codable, Sendable, Equatable {
        public var status: String
        /// Stable identifier of the failure.
        public var error: String?
        public var outputs: [String: Output] = [:]
        /// `stage.figure`.
        public var values: [String: Double] = [:]

        public init(status: String, error: String? = nil) { (self.status, self.error) = (status, error) }
    }

    public var version = 1
    public var suite: String
    /// By the name of the case, then by the input relative to the suite.
    public var cases: [String: [String: Input]] = [:]

    public init(suite: String) { self.suite = suite }

    public init(json: some Sequence<UInt8>, path: String) throws(ReportFault) {
        guard let read = try? JSONDecoder().decode(SuiteResults.self, from: Data(json)), read.version == 1 else {
            throw .damagedBaseline(path: path)
        }
        self = read
    }

    /// Sorted and indented, so that a change can be read in a diff.
    public func json() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Nothing in it can fail to be written: names and finite numbers.
        return (try? encoder.encode(self)).map { [UInt8]($0) + [10] } ?? []
    }

    /// Takes over what the metrics say about one case; `name` makes an input's path relative to the suite.
    public mutating func add(_ metrics: MetricsFile, case name: String, naming: (String) -> String) {
        var inputs: [String: Input] = [:]
        for record in metrics.records {
            var input = Input(status: record.status, error: record.error)
            for output in record.outputs ?? [] {
                input.outputs[output.name ?? output.path] = Output(
                    sha256: output.sha256 ?? "", width: output.width ?? 0, height: output.height ?? 0)
            }
            for stage in record.stages ?? [] {
                for (key, value) in stage.values ?? [:] {
                    // Ten digits are more than any figure is worth, and the same on every machine.
                    if let number = value.number { input.values["\(stage.id).\(key)"] = Self.rounded(number) }
                }
            }
            inputs[naming(record.input)] = input
        }
        cases[name] = inputs
    }

    public static func rounded(_ value: Double) -> Double {
        guard value != 0, value.isFinite else { return 0 }
        return Double(String(format: "%.9e", value)) ?? value
    }
}
