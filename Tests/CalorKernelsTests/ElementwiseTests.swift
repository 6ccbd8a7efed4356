import CalorKernels
import CalorTensor
import Testing

private let specials: [Float] = [
    0, -0.0, 1, -1, .infinity, -.infinity, .nan, 88, 89, -87, -88, -104, -110, 1e-30, -1e-30, 3.9, 4, 4.1, -4.2, 0.632, 0.633, 1e30,
    20, -20,
]
private let activations: [Activation] = [
    .none, .relu, .leakyRelu(slope: 0.1), .sigmoid, .silu, .gelu, .geluTanh, .tanh, .clip(lower: -1, upper: 6),
    .hardSigmoid(alpha: 0.2, beta: 0.5), .hardSwish, .elu(alpha: 1), .softplus, .mish, .softsign,
]
private let unary: [UnaryOperation] =
    activations.map { .activation($0) } + [
        .negate, .absolute, .squareRoot, .reciprocal, .exponential, .logarithm, .erf, .floor, .ceiling, .roundHalfToEven, .sign,
        .square, .sine,
        .cosine, .reciprocalSquareRoot,
    ]

@Suite("Element-wise functions", .enabled(if: !fastTables.isEmpty, "skipped: this processor has none of the instruction sets"))
struct ElementwiseTests {
    /// Tolerance: 6e-7 relative to max(|reference|, 1), 1e-5 where each product is rounded (GELU far below zero); special values as the reference has them.
    @Test("equal the reference", arguments: unary)
    func one(_ operation: UnaryOperation) throws {
        for fast in fastTables {
            let bound: Float = fast.instructionSet == .portable ? 1e-5 : 6e-7
            let values = specials + (0..<3001).map { Float($0 - 1500) * 0.01 } + (0..<500).map { noise($0) }
            for count in [1, 3, 8, 9, values.count] {
                let input = Floats(Array(values.prefix(count)))
                let (output, reference) = (Floats(count), Floats(count))
                Elementwise.unary(operation, input.read, output.pointer, count: count, table: fast)
                Elementwise.unary(operation, input.read, reference.pointer, count: count, table: .reference)
                #expect(output.guardsIntact, "\(operation) \(count)")
                for i in 0..<count {
                    let (x, y, r) = (input.pointer[i], output.pointer[i], reference.pointer[i])
                    let close = y == r || (y.isNaN && r.isNaN) || abs(y - r) <= bound * max(abs(r), 1)
                    #expect(close, "\(operation)(\(x)) = \(y), reference \(r), count \(count)")
                }
            }
        }
    }

    @Test(
        "keep a small relative error where it matters",
        arguments: [UnaryOperation.exponential, .erf, .activation(.tanh), .activation(.sigmoid)])
    func relative(_ operation: UnaryOperation) throws {
        for fast in fastTables {
            let input = Floats(4000) { Float($0 - 2000) * 0.02 + 0.001 }
            let (output, reference) = (Floats(4000), Floats(4000))
            Elementwise.unary(operation, input.read, output.pointer, count: 4000, table: fast)
            Elementwise.unary(operation, input.read, reference.pointer, count: 4000, table: .reference)
            for i in 0..<4000 {
                let (y, r) = (output.pointer[i], reference.pointer[i])
                #expect(abs(y - r) <= 6e-7 * abs(r), "\(operation)(\(input.pointer[i])) = \(y), reference \(r)")
            }
        }
    }

    @Test("of two operands equal the reference", arguments: BinaryOperation.allCases)
    func two(_ operation: BinaryOperation) throws {
        for fast in fastTables {
            let pairs = specials.flatMap { x in specials.map { (x, $0) } } + (0..<100).map { (noise($0, 1), noise($0, 2)) }
            let (a, b) = (Floats(pairs.map(\.0)), Floats(pairs.map(\.1)))
            let count = pairs.count / 8 * 8
            func check(_ what: String, _ body: (KernelTable, UnsafeMutablePointer<Float>) -> Void) {
                let (output, reference) = (Floats(pairs.count), Floats(pairs.count))
                body(fast, output.pointer)
                body(.reference, reference.pointer)
                #expect(output.guardsIntact)
                for i in 0..<pairs.count {
                    let (y, r) = (output.pointer[i], reference.pointer[i])
                    #expect(y == r || (y.isNaN && r.isNaN), "\(operation) \(what) (\(pairs[i])) = \(y), reference \(r)")
                }
            }
            check("arrays") { Elementwise.binary(operation, a.read, b.read, $1, count: pairs.count, table: $0) }
            for first in [false, true] {
                check("scalar \(first)") {
                    Elementwise.binary(operation, a.read, scalar: 0.75, scalarFirst: first, $1, count: pairs.count, table: $0)
                }
                check("channels \(first)") {
                    Elementwise.binary(
                        operation, a.read, channels: b.read, constantsFirst: first, $1, blocks: 1, pixels: count / 8, table: $0)
                }
            }
        }
    }

    @Test("with constants per channel equal the reference")
    func channels() throws {
        for fast in fastTables {
            let (a, b, c) = (Floats(240) { noise($0, 1) }, Floats(240) { noise($0, 2) }, Floats(240) { noise($0, 3) })
            for (table, tolerance) in [(fast, Float(2e-7))] {
                func check(_ what: String, _ body: (KernelTable, UnsafeMutablePointer<Float>) -> Void) {
                    let (output, reference) = (Floats(240), Floats(240))
                    body(table, output.pointer)
                    body(.reference, reference.pointer)
                    let error = relativeError(output.array, reference.array)
                    #expect(error <= tolerance && output.guardsIntact, "\(what)")
                }
                check("multiplyAdd") { Elementwise.multiplyAdd(a.read, b.read, c.read, $1, count: 237, table: $0) }
                check("scaleShift") {
                    Elementwise.scaleShift(a.read, scale: b.read, shift: c.read, $1, blocks: 3, pixels: 10, table: $0)
                }
                check("prelu") { Elementwise.prelu(a.read, slopes: b.read, $1, blocks: 3, pixels: 10, table: $0) }
            }
        }
    }
}
