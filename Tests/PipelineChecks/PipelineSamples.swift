import CalorPipeline
import GraphGenerator

/// Pipeline files over all stages and parameters of the library, most of them right.
public struct PipelineSamples {
    private var choices: Choices

    public static func text(seed: Int) -> String {
        var samples = PipelineSamples(choices: Choices(seed: UInt64(seed)))
        return samples.text()
    }

    /// Files that are strange on purpose: YAML that means more than it shows, names that would lead elsewhere.
    public static let strange: [String] = [
        "", "calor: 1", "calor: 200000:-500:-500:-5000000:-500:-500:-500000:0000:-00", "calor: [1", "- 1\n- 2\n",
        "calor: 1\n1: a\n\"1\": b\n",
        file("- \"../../out\": { use: resize, scale: 2 }", to: "{stage}.png"),
        file("- a: { use: resize, scale: 2 }", to: ".{dir}./x.png"),
        file("- a: { use: resize, scale: 2 }", to: "x\\0.png"), file("- a: &s { use: resize, scale: 2 }\n- b: *s"),
        file("- a: { use: gain, ? [x, y] : 1 }"),
        file((0..<9).map { "- s\($0): { use: resize, scale: 64 }" }.joined(separator: "\n")),
        file("- a: { use: resize, scale: 1, from: b }\n- b: { use: resize, scale: 1, from: a }"),
        file("- a: { use: super-resolve, model: ir-x4, guidance: { consistency: 1, features: { weight: 1 } } }"),
        file("- a: !!str { use: !!int resize, scale: 0x2 }"), "%YAML 1.1\n---\ncalor: 1\n...\n---\ncalor: 1\n",
    ]

    private static func file(_ stages: String, to: String = "{dir}/{stem}.{ext}") -> String {
        "calor: 1\ninputs: { i: { kind: infrared } }\nstages:\n\(stages)\noutputs: [{ to: \"\(to)\" }]\n"
    }

    private mutating func text() -> String {
        let isPair = choices.flag(oneIn: 3)
        var sources = isPair ? ["ir", "rgb"] : ["ir"]
        var lines = ["calor: 1", "inputs:"]
        if choices.flag() { lines.insert("name: sample", at: 1) }
        let kind = choices.flag(oneIn: 4) ? "rgb" : "infrared"
        lines.append(isPair ? "  ir: { kind: infrared, match: \"ir/{stem}.*\" }" : "  ir: { kind: \(kind) }")
        if isPair { lines.append("  rgb: { kind: rgb, match: \"rgb/{dir}/{stem}_v.{ext}\" }") }
        lines.append("stages:")
        for i in 0..<choices.number(1...4) {
            lines.append("  - s\(i): { \(stage(sources).joined(separator: ", ")) }")
            sources.append("s\(i)")
        }
        lines.append("outputs:")
        for _ in 0..<choices.number(1...2) {
            let name = choices.one(of: [
                "{dir}/{stem}.{ext}", "{stage}/{name}", "{stem}_x.png", "a/{dir}/{stem}.tiff", "{stem}.csv",
            ])
            lines.append("  - { from: \(choices.one(of: sources)), to: \"\(name)\" }")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private mutating func stage(_ sources: [String]) -> [String] {
        let stage = choices.one(of: StageLibrary.descriptions)
        var entries = ["use: \(stage.name)"]
        if choices.flag(oneIn: 3) { entries.append("from: \(choices.one(of: sources))") }
        var groups: [String: [String]] = [:]
        for parameter in stage.parameters where parameter.isRequired || choices.flag(oneIn: 4) {
            let value = value(parameter.kind, sources)
            // guidance.features.weight is written guidance: { features: { weight: … } }.
            let parts = parameter.name.split(separator: ".").map(String.init)
            if parts.count == 1 {
                entries.append("\(parts[0]): \(value)")
            } else {
                let inner = parts.dropFirst().reversed().reduce(value) { $0 == value ? "\($1): \(value)" : "\($1): { \($0) }" }
                groups[parts[0], default: []].append(inner)
            }
        }
        for (name, inner) in groups.sorted(by: { $0.key < $1.key }) {
            entries.append("\(name): { \(inner.joined(separator: ", ")) }")
        }
        return entries
    }

    private mutating func value(_ kind: ParameterDescription.Kind, _ sources: [String]) -> String {
        switch kind {
        case .number(let range):
            let share = Double(choices.number(0...16)) / 16
            return "\(range.lowerBound + share * (min(range.upperBound, range.lowerBound + 100) - range.lowerBound))"
        case .integer(let range): return "\(range.lowerBound + choices.number(0...min(range.count - 1, 200)))"
        case .choice(let names): return choices.one(of: names)
        case .text: return choices.one(of: ["ir-x4", "enhance-ir", "no such file", "\"\""])
        case .flag: return choices.flag() ? "true" : "no"
        case .source: return choices.one(of: sources)
        }
    }
}
