import CalorKernels
import CalorTensor
import Testing

@Suite("Reductions", .enabled(if: !fastTables.isEmpty, "skipped: this processor has none of the instruction sets"))
struct ReductionTests {
    /// Tolerance: 1e-6 of the result's natural size (the sum of magnitudes for sums).
    @Test("of rows equal the reference", arguments: ReductionOperation.allCases, [1, 7, 8, 9, 2048, 2061, 10_007])
    func rows(_ operation: ReductionOperation, _ count: Int) throws {
        for fast in fastTables {
            let input = Floats(2 * count) { noise($0) + 0.5 }
            let (output, reference) = (Floats(2), Floats(2))
            Reductions.rows(operation, input.read, output.pointer, rows: 0..<2, count: count, table: fast)
            Reductions.rows(operation, input.read, reference.pointer, rows: 0..<2, count: count, table: .reference)
            let size: Float = operation == .sum || operation == .sumOfSquares ? Float(count) : 1
            for row in 0..<2 {
                let (y, r) = (output.pointer[row], reference.pointer[row])
                #expect(abs(y - r) <= 1e-6 * size, "\(operation) of \(count): \(y), reference \(r)")
            }
            if operation == .maximum || operation == .minimum { #expect(output.array == reference.array) }
        }
    }

    @Test("hand on a NaN", arguments: [ReductionOperation.maximum, .minimum, .sum], [0, 3, 8, 12])
    func notANumber(_ operation: ReductionOperation, _ position: Int) throws {
        for fast in fastTables {
            for table in [fast, .reference] {
                let input = Floats(13) { $0 == position ? .nan : Float($0) }
                let output = Floats(1)
                Reductions.rows(operation, input.read, output.pointer, rows: 0..<1, count: 13, table: table)
                #expect(output.pointer[0].isNaN, "\(table.instructionSet) \(operation) at \(position)")
            }
        }
    }

    @Test("softmax and layer norm equal the reference", arguments: [1, 5, 8, 13, 64, 1000])
    func normalisations(_ count: Int) throws {
        for fast in fastTables {
            let input = Floats(3 * count) { noise($0) * 20 + 100 }
            let (gamma, beta) = (Floats(count) { noise($0, 1) }, Floats(count) { noise($0, 2) })
            func check(_ what: String, _ tolerance: Float, _ body: (KernelTable, UnsafeMutablePointer<Float>) -> Void) {
                let (output, reference) = (Floats(3 * count), Floats(3 * count))
                body(fast, output.pointer)
                body(.reference, reference.pointer)
                let error = relativeError(output.array, reference.array)
                #expect(error <= tolerance && output.guardsIntact, "\(what) of \(count)")
            }
            check("softmax", 2e-6) { Reductions.softmax(input.read, $1, rows: 0..<3, count: count, table: $0) }
            check("log softmax", 2e-6) {
                Reductions.softmax(input.read, $1, rows: 0..<3, count: count, logarithms: true, table: $0)
            }
            check("layer norm", 2e-5) {
                Reductions.layerNorm(
                    input.read, $1, rows: 0..<3, count: count, gamma: gamma.read, beta: beta.read, epsilon: 1e-5, table: $0)
            }
        }
    }

    /// Tolerance 2e-5 for values whose mean is five times their spread. The pieces of a row have the bits of the whole.
    @Test("over the channels of pixels equal the reference", arguments: [1, 3, 8, 12, 16, 61, 96], [1, 7, 8, 9, 31, 64])
    func channels(_ channels: Int, _ pixels: Int) throws {
        let blocks = (channels + 7) / 8
        let plane = pixels * 8 + 16
        let input = Floats(blocks * plane) { $0 / plane * 8 + $0 % 8 < channels ? noise($0) + 5 : 0 }
        let padded = blocks * 8
        let (gamma, beta) = (
            Floats(padded) { $0 < channels ? noise($0, 1) : 0 }, Floats(padded) { $0 < channels ? noise($0, 2) : 0 }
        )
        func norm(_ table: KernelTable, _ range: Range<Int>, _ output: Floats) {
            Reductions.pixelNorm(
                input.read + range.lowerBound * 8, inputPlane: plane, output.pointer + range.lowerBound * 8, outputPlane: plane,
                channels: channels, pixels: range.count, gamma: gamma.read, beta: beta.read, epsilon: 1e-3, table: table)
        }
        func means(_ table: KernelTable, _ output: Floats) {
            Reductions.pixelMeans(
                input.read, inputPlane: plane, output.pointer, channels: channels, pixels: pixels, table: table)
        }
        let (wanted, wantedMeans) = (Floats(blocks * plane), Floats(pixels))
        norm(.reference, 0..<pixels, wanted)
        means(.reference, wantedMeans)
        for fast in fastTables {
            let (output, pieces, found) = (Floats(blocks * plane), Floats(blocks * plane), Floats(pixels))
            norm(fast, 0..<pixels, output)
            #expect(relativeError(output.array, wanted.array) <= 2e-5 && output.guardsIntact, "\(channels) × \(pixels)")
            norm(fast, 0..<pixels / 3, pieces)
            norm(fast, pixels / 3..<pixels, pieces)
            #expect(pieces.array == output.array, "\(channels) × \(pixels) in pieces")
            means(fast, found)
            #expect(relativeError(found.array, wantedMeans.array) <= 1e-6 && found.guardsIntact)
        }
    }

    /// Against mean and variance in f64; tolerance 1e-5.
    @Test("group norm equals the definition", arguments: [(8, 8), (8, 2), (12, 3), (13, 1), (5, 5)])
    func groupNorm(_ channels: Int, _ groups: Int) throws {
        for fast in fastTables {
            let pixels = 300
            let planes = Floats(channels * pixels) { noise($0) + 10 }
            let blocked = Floats(BlockedLayout.count(channels: channels, pixels: pixels))
            BlockedLayout.toBlocked(planes.read, blocked.pointer, channels: channels, pixels: pixels)
            let (gamma, beta) = (Floats(channels) { noise($0, 1) }, Floats(channels) { noise($0, 2) })
            let perGroup = channels / groups
            let wanted = (0..<channels).flatMap { c -> [Float] in
                let members = (c / perGroup * perGroup * pixels)..<((c / perGroup + 1) * perGroup * pixels)
                let mean = members.reduce(0.0) { $0 + Double(planes.pointer[$1]) } / Double(members.count)
                let variance =
                    members.reduce(0.0) { $0 + (Double(planes.pointer[$1]) - mean) * (Double(planes.pointer[$1]) - mean) }
                    / Double(members.count)
                return (0..<pixels).map {
                    Float(
                        (Double(planes.pointer[c * pixels + $0]) - mean) / (variance + 1e-5).squareRoot() * Double(gamma.pointer[c])
                            + Double(beta.pointer[c]))
                }
            }
            for table in [fast, .reference] {
                let (output, back) = (Floats(blocked.count), Floats(channels * pixels))
                Reductions.groupNorm(
                    blocked.read, output.pointer, channels: channels, groups: groups, pixels: pixels, gamma: gamma.read,
                    beta: beta.read,
                    epsilon: 1e-5, table: table)
                BlockedLayout.toPlanes(output.read, back.pointer, channels: channels, pixels: pixels)
                let error = relativeError(back.array, wanted)
                #expect(error < 1e-5 && output.guardsIntact, "\(table.instructionSet): \(channels) channels in \(groups) groups")
            }
        }
    }

    @Test("global average is the mean of each channel")
    func globalAverage() throws {
        let input = Floats(16 * 1000) { noise($0) + Float($0 % 8) }
        for table in fastTables + [.reference] {
            let output = Floats(16)
            Reductions.globalAverage(input.read, output.pointer, blocks: 0..<2, pixels: 1000, table: table)
            for channel in 0..<16 {
                let sum = (0..<1000).reduce(0.0) { $0 + Double(input.pointer[(channel / 8 * 1000 + $1) * 8 + channel % 8]) }
                #expect(abs(Double(output.pointer[channel]) - sum / 1000) < 1e-5, "\(table.instructionSet) channel \(channel)")
            }
        }
    }

    @Test("pooling windows", arguments: [PoolingGeometry.Kind.maximum, .average, .averageCountingPadding])
    func pooling(_ kind: PoolingGeometry.Kind) {
        let g = PoolingGeometry(kind: kind, kernelHeight: 3, kernelWidth: 2, strideHeight: 2, strideWidth: 1, padTop: 1, padLeft: 1)
        let input = Floats(5 * 4 * 8) { noise($0) }
        let output = Floats(3 * 5 * 8)
        for rows in [1..<3, 0..<1] {
            Pooling.run(
                input.read, output.pointer, geometry: g, blocks: 1, inputHeight: 5, inputWidth: 4, outputHeight: 3, outputWidth: 5,
                rows: rows)
        }
        for i in 0..<output.count {
            let (lane, x, y) = (i % 8, i / 8 % 5, i / 40)
            let members = (0..<6).compactMap { tap -> Float? in
                let (iy, ix) = (y * 2 - 1 + tap / 2, x - 1 + tap % 2)
                return iy >= 0 && iy < 5 && ix >= 0 && ix < 4 ? input.pointer[(iy * 4 + ix) * 8 + lane] : nil
            }
            let sum = members.reduce(0, +)
            let wanted = kind == .maximum ? members.max() ?? 0 : sum / Float(kind == .average ? members.count : 6)
            #expect(abs(output.pointer[i] - wanted) < 1e-6, "\(kind) y \(y) x \(x) lane \(lane)")
        }
        #expect(output.guardsIntact)
    }
}

@Suite("Kernel table")
struct KernelTableTests {
    @Test("falls back to the reference, which is always there")
    func reference() {
        #expect(InstructionSet.reference.isAvailable)
        #expect(KernelTable.table(for: .reference).instructionSet == .reference)
        #expect(KernelTable.current.instructionSet.isAvailable)
        #expect(InstructionSet.avx2.isAvailable == (CPUFeatures.current.avx2 && CPUFeatures.current.fma))
    }

    @Test("flushes denormals and restores the mode")
    func denormals() {
        let mode = FloatMode.flushDenormals()
        defer { FloatMode.restore(mode) }
        #expect(FloatMode.flushDenormals() != mode || mode & 0x8040 == 0x8040)
    }
}
