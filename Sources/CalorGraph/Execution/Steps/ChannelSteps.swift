import CalorKernels
import CalorTensor

/// Normalisation over the channels of each pixel of blocked planes; may work in place.
struct ChannelNormStep: Step {
    let input: Place
    let output: Place
    let extent: BlockedExtent
    let gamma: FloatVector
    let beta: FloatVector
    let epsilon: Float

    var kernel: String { "channelnorm_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(extent.pixels, alignment: 8) { _, pixels in
            let at = pixels.lowerBound * 8
            normalise(
                state.read(input) + at, extent.pixels * 8, state.write(output) + at, extent.pixels * 8, pixels.count)
        }
    }

    private func normalise(
        _ from: UnsafePointer<Float>, _ plane: Int, _ to: UnsafeMutablePointer<Float>, _ target: Int, _ pixels: Int
    ) {
        Reductions.pixelNorm(
            from, inputPlane: plane, to, outputPlane: target, channels: extent.channels, pixels: pixels, gamma: gamma.pointer,
            beta: beta.pointer, epsilon: epsilon)
    }

    var contract: RowContract? {
        RowContract(reads: [.init(planes: extent.rows(at: input), reach: .same)], write: extent.rows(at: output))
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(extent.rows(at: input)), memory.view(extent.rows(at: output)))
        for piece in RowPieces(rows, in: from, to) {
            normalise(
                from.row(0, piece.lowerBound), from.window.plane, to.row(0, piece.lowerBound), to.window.plane,
                piece.count * extent.width)
        }
    }
}

/// The mean over the channels of each pixel of blocked planes, as one plain plane.
struct ChannelMeanStep: Step {
    let input: Place
    let output: Place
    let extent: BlockedExtent

    var kernel: String { "channelmean_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(extent.pixels, alignment: 16) { _, pixels in
            Reductions.pixelMeans(
                state.read(input) + pixels.lowerBound * 8, inputPlane: extent.pixels * 8, state.write(output) + pixels.lowerBound,
                channels: extent.channels, pixels: pixels.count)
        }
    }

    private var means: RowPlanes {
        PlaneShape(channels: 1, height: extent.height, width: extent.width, layout: .nchw).rows(at: output)
    }

    var contract: RowContract? {
        RowContract(reads: [.init(planes: extent.rows(at: input), reach: .same)], write: means)
    }

    func run(rows: Range<Int>, _ memory: StripMemory, part: Int) {
        let (from, to) = (memory.view(extent.rows(at: input)), memory.view(means))
        for piece in RowPieces(rows, in: from, to) {
            Reductions.pixelMeans(
                from.row(0, piece.lowerBound), inputPlane: from.window.plane, to.row(0, piece.lowerBound),
                channels: extent.channels, pixels: piece.count * extent.width)
        }
    }
}

/// Weighted sums along rows and columns. `layout` is that of both sides.
struct ResampleStep: Step {
    let input: Place
    let output: Place
    let channels: Int
    let height: Int
    let width: Int
    let vertical: AxisTable
    let horizontal: AxisTable
    let layout: ActivationLayout

    var kernel: String { "resample_\(layout.rawValue)_f32" }

    var scratchBytes: Int { Resampling.scratchCount(inputWidth: width) * 4 }

    func run(_ state: RunState) {
        state.split(vertical.count) { part, rows in
            let scratch = state.scratch(part).assumingMemoryBound(to: Float.self)
            switch layout {
            case .nchw:
                Resampling.planes(
                    state.read(input), state.write(output), channels: channels, inputHeight: height, inputWidth: width,
                    vertical: vertical, horizontal: horizontal, rows: rows, scratch: scratch)
            case .nchw8c:
                Resampling.blocked(
                    state.read(input), state.write(output), blocks: (channels + 7) / 8, inputHeight: height, inputWidth: width,
                    vertical: vertical, horizontal: horizontal, rows: rows, scratch: scratch)
            }
        }
    }
}
