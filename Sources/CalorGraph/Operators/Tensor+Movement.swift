import CalorTensor

// Moving elements needs only their width, so every type of the same width shares one loop.

extension Tensor {
    /// The elements at `offset` + Σ index × stride for every index of `shape`. Every place must lie inside of this tensor.
    func strided(to shape: Shape, strides: [Int], offset: Int = 0) -> Tensor {
        switch dtype.bytes {
        case 1: stridedElements(UInt8.self, shape, strides, offset)
        case 2: stridedElements(UInt16.self, shape, strides, offset)
        case 4: stridedElements(UInt32.self, shape, strides, offset)
        default: stridedElements(UInt64.self, shape, strides, offset)
        }
    }

    private func stridedElements<E: BitwiseCopyable>(_: E.Type, _ shape: Shape, _ strides: [Int], _ offset: Int) -> Tensor {
        withElements(E.self) { source in
            Tensor.filled(dtype, shape, E.self) { out in
                let inner = shape.rank == 0 ? 1 : shape[-1]
                let step = strides.last ?? 1
                var walk = Odometer(shape.dims.dropLast(), [Array(strides.dropLast())])
                var place = 0
                while place < out.count {
                    let base = offset + walk.offsets[0]
                    for i in 0..<inner { out[place + i] = source[base + i * step] }
                    place += inner
                    walk.advance()
                }
            }
        }
    }

    func transposed(_ order: [Int]) -> Tensor {
        let strides = shape.strides
        return strided(to: Shape(order.map { shape.dims[$0] }), strides: order.map { strides[$0] })
    }

    /// This tensor repeated along its axes of extent 1, and along new axes in front, to fill `target`.
    func expanded(to target: Shape) -> Tensor {
        target == shape ? self : strided(to: target, strides: shape.broadcastStrides(to: target))
    }

    /// For every axis, the source index of every place of the result; an index below 0 stands for `fill`.
    func gathered(_ maps: [[Int]], fill: Tensor? = nil) -> Tensor {
        switch dtype.bytes {
        case 1: gatheredElements(UInt8.self, maps, fill)
        case 2: gatheredElements(UInt16.self, maps, fill)
        case 4: gatheredElements(UInt32.self, maps, fill)
        default: gatheredElements(UInt64.self, maps, fill)
        }
    }

    private func gatheredElements<E: BitwiseCopyable>(_: E.Type, _ maps: [[Int]], _ fill: Tensor?) -> Tensor {
        let target = Shape(maps.map(\.count))
        guard let last = maps.last else { return self }
        let background: E? = fill.map { $0.withElements(E.self) { $0[0] } }
        let strides = shape.strides
        return withElements(E.self) { source in
            Tensor.filled(dtype, target, E.self) { out in
                if let background { out.update(repeating: background) }
                if out.isEmpty || source.isEmpty { return }
                var index = [Int](repeating: 0, count: maps.count - 1)
                var place = 0
                while place < out.count {
                    var base = 0
                    var inside = true
                    for axis in index.indices {
                        let found = maps[axis][index[axis]]
                        if found < 0 { inside = false }
                        base += found * strides[axis]
                    }
                    if inside {
                        for i in last.indices where last[i] >= 0 { out[place + i] = source[base + last[i]] }
                    }
                    place += last.count
                    var axis = index.count - 1
                    while axis >= 0 {
                        index[axis] += 1
                        if index[axis] < maps[axis].count { break }
                        index[axis] = 0
                        axis -= 1
                    }
                }
            }
        }
    }
}

extension Shape {
    /// Strides with which a tensor of this shape is read as one of `target`: 0 along repeated axes.
    func broadcastStrides(to target: Shape) -> [Int] {
        let own = strides
        return (0..<target.rank).map { axis in
            let mine = axis - (target.rank - rank)
            return mine < 0 || dims[mine] == 1 ? 0 : own[mine]
        }
    }

    func removing(_ axes: [Int]) -> Shape { Shape(dims.indices.filter { !axes.contains($0) }.map { dims[$0] }) }

    /// Product of the extents in `range`.
    func product(_ range: Range<Int>) -> Int { dims[range].reduce(1, *) }
}

/// Counts through the indices of a shape and keeps the offsets of several strided operands up to date.
struct Odometer {
    private let extents: [Int]
    private let strides: [[Int]]
    private(set) var index: [Int]
    private(set) var offsets: [Int]

    init(_ extents: some Collection<Int>, _ strides: [[Int]]) {
        self.extents = Array(extents)
        self.strides = strides
        index = [Int](repeating: 0, count: extents.count)
        offsets = [Int](repeating: 0, count: strides.count)
    }

    mutating func advance() {
        var axis = extents.count - 1
        while axis >= 0 {
            index[axis] += 1
            for k in strides.indices { offsets[k] += strides[k][axis] }
            if index[axis] < extents[axis] { return }
            for k in strides.indices { offsets[k] -= strides[k][axis] * extents[axis] }
            index[axis] = 0
            axis -= 1
        }
    }
}
