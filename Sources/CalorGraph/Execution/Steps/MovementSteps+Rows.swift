import CalorKernels
import CalorTensor

extension ConversionStep {
    private var source: RowPlanes { shape(toBlocked ? .nchw : .nchw8c).rows(at: input) }
    private var target: RowPlanes { shape(toBlocked ? .nchw8c : .nchw).rows(at: output) }

    private func shape(_ layout: ActivationLayout) -> PlaneShape {
        PlaneShape(channels: extent.channels, height: extent.height, width: extent.width, layout: layout)
    }

    var contract: RowContract? { RowContract(reads: [.init(planes: source, reach: .same)], write: target) }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(source), memory.view(target))
        for piece in RowPieces(rows, in: from, to) {
            let range = 0..<piece.count * extent.width
            // Eight channels at a time, so that only the planes of the planar side are a stride apart.
            for block in 0..<extent.blocks {
                let channels = min(8, extent.channels - block * 8)
                if toBlocked {
                    BlockedLayout.toBlocked(
                        from.row(block * 8, piece.lowerBound), to.row(block, piece.lowerBound), channels: channels,
                        pixels: from.window.plane, range: range)
                } else {
                    BlockedLayout.toPlanes(
                        from.row(block, piece.lowerBound), to.row(block * 8, piece.lowerBound), channels: channels,
                        pixels: to.window.plane, range: range)
                }
            }
        }
    }
}

extension ChannelCopyStep {
    private var source: RowPlanes {
        var planes = outputExtent.rows(at: input)
        (planes.firstChannel, planes.channels) = (first, count)
        return planes
    }

    private var target: RowPlanes {
        var planes = outputExtent.rows(at: output)
        (planes.firstChannel, planes.channels) = (at, count)
        return planes
    }

    var contract: RowContract? { RowContract(reads: [.init(planes: source, reach: .same)], write: target) }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(source), memory.view(target))
        let whole = first % 8 == 0 && at % 8 == 0 ? count / 8 : 0
        for piece in RowPieces(rows, in: from, to) {
            let pixels = piece.count * outputExtent.width
            for block in 0..<whole {
                to.row(at / 8 + block, piece.lowerBound)
                    .update(from: from.row(first / 8 + block, piece.lowerBound), count: pixels * 8)
            }
            for channel in whole * 8..<max(count, whole * 8) {
                let source = from.row((first + channel) / 8, piece.lowerBound) + (first + channel) % 8
                let target = to.row((at + channel) / 8, piece.lowerBound) + (at + channel) % 8
                for pixel in 0..<pixels { target[pixel * 8] = source[pixel * 8] }
            }
            if at + count == outputExtent.channels, outputExtent.isPadded {
                BlockedLayout.clearPadding(
                    to.row(outputExtent.blocks - 1, piece.lowerBound), channels: outputExtent.channels % 8, pixels: pixels)
            }
        }
    }
}
