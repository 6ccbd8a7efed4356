import CalorKernels
import CalorTensor

// Row by row: each piece of rows that is contiguous in all windows is one call of the kernel for each plane.

extension UnaryStep {
    var contract: RowContract? {
        shape.map {
            RowContract(reads: [.init(planes: $0.rows(at: input), reach: .same)], write: $0.rows(at: output))
        }
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        guard let shape else { return }
        let (from, to) = (memory.view(shape.rows(at: input)), memory.view(shape.rows(at: output)))
        let planes = shape.rows(at: output).planes
        for piece in RowPieces(rows, in: from, to) {
            for plane in 0..<planes {
                CalorKernels.Elementwise.unary(
                    operation, from.row(plane, piece.lowerBound), to.row(plane, piece.lowerBound),
                    count: piece.count * to.rowFloats)
            }
            padding.clear(to, piece)
        }
    }
}

extension SlopesStep {
    var contract: RowContract? {
        RowContract(reads: [.init(planes: extent.rows(at: input), reach: .same)], write: extent.rows(at: output))
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(extent.rows(at: input)), memory.view(extent.rows(at: output)))
        for piece in RowPieces(rows, in: from, to) {
            for block in 0..<extent.blocks {
                CalorKernels.Elementwise.prelu(
                    from.row(block, piece.lowerBound), slopes: slopes.pointer + block * 8, to.row(block, piece.lowerBound),
                    blocks: 1, pixels: piece.count * extent.width)
            }
        }
    }
}

extension BinaryStep {
    var contract: RowContract? {
        shape.map { shape in
            RowContract(
                reads: [left, right].map { .init(planes: shape.rows(at: $0), reach: .same) }, write: shape.rows(at: output))
        }
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        guard let shape else { return }
        let (a, b) = (memory.view(shape.rows(at: left)), memory.view(shape.rows(at: right)))
        let to = memory.view(shape.rows(at: output))
        let planes = shape.rows(at: output).planes
        for piece in RowPieces(rows, in: a, b, to) {
            for plane in 0..<planes {
                CalorKernels.Elementwise.binary(
                    operation, a.row(plane, piece.lowerBound), b.row(plane, piece.lowerBound), to.row(plane, piece.lowerBound),
                    count: piece.count * to.rowFloats)
            }
            padding.clear(to, piece)
        }
    }
}

extension ChannelBinaryStep {
    private var vector: RowPlanes {
        RowPlanes(place: channels, channels: extent.channels, height: 1, width: 1, layout: .nchw8c)
    }

    var contract: RowContract? {
        RowContract(
            reads: [.init(planes: extent.rows(at: planes), reach: .same), .init(planes: vector, reach: .whole)],
            write: extent.rows(at: output))
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(extent.rows(at: planes)), memory.view(extent.rows(at: output)))
        let constants = memory.view(vector)
        for piece in RowPieces(rows, in: from, to) {
            for block in 0..<extent.blocks {
                CalorKernels.Elementwise.binary(
                    operation, from.row(block, piece.lowerBound), channels: constants.row(block, 0), constantsFirst: channelsFirst,
                    to.row(block, piece.lowerBound), blocks: 1, pixels: piece.count * extent.width)
            }
            Optional(extent).clear(to, piece)
        }
    }
}

extension ChannelAffineStep {
    var contract: RowContract? {
        RowContract(reads: [.init(planes: extent.rows(at: input), reach: .same)], write: extent.rows(at: output))
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(extent.rows(at: input)), memory.view(extent.rows(at: output)))
        for piece in RowPieces(rows, in: from, to) {
            for block in 0..<extent.blocks {
                CalorKernels.Elementwise.scaleShift(
                    from.row(block, piece.lowerBound), scale: scale.pointer + block * 8, shift: shift.pointer + block * 8,
                    to.row(block, piece.lowerBound), blocks: 1, pixels: piece.count * extent.width)
            }
        }
    }
}

extension AffineStep {
    var contract: RowContract? {
        shape.map {
            RowContract(reads: [.init(planes: $0.rows(at: input), reach: .same)], write: $0.rows(at: output))
        }
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        guard let shape else { return }
        let (from, to) = (memory.view(shape.rows(at: input)), memory.view(shape.rows(at: output)))
        let planes = shape.rows(at: output).planes
        for piece in RowPieces(rows, in: from, to) {
            for plane in 0..<planes {
                apply(
                    from.row(plane, piece.lowerBound), to.row(plane, piece.lowerBound), count: piece.count * to.rowFloats)
            }
        }
    }
}

extension BlockedExtent? {
    /// Clears the lanes behind the last channel in a contiguous piece of rows, where there are any.
    fileprivate func clear(_ view: StripMemory.View, _ rows: Range<Int>) {
        guard let self, self.isPadded else { return }
        BlockedLayout.clearPadding(
            view.row(self.blocks - 1, rows.lowerBound), channels: self.channels % 8, pixels: rows.count * self.width)
    }
}
