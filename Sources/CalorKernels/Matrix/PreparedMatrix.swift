import CalorTensor

/// The right-hand side of a product, packed once: panels of 16 columns.
public final class PreparedMatrix: Sendable {
    /// Rows of B.
    public let k: Int
    /// Columns of B.
    public let n: Int
    private let panels: AlignedBytes

    /// Packs B, `[k][n]` with `ldb` floats from row to row, or its transpose `[n][k]` when `transposed`.
    public init(k: Int, n: Int, b: UnsafePointer<Float>, ldb: Int, transposed: Bool = false) {
        precondition(k >= 0 && n >= 0 && ldb >= (transposed ? k : n), "a matrix of \(k)×\(n) with rows of \(ldb)")
        self.k = k
        self.n = n
        panels = AlignedBytes(count: Self.packedCount(k: k, n: n) * 4, zeroed: false)
        Self.pack(k: k, n: n, b: b, ldb: ldb, transposed: transposed, into: panels.pointer.assumingMemoryBound(to: Float.self))
    }

    /// Floats that a packed B occupies.
    public static func packedCount(k: Int, n: Int) -> Int { (n + 15) / 16 * 16 * k }

    /// Packs B into memory of the caller, `packedCount` floats, for products whose B changes.
    public static func pack(
        k: Int, n: Int, b: UnsafePointer<Float>, ldb: Int, transposed: Bool, into panels: UnsafeMutablePointer<Float>
    ) {
        for panel in 0..<(n + 15) / 16 {
            let columns = min(16, n - panel * 16)
            let to = panels + panel * k * 16
            if columns < 16 { to.update(repeating: 0, count: k * 16) }
            if transposed {
                let from = b + panel * 16 * ldb
                for i in 0..<k { for column in 0..<columns { to[i * 16 + column] = from[column * ldb + i] } }
            } else {
                for i in 0..<k { (to + i * 16).update(from: b + i * ldb + panel * 16, count: columns) }
            }
        }
    }

    var pointer: UnsafePointer<Float> { UnsafePointer(panels.pointer.assumingMemoryBound(to: Float.self)) }
}

/// Products of row-major matrices.
///
/// Goals, in order: the same bits for every split of the rows; speed. Each element starts with its bias and sums over k in order.
public enum MatrixProduct {
    /// C = activation(A · B + bias) + residual for the rows `rows` of A and C; `bias` has one value a column, `residual` is like C and
    /// another matrix.
    public static func run(
        m: Int, a: UnsafePointer<Float>, lda: Int, b: PreparedMatrix, c: UnsafeMutablePointer<Float>, ldc: Int,
        bias: UnsafePointer<Float>? = nil, activation: Activation = .none, residual: UnsafePointer<Float>? = nil,
        rows: Range<Int>? = nil, columns: Range<Int>? = nil, table: KernelTable = .current
    ) {
        let columns = columns ?? 0..<b.n
        precondition(
            columns.lowerBound >= 0 && columns.upperBound <= b.n && columns.lowerBound % 16 == 0, "columns \(columns) of \(b.n)")
        let first = columns.lowerBound
        run(
            m: m, n: columns.count, k: b.k, a: a, lda: lda, packed: b.pointer + first * b.k, c: c + first, ldc: ldc,
            bias: bias.map { $0 + first }, activation: activation, residual: residual.map { $0 + first }, rows: rows, table: table)
        withExtendedLifetime(b) {}
    }

    /// The same with a B that `PreparedMatrix.pack` has put at `packed`.
    public static func run(
        m: Int, n: Int, k: Int, a: UnsafePointer<Float>, lda: Int, packed: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>,
        ldc: Int,
        bias: UnsafePointer<Float>? = nil, activation: Activation = .none, residual: UnsafePointer<Float>? = nil,
        rows: Range<Int>? = nil, table: KernelTable = .current
    ) {
        let rows = rows ?? 0..<m
        precondition(m >= 0 && lda >= k && ldc >= n && rows.lowerBound >= 0 && rows.upperBound <= m, "a product of \(m)×\(k)×\(n)")
        precondition(activation != .prelu, "a product has no slopes")
        if rows.isEmpty || n == 0 { return }
        table.matrix(
            MatrixJob(
                n: n, k: k, a: a, lda: lda, packed: packed, c: c, ldc: ldc, firstRow: rows.lowerBound, endRow: rows.upperBound,
                bias: bias, activation: activation, residual: residual))
    }

    /// C = A · B with a B that is used once; packs it into `scratch` (`PreparedMatrix.packedCount` floats).
    public static func run(
        m: Int, n: Int, k: Int, a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, transposedB: Bool = false,
        c: UnsafeMutablePointer<Float>, ldc: Int, bias: UnsafePointer<Float>? = nil, activation: Activation = .none,
        scratch: UnsafeMutablePointer<Float>, table: KernelTable = .current
    ) {
        PreparedMatrix.pack(k: k, n: n, b: b, ldb: ldb, transposed: transposedB, into: scratch)
        run(
            m: m, n: n, k: k, a: a, lda: lda, packed: scratch, c: c, ldc: ldc, bias: bias, activation: activation, table: table)
    }

    /// `count` products one after the other, each with its own contiguous A, B and C.
    ///
    /// - Parameter strideA: floats from one A to the next, 0 to use the same A for all; likewise `strideB` and `strideC`.
    public static func batch(
        count: Int, m: Int, n: Int, k: Int, a: UnsafePointer<Float>, strideA: Int, b: UnsafePointer<Float>, strideB: Int,
        transposedB: Bool = false, c: UnsafeMutablePointer<Float>, strideC: Int, scratch: UnsafeMutablePointer<Float>,
        table: KernelTable = .current
    ) {
        for i in 0..<count {
            run(
                m: m, n: n, k: k, a: a + i * strideA, lda: k, b: b + i * strideB, ldb: transposedB ? k : n,
                transposedB: transposedB,
                c: c + i * strideC, ldc: n, scratch: scratch, table: table)
        }
    }
}
