import CalorKernels
import CalorTensor
import Testing

@Suite("Matrix products", .enabled(if: !fastTables.isEmpty, "skipped: this processor has none of the instruction sets"))
struct MatrixTests {
    static let sizes: [(Int, Int, Int)] = [1, 5, 6, 7, 13, 97].flatMap { m in
        [1, 15, 16, 17, 33].flatMap { n in [0, 1, 3, 256, 257, 600].map { (m, n, $0) } }
    }

    /// Tolerance: 1e-5 of the largest sum.
    @Test("equal the reference and do not depend on the rows", arguments: sizes)
    func product(_ m: Int, _ n: Int, _ k: Int) throws {
        for fast in fastTables {
            let lda = k + 3
            let a = Floats(m * lda) { noise($0, 1) }
            let b = Floats(n * k) { noise($0, 2) }
            let transposed = Floats(n * k) { b.pointer[$0 % max(k, 1) * n + $0 / max(k, 1)] }
            let bias = Floats(n) { noise($0, 3) }
            let ldc = n + 1
            func run(_ table: KernelTable, _ matrix: PreparedMatrix, _ cuts: [Range<Int>]) -> [Float]? {
                let c = Floats(m * ldc)
                for rows in cuts {
                    MatrixProduct.run(
                        m: m, a: a.read, lda: lda, b: matrix, c: c.pointer, ldc: ldc, bias: bias.read, activation: .silu,
                        rows: rows,
                        table: table)
                }
                return c.guardsIntact ? c.array : nil
            }
            let plain = PreparedMatrix(k: k, n: n, b: b.read, ldb: n)
            let turned = PreparedMatrix(k: k, n: n, b: transposed.read, ldb: k, transposed: true)
            let reference = try #require(run(.reference, plain, [0..<m]))
            let whole = try #require(run(fast, plain, [0..<m]))
            let error = relativeError(whole, reference)
            #expect(error <= 1e-5, "m \(m) n \(n) k \(k)")
            #expect(run(fast, turned, [0..<m]) == whole, "transposed, m \(m) n \(n) k \(k)")
            let cuts = (0..<m).reversed().map { $0..<$0 + 1 }
            #expect(run(fast, plain, cuts) == whole, "row by row, m \(m) n \(n) k \(k)")
        }
    }

    /// Rows of A a multiple of 1 KiB or 4 KiB apart are copied first; a B for which the next panels are asked for; rows of tiles of every height; a residual with and without activation.
    /// Tolerance: 1e-5 of the largest sum.
    @Test(
        "with a residual, for all tiles", arguments: [4, 11, 12, 16, 23, 30, 100, 193],
        [(64, 256), (96, 96), (100, 512), (48, 700), (272, 1024)])
    func residual(_ m: Int, _ size: (Int, Int)) throws {
        let (n, k) = size
        let a = Floats(m * k) { noise($0, 1) }
        let b = Floats(n * k) { noise($0, 2) }
        let bias = Floats(n) { noise($0, 3) }
        let residual = Floats(m * n) { noise($0, 4) * 5 }
        let matrix = PreparedMatrix(k: k, n: n, b: b.read, ldb: n)
        for activation in [Activation.none, .gelu] {
            func run(_ table: KernelTable, _ rows: [Range<Int>], _ columns: [Range<Int>]) -> [Float]? {
                let c = Floats(m * n)
                for rows in rows {
                    for columns in columns {
                        MatrixProduct.run(
                            m: m, a: a.read, lda: k, b: matrix, c: c.pointer, ldc: n, bias: bias.read, activation: activation,
                            residual: residual.read, rows: rows, columns: columns, table: table)
                    }
                }
                return c.guardsIntact ? c.array : nil
            }
            let reference = try #require(run(.reference, [0..<m], [0..<n]))
            for fast in fastTables {
                let whole = try #require(run(fast, [0..<m], [0..<n]))
                #expect(relativeError(whole, reference) <= 1e-5, "\(fast.instructionSet) m \(m) n \(n) k \(k) \(activation)")
                let cut = run(fast, [0..<3, 3..<m], [16..<n, 0..<16])
                #expect(cut == whole, "\(fast.instructionSet) cut, m \(m) n \(n) k \(k) \(activation)")
            }
        }
    }

    @Test("in a batch equal those alone")
    func batch() throws {
        for fast in fastTables {
            let a = Floats(3 * 7 * 5) { noise($0, 1) }
            let b = Floats(5 * 9) { noise($0, 2) }
            let c = Floats(3 * 63)
            let alone = Floats(3 * 63)
            let scratch = Floats(PreparedMatrix.packedCount(k: 5, n: 9))
            MatrixProduct.batch(
                count: 3, m: 7, n: 9, k: 5, a: a.read, strideA: 35, b: b.read, strideB: 0, c: c.pointer, strideC: 63,
                scratch: scratch.pointer,
                table: fast)
            let prepared = PreparedMatrix(k: 5, n: 9, b: b.read, ldb: 9)
            MatrixProduct.run(m: 21, a: a.read, lda: 5, b: prepared, c: alone.pointer, ldc: 9, table: fast)
            #expect(c.array == alone.array && c.guardsIntact)
        }
    }
}
