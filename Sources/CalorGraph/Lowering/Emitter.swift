import CalorKernels
import CalorTensor

/// Turns fused operations into steps: chooses layouts, gives every value a place, inserts conversions where they are needed.
///
/// A value of rank 4, batch 1 and type f32 may exist plain (NCHW), blocked (NCHW8c) or both; everything else is plain. An operation asks
/// for its inputs in the layout it reads and the conversion is emitted once.
struct Emitter {
    let graph: Graph
    let types: [ValueID: ValueType]
    var plain: [ValueID: Place] = [:]
    var blocked: [ValueID: Place] = [:]
    /// Values that are another one, rearranged, and have no memory of their own.
    var views: [ValueID: StridedView] = [:]
    /// Values that are another one, rolled.
    var rolls: [ValueID: RolledView] = [:]
    /// Where values that are concatenated lie from the start.
    let concats: ConcatPlacement
    let weights: PreparedWeights
    /// See `SpecialisedGraph.twins`.
    let twins: [ValueID: ValueID]
    private var concatBases: [Int: Int] = [:]
    private(set) var bases: [PlaceBase] = []
    private var steps: [any Step] = []
    private var reports: [Plan.StepReport] = []
    /// Readers that are still to come.
    private var readers: [ValueID: Int] = [:]
    /// Values that some later operation reads in blocked form.
    private let wantedBlocked: Set<ValueID>
    /// Bases that hold more than one value.
    private var shared: Set<Int> = []
    private let outputValues: Set<ValueID>
    private(set) var converted = 0
    private var chained = 0

    // MARK: - Entry

    static func plan(for graph: Graph, shapes: [String: Shape], options: SessionOptions, weights: PreparedWeights, threads: Int)
        throws(GraphFault) -> Plan
    {
        var specialised = try graph.specialised(to: shapes)
        if options.optimises {
            specialised = specialised.withFloatsForHalves().withSingleImages().withProducts().withPhases().withSplits()
        }
        var nodes: [LoweredNode]
        var fusions: [String: Int] = [:]
        if options.optimises {
            (nodes, fusions) = try Lowering.lowered(specialised)
        } else {
            nodes = specialised.graph.nodes.map {
                LoweredNode(kind: .fallback, inputs: $0.inputs.compactMap { $0 }, outputs: $0.outputs, origin: $0)
            }
        }
        var emitter = Emitter(specialised, nodes, weights)
        // Each operation gives its weights back when its kernel has them in its own order.
        nodes.reverse()
        while let node = nodes.popLast() { try emitter.emit(node) }
        let outputs = try emitter.outputs()
        if options.chainsRows { emitter.chainRows() }
        return try emitter.finished(
            outputs, shapes: shapes, applied: specialised.applied, fusions: fusions, strips: options.strips, threads: threads)
    }

    private init(_ specialised: SpecialisedGraph, _ nodes: [LoweredNode], _ weights: PreparedWeights) {
        self.weights = weights
        twins = specialised.twins
        graph = specialised.graph
        types = specialised.types
        concats = ConcatPlacement(nodes, types: specialised.types)
        outputValues = Set(specialised.graph.outputs.map(\.value))
        var wanted: Set<ValueID> = []
        for node in nodes {
            for input in node.inputs { readers[input, default: 0] += 1 }
            wanted.formUnion(node.blockedInputs)
        }
        for output in graph.outputs { readers[output.value, default: 0] += 1 }
        // What an element-wise operation makes of a value decides which layout its own input is best in.
        for node in nodes.reversed()
        where node.kind.keepsLayout && node.outputs.contains(where: { $0.map(wanted.contains) ?? false }) {
            wanted.formUnion(node.inputs)
        }
        wantedBlocked = wanted
        for (position, input) in graph.inputs.enumerated() {
            plain[input.value] = Place(base: bases.count)
            bases.append(.input(position))
        }
    }

    // MARK: - Values

    func shape(_ value: ValueID) throws(GraphFault) -> Shape {
        guard let type = types[value] else { throw .defect(reason: "the type of \(graph.label(value)) is not known") }
        return type.shape
    }

    /// Channels and pixels of a value that can be blocked.
    func extent(_ value: ValueID) throws(GraphFault) -> BlockedExtent {
        let shape = try shape(value)
        guard shape.rank == 4, shape[0] == 1 else { throw .defect(reason: "\(graph.label(value)) has no blocked form") }
        return BlockedExtent(channels: shape[1], height: shape[2], width: shape[3])
    }

    func canBeBlocked(_ value: ValueID) -> Bool {
        guard let type = types[value] else { return false }
        return type.dtype == .f32 && type.shape.rank == 4 && type.shape[0] == 1 && type.shape.count > 0
    }

    func isBlocked(_ value: ValueID) -> Bool { blocked[value] != nil }
    func isWantedBlocked(_ value: ValueID) -> Bool { wantedBlocked.contains(value) }

    /// The base of a value whose tensor exists as a whole.
    func isConstant(_ value: ValueID) -> Bool { graph.constants[value] != nil }

    // MARK: - Bases and places

    mutating func addBase(_ base: PlaceBase) -> Int {
        bases.append(base)
        return bases.count - 1
    }

    mutating func arena(bytes: Int) -> Place {
        Place(base: addBase(.arena(ArenaPlan.Buffer(bytes: bytes, first: steps.count, last: steps.count))))
    }

    /// Two values now lie in `base`.
    mutating func share(_ base: Int) { shared.insert(base) }

    /// Where the plain form of `value` is, converted if need be.
    mutating func plainPlace(_ value: ValueID) throws(GraphFault) -> Place {
        if let place = plain[value] { return place }
        if let tensor = graph.constants[value] {
            let place = Place(base: addBase(.constant(tensor)))
            plain[value] = place
            return place
        }
        if let view = views[value], blocked[value] == nil { return try plainCopy(value, of: view) }
        if let roll = pendingRoll(value) { return try plainCopy(value, of: roll) }
        guard let source = blocked[value] else {
            throw .structure(reason: "\(graph.label(value)) is read before anything produced it")
        }
        let target = try newPlain(value)
        try convert(value, source, target, toBlocked: false)
        return target
    }

    /// Where the blocked form of `value` is, converted if need be.
    mutating func blockedPlace(_ value: ValueID) throws(GraphFault) -> Place {
        if let place = blocked[value] { return place }
        if plain[value] == nil, let view = views[value], let place = try blockedCopy(value, of: view) { return place }
        if let roll = pendingRoll(value), let place = try blockedCopy(value, of: roll) { return place }
        let source = try plainPlace(value)
        let target = try newBlocked(value)
        try convert(value, source, target, toBlocked: true)
        return target
    }

    private mutating func convert(_ value: ValueID, _ source: Place, _ target: Place, toBlocked: Bool) throws(GraphFault) {
        let step = ConversionStep(input: source, output: target, extent: try extent(value), toBlocked: toBlocked)
        add(step, named: graph.label(value), flops: 0, reads: [source], writes: [target])
        converted += 1
    }

    /// Room for the plain form of `value`: in the tensor that is returned when it is an output.
    mutating func newPlain(_ value: ValueID) throws(GraphFault) -> Place {
        let shape = try shape(value)
        let place =
            outputValues.contains(value) ? Place(base: addBase(.output(ValueType(.f32, shape)))) : arena(bytes: shape.count * 4)
        plain[value] = place
        return place
    }

    /// Room for the blocked form of `value`: inside its concatenation when it has one.
    mutating func newBlocked(_ value: ValueID) throws(GraphFault) -> Place {
        let extent = try extent(value)
        guard let spot = concats.spots[value] else {
            let place = arena(bytes: extent.floats * 4)
            blocked[value] = place
            return place
        }
        let base: Int
        if let known = concatBases[spot.root] {
            base = known
        } else {
            base = arena(bytes: concats.channels[spot.root] * extent.pixels * 4).base
            concatBases[spot.root] = base
            share(base)
        }
        let place = Place(base: base, offset: spot.channel * extent.pixels * 4)
        blocked[value] = place
        return place
    }

    /// The place of `input` for `output` as well, when nobody reads `input` again; nil when it must stay.
    mutating func inPlace(_ input: ValueID, _ output: ValueID, layout: ActivationLayout) -> Place? {
        guard readers[input] == 1, types[input]?.shape == types[output]?.shape, concats.spots[output] == nil,
            layout == .nchw8c || !outputValues.contains(output), let place = layout == .nchw ? plain[input] : blocked[input],
            case .arena = bases[place.base], !shared.contains(place.base), place.offset == 0
        else { return nil }
        if layout == .nchw { plain[output] = place } else { blocked[output] = place }
        return place
    }

    /// The place of `input` for `output` where possible, new room otherwise.
    mutating func reuse(_ input: ValueID, for output: ValueID, layout: ActivationLayout) throws(GraphFault) -> Place {
        if let place = inPlace(input, output, layout: layout) { return place }
        return layout == .nchw ? try newPlain(output) : try newBlocked(output)
    }

    // MARK: - Steps

    mutating func add(_ step: any Step, named name: String, flops: Double, reads: [Place], writes: [Place]) {
        let now = steps.count
        for place in reads + writes {
            switch bases[place.base] {
            case .arena(var buffer):
                buffer.last = now
                bases[place.base] = .arena(buffer)
            case .slot: bases[place.base] = .slot(last: now)
            case .input, .output, .constant: break
            }
        }
        steps.append(step)
        reports.append(Plan.StepReport(node: name, kernel: step.kernel, flops: flops))
    }

    /// The inputs of an operation are read; called after its steps are there.
    mutating func finish(_ node: LoweredNode) {
        for input in node.inputs { readers[input, default: 1] -= 1 }
    }

    // MARK: - The plan

    /// Joins steps over the same rows; everything that a chain uses then lives as long as the whole chain.
    private mutating func chainRows() {
        let chains = RowChains(steps, bases: bases)
        guard chains.steps.count < steps.count else { return }
        chained = steps.count - chains.steps.count
        for (index, base) in bases.enumerated() {
            switch base {
            case .arena(var buffer):
                // A buffer that no step has used keeps its place in line.
                let last = chains.positions.count - 1
                buffer.first = chains.positions[min(buffer.first, last)]
                buffer.last = chains.positions[min(buffer.last, last)]
                if chains.scratch.contains(index) { buffer = ArenaPlan.Buffer(bytes: 0, first: buffer.first, last: buffer.first) }
                bases[index] = .arena(buffer)
            case .slot(let last): bases[index] = .slot(last: chains.positions[min(last, chains.positions.count - 1)])
            case .input, .output, .constant: break
            }
        }
        reports = chains.sources.enumerated().map { position, range in
            range.count == 1
                ? reports[range.lowerBound]
                : Plan.StepReport(
                    node: reports[range.lowerBound].node, kernel: chains.steps[position].kernel,
                    flops: reports[range].reduce(0) { $0 + $1.flops })
        }
        steps = chains.steps
    }

    private typealias Outputs = [(name: String, base: Int, type: ValueType?)]

    /// The bases that hold the outputs; conversions and copies that make them are steps like any other.
    private mutating func outputs() throws(GraphFault) -> Outputs {
        var outputs: Outputs = []
        for output in graph.outputs {
            let place = try plainPlace(output.value)
            outputs.append((output.name, returned(output.value, place), types[output.value]))
        }
        return outputs
    }

    private func finished(
        _ outputs: Outputs, shapes: [String: Shape], applied: [PassReport], fusions: [String: Int], strips: StripChoice,
        threads: Int
    ) throws(GraphFault) -> Plan {
        let planner = StripPlanner(steps: steps, flops: reports.map(\.flops), bases: bases, threads: threads)
        var arena = ArenaPlan(planner.buffers([]))
        let plainBytes = arena.bytes
        let segments = planner.segments(strips, plain: plainBytes)
        if !segments.isEmpty { arena = ArenaPlan(planner.buffers(segments)) }
        guard arena.bytes <= OperatorCall.memoryLimit else {
            throw .tooLarge(
                node: graph.name.isEmpty ? "graph" : graph.name, op: "plan",
                reason: "intermediate values need \(arena.bytes >> 20) MiB, this machine has \(OperatorCall.memoryLimit >> 20)")
        }
        let grouped = planner.grouped(segments)
        let order = planner.order(segments)
        var dropped = [[Int]](repeating: [], count: grouped.count)
        let kept = Set(outputs.map(\.base))
        for (index, base) in bases.enumerated() {
            if case .slot(let last) = base, !kept.contains(index), order.indices.contains(last) {
                dropped[order[last]].append(index)
            }
        }
        var reportsOfPasses = applied
        for (name, count) in fusions.sorted(by: { $0.key < $1.key }) {
            reportsOfPasses.append(PassReport(pass: name, nodes: count))
        }
        reportsOfPasses.append(PassReport(pass: "concatenate in place", nodes: concats.placed))
        reportsOfPasses.append(PassReport(pass: "convert layout", nodes: converted))
        reportsOfPasses.append(PassReport(pass: "chain rows", nodes: chained))
        return Plan(
            inputShapes: shapes, threads: max(threads, 1), reports: reports,
            strips: segments.map {
                Plan.StripReport(
                    steps: $0.steps, rows: $0.schedule.rowsPerTurn, turns: $0.schedule.turns, windowBytes: planner.windowBytes($0))
            }, plainArenaBytes: plainBytes, arenaBytes: arena.bytes, scratchBytes: steps.map(\.scratchBytes).max() ?? 0,
            flops: reports.reduce(0) { $0 + $1.flops }, applied: reportsOfPasses, steps: grouped,
            firstReports: steps.indices.filter { $0 == 0 || order[$0] != order[$0 - 1] }, bases: bases, offsets: arena.offsets,
            dropped: dropped, outputs: outputs)
    }

    /// A base whose whole tensor is the output: the one it has, or a copy of floats in the arena.
    private mutating func returned(_ value: ValueID, _ place: Place) -> Int {
        let type = types[value]
        switch bases[place.base] {
        case .output(let own) where own == type: return place.base
        case .slot, .input, .constant:
            if place.offset == 0, wholeTensor(place.base) == type { return place.base }
        default: break
        }
        guard let type else { return place.base }
        let target = Place(base: addBase(.output(type)))
        let count = type.shape.count
        add(
            StridedCopyStep(input: place, inputStride: count, output: target, outputStride: count, rows: 1, count: count),
            named: graph.label(value), flops: 0, reads: [place], writes: [target])
        return target.base
    }

    /// The type of the tensor that a base holds; for a slot that of the value it was made for.
    private func wholeTensor(_ base: Int) -> ValueType? {
        switch bases[base] {
        case .input(let position): types[graph.inputs[position].value]
        case .constant(let tensor): tensor.type
        case .output(let type): type
        case .slot: slotTypes[base]
        case .arena: nil
        }
    }

    /// Types of slots where they are known.
    var slotTypes: [Int: ValueType] = [:]
}
