import CalorKernels
import CalorTensor
import Testing

/// Convolutions whose rows lie in windows: four output rows at a time (times the dilation of tiles), nothing there but the rows they read.
@Suite("Row windows", .enabled(if: !fastTables.isEmpty, "skipped: this processor has none of the instruction sets"))
struct RowWindowTests {
    struct Case: Sendable {
        var geometry: ConvolutionGeometry
        var algorithm: ConvolutionAlgorithm
        var activation = Activation.leakyRelu(slope: 0.25)
        var hasResidual = false
        var isGated = false
    }

    static let cases: [Case] = [
        Case(geometry: ConvolutionGeometry(16, 24, kernel: 3), algorithm: .winograd43),
        Case(geometry: ConvolutionGeometry(17, 13, kernel: 3), algorithm: .winograd43, activation: .sigmoid, hasResidual: true),
        Case(geometry: ConvolutionGeometry(16, 16, kernel: 3), algorithm: .winograd43, hasResidual: true),
        Case(geometry: ConvolutionGeometry(16, 24, kernel: 3, dilation: 2), algorithm: .winograd43),
        Case(
            geometry: ConvolutionGeometry(17, 13, kernel: 3, dilation: 3), algorithm: .winograd43, activation: .sigmoid,
            hasResidual: true),
        Case(geometry: ConvolutionGeometry(16, 13, kernel: 3, dilation: 4), algorithm: .direct),
        Case(geometry: ConvolutionGeometry(17, 13, kernel: 3), algorithm: .winograd23, activation: .sigmoid, hasResidual: true),
        Case(geometry: ConvolutionGeometry(16, 24, kernel: 3), algorithm: .winograd23),
        Case(geometry: ConvolutionGeometry(17, 3, kernel: 3), algorithm: .lastLayer, hasResidual: true),
        Case(geometry: ConvolutionGeometry(13, 21, kernel: 3), algorithm: .direct, activation: .silu, hasResidual: true),
        Case(geometry: ConvolutionGeometry(16, 16, kernel: 5, stride: 2), algorithm: .direct),
        Case(geometry: ConvolutionGeometry(16, 40, kernel: 1), algorithm: .pointwise, hasResidual: true),
        Case(geometry: ConvolutionGeometry(9, 13, kernel: 1), algorithm: .pointwise, activation: .sigmoid),
        Case(geometry: ConvolutionGeometry(3, 21, kernel: 3), algorithm: .firstLayer, hasResidual: true),
        Case(geometry: ConvolutionGeometry(1, 16, kernel: 5, stride: 2), algorithm: .firstLayer),
        Case(geometry: ConvolutionGeometry(16, 16, kernel: 3, groups: 16), algorithm: .depthwise, hasResidual: true),
        Case(
            geometry: ConvolutionGeometry(32, 32, kernel: 3, groups: 32), algorithm: .depthwise, activation: .none, isGated: true),
        Case(geometry: ConvolutionGeometry(13, 13, kernel: 5, stride: 2, groups: 13), algorithm: .depthwise, activation: .gelu),
    ]

    @Test("give the bits of the whole image", arguments: cases, [(1, 5), (3, 9), (9, 30), (30, 7), (45, 101)])
    func equalWholeImages(_ test: Case, _ size: (Int, Int)) throws {
        for table in fastTables + [.reference] { try check(test, size.0, size.1, table) }
    }

    private func check(_ test: Case, _ height: Int, _ width: Int, _ table: KernelTable) throws {
        let g = test.geometry
        let weights = (0..<g.outChannels * g.inChannels / g.groups * g.kernelHeight * g.kernelWidth).map { noise($0, 1) * 0.2 }
        let prepared = PreparedConvolution(
            geometry: g, weights: weights, bias: (0..<g.outChannels).map { noise($0, 2) }, algorithm: test.algorithm, table: table)
        let (outHeight, outWidth) = (g.outputHeight(height), g.outputWidth(width))
        let isPlanar = prepared.inputLayout == .nchw
        let inPlanes = isPlanar ? g.inChannels : g.inBlocks
        let inRow = width * (isPlanar ? 1 : 8)
        let outPlanes = test.isGated ? g.outBlocks / 2 : g.outBlocks
        let outRow = outWidth * 8
        let scratch = Floats((prepared.scratchBytes(height: height, width: width) + 3) / 4) { _ in .nan }
        let input = Floats(inPlanes * height * inRow) { noise($0, 3) }
        let residual = Floats(outPlanes * outHeight * outRow) { noise($0, 4) }
        let slopes = Floats(g.outBlocks * 8) { noise($0, 5) }
        let whole = Floats(outPlanes * outHeight * outRow)
        func epilogue(_ residual: Floats) -> Epilogue {
            Epilogue(
                activation: test.activation, slopes: slopes.read, scale: test.isGated ? 1 : 0.5,
                residual: test.hasResidual ? residual.read : nil)
        }
        prepared.run(
            input: input.read, inputHeight: height, inputWidth: width, output: whole.pointer, epilogue: epilogue(residual),
            gated: test.isGated, scratch: UnsafeMutableRawPointer(scratch.pointer))

        let span = (g.kernelHeight - 1) * g.dilationHeight + 1
        let most = max(4, prepared.rowAlignment)
        let inWindow = RowWindow(rows: (most - 1) * g.strideHeight + span + 5, rowFloats: inRow)
        let outWindow = RowWindow(rows: 2 * most, rowFloats: outRow)
        let found = Floats(outPlanes * outHeight * outRow)
        let ring = Floats(outPlanes * outWindow.plane)
        let ringResidual = Floats(outPlanes * outWindow.plane) { _ in .nan }
        for first in stride(from: 0, to: outHeight, by: most) {
            let rows = first..<min(first + most, outHeight)
            // Winograd reads six rows for the last tile whatever its rows.
            let top = max(0, first * g.strideHeight - g.padTop)
            let end = min(height, (first + most - 1) * g.strideHeight - g.padTop + span)
            let part = Floats(inPlanes * inWindow.plane) { _ in .nan }
            for plane in 0..<inPlanes {
                for y in top..<max(top, end) {
                    (part.pointer + plane * inWindow.plane + y % inWindow.rows * inRow)
                        .update(from: input.pointer + (plane * height + y) * inRow, count: inRow)
                }
            }
            for plane in 0..<outPlanes {
                for y in rows {
                    (ringResidual.pointer + plane * outWindow.plane + y % outWindow.rows * outRow)
                        .update(from: residual.pointer + (plane * outHeight + y) * outRow, count: outRow)
                }
            }
            prepared.run(
                input: part.read, inputHeight: height, inputWidth: width, output: ring.pointer, epilogue: epilogue(ringResidual),
                gated: test.isGated, rows: rows, inputWindow: inWindow, outputWindow: outWindow,
                scratch: UnsafeMutableRawPointer(scratch.pointer))
            #expect(part.guardsIntact && ring.guardsIntact && scratch.guardsIntact, "\(test) \(height)×\(width) rows \(rows)")
            for plane in 0..<outPlanes {
                for y in rows {
                    (found.pointer + (plane * outHeight + y) * outRow)
                        .update(from: ring.pointer + plane * outWindow.plane + y % outWindow.rows * outRow, count: outRow)
                }
            }
        }
        #expect(
            found.array.map(\.bitPattern) == whole.array.map(\.bitPattern), "\(test) \(height)×\(width) \(table.instructionSet)")
    }

    @Test("are cut where a window begins again")
    func pieces() {
        #expect(Array(RowPieces(3..<20, [8, 12])) == [3..<8, 8..<12, 12..<16, 16..<20])
        #expect(Array(RowPieces(0..<5, [9])) == [0..<5])
        #expect(Array(RowPieces(4..<4, [9])).isEmpty)
    }
}
