import CalorBase
import CalorImage

/// A checked pipeline: stages in the order of work, with every parameter read and every model found.
public struct PipelinePlan: Sendable {
    /// Where an edge begins.
    public enum Source: Sendable, Hashable {
        case input
        case stage(Int)
    }

    public struct Node: Sendable {
        public let site: StageSite
        public let source: Source
        /// A second image that is only looked at (`against`).
        public let reference: Source?
        public let parameters: ParameterValues
        let stage: any Stage

        /// `rows` or `whole image`, for `calor plan`.
        func locality(for input: ImageType?) -> String {
            guard let region = stage as? any RegionStage else { return "whole image" }
            return input.map(region.surveys) ?? false ? "rows, after a look at the whole image" : "rows"
        }
    }

    public struct Output: Sendable {
        public let source: Source
        public let template: OutputTemplate
        public let place: Place
    }

    public let name: String
    public let file: String
    public let inputID: String
    public let kind: ImageKind
    public let nodes: [Node]
    public let outputs: [Output]
    public let warnings: [String]
    public let seed: Int

    /// The name of an edge's beginning.
    public func id(of source: Source) -> String {
        switch source {
        case .input: inputID
        case .stage(let index): nodes[index].site.id
        }
    }

    /// Checks the types of every edge for an input of `type`; the type behind each stage.
    public func types(for type: ImageType) throws(PipelineFault) -> [ImageType] {
        var types: [ImageType] = []
        for node in nodes { types.append(try node.stage.outputType(for: self.type(of: node.source, input: type, stages: types))) }
        return types
    }

    public func type(of source: Source, input: ImageType, stages: [ImageType]) -> ImageType {
        switch source {
        case .input: input
        case .stage(let index): stages[index]
        }
    }

    /// What decides the pixels of every output, for the journal: the same text for the same work.
    public func canonicalText() -> String {
        var lines = ["calor 1", "input \(kind.rawValue)", "seed \(seed)"]
        for node in nodes {
            let reference = node.reference.map { " against=\(id(of: $0))" } ?? ""
            lines.append(
                "\(node.site.id) \(node.site.use) from=\(id(of: node.source))\(reference) \(node.parameters.summary) \(node.stage.digest)"
            )
        }
        for output in outputs { lines.append("output \(id(of: output.source)) \(output.template.text)") }
        return lines.joined(separator: "\n")
    }
}
