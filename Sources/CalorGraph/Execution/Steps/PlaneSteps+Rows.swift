import CalorKernels
import CalorTensor

extension NearestStep {
    private var source: RowPlanes {
        PlaneShape(channels: channels, height: height, width: width, layout: layout).rows(at: input)
    }

    private var target: RowPlanes {
        PlaneShape(channels: channels, height: height * factor, width: width * factor, layout: layout).rows(at: output)
    }

    var contract: RowContract? {
        RowContract(reads: [.init(planes: source, reach: .enlarged(factor))], write: target, alignment: factor)
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(source), memory.view(target))
        for plane in 0..<source.planes {
            for row in rows.lowerBound / factor..<rows.upperBound / factor {
                let (line, lines) = (from.row(plane, row), to.row(plane, row * factor))
                switch layout {
                case .nchw: Resampling.nearestPlanes(line, lines, channels: 1, height: 1, width: width, factor: factor)
                case .nchw8c: Resampling.nearestBlocked(line, lines, blocks: 1, height: 1, width: width, factor: factor)
                }
            }
        }
    }
}

extension ShuffleStep {
    private var source: RowPlanes {
        PlaneShape(channels: channels * factor * factor, height: height, width: width, layout: .nchw8c).rows(at: input)
    }

    private var large: PlaneShape {
        PlaneShape(channels: channels, height: height * factor, width: width * factor, layout: outputLayout)
    }

    var contract: RowContract? {
        var reads = [RowContract.Read(planes: source, reach: .enlarged(factor))]
        if let addition { reads.append(.init(planes: large.rows(at: addition), reach: .same)) }
        return RowContract(reads: reads, write: large.rows(at: output), alignment: factor)
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let target = large.rows(at: output)
        let (from, to) = (memory.view(source), memory.view(target))
        let small = from.window.plane / 8
        for row in rows.lowerBound / factor..<rows.upperBound / factor {
            let (line, lines) = (from.row(0, row), to.row(0, row * factor))
            if outputLayout == .nchw {
                PixelShuffle.toPlanes(
                    line, lines, channels: channels, height: 1, width: width, factor: factor, order: order, smallPlane: small,
                    largePlane: to.window.plane)
            } else {
                PixelShuffle.toBlocked(
                    line, lines, channels: channels, height: 1, width: width, factor: factor, order: order, smallPlane: small,
                    largePlane: to.window.plane / 8)
            }
        }
        guard let addition else { return }
        let added = memory.view(large.rows(at: addition))
        for piece in RowPieces(rows, in: to, added) {
            for plane in 0..<target.planes {
                let line = to.row(plane, piece.lowerBound)
                CalorKernels.Elementwise.binary(
                    .add, line, added.row(plane, piece.lowerBound), line, count: piece.count * to.rowFloats)
            }
        }
    }
}

extension UnshuffleStep {
    private var source: RowPlanes {
        PlaneShape(channels: channels, height: height * factor, width: width * factor, layout: .nchw8c).rows(at: input)
    }

    private var target: RowPlanes {
        PlaneShape(channels: channels * factor * factor, height: height, width: width, layout: .nchw8c).rows(at: output)
    }

    var contract: RowContract? {
        RowContract(
            reads: [.init(planes: source, reach: .window(stride: factor, pad: 0, span: factor), alignment: factor)], write: target)
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(source), memory.view(target))
        for row in rows {
            PixelShuffle.unshuffle(
                from.row(0, row * factor), to.row(0, row), channels: channels, height: 1, width: width, factor: factor,
                order: .dcr, smallPlane: to.window.plane / 8, largePlane: from.window.plane / 8)
        }
    }
}

extension PoolStep {
    private var source: RowPlanes {
        PlaneShape(channels: channels, height: inputHeight, width: inputWidth, layout: .nchw8c).rows(at: input)
    }

    private var target: RowPlanes {
        PlaneShape(channels: channels, height: outputHeight, width: outputWidth, layout: .nchw8c).rows(at: output)
    }

    var contract: RowContract? {
        let span = (geometry.kernelHeight - 1) * geometry.dilationHeight + 1
        return RowContract(
            reads: [.init(planes: source, reach: .window(stride: geometry.strideHeight, pad: geometry.padTop, span: span))],
            write: target)
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(source), memory.view(target))
        Pooling.run(
            from.pointer, to.pointer, geometry: geometry, blocks: source.planes, inputHeight: inputHeight, inputWidth: inputWidth,
            outputHeight: outputHeight, outputWidth: outputWidth, rows: rows, inputWindow: from.window, outputWindow: to.window)
    }
}
