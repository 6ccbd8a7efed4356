import CalorThermal

/// From a document to a plan: looks up stages, orders the graph, reads parameters, checks types.
public enum PlanMaker {
    /// - Parameter outputName: replaces the output names of the file (`--name`).
    public static func plan(
        _ document: PipelineDocument, context: PlanContext, overrides: [ParameterOverride] = [], outputName: String? = nil
    ) throws(PipelineFault) -> PipelinePlan {
        try checkNames(document)
        let inputs = try inputs(document, overrides)
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
        func source(_ link: PipelinePlan.Source) -> PipelinePlan.Source {
            if case .stage(let old) = link { .stage(position[old]) } else { link }
        }

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
            name: document.name, file: document.file, inputs: inputs, nodes: nodes, outputs: outputs,
            warnings: unusedWarnings(inputs, nodes, outputs), seed: seed ?? 0)
        try checkTypes(plan)
        return plan
    }

    // MARK: - Names

    private static func checkNames(_ document: PipelineDocument) throws(PipelineFault) {
        var seen = Set(document.inputs.map(\.id))
        for stage in document.stages {
            guard !["decode", "encode"].contains(stage.id) else {
                throw .duplicateID(place: stage.place, id: stage.id, reason: "stands for reading and writing in the metrics")
            }
            guard isName(stage.id) else {
                throw .shape(
                    place: stage.place, what: "a stage cannot be called \"\(stage.id)\"",
                    expected: "give it a name without slashes, of 1 to 100 characters")
            }
            guard seen.insert(stage.id).inserted else {
                throw .duplicateID(place: stage.place, id: stage.id, reason: "is used twice")
            }
        }
    }

    /// Names become parts of paths (`{stage}`), keys of the metrics and columns of tables.
    private static func isName(_ id: String) -> Bool {
        (1...100).contains(id.utf8.count) && id.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0 != "/" }
            && id != "." && id != ".."
    }

    /// The inputs of the file, with the patterns that `--set` gives; an override that fits neither an input nor a stage is a fault.
    private static func inputs(
        _ document: PipelineDocument, _ overrides: [ParameterOverride]
    ) throws(PipelineFault) -> [PipelinePlan.Input] {
        let isPair = document.inputs.count > 1
        var matches = document.inputs.map(\.match)
        for change in overrides where !document.stages.contains(where: { $0.id == change.stage }) {
            if change.parameter == "radiometric", document.inputs.contains(where: { $0.id == change.stage }) { continue }
            guard isPair, change.parameter == "match", let i = document.inputs.firstIndex(where: { $0.id == change.stage }) else {
                throw .unknownTarget(
                    text: change.text, problem: "there is no stage \"\(change.stage)\"",
                    valid: document.stages.map { "\($0.id).\(change.parameter)" }
                        + document.inputs.map { "\($0.id).\(isPair ? "match" : "radiometric")" })
            }
            matches[i] = try MatchPattern(change.value, input: change.stage, place: .commandLine)
        }
        try MatchPattern.checkDistinct(matches.compactMap { $0 }, place: .commandLine)
        var inputs: [PipelinePlan.Input] = []
        for (input, match) in zip(document.inputs, matches) {
            inputs.append(
                PipelinePlan.Input(
                    id: input.id, kind: input.kind, match: match, radiometric: try radiometric(input, overrides)))
        }
        return inputs
    }

    /// What the input takes from radiometric files, with `--set INPUT.radiometric=…`.
    private static func radiometric(
        _ input: PipelineDocument.Input, _ overrides: [ParameterOverride]
    ) throws(PipelineFault) -> RadiometricUse {
        guard let change = overrides.last(where: { $0.stage == input.id && $0.parameter == "radiometric" }) else {
            return input.radiometric
        }
        return try RadiometricUse(change.value, input: input.id, place: .commandLine)
    }

    // MARK: - The graph

    /// What a stage takes; stages by their place in the file.
    private struct Link {
        var from: PipelinePlan.Source
        var against: PipelinePlan.Source?

        /// The stages among them.
        var stages: [Int] {
            [from, against].compactMap { if case .stage(let index) = $0 { index } else { nil } }
        }
    }

    private static func index(
        of name: String, _ document: PipelineDocument, place: Place, owner: String
    ) throws(PipelineFault) -> PipelinePlan.Source {
        if let input = document.inputs.firstIndex(where: { $0.id == name }) { return .input(input) }
        guard let index = document.stages.firstIndex(where: { $0.id == name }) else {
            throw .unknownSource(
                place: place, stage: owner, source: name, valid: document.inputs.map(\.id) + document.stages.map(\.id))
        }
        return .stage(index)
    }

    private static func links(
        _ document: PipelineDocument, _ values: [ParameterValues], _ types: [any Stage.Type]
    ) throws(PipelineFault) -> [Link] {
        var links: [Link] = []
        for (i, stage) in document.stages.enumerated() {
            var link = Link(from: i == 0 ? .input(0) : .stage(i - 1), against: nil)
            if let from = stage.from {
                link.from = try index(of: from, document, place: stage.place, owner: "stage \"\(stage.id)\"")
            }
            for parameter in types[i].description.parameters where parameter.kind == .source {
                if let name = values[i].text(parameter.name) {
                    link.against = try index(
                        of: name, document, place: stage.place, owner: "\(parameter.name) of stage \"\(stage.id)\"")
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
                !placed.contains(i) && links[i].stages.allSatisfy(placed.contains)
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
            at = links[at].stages.first { !placed.contains($0) } ?? at
        }
        return path.firstIndex(of: at).map { Array(path[$0...]) } ?? path
    }

    // MARK: - Outputs

    private static func outputs(
        _ document: PipelineDocument, outputName: String?, source: (PipelinePlan.Source) -> PipelinePlan.Source
    ) throws(PipelineFault) -> [PipelinePlan.Output] {
        var outputs: [PipelinePlan.Output] = []
        for output in document.outputs {
            var index: PipelinePlan.Source = document.stages.isEmpty ? .input(0) : .stage(document.stages.count - 1)
            if let from = output.from { index = try Self.index(of: from, document, place: output.place, owner: "an output") }
            var text = output.template
            if let outputName { text = outputName.contains("{dir}") ? outputName : "{dir}/\(outputName)" }
            let place = outputName == nil ? output.place : .commandLine
            outputs.append(.init(source: source(index), template: try OutputTemplate(text, place: place), place: place))
        }
        return outputs
    }

    private static func unusedWarnings(
        _ inputs: [PipelinePlan.Input], _ nodes: [PipelinePlan.Node], _ outputs: [PipelinePlan.Output]
    ) -> [String] {
        let used = Set(nodes.map(\.source) + nodes.compactMap(\.reference) + outputs.map(\.source))
        let idle = inputs.indices.filter { !used.contains(.input($0)) }
        return idle.map { "nothing uses input \"\(inputs[$0].id)\"" }
            + nodes.indices.compactMap { i in
                used.contains(.stage(i)) || nodes[i].stage is MeasureStage
                    ? nil : "\(nodes[i].site.place): nothing uses stage \"\(nodes[i].site.id)\""
            }
    }

    /// At least one kind of image that the inputs may hold must pass; otherwise the first reason why not is the pipeline's fault.
    private static func checkTypes(_ plan: PipelinePlan) throws(PipelineFault) {
        var first: PipelineFault?
        for types in plan.examples {
            do {
                _ = try plan.types(for: types)
                return
            } catch {
                // The examples have the size of some camera; which size a stage's pictures fit shows with the files.
                if case .wrapped(ThermalFault.referenceSize) = error { return }
                first = first ?? error
            }
        }
        if let first { throw first }
    }
}
