/// The extents of a tensor, outermost first. A scalar has none.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
    public var dims: [Int]

    public init(_ dims: [Int]) { self.dims = dims }
    public init(arrayLiteral elements: Int...) { dims = elements }

    public var rank: Int { dims.count }
    /// Number of elements; 1 for a scalar.
    public var count: Int { dims.reduce(1, *) }
    public subscript(axis: Int) -> Int { dims[axis < 0 ? axis + dims.count : axis] }

    /// Row-major strides in elements.
    public var strides: [Int] {
        var strides = [Int](repeating: 1, count: dims.count)
        for axis in stride(from: dims.count - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * dims[axis + 1] }
        return strides
    }

    public var description: String { dims.isEmpty ? "scalar" : dims.map(String.init).joined(separator: "×") }

    /// The shape of an element-wise result, or nil if the two do not broadcast (NumPy's rule).
    public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
        var out = [Int](repeating: 1, count: max(a.rank, b.rank))
        for i in 0..<out.count {
            let x = i < a.rank ? a.dims[a.rank - 1 - i] : 1
            let y = i < b.rank ? b.dims[b.rank - 1 - i] : 1
            guard x == y || x == 1 || y == 1 else { return nil }
            out[out.count - 1 - i] = x == 1 ? y : x
        }
        return Shape(out)
    }
}
