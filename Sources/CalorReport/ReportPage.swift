import Mustache

/// One page about a run that needs nothing beside itself: no script, no style sheet, no picture file.
///
/// Everything that comes from files is escaped by the template.
public struct ReportPage {
    public var title: String
    public var metrics: MetricsFile
    /// Where relative paths begin, tried in order.
    public var folders: [String]
    /// How many inputs are shown before and after.
    public var pictures: Int

    /// More rows than this help no reader; the rest is counted.
    static let maximumFailures = 1000
    static let bins = 24

    public init(title: String, metrics: MetricsFile, folders: [String] = [""], pictures: Int = 12) {
        self.title = title
        self.metrics = metrics
        self.folders = folders
        self.pictures = pictures
    }

    public func html() throws(ReportFault) -> String {
        do { return try MustacheTemplate(string: ReportTemplate.page).render(content) } catch { throw .template("\(error)") }
    }

    // MARK: - Content

    private var content: [String: Any] {
        let done = metrics.records.filter { $0.status == "done" }
        let failed = metrics.records.filter { $0.status == "failed" }
        let skipped = metrics.records.filter { $0.status == "skipped" }
        var facts: [[String: Any]] = [
            ["name": "done", "value": "\(done.count)"], ["name": "failed", "value": "\(failed.count)", "bad": !failed.isEmpty],
            ["name": "already done", "value": "\(skipped.count)"],
        ]
        if let wall = metrics.wallMilliseconds { facts.append(["name": "time", "value": readable(milliseconds: wall)]) }
        let peak = metrics.records.compactMap(\.peakBytes).max() ?? 0
        if peak > 0 {
            facts.append(["name": "largest planned memory of one image", "value": "\(readable(Double(peak) / 1e6)) MB"])
        }
        if metrics.damagedLines > 0 {
            facts.append(["name": "lines that are no metrics", "value": "\(metrics.damagedLines)", "bad": true])
        }
        let stages = stages(done)
        let distributions = distributions(done)
        let shown = shown(done)
        return [
            "title": title, "facts": facts, "stages": stages, "hasStages": !stages.isEmpty, "distributions": distributions,
            "hasDistributions": !distributions.isEmpty, "pictures": shown, "hasPictures": !shown.isEmpty,
            "failures": failures(failed), "hasFailures": !failed.isEmpty,
            "moreFailures": failed.count > Self.maximumFailures ? "and \(failed.count - Self.maximumFailures) more" : "",
            "notes": notes(done), "hasNotes": done.contains { !($0.notes ?? []).isEmpty },
        ]
    }

    private func stages(_ records: [MetricsRecord]) -> [[String: Any]] {
        var order: [String] = []
        var times: [String: [Double]] = [:]
        var uses: [String: String] = [:]
        for stage in records.flatMap({ $0.stages ?? [] }) {
            if uses.updateValue(stage.use, forKey: stage.id) == nil { order.append(stage.id) }
            times[stage.id, default: []].append(stage.ms ?? 0)
        }
        let all = order.map { ($0, Distribution(times[$0] ?? [])) }
        let total = all.reduce(0) { $0 + $1.1.sum }
        let most = all.map { $0.1.percentile(99) }.max() ?? 0
        func percent(_ value: Double, _ whole: Double) -> Double { whole > 0 ? (value / whole * 1000).rounded() / 10 : 0 }
        return all.map { id, times in
            [
                "id": id, "use": uses[id] ?? "", "count": times.count, "p50": readable(milliseconds: times.percentile(50)),
                "p90": readable(milliseconds: times.percentile(90)), "p99": readable(milliseconds: times.percentile(99)),
                "share": "\(percent(times.sum, total)) %", "bar": percent(times.percentile(50), most),
                "thin": percent(times.percentile(99) - times.percentile(50), most),
            ]
        }
    }

    private func distributions(_ records: [MetricsRecord]) -> [[String: Any]] {
        var order: [String] = []
        var values: [String: [Double]] = [:]
        for stage in records.flatMap({ $0.stages ?? [] }) {
            for (name, value) in (stage.values ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard let number = value.number else { continue }
                let key = "\(stage.id): \(name)"
                if values[key] == nil { order.append(key) }
                values[key, default: []].append(number)
            }
        }
        return order.compactMap { key in
            let distribution = Distribution(values[key] ?? [])
            guard let least = distribution.sorted.first, let greatest = distribution.sorted.last else { return nil }
            let bins = distribution.histogram(bins: Self.bins)
            let tallest = max(bins.max() ?? 1, 1)
            let bars = bins.enumerated().map { i, count in
                let height = Double(count) / Double(tallest) * 60
                return ["x": "\(i * 10)", "y": readable(60 - height), "height": readable(height), "count": "\(count)"]
            }
            return [
                "name": key, "count": distribution.count, "least": readable(least), "greatest": readable(greatest),
                "median": readable(distribution.percentile(50)), "mean": readable(distribution.mean), "bars": bars,
            ]
        }
    }

    private func failures(_ records: [MetricsRecord]) -> [[String: Any]] {
        records.prefix(Self.maximumFailures).map {
            [
                "input": $0.file ?? $0.input, "stage": $0.stage ?? "", "error": $0.error ?? "", "message": $0.message ?? "",
            ]
        }
    }

    private func notes(_ records: [MetricsRecord]) -> [[String: Any]] {
        records.filter { !($0.notes ?? []).isEmpty }.prefix(Self.maximumFailures).map {
            ["input": $0.input, "text": ($0.notes ?? []).joined(separator: "; ")]
        }
    }

    // MARK: - Pictures

    /// Spread over the whole run, so that a page about thousands shows more than the first folder.
    private func shown(_ records: [MetricsRecord]) -> [[String: Any]] {
        guard pictures > 0, !records.isEmpty else { return [] }
        let count = min(pictures, records.count)
        return (0..<count).map { records[$0 * records.count / count] }.map { record in
            let inputs = record.inputs.map { $0.sorted { $0.key < $1.key }.map(\.value.path) } ?? [record.input]
            let before = inputs.map { picture("before", $0, size: nil) }
            let after = (record.outputs ?? []).map { output in
                picture("after", output.path, size: output.width.flatMap { w in output.height.map { "\(w)×\($0)" } })
            }
            return ["input": record.input, "panes": before + after]
        }
    }

    private func picture(_ kind: String, _ path: String, size: String?) -> [String: Any] {
        let candidates = path.hasPrefix("/") ? [path] : folders.map { $0.isEmpty ? path : $0 + "/" + path }
        let address = candidates.lazy.compactMap { Thumbnail.dataAddress(of: $0) }.first
        return [
            "kind": kind, "path": path, "size": size ?? "", "address": address ?? "", "isThere": address != nil,
            "isMissing": address == nil,
        ]
    }
}
