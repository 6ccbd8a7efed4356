import CalorKernels
import CalorTensor

/// NCHW to blocked planes or back, split by pixels.
struct ConversionStep: Step {
    let input: Place
    let output: Place
    let extent: BlockedExtent
    let toBlocked: Bool

    var kernel: String { toBlocked ? "convert_nchw_nchw8c_f32" : "convert_nchw8c_nchw_f32" }

    func run(_ state: RunState) {
        state.split(extent.pixels, alignment: 64) { _, range in
            if toBlocked {
                BlockedLayout.toBlocked(
                    state.read(input), state.write(output), channels: extent.channels, pixels: extent.pixels, range: range)
            } else {
                BlockedLayout.toPlanes(
                    state.read(input), state.write(output), channels: extent.channels, pixels: extent.pixels, range: range)
            }
        }
    }
}

/// Channels of one blocked value to a place in another.
struct ChannelCopyStep: Step {
    let input: Place
    let first: Int
    let count: Int
    let output: Place
    let at: Int
    let outputExtent: BlockedExtent

    var kernel: String { "copy_channels_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(outputExtent.pixels, alignment: 64) { _, range in
            BlockedLayout.copyChannels(
                state.read(input), first: first, count: count, state.write(output), at: at,
                destinationChannels: outputExtent.channels,
                pixels: outputExtent.pixels, range: range)
        }
    }
}

/// `rows` pieces of `count` floats, each at its own stride: concatenation, splitting and copies of plain values.
struct StridedCopyStep: Step {
    let input: Place
    let inputStride: Int
    let output: Place
    let outputStride: Int
    let rows: Int
    let count: Int

    var kernel: String { "copy_f32" }

    func run(_ state: RunState) {
        state.split(rows) { _, range in
            let (from, to) = (state.read(input), state.write(output))
            for row in range { (to + row * outputStride).update(from: from + row * inputStride, count: count) }
        }
    }
}
