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
        // Lines of the second axis from the end lie one stride apart: only the axes before it need a division.
        let middle = extents.count > 1 ? extents[extents.count - 2] : 1
        let step = extents.count > 1 ? strides[strides.count - 2] : 0
        state.split(lines) { _, range in
            let (from, to) = (state.read(input), state.write(output))
            var line = range.lowerBound
            while line < range.upperBound {
                let end = min((line / middle + 1) * middle, range.upperBound)
                let source = from + offset(of: line / middle) + line % middle * step
                if stride == 1 {
                    Self.copyRows(source, step, to + line * inner, rows: end - line, count: inner)
                } else {
                    Self.gatherRows(source, step, stride, to + line * inner, rows: end - line, count: inner)
                }
                line = end
            }
        }
    }

    /// Where the input of a group of lines begins.
    private func offset(of group: Int) -> Int {
        var rest = group
        var offset = 0
        for axis in Swift.stride(from: extents.count - 3, through: 0, by: -1) {
            offset += rest % extents[axis] * strides[axis]
            rest /= extents[axis]
        }
        return offset
    }

    private static func copyRows(
        _ from: UnsafePointer<Float>, _ step: Int, _ to: UnsafeMutablePointer<Float>, rows: Int, count: Int
    ) {
        // Short rows cost more in the call of a copy than in the copy.
        guard count % 4 == 0, count <= 64 else {
            for row in 0..<rows { (to + row * count).update(from: from + row * step, count: count) }
            return
        }
        for row in 0..<rows {
            let source = UnsafeRawPointer(from + row * step)
            let target = UnsafeMutableRawPointer(to + row * count)
            for at in stride(from: 0, to: count * 4, by: 16) {
                target.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: at, as: SIMD4<Float>.self), toByteOffset: at, as: SIMD4<Float>.self)
            }
        }
    }

    /// Rows whose elements lie `stride` apart, in tiles, so that what a cache line brings is used while it is there.
    private static func gatherRows(
        _ from: UnsafePointer<Float>, _ step: Int, _ distance: Int, _ to: UnsafeMutablePointer<Float>, rows: Int, count: Int
    ) {
        let tile = 16
        for first in stride(from: 0, to: rows, by: tile) {
            let end = min(first + tile, rows)
            for begin in stride(from: 0, to: count, by: tile) {
                let stop = min(begin + tile, count)
                for row in first..<end {
                    let source = from + row * step
                    let target = to + row * count
                    for i in begin..<stop { target[i] = source[i * distance] }
                }
            }
        }
    }
}
