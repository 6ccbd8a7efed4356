import CalorYAML
import Yams

/// Reads the text of a pipeline file, version 1, into a `PipelineDocument`; every fault names its line.
public struct PipelineReader {
    let file: String

    /// A pipeline file is written by hand: more than this is something else.
    static let maximumBytes = 1 << 20
    /// Types and memory are looked at for every stage again and again.
    static let maximumStages = 200

    public static func read(_ text: String, file: String) throws(PipelineFault) -> PipelineDocument {
        let reader = PipelineReader(file: file)
        guard text.utf8.count <= maximumBytes else {
            throw .shape(
                place: Place(file: file), what: "is larger than \(maximumBytes) bytes",
                expected: "give a pipeline file of at most 1 MB")
        }
        let root: Node?
        do throws(YAMLText.Problem) {
            root = try YAMLText.compose(text)
        } catch { throw .syntax(place: Place(file: file, line: error.line), problem: error.description) }
        guard let root else {
            throw .shape(
                place: Place(file: file, line: 1), what: "the file is empty", expected: "a pipeline begins with \"calor: 1\"")
        }
        return try reader.document(root)
    }

    // MARK: - The three parts

    private func document(_ root: Node) throws(PipelineFault) -> PipelineDocument {
        let entries = try mapping(
            root, what: "a pipeline", keys: ["calor", "name", "inputs", "stages", "outputs"], example: "calor: 1")
        let top = place(root)
        guard let version = entries["calor"] else { throw .missingKey(place: top, key: "calor", owner: "the pipeline") }
        guard version.value.int == 1 else {
            throw .version(place: place(version.value), found: version.value.string ?? "unreadable")
        }
        guard let inputs = entries["inputs"] else { throw .missingKey(place: top, key: "inputs", owner: "the pipeline") }
        guard let stages = entries["stages"] else { throw .missingKey(place: top, key: "stages", owner: "the pipeline") }
        guard let outputs = entries["outputs"] else { throw .missingKey(place: top, key: "outputs", owner: "the pipeline") }
        var declared: [PipelineDocument.Input] = []
        for (id, key, node) in try pairs(inputs.value, what: "inputs", example: "inputs: { image: { kind: rgb } }") {
            declared.append(try input(id, key: key, node))
        }
        try checkMatches(declared, place: place(inputs.key))
        var list: [PipelineDocument.Stage] = []
        let nodes = try sequence(stages.value, what: "stages", example: "- clean: { use: destripe }")
        guard nodes.count <= Self.maximumStages else {
            throw .shape(
                place: place(stages.key), what: "there are \(nodes.count) stages",
                expected: "a pipeline has at most \(Self.maximumStages); run one after the other")
        }
        for node in nodes {
            list.append(try stage(node))
        }
        var written: [PipelineDocument.Output] = []
        for node in try sequence(outputs.value, what: "outputs", example: "- { from: clean, to: \"{dir}/{stem}.{ext}\" }") {
            written.append(try output(node))
        }
        guard !written.isEmpty else {
            throw .shape(
                place: place(outputs.key), what: "a pipeline without outputs does nothing",
                expected: "add for example: - { to: \"{dir}/{stem}.{ext}\" }")
        }
        let name = try entries["name"].map { (entry) throws(PipelineFault) in try scalar(entry.value, what: "name") }
        return PipelineDocument(file: file, name: name ?? file, inputs: declared, stages: list, outputs: written)
    }

    private func input(_ id: String, key: Node, _ node: Node) throws(PipelineFault) -> PipelineDocument.Input {
        let entries = try mapping(
            node, what: "input \"\(id)\"", keys: ["kind", "match", "radiometric"], example: "\(id): { kind: infrared }")
        guard let kind = entries["kind"] else { throw .missingKey(place: place(key), key: "kind", owner: "input \"\(id)\"") }
        let text = try scalar(kind.value, what: "kind")
        guard let known = ImageKind(rawValue: text) else {
            throw .parameterValue(
                place: place(kind.value), stage: id, parameter: "kind", found: "\"\(text)\"", expected: "infrared or rgb")
        }
        var match: MatchPattern?
        if let pattern = entries["match"] {
            match = try MatchPattern(try scalar(pattern.value, what: "match"), input: id, place: place(pattern.value))
        }
        var input = PipelineDocument.Input(id: id, kind: known, match: match, place: place(key))
        if let use = entries["radiometric"] {
            let text = try scalar(use.value, what: "radiometric")
            input.radiometric = try RadiometricUse(text, input: id, place: place(use.value))
        }
        return input
    }

    /// One input takes every image; two need to know which file is whose.
    private func checkMatches(_ inputs: [PipelineDocument.Input], place: Place) throws(PipelineFault) {
        switch inputs.count {
        case 1:
            guard inputs[0].match == nil else {
                throw .parameterConflict(
                    place: inputs[0].place, stage: inputs[0].id, problem: "match is for pipelines with two inputs",
                    advice: "leave it out, and choose files with --include and --exclude")
            }
        case 2:
            for input in inputs where input.match == nil {
                throw .missingKey(place: input.place, key: "match", owner: "input \"\(input.id)\" of two")
            }
            try MatchPattern.checkDistinct(inputs.compactMap(\.match), place: place)
        default: throw .inputCount(place: place, count: inputs.count)
        }
    }

    private func stage(_ node: Node) throws(PipelineFault) -> PipelineDocument.Stage {
        let example = "- clean: { use: destripe, from: ir }"
        let entries = try pairs(node, what: "a stage", example: example)
        guard entries.count == 1, let (id, key, body) = entries.first else {
            throw .shape(
                place: place(node), what: "each stage is one name with its settings, not \(entries.count)",
                expected: "write \(example)")
        }
        var stage = PipelineDocument.Stage(id: id, use: "", usePlace: place(key), from: nil, parameters: [], place: place(key))
        var found = false
        for (name, key, value) in try pairs(body, what: "stage \"\(id)\"", example: example) {
            switch name {
            case "use":
                stage.use = try scalar(value, what: "use")
                stage.usePlace = place(value)
                found = true
            case "from": stage.from = try scalar(value, what: "from")
            default: stage.parameters.append(try setting(name, key: key, value, depth: 0))
            }
        }
        guard found else { throw .missingKey(place: place(key), key: "use", owner: "stage \"\(id)\"") }
        return stage
    }

    private func setting(_ name: String, key: Node, _ node: Node, depth: Int) throws(PipelineFault) -> PipelineDocument.Setting {
        switch node {
        case .scalar(let scalar): return .init(name: name, value: .scalar(scalar.string), place: place(key))
        case .sequence, .alias:
            throw .shape(
                place: place(key), what: "\"\(name)\" must be one value or keys with values", expected: "write \(name): value")
        case .mapping:
            // No parameter is nested deeper than guidance: { features: { … } }.
            guard depth < 3 else {
                throw .shape(place: place(key), what: "\"\(name)\" is nested too deeply", expected: "flatten it")
            }
            var settings: [PipelineDocument.Setting] = []
            for (inner, innerKey, value) in try pairs(node, what: name, example: "\(name): { key: value }") {
                settings.append(try setting(inner, key: innerKey, value, depth: depth + 1))
            }
            return .init(name: name, value: .group(settings), place: place(key))
        }
    }

    private func output(_ node: Node) throws(PipelineFault) -> PipelineDocument.Output {
        let entries = try mapping(
            node, what: "an output", keys: ["from", "to"], example: "- { from: sharp, to: \"{dir}/{stem}.{ext}\" }")
        guard let to = entries["to"] else { throw .missingKey(place: place(node), key: "to", owner: "an output") }
        let from = try entries["from"].map { (entry) throws(PipelineFault) in try scalar(entry.value, what: "from") }
        return .init(from: from, template: try scalar(to.value, what: "to"), place: place(to.value))
    }

    // MARK: - Nodes

    private func pairs(_ node: Node, what: String, example: String) throws(PipelineFault) -> [(String, Node, Node)] {
        guard case .mapping(let mapping) = node else {
            throw .shape(place: place(node), what: "\(what) must be keys with values", expected: "write for example \(example)")
        }
        var result: [(String, Node, Node)] = []
        var names: Set<String> = []
        for (key, value) in mapping {
            let name = try scalar(key, what: "a key")
            // YAML takes 1 and "1" for two keys.
            guard names.insert(name).inserted else { throw .syntax(place: place(key), problem: "the key \(name) appears twice") }
            result.append((name, key, value))
        }
        return result
    }

    private func mapping(
        _ node: Node, what: String, keys: [String], example: String
    ) throws(PipelineFault) -> [String: (key: Node, value: Node)] {
        var result: [String: (key: Node, value: Node)] = [:]
        for (name, key, value) in try pairs(node, what: what, example: example) {
            guard keys.contains(name) else { throw .unknownKey(place: place(key), key: name, owner: what, valid: keys) }
            result[name] = (key, value)
        }
        return result
    }

    private func sequence(_ node: Node, what: String, example: String) throws(PipelineFault) -> [Node] {
        guard case .sequence(let list) = node else {
            throw .shape(place: place(node), what: "\(what) must be a list", expected: "write for example \(example)")
        }
        return Array(list)
    }

    private func scalar(_ node: Node, what: String) throws(PipelineFault) -> String {
        guard case .scalar(let scalar) = node else {
            throw .shape(place: place(node), what: "\(what) must be one value", expected: "write \(what): value")
        }
        return scalar.string
    }

    private func place(_ node: Node) -> Place { Place(file: file, line: node.mark?.line ?? 1) }
}
