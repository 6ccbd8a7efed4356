import CalorTensor

/// A constant that is added to the scores of attention, packed once for the kernel of a table.
public struct PreparedAttentionTerm: Sendable {
    private let packed: AlignedBytes
    let count: Int
    let each: Int
    let queries: Int
    let keys: Int
    let width: Int

    /// - Parameters:
    ///   - numbers: `[count][queries][keys]`.
    ///   - each: how many heads in a row share a table; head h of batch b takes table `(b · heads + h) / each % count`.
    public init(_ numbers: [Float], count: Int, each: Int, queries: Int, keys: Int, table: KernelTable = .current) {
        precondition(
            count > 0 && each > 0 && queries > 0 && keys > 0 && numbers.count == count * queries * keys,
            "\(numbers.count) numbers for \(count) tables of \(queries)×\(keys)")
        let width = table.attentionWidth
        let blocks = (queries + width - 1) / width
        packed = AlignedBytes(count: count * blocks * keys * width * 4)
        (self.count, self.each, self.queries, self.keys, self.width) = (count, each, queries, keys, width)
        let to = packed.pointer.assumingMemoryBound(to: Float.self)
        for which in 0..<count {
            for query in 0..<queries {
                let line = to + ((which * blocks + query / width) * keys) * width + query % width
                for key in 0..<keys { line[key * width] = numbers[(which * queries + query) * keys + key] }
            }
        }
    }

    fileprivate var term: AttentionTerm {
        AttentionTerm(numbers: UnsafePointer(packed.pointer.assumingMemoryBound(to: Float.self)), count: count, each: each)
    }
}

/// An operand of attention: where its first number is and how far the others are.
///
/// SAFETY: `@unchecked Sendable` because it only carries a pointer, whose owner outlives every call that gets it.
public struct AttentionOperand<Pointer>: @unchecked Sendable {
    public var pointer: Pointer
    public var strides: AttentionStrides

    public init(_ pointer: Pointer, _ strides: AttentionStrides) {
        self.pointer = pointer
        self.strides = strides
    }
}

/// softmax(scale · Q · Kᵀ + terms) · V for every batch and head, wherever the strides put the operands.
///
/// Goals, in order: the same bits however the items are split; speed: the scores of a block of queries never leave the cache.
public enum AttentionProduct {
    /// Blocks of queries of all batches and heads: what a split divides. A batch has `items / batches` of them in a row.
    public static func items(_ g: AttentionGeometry, table: KernelTable = .current) -> Int {
        g.batches * g.heads * ((g.queries + table.attentionWidth - 1) / table.attentionWidth)
    }

    /// Bytes that each thread needs.
    public static func scratchBytes(_ g: AttentionGeometry, table: KernelTable = .current) -> Int {
        (g.depth + g.keys + g.valueDepth) * table.attentionWidth * 4
    }

    public static func run(
        _ g: AttentionGeometry, query: AttentionOperand<UnsafePointer<Float>>, key: AttentionOperand<UnsafePointer<Float>>,
        value: AttentionOperand<UnsafePointer<Float>>, output: AttentionOperand<UnsafeMutablePointer<Float>>,
        terms: [PreparedAttentionTerm] = [], items: Range<Int>? = nil, scratch: UnsafeMutableRawPointer,
        table: KernelTable = .current
    ) {
        let all = Self.items(g, table: table)
        let items = items ?? 0..<all
        precondition(
            g.batches > 0 && g.heads > 0 && g.queries > 0 && g.keys > 0 && g.depth > 0 && g.valueDepth > 0
                && items.lowerBound >= 0 && items.upperBound <= all, "attention of \(g), items \(items)")
        precondition(
            terms.count <= 2
                && terms.allSatisfy { $0.queries == g.queries && $0.keys == g.keys && $0.width == table.attentionWidth },
            "terms of another size")
        table.attention(
            AttentionJob(
                geometry: g, query: query.pointer, queryStrides: query.strides, key: key.pointer, keyStrides: key.strides,
                value: value.pointer, valueStrides: value.strides, output: output.pointer, outputStrides: output.strides,
                first: terms.first?.term, second: terms.dropFirst().first?.term, firstItem: items.lowerBound,
                endItem: items.upperBound, scratch: scratch.assumingMemoryBound(to: Float.self)))
        withExtendedLifetime(terms) {}
    }
}
