import CalorTensor

/// A value that lies in memory in another order than its shape says: every axis is a product of parts, each with its own stride.
///
/// Reshaping, transposing and slicing only rearrange the parts; nothing moves until a kernel needs another order. Blocked planes are a
/// view as well: their channels are the parts `[C / 8][8]`.
struct StridedView: Sendable, Hashable {
    struct Part: Sendable, Hashable {
        var extent: Int
        /// In floats.
        var stride: Int
    }

    var place: Place
    /// The parts of each axis, outermost first.
    private(set) var axes: [[Part]]

    /// A value that lies as its shape says.
    init(_ place: Place, _ shape: Shape) {
        self.place = place
        axes = zip(shape.dims, shape.strides).map { [Part(extent: $0, stride: $1)] }
    }

    /// Blocked planes of whole blocks.
    init(blocked place: Place, _ shape: Shape) {
        self.place = place
        let pixels = shape[2] * shape[3]
        axes = [
            [Part(extent: 1, stride: shape[1] * pixels)],
            [Part(extent: shape[1] / 8, stride: pixels * 8), Part(extent: 8, stride: 1)],
            [Part(extent: shape[2], stride: shape[3] * 8)], [Part(extent: shape[3], stride: 8)],
        ]
    }

    init(_ place: Place, axes: [[Part]]) {
        self.place = place
        self.axes = axes
    }

    func extent(_ axis: Int) -> Int { axes[axis].reduce(1) { $0 * $1.extent } }

    var dims: [Int] { axes.indices.map(extent) }

    // MARK: - Rearranging

    func permuted(_ order: [Int]) -> StridedView { StridedView(place, axes: order.map { axes[$0] }) }

    /// The same elements under another shape; nil when a part would have to be cut where it has no seam.
    func reshaped(to shape: [Int]) -> StridedView? {
        var rest = axes.flatMap { $0 }.filter { $0.extent != 1 }
        var result: [[Part]] = []
        for extent in shape.reversed() {
            var needed = extent
            var parts: [Part] = []
            while needed > 1 {
                guard let last = rest.popLast() else { return nil }
                if needed % last.extent == 0 {
                    parts.append(last)
                    needed /= last.extent
                } else if last.extent % needed == 0 {
                    parts.append(Part(extent: needed, stride: last.stride))
                    rest.append(Part(extent: last.extent / needed, stride: last.stride * needed))
                    needed = 1
                } else {
                    return nil
                }
            }
            result.append(parts.isEmpty ? [Part(extent: 1, stride: 0)] : Self.merged(parts.reversed()))
        }
        return rest.isEmpty ? StridedView(place, axes: result.reversed()) : nil
    }

    /// `count` indices of an axis from `start` on; nil when that is no rectangle of parts.
    func sliced(_ axis: Int, start: Int, count: Int) -> StridedView? {
        var view = self
        var parts = axes[axis]
        let inner = parts.dropFirst().reduce(1) { $0 * $1.extent }
        if count == extent(axis) { return self }
        if start % inner == 0, count % inner == 0, !parts.isEmpty {
            view.place.offset += start / inner * parts[0].stride * 4
            parts[0].extent = count / inner
        } else if parts.count > 1, start / inner == (start + count - 1) / inner {
            // Inside one index of the outer part: go on with the inner ones.
            view.place.offset += start / inner * parts[0].stride * 4
            view.axes[axis] = Array(parts.dropFirst())
            return view.sliced(axis, start: start % inner, count: count)
        } else {
            return nil
        }
        view.axes[axis] = parts
        return view
    }

    /// Neighbouring parts that are one.
    static func merged(_ parts: [Part]) -> [Part] {
        var result: [Part] = []
        for part in parts where part.extent != 1 || parts.count == 1 {
            if let last = result.last, last.stride == part.stride * part.extent {
                result[result.count - 1] = Part(extent: last.extent * part.extent, stride: part.stride)
            } else {
                result.append(part)
            }
        }
        return result.isEmpty ? [Part(extent: 1, stride: 0)] : result
    }

    // MARK: - What a kernel asks

    /// The axes `range` as one axis with one stride, if they are.
    func joined(_ range: Range<Int>) -> Part? {
        let parts = Self.merged(axes[range].flatMap { $0 })
        return parts.count == 1 ? parts[0] : nil
    }

    /// Whether memory order is the order of the shape, without gaps.
    var isContiguous: Bool {
        guard let all = joined(0..<axes.count) else { return false }
        return all.extent == 1 || all.stride == 1
    }
}

/// A copy between two orders as nested loops over both.
struct CopyLoops: Sendable, Hashable {
    struct Loop: Sendable, Hashable {
        var extent: Int
        var from: Int
        var to: Int
    }

    /// Outermost first; the last has the smallest stride of the target.
    private(set) var loops: [Loop]

    /// nil when the parts of an axis of the two cannot be cut alike.
    init?(from: StridedView, to: StridedView) {
        guard from.axes.count == to.axes.count else { return nil }
        var loops: [Loop] = []
        for (a, b) in zip(from.axes, to.axes) {
            var (left, right) = (a.filter { $0.extent != 1 }, b.filter { $0.extent != 1 })
            while let x = left.popLast() {
                guard let y = right.popLast() else { return nil }
                let common = min(x.extent, y.extent)
                guard x.extent % common == 0, y.extent % common == 0 else { return nil }
                loops.append(Loop(extent: common, from: x.stride, to: y.stride))
                if x.extent > common {
                    left.append(StridedView.Part(extent: x.extent / common, stride: x.stride * common))
                } else if y.extent > common {
                    right.append(StridedView.Part(extent: y.extent / common, stride: y.stride * common))
                }
            }
            guard right.isEmpty else { return nil }
        }
        loops.sort { ($0.to, $0.from) > ($1.to, $1.from) }
        self.loops = []
        for loop in loops {
            if let last = self.loops.last, last.to == loop.to * loop.extent, last.from == loop.from * loop.extent {
                self.loops[self.loops.count - 1] = Loop(extent: last.extent * loop.extent, from: loop.from, to: loop.to)
            } else {
                self.loops.append(loop)
            }
        }
        if self.loops.isEmpty { self.loops = [Loop(extent: 1, from: 1, to: 1)] }
    }
}
