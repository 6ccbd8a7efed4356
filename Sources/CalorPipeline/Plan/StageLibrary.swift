/// Every stage by its name. The order is that of the documentation.
public enum StageLibrary {
    static let all: [any Stage.Type] = [
        DestripeStage.self, RepairPixelsStage.self, FlatFieldStage.self, DarkFrameStage.self, EnhanceStage.self,
        SuperResolveStage.self, ResizeStage.self, GainStage.self, PaletteStage.self, RegisterStage.self, FuseStage.self,
        TemperatureStage.self, MeasureStage.self,
    ]

    public static var descriptions: [StageDescription] { all.map { $0.description } }
    public static var names: [String] { descriptions.map(\.name) }

    static func stage(named name: String) -> (any Stage.Type)? { all.first { $0.description.name == name } }

    /// The table of stages and parameters as text, for `--help`.
    public static var help: String {
        descriptions.map { stage in
            let parameters = stage.parameters.map { parameter in
                let standard = parameter.standard.map { ", default \($0)" } ?? (parameter.isRequired ? ", required" : "")
                return "      \(parameter.name): \(parameter.expectation)\(standard)\n          \(parameter.summary)"
            }
            return (["  \(stage.name)    \(stage.summary)"] + parameters).joined(separator: "\n")
        }.joined(separator: "\n")
    }
}
