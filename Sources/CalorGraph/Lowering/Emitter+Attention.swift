import CalorKernels
import CalorTensor

/// Attention reads its operands wherever earlier views put them and writes `[batch][token][head][channel]`, which is what comes next.
extension Emitter {
    mutating func emitAttention(_ node: LoweredNode, _ part: FusedAttention, _ flops: Double) throws(GraphFault) {
        let y = try output(node)
        var views: [StridedView] = []
        for index in 0..<3 {
            let x = node.inputs[index]
            if let view = part.operand(index, try view(x)), Self.isStrided(view) {
                views.append(view)
            } else if let view = part.operand(index, StridedView(try plainPlace(x), try shape(x))) {
                views.append(view)
            } else {
                throw .defect(reason: "\(node.origin.name) has operands of another rank")
            }
        }
        var leads = Self.leads(views)
        if leads == nil || leads?[0].count ?? 0 > 2 {
            for index in 0..<3 {
                let x = node.inputs[index]
                views[index] = part.operand(index, StridedView(try plainPlace(x), try shape(x))) ?? views[index]
            }
            leads = Self.leads(views)
        }
        guard let leads, leads[0].count <= 2 else { throw .defect(reason: "\(node.origin.name) has batches in no order") }
        var operands: [AttentionStep.Operand] = []
        for (view, lead) in zip(views, leads) {
            let (token, channel) = (view.axes[view.axes.count - 2][0], view.axes[view.axes.count - 1][0])
            let batch = lead.count == 2 ? lead[0] : StridedView.Part(extent: 1, stride: 0)
            let head = lead.last ?? StridedView.Part(extent: 1, stride: 0)
            operands.append(
                AttentionStep.Operand(
                    place: view.place,
                    strides: AttentionStrides(
                        batch: batch.stride, head: head.stride, token: token.stride, channel: channel.stride)))
        }
        let (batches, heads) = (leads[0].count == 2 ? leads[0][0].extent : 1, leads[0].last?.extent ?? 1)
        let geometry = AttentionGeometry(
            batches: batches, heads: heads, queries: part.queries, keys: part.keys, depth: part.depth,
            valueDepth: part.valueDepth, scale: part.scale)
        let width = heads * part.valueDepth
        let place = arena(bytes: batches * part.queries * width * 4)
        let result = StridedView(
            place,
            axes: [
                [StridedView.Part(extent: batches, stride: part.queries * width)],
                [StridedView.Part(extent: heads, stride: part.valueDepth)],
                [StridedView.Part(extent: part.queries, stride: width)], [StridedView.Part(extent: part.valueDepth, stride: 1)],
            ])
        let step = AttentionStep(
            geometry: geometry, query: operands[0], key: operands[1], value: operands[2],
            output: AttentionStep.Operand(
                place: place,
                strides: AttentionStrides(batch: part.queries * width, head: part.valueDepth, token: width, channel: 1)),
            terms: part.terms.map {
                PreparedAttentionTerm($0.numbers, count: $0.count, each: $0.each, queries: part.queries, keys: part.keys)
            })
        let chosen: any Step = step.overRows ?? step
        add(chosen, named: node.origin.name, flops: flops, reads: operands.map(\.place), writes: [place])
        let order = part.heads != nil ? [0, 2, 1, 3] : part.hasTransposedValue ? [0, 1, 3, 2] : [0, 1, 2, 3]
        let ordered = result.permuted(order)
        guard let shown = ordered.reshaped(to: try shape(y).dims) else {
            throw .defect(reason: "\(node.origin.name) makes another shape than was inferred")
        }
        set(y, shown)
    }

    /// Whether tokens and channels have one stride each.
    private static func isStrided(_ view: StridedView) -> Bool {
        view.axes.count >= 2 && view.axes.suffix(2).allSatisfy { $0.count == 1 }
    }

    /// The axes before tokens and channels, cut alike in all operands, with as few parts as possible.
    private static func leads(_ views: [StridedView]) -> [[StridedView.Part]]? {
        var rests = views.map { $0.axes.dropLast(2).flatMap { $0 }.filter { $0.extent != 1 } }
        var cut = [[StridedView.Part]](repeating: [], count: views.count)
        while rests.contains(where: { !$0.isEmpty }) {
            guard let common = rests.map({ $0.last?.extent ?? 1 }).min(), common > 1 else { return nil }
            for index in rests.indices {
                guard let last = rests[index].popLast(), last.extent % common == 0 else { return nil }
                cut[index].insert(StridedView.Part(extent: common, stride: last.stride), at: 0)
                if last.extent > common {
                    rests[index].append(StridedView.Part(extent: last.extent / common, stride: last.stride * common))
                }
            }
        }
        // Two neighbours are one where every operand agrees.
        var at = 0
        while at + 1 < cut[0].count {
            if cut.allSatisfy({ $0[at].stride == $0[at + 1].stride * $0[at + 1].extent }) {
                for index in cut.indices {
                    let inner = cut[index][at + 1]
                    cut[index][at] = StridedView.Part(extent: cut[index][at].extent * inner.extent, stride: inner.stride)
                    cut[index].remove(at: at + 1)
                }
            } else {
                at += 1
            }
        }
        return cut
    }
}

extension FusedAttention {
    /// Operand 0, 1 or 2 as `[…][token][channel]`.
    func operand(_ index: Int, _ view: StridedView) -> StridedView? {
        let rank = view.axes.count
        if let heads, rank == 3 {
            let dims = view.dims
            guard dims[2] % heads == 0 else { return nil }
            return view.reshaped(to: [dims[0], dims[1], heads, dims[2] / heads])?.permuted([0, 2, 1, 3])
        }
        guard rank >= 2 else { return nil }
        if index == 1 && hasTransposedKey || index == 2 && hasTransposedValue {
            return view.permuted(Array(0..<rank - 2) + [rank - 1, rank - 2])
        }
        return view
    }
}
