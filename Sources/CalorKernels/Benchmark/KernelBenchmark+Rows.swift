import CalorTensor

/// Products of matrices, attention and functions of rows, on every instruction set that this processor has.
extension KernelBenchmark {
    /// Whole matrices, and the tall ones of tokens times channels.
    private static let products = [
        (512, 512, 512), (1024, 1024, 1024), (4096, 96, 192), (4096, 192, 96), (16384, 96, 96), (4096, 192, 768), (64, 96, 288),
        (4096, 60, 180), (1, 640, 2560),
    ]

    /// Windows: batches, heads, tokens, depth.
    private static let windows = [(64, 6, 64, 16), (64, 6, 64, 32), (64, 6, 49, 30), (16, 6, 256, 30), (1, 1, 4096, 64)]

    /// Rows of tokens: rows, columns.
    private static let rows = [(64, 96), (256, 192), (4096, 96)]

    /// - Parameter peak: of the set that the table uses; the percentages of all sets are of that one.
    public static func matrices(_ table: KernelTable = .current, seconds: Double = 0.3) -> [Row] {
        let peak = peakGigaflops(table)
        let sets = InstructionSet.allCases.filter { $0.isAvailable && ($0 == .reference) == (table.instructionSet == .reference) }
        var result: [Row] = []
        for (m, k, n) in products {
            for set in sets { result.append(product(m, k, n, set, isPicked: set == table.instructionSet, peak, seconds)) }
        }
        for window in windows {
            for set in sets { result.append(attention(window, set, isPicked: set == table.instructionSet, peak, seconds)) }
        }
        for (count, columns) in rows {
            for kernel in ["layernorm", "softmax", "gelu", "silu"] {
                for set in sets {
                    result.append(function(kernel, count, columns, set, isPicked: set == table.instructionSet, seconds))
                }
            }
        }
        return result
    }

    private static func product(
        _ m: Int, _ k: Int, _ n: Int, _ set: InstructionSet, isPicked: Bool, _ peak: Double?, _ seconds: Double
    ) -> Row {
        let (a, b, c) = (floats(m * k), floats(k * n), floats(m * n))
        let matrix = PreparedMatrix(k: k, n: n, b: read(b), ldb: n)
        let table = KernelTable.table(for: set)
        let time = least(seconds) { MatrixProduct.run(m: m, a: read(a), lda: k, b: matrix, c: write(c), ldc: n, table: table) }
        let gigaflops = 2 * Double(m) * Double(k) * Double(n) / time * 1e-9
        return Row(
            kernel: "gemm_f32_\(set)", shape: "\(m)×\(k)×\(n)", gigaflops: gigaflops,
            percentOfPeak: peak.map { gigaflops / $0 * 100 } ?? 0, isPicked: isPicked)
    }

    private static func attention(
        _ window: (Int, Int, Int, Int), _ set: InstructionSet, isPicked: Bool, _ peak: Double?, _ seconds: Double
    ) -> Row {
        let (batches, heads, tokens, depth) = window
        let table = KernelTable.table(for: set)
        let g = AttentionGeometry(
            batches: batches, heads: heads, queries: tokens, keys: tokens, depth: depth, valueDepth: depth, scale: 0.2)
        let width = heads * depth
        let (qkv, result) = (floats(batches * tokens * width * 3), floats(batches * tokens * width))
        let strides = AttentionStrides(batch: tokens * width * 3, head: depth, token: width * 3, channel: 1)
        let output = AttentionOperand(
            write(result), AttentionStrides(batch: tokens * width, head: depth, token: width, channel: 1))
        let bias = PreparedAttentionTerm(
            [Float](repeating: 0.1, count: heads * tokens * tokens), count: heads, each: 1, queries: tokens, keys: tokens,
            table: table)
        let scratch = AlignedBytes(count: AttentionProduct.scratchBytes(g, table: table))
        let time = least(seconds) {
            AttentionProduct.run(
                g, query: AttentionOperand(read(qkv), strides), key: AttentionOperand(read(qkv) + width, strides),
                value: AttentionOperand(read(qkv) + 2 * width, strides), output: output, terms: [bias],
                scratch: scratch.pointer, table: table)
        }
        let gigaflops = 4 * Double(batches * heads * tokens * tokens * depth) / time * 1e-9
        return Row(
            kernel: "attention_f32_\(set)", shape: "\(batches)·\(heads), \(tokens)×\(depth)", gigaflops: gigaflops,
            percentOfPeak: peak.map { gigaflops / $0 * 100 } ?? 0, isPicked: isPicked)
    }

    /// Bytes read and written, against a copy of as many.
    private static func function(
        _ kernel: String, _ count: Int, _ columns: Int, _ set: InstructionSet, isPicked: Bool, _ seconds: Double
    ) -> Row {
        let table = KernelTable.table(for: set)
        let (x, y, constants) = (floats(count * columns), floats(count * columns), floats(columns * 2))
        let copy = least(seconds / 3) { write(y).update(from: read(x), count: count * columns) }
        let time = least(seconds) {
            switch kernel {
            case "layernorm":
                Reductions.layerNorm(
                    read(x), write(y), rows: 0..<count, count: columns, gamma: read(constants), beta: read(constants) + columns,
                    epsilon: 1e-5, table: table)
            case "softmax": Reductions.softmax(read(x), write(y), rows: 0..<count, count: columns, table: table)
            default:
                Elementwise.activation(kernel == "gelu" ? .gelu : .silu, read(x), write(y), count: count * columns, table: table)
            }
        }
        let numbers = Double(count * columns)
        return Row(
            kernel: "\(kernel)_f32_\(set)", shape: "\(count)×\(columns)", gigaflops: numbers / time * 1e-9,
            percentOfPeak: copy / time * 100, isPicked: isPicked, gigabytes: numbers * 8 / time * 1e-9)
    }

    // MARK: - Memory and time

    private static func floats(_ count: Int) -> AlignedBytes {
        let bytes = AlignedBytes(count: count * 4)
        for i in 0..<count { write(bytes)[i] = Float(i % 23) * 0.05 - 0.5 }
        return bytes
    }

    private static func read(_ bytes: AlignedBytes) -> UnsafePointer<Float> { UnsafePointer(write(bytes)) }

    private static func write(_ bytes: AlignedBytes) -> UnsafeMutablePointer<Float> {
        bytes.pointer.assumingMemoryBound(to: Float.self)
    }

    /// The least time of at least three runs within about `seconds`.
    private static func least(_ seconds: Double, _ body: () -> Void) -> Double {
        var (best, runs) = (Double.infinity, 0)
        let begin = cpuSeconds()
        while runs < 3 || cpuSeconds() - begin < seconds {
            // Short calls are timed together: the clock itself takes a while.
            let start = cpuSeconds()
            for _ in 0..<4 { body() }
            best = min(best, (cpuSeconds() - start) / 4)
            runs += 1
        }
        return best
    }
}
