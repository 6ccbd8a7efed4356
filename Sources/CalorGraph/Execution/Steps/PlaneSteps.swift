import CalorKernels
import CalorTensor

/// Repeats pixels. `layout` is that of both sides.
struct NearestStep: Step {
    let input: Place
    let output: Place
    let channels: Int
    let height: Int
    let width: Int
    let factor: Int
    let layout: ActivationLayout

    var kernel: String { "nearest_x\(factor)_\(layout.rawValue)_f32" }

    func run(_ state: RunState) {
        state.split(height) { _, rows in
            switch layout {
            case .nchw:
                Resampling.nearestPlanes(
                    state.read(input), state.write(output), channels: channels, height: height, width: width, factor: factor,
                    rows: rows)
            case .nchw8c:
                Resampling.nearestBlocked(
                    state.read(input), state.write(output), blocks: (channels + 7) / 8, height: height, width: width,
                    factor: factor,
                    rows: rows)
            }
        }
    }
}

/// Trades channels for pixels, from blocked planes to either layout, and adds a second operand where there is one.
struct ShuffleStep: Step {
    let input: Place
    let output: Place
    let addition: Place?
    /// Channels of the large side.
    let channels: Int
    /// Rows and columns of the small side.
    let height: Int
    let width: Int
    let factor: Int
    let order: ShuffleOrder
    let outputLayout: ActivationLayout

    var kernel: String { "pixelshuffle_x\(factor)_\(outputLayout.rawValue)_f32" }

    func run(_ state: RunState) {
        state.split(height) { _, rows in
            let to = state.write(output)
            let line = width * factor
            let plane = line * height * factor
            let lanes = outputLayout == .nchw ? 1 : 8
            if outputLayout == .nchw {
                PixelShuffle.toPlanes(
                    state.read(input), to, channels: channels, height: height, width: width, factor: factor, order: order,
                    rows: rows)
            } else {
                PixelShuffle.toBlocked(
                    state.read(input), to, channels: channels, height: height, width: width, factor: factor, order: order,
                    rows: rows)
            }
            guard let addition else { return }
            for group in 0..<(channels + lanes - 1) / lanes {
                let at = (group * plane + rows.lowerBound * factor * line) * lanes
                CalorKernels.Elementwise.binary(
                    .add, to + at, state.read(addition) + at, to + at, count: rows.count * factor * line * lanes)
            }
        }
    }
}

/// Trades pixels for channels over blocked planes.
struct UnshuffleStep: Step {
    let input: Place
    let output: Place
    let channels: Int
    let height: Int
    let width: Int
    let factor: Int

    var kernel: String { "pixelunshuffle_x\(factor)_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(height) { _, rows in
            // ONNX defines the channel order of SpaceToDepth as that of DepthToSpace in mode DCR.
            PixelShuffle.unshuffle(
                state.read(input), state.write(output), channels: channels, height: height, width: width, factor: factor,
                order: .dcr,
                rows: rows)
        }
    }
}

struct PoolStep: Step {
    let geometry: PoolingGeometry
    let input: Place
    let output: Place
    let channels: Int
    let inputHeight: Int
    let inputWidth: Int
    let outputHeight: Int
    let outputWidth: Int

    var kernel: String { "pool_\(geometry.kind.rawValue)_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(outputHeight) { _, rows in
            Pooling.run(
                state.read(input), state.write(output), geometry: geometry, blocks: (channels + 7) / 8, inputHeight: inputHeight,
                inputWidth: inputWidth, outputHeight: outputHeight, outputWidth: outputWidth, rows: rows)
        }
    }
}

struct GlobalMeanStep: Step {
    let input: Place
    let output: Place
    let extent: BlockedExtent

    var kernel: String { "globalmean_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(extent.blocks) { _, blocks in
            Reductions.globalAverage(state.read(input), state.write(output), blocks: blocks, pixels: extent.pixels)
        }
    }
}
