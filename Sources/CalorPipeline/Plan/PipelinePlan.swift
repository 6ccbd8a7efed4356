import CalorBase
import CalorImage

/// A checked pipeline: stages in the order of work, with every parameter read and every model found.
public struct PipelinePlan: Sendable {
    /// Where an edge begins.
    public enum Source: Sendable, Hashable {
        /// One of `inputs`.
        case input(Int)
        case stage(Int)
    }

    public struct Input: Sendable {
        public let id: String
        public let kind: ImageKind
        /// Which files are this input's, where there are two.
        public let match: MatchPattern?
        /// Which of the pictures in a radiometric file it takes.
        public var radiometric = RadiometricUse.auto
    }

    public struct Node: Sendable {
        public let site: StageSite
        public let source: Source
        /// A second image, which a parameter of kind `source` names (`against`, `to`, `with`).
        public let reference: Source?
        public let parameters: ParameterValues
        let stage: any Stage

        /// The parameter that names `reference`.
        var sourceParameter: String? { Swift.type(of: stage).description.parameters.first { $0.kind == .source }?.name }

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
    public let inputs: [Input]
    public let nodes: [Node]
    public let outputs: [Output]
    public let warnings: [String]
    public let seed: Int

    /// The name of an edge's beginning.
    public func id(of source: Source) -> String {
        switch source {
        case .input(let index): inputs[index].id
        case .stage(let index): nodes[index].site.id
        }
    }

    /// Checks the types of every edge for `inputs`, one type for each of the plan's inputs; the type behind each stage.
    public func types(for inputs: [ImageType]) throws(PipelineFault) -> [ImageType] {
        var types: [ImageType] = []
        for node in nodes {
            let source = type(of: node.source, inputs: inputs, stages: types)
            let reference = node.reference.map { type(of: $0, inputs: inputs, stages: types) }
            types.append(try node.stage.outputType(for: source, reference: reference))
        }
        return types
    }

    public func type(of source: Source, inputs: [ImageType], stages: [ImageType]) -> ImageType {
        switch source {
        case .input(let index): inputs[index]
        case .stage(let index): stages[index]
        }
    }

    /// What the inputs may hold, for a plan without files: every kind of one with every kind of the other.
    var examples: [[ImageType]] {
        inputs.reduce([[]]) { lists, input in lists.flatMap { list in input.kind.examples.map { list + [$0] } } }
    }

    /// What decides the pixels of every output, for the journal: the same text for the same work.
    public func canonicalText() -> String {
        var lines = ["calor 1"] + inputs.map { "input \($0.kind.rawValue) \($0.radiometric.rawValue)" } + ["seed \(seed)"]
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
