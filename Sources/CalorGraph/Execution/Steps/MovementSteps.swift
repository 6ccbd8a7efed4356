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

/// Reorders the axes of a plain value.
struct TransposeStep: Step {
    let input: Place
    let output: Place
    /// Extents of the output and strides of the input along them; neighbours that stay together are one axis.
    let extents: [Int]
    let strides: [Int]

    var kernel: String { "transpose_f32" }

    init(input: Place, output: Place, shape: Shape, order: [Int]) {
        self.input = input
        self.output = output
        let inputStrides = shape.strides
        var (extents, strides): ([Int], [Int]) = ([], [])
        for axis in order where shape[axis] > 1 {
            if let last = strides.last, last == shape[axis] * inputStrides[axis] {
                extents[extents.count - 1] *= shape[axis]
                strides[strides.count - 1] = inputStrides[axis]
            } else {
                extents.append(shape[axis])
                strides.append(inputStrides[axis])
            }
        }
        self.extents = extents.isEmpty ? [1] : extents
        self.strides = strides.isEmpty ? [1] : strides
    }

    func run(_ state: RunState) {
        let inner = extents[extents.count - 1]
        let stride = strides[strides.count - 1]
        let lines = extents.dropLast().reduce(1, *)
        state.split(lines) { _, range in
            let (from, to) = (state.read(input), state.write(output))
            // Coordinates of the first line, then counted on like an odometer.
            var counter = [Int](repeating: 0, count: extents.count - 1)
            var rest = range.lowerBound
            var offset = 0
            for axis in counter.indices.reversed() {
                counter[axis] = rest % extents[axis]
                rest /= extents[axis]
                offset += counter[axis] * strides[axis]
            }
            for line in range {
                let target = to + line * inner
                let source = from + offset
                if stride == 1 {
                    target.update(from: source, count: inner)
                } else {
                    for i in 0..<inner { target[i] = source[i * stride] }
                }
                var axis = counter.count - 1
                while axis >= 0 {
                    counter[axis] += 1
                    offset += strides[axis]
                    if counter[axis] < extents[axis] { break }
                    offset -= extents[axis] * strides[axis]
                    counter[axis] = 0
                    axis -= 1
                }
            }
        }
    }

}
