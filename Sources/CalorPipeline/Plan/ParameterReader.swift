/// Checks the settings of a stage against its table.
enum ParameterReader {
    static func read(
        _ stage: PipelineDocument.Stage, against table: [ParameterDescription], overrides: [ParameterOverride]
    ) throws(PipelineFault) -> ParameterValues {
        var values = ParameterValues(defaults: table)
        for setting in stage.parameters { try apply(setting, prefix: "", stage: stage, table: table, to: &values) }
        for change in overrides where change.stage == stage.id {
            guard let parameter = table.first(where: { $0.name == change.parameter }) else {
                throw .unknownTarget(
                    text: change.text, problem: "stage \"\(stage.id)\" (\(stage.use)) has no parameter \"\(change.parameter)\"",
                    valid: table.map { "\(stage.id).\($0.name)" })
            }
            values.give(parameter.name, try value(change.value, of: parameter, stage: stage.id, place: .commandLine))
        }
        for parameter in table where parameter.isRequired && values.values[parameter.name] == nil {
            throw .missingKey(place: stage.place, key: parameter.name, owner: "stage \"\(stage.id)\" (\(stage.use))")
        }
        return values
    }

    private static func apply(
        _ setting: PipelineDocument.Setting, prefix: String, stage: PipelineDocument.Stage, table: [ParameterDescription],
        to values: inout ParameterValues
    ) throws(PipelineFault) {
        let name = prefix + setting.name
        switch setting.value {
        case .group(let settings) where table.contains { $0.name.hasPrefix(name + ".") }:
            for inner in settings { try apply(inner, prefix: name + ".", stage: stage, table: table, to: &values) }
        case .group, .scalar:
            guard let parameter = table.first(where: { $0.name == name }) else {
                throw .unknownKey(
                    place: setting.place, key: name, owner: "stage \"\(stage.id)\" (\(stage.use))",
                    valid: ["use", "from"] + table.map(\.name))
            }
            guard case .scalar(let text) = setting.value else {
                throw .parameterValue(
                    place: setting.place, stage: stage.id, parameter: name, found: "a group of keys",
                    expected: parameter.expectation)
            }
            values.give(name, try value(text, of: parameter, stage: stage.id, place: setting.place))
        }
    }

    private static func value(
        _ text: String, of parameter: ParameterDescription, stage: String, place: Place
    ) throws(PipelineFault) -> ParameterValue {
        guard let value = parameter.value(of: text) else {
            throw .parameterValue(
                place: place, stage: stage, parameter: parameter.name, found: text.isEmpty ? "empty" : "\"\(text)\"",
                expected: parameter.expectation)
        }
        return value
    }
}

/// `--set stage.parameter=value`.
public struct ParameterOverride: Sendable, Equatable {
    public let stage: String
    public let parameter: String
    public let value: String
    public let text: String

    public init(_ text: String) throws(PipelineFault) {
        let problem = "must look like stage.parameter=value"
        guard let equals = text.firstIndex(of: "=") else { throw .unknownTarget(text: text, problem: problem, valid: []) }
        let target = text[..<equals]
        guard let dot = target.firstIndex(of: "."), dot != target.startIndex, target.index(after: dot) != target.endIndex else {
            throw .unknownTarget(text: text, problem: problem, valid: [])
        }
        self.text = text
        stage = String(target[..<dot])
        parameter = String(target[target.index(after: dot)...])
        value = String(text[text.index(after: equals)...])
    }
}
