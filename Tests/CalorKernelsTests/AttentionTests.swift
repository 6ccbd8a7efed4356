import CalorKernels
import CalorTensor
import Testing

@Suite("Attention", .enabled(if: !fastTables.isEmpty, "skipped: this processor has none of the instruction sets"))
struct AttentionTests {
    /// Where the operands are: three matrices of tokens, one matrix with q, k and v side by side, heads first, or channels first.
    enum Order: CaseIterable { case apart, together, headsFirst, channelsFirst }

    struct Case: CustomTestStringConvertible {
        var batches = 2
        var heads = 3
        var queries: Int
        var keys: Int
        var depth: Int
        var valueDepth: Int
        var terms = 0

        var testDescription: String { "\(queries)×\(keys), depth \(depth), values \(valueDepth), \(terms) terms" }
    }

    static let cases: [Case] = [
        Case(queries: 1, keys: 1, depth: 1, valueDepth: 1), Case(queries: 5, keys: 3, depth: 7, valueDepth: 2, terms: 1),
        Case(queries: 16, keys: 16, depth: 8, valueDepth: 8, terms: 2), Case(queries: 17, keys: 13, depth: 24, valueDepth: 30),
        Case(queries: 31, keys: 29, depth: 16, valueDepth: 12, terms: 1),
        Case(queries: 33, keys: 65, depth: 30, valueDepth: 30, terms: 2),
        Case(queries: 49, keys: 49, depth: 10, valueDepth: 10, terms: 1),
        Case(queries: 64, keys: 64, depth: 32, valueDepth: 32, terms: 2), Case(queries: 70, keys: 144, depth: 64, valueDepth: 64),
    ]

    private static func strides(_ order: Order, _ c: Case, tokens: Int, depth: Int) -> AttentionStrides {
        let width = c.heads * depth
        return switch order {
        case .apart: AttentionStrides(batch: tokens * width, head: depth, token: width, channel: 1)
        case .together: AttentionStrides(batch: tokens * width * 3, head: depth, token: width * 3, channel: 1)
        case .headsFirst: AttentionStrides(batch: tokens * width, head: tokens * depth, token: depth, channel: 1)
        case .channelsFirst: AttentionStrides(batch: tokens * width, head: tokens * depth, token: 1, channel: tokens)
        }
    }

    /// Tolerance: 2e-6 of the largest result; scores of this size lose no more in their own rounding.
    @Test("equals the reference in every order and for every split", arguments: cases, Order.allCases)
    func attention(_ c: Case, _ order: Order) throws {
        let g = AttentionGeometry(
            batches: c.batches, heads: c.heads, queries: c.queries, keys: c.keys, depth: c.depth, valueDepth: c.valueDepth,
            scale: 0.6)
        func operand(_ tokens: Int, _ depth: Int, _ seed: Int) -> (Floats, AttentionStrides) {
            let count = c.batches * c.heads * tokens * depth * (order == .together ? 3 : 1)
            return (Floats(count) { noise($0, seed) }, Self.strides(order, c, tokens: tokens, depth: depth))
        }
        let (query, key, value) = (operand(c.queries, c.depth, 1), operand(c.keys, c.depth, 2), operand(c.keys, c.valueDepth, 3))
        // One table for each head, and one for each batch; some numbers forbid a key.
        let size = c.queries * c.keys
        let bias = (0..<c.heads * size).map { noise($0, 4) }
        let mask = (0..<c.batches * size).map { $0 % c.keys > 0 && noise($0, 5) > 0.3 ? -100 : Float(0) }
        func run(_ table: KernelTable, _ cuts: [Range<Int>]? = nil) -> [Float]? {
            let output = operand(c.queries, c.valueDepth, 9)
            for i in 0..<output.0.count { output.0.pointer[i] = 0 }
            let terms = [
                PreparedAttentionTerm(bias, count: c.heads, each: 1, queries: c.queries, keys: c.keys, table: table),
                PreparedAttentionTerm(mask, count: c.batches, each: c.heads, queries: c.queries, keys: c.keys, table: table),
            ]
            let scratch = Floats(AttentionProduct.scratchBytes(g, table: table) / 4)
            for items in cuts ?? [0..<AttentionProduct.items(g, table: table)] {
                AttentionProduct.run(
                    g, query: AttentionOperand(query.0.read, query.1), key: AttentionOperand(key.0.read, key.1),
                    value: AttentionOperand(value.0.read, value.1), output: AttentionOperand(output.0.pointer, output.1),
                    terms: Array(terms.prefix(c.terms)), items: items, scratch: UnsafeMutableRawPointer(scratch.pointer),
                    table: table)
            }
            return output.0.guardsIntact && scratch.guardsIntact ? output.0.array : nil
        }
        let reference = try #require(run(.table(for: .reference)))
        for fast in fastTables {
            let whole = try #require(run(fast), "\(fast.instructionSet) wrote where it must not")
            let error = relativeError(whole, reference)
            #expect(error <= 2e-6, "\(fast.instructionSet) \(c.testDescription) \(order): \(error)")
            let items = AttentionProduct.items(g, table: fast)
            #expect(run(fast, (0..<items).reversed().map { $0..<$0 + 1 }) == whole, "\(fast.instructionSet) item by item")
        }
    }

    @Test("a forbidden key counts for nothing, and a NaN spreads to its query only")
    func specialNumbers() throws {
        let g = AttentionGeometry(batches: 1, heads: 1, queries: 3, keys: 4, depth: 1, valueDepth: 1)
        let strides = AttentionStrides(batch: 0, head: 0, token: 1, channel: 1)
        let term = [Float](repeating: 0, count: 8) + [0, 0, 0, -.infinity]
        for table in fastTables + [.reference] {
            let query = Floats([1, .nan, 1])
            let key = Floats([0.5, 0.5, 0.5, 80])
            let value = Floats([1, 2, 3, 100])
            let output = Floats(3)
            let scratch = Floats(AttentionProduct.scratchBytes(g, table: table) / 4)
            AttentionProduct.run(
                g, query: AttentionOperand(query.read, strides), key: AttentionOperand(key.read, strides),
                value: AttentionOperand(value.read, strides), output: AttentionOperand(output.pointer, strides),
                terms: [PreparedAttentionTerm(term, count: 1, each: 1, queries: 3, keys: 4, table: table)],
                scratch: UnsafeMutableRawPointer(scratch.pointer), table: table)
            #expect(abs(output.pointer[0] - 100) < 1e-3, "\(table.instructionSet)")
            #expect(output.pointer[1].isNaN, "\(table.instructionSet)")
            #expect(abs(output.pointer[2] - 2) < 1e-5, "\(table.instructionSet)")
        }
    }
}
