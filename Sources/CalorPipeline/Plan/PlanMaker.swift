/// From a document to a plan: looks up stages, orders the graph, reads parameters, checks types.
public enum PlanMaker {
    /// - Parameter outputName: replaces the output names of the file (`--name`).
    public static func plan(
        _ document: PipelineDocument, context: PlanContext, overrides: [ParameterOverride] = [], outputName: String? = nil
    ) throws(PipelineFault) -> PipelinePlan {
        let input = document.inputs[0]
        try checkNames(document)
        try checkOverrides(overrides, document)
        var described: [(stage: PipelineDocument.Stage, type: any Stage.Type, values: ParameterValues)] = []
        for stage in document.stages {
            guard let type = StageLibrary.stage(named: stage.use) else {
                throw .unknownStage(place: stage.usePlace, name: stage.use, valid: StageLibrary.names)
            }
            described.append(
                (stage, type, try ParameterReader.read(stage, against: type.description.parameters, overrides: overrides)))
        }
        let links = try links(document, described.map(\.values), described.map(\.type))
        let order = try topologicalOrder(links, document)
        var position = [Int](repeating: 0, count: order.count)
        for (new, old) in order.enumerated() { position[old] = new }
        func source(_ link: Int?) -> PipelinePlan.Source { link.map { .stage(position[$0]) } ?? .input }

        var nodes: [PipelinePlan.Node] = []
        var seed = context.seed
        for old in order {
            let (stage, type, values) = described[old]
            let site = StageSite(id: stage.id, use: stage.use, place: stage.place)
            seed = seed ?? values.integer("seed")
            nodes.append(
                PipelinePlan.Node(
                    site: site, source: source(links[old].from), reference: links[old].against.map(source), parameters: values,
                    stage: try type.init(site: site, parameters: values, context: context)))
        }
        let outputs = try outputs(document, outputName: outputName, source: source)
        let plan = PipelinePlan(
            name: document.name, file: document.file, inputID: input.id, kind: input.kind, nodes: nodes, outputs: outputs,
            warnings: unusedWarnings(nodes, outputs), seed: seed ?? 0)
        try checkTypes(plan)
        return plan
    }

    // MARK: - Names

    private static func checkNames(_ document: PipelineDocument) throws(PipelineFault) {
        var seen: Set<String> = [document.inputs[0].id]
        for stage in document.stages {
            guard !["decode", "encode"].contains(stage.id) else {
                throw .duplicateID(place: stage.place, id: stage.id, reason: "stands for reading and writing in the metrics")
            }
            guard seen.insert(stage.id).inserted else {
                throw .duplicateID(place: stage.place, id: stage.id, reason: "is used twice")
            }
        }
    }

    private static func checkOverrides(_ overrides: [ParameterOverride], _ document: PipelineDocument) throws(PipelineFault) {
        for change in overrides where !document.stages.contains(where: { $0.id == change.stage }) {
            throw .unknownTarget(
                text: change.text, problem: "there is no stage \"\(change.stage)\"",
                valid: document.stages.map { "\($0.id).\(change.parameter)" })
        }
    }

    // MARK: - The graph

    /// Indices of stages; nil stands for the input.
    private struct Link {
        var from: Int?
        var against: Int??
    }

    private static func index(
        of name: String, _ document: PipelineDocument, place: Place, owner: String
    ) throws(PipelineFault) -> Int? {
        if name == document.inputs[0].id { return nil }
        guard let index = document.stages.firstIndex(where: { $0.id == name }) else {
            throw .unknownSource(
                place: place, stage: owner, source: name, valid: [document.inputs[0].id] + document.stages.map(\.id))
        }
        return index
    }

    private static func links(
        _ document: PipelineDocument, _ values: [ParameterValues], _ types: [any Stage.Type]
    ) throws(PipelineFault) -> [Link] {
        var links: [Link] = []
        for (i, stage) in document.stages.enumerated() {
            var link = Link(from: i == 0 ? nil : i - 1, against: nil)
            if let from = stage.from {
                link.from = try index(of: from, document, place: stage.place, owner: "stage \"\(stage.id)\"")
            }
            for parameter in types[i].description.parameters where parameter.kind == .source {
                if let name = values[i].text(parameter.name) {
                    link.against = .some(
                        try index(of: name, document, place: stage.place, owner: "\(parameter.name) of stage \"\(stage.id)\""))
                }
            }
            links.append(link)
        }
        return links
    }

    /// Stages in an order in which every stage comes after those it takes; otherwise the order of the file.
    private static func topologicalOrder(_ links: [Link], _ document: PipelineDocument) throws(PipelineFault) -> [Int] {
        var order: [Int] = []
        var placed: Set<Int> = []
        while order.count < links.count {
            let ready = links.indices.first { i in
                !placed.contains(i) && (links[i].from.map(placed.contains) ?? true)
                    && ((links[i].against ?? nil).map(placed.contains) ?? true)
            }
            guard let ready else {
                let circle = circle(links, placed)
                throw .cycle(place: document.stages[circle[0]].place, ids: (circle + [circle[0]]).map { document.stages[$0].id })
            }
            order.append(ready)
            placed.insert(ready)
        }
        return order
    }

    /// One circle among the stages that could not be placed: each of them waits for another of them.
    private static func circle(_ links: [Link], _ placed: Set<Int>) -> [Int] {
        var path: [Int] = []
        var at = links.indices.first { !placed.contains($0) } ?? 0
        while !path.contains(at) {
            path.append(at)
            let waiting = [links[at].from, links[at].against ?? nil].compactMap { $0 }.first { !placed.contains($0) }
            at = waiting ?? at
        }
        return path.firstIndex(of: at).map { Array(path[$0...]) } ?? path
    }

    // MARK: - Outputs

    private static func outputs(
        _ document: PipelineDocument, outputName: String?, source: (Int?) -> PipelinePlan.Source
    ) throws(PipelineFault) -> [PipelinePlan.Output] {
        var outputs: [PipelinePlan.Output] = []
        for output in document.outputs {
            let last: Int? = document.stages.isEmpty ? nil : document.stages.count - 1
            var index = last
            if let from = output.from { index = try Self.index(of: from, document, place: output.place, owner: "an output") }
            var text = output.template
            if let outputName { text = outputName.contains("{dir}") ? outputName : "{dir}/\(outputName)" }
            let place = outputName == nil ? output.place : .commandLine
            outputs.append(.init(source: source(index), template: try OutputTemplate(text, place: place), place: place))
        }
        return outputs
    }

    private static func unusedWarnings(_ nodes: [PipelinePlan.Node], _ outputs: [PipelinePlan.Output]) -> [String] {
        let used = Set(nodes.map(\.source) + nodes.compactMap(\.reference) + outputs.map(\.source))
        return nodes.indices.compactMap { i in
            used.contains(.stage(i)) || nodes[i].stage is MeasureStage
                ? nil : "\(nodes[i].site.place): nothing uses stage \"\(nodes[i].site.id)\""
        }
    }

    /// At least one kind of image that the input may hold must pass; otherwise the first reason why not is the pipeline's fault.
    private static func checkTypes(_ plan: PipelinePlan) throws(PipelineFault) {
        var first: PipelineFault?
        for type in plan.kind.examples {
            do {
                _ = try plan.types(for: type)
                return
            } catch { first = first ?? error }
        }
        if let first { throw first }
    }
}
