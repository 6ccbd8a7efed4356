import CalorKernels
import CalorTensor

/// How many floats of a flat loop go together, so that every split gives the same vectors.
private let flatAlignment = 64

/// The pixels of blocked planes and the channels that are real.
struct BlockedExtent: Sendable {
    var channels: Int
    var height: Int
    var width: Int

    var pixels: Int { height * width }
    var blocks: Int { (channels + 7) / 8 }
    var floats: Int { blocks * 8 * pixels }
    var isPadded: Bool { channels % 8 != 0 }
    var shape: PlaneShape { PlaneShape(channels: channels, height: height, width: width, layout: .nchw8c) }

    func rows(at place: Place) -> RowPlanes { shape.rows(at: place) }
}

/// A function of one number over contiguous memory. `padding` is set where the lanes behind the last channel must be cleared.
struct UnaryStep: Step {
    let operation: UnaryOperation
    let input: Place
    let output: Place
    let count: Int
    let padding: BlockedExtent?
    /// Nil for memory that is not one picture.
    let shape: PlaneShape?

    var kernel: String {
        if case .activation(let activation) = operation { return "unary_\(activation.name)_f32" }
        return "unary_\(operation)_f32"
    }

    func run(_ state: RunState) {
        state.split(count, alignment: flatAlignment) { _, range in
            let at = range.lowerBound
            CalorKernels.Elementwise.unary(operation, state.read(input) + at, state.write(output) + at, count: range.count)
        }
        if let padding { BlockedLayout.clearPadding(state.write(output), channels: padding.channels, pixels: padding.pixels) }
    }
}

/// Leaky ReLU with one slope per channel over blocked planes.
struct SlopesStep: Step {
    let input: Place
    let output: Place
    let extent: BlockedExtent
    let slopes: FloatVector

    var kernel: String { "prelu_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(extent.blocks) { _, range in
            let at = range.lowerBound * extent.pixels * 8
            CalorKernels.Elementwise.prelu(
                state.read(input) + at, slopes: slopes.pointer + range.lowerBound * 8, state.write(output) + at,
                blocks: range.count,
                pixels: extent.pixels)
        }
    }
}

/// A function of two numbers over operands of one shape and layout.
struct BinaryStep: Step {
    let operation: BinaryOperation
    let left: Place
    let right: Place
    let output: Place
    let count: Int
    let padding: BlockedExtent?
    /// Nil for memory that is not one picture.
    let shape: PlaneShape?

    var kernel: String { "binary_\(operation.rawValue)_f32" }

    func run(_ state: RunState) {
        state.split(count, alignment: flatAlignment) { _, range in
            let at = range.lowerBound
            CalorKernels.Elementwise.binary(
                operation, state.read(left) + at, state.read(right) + at, state.write(output) + at, count: range.count)
        }
        if let padding { BlockedLayout.clearPadding(state.write(output), channels: padding.channels, pixels: padding.pixels) }
    }
}

/// A function of blocked planes and one number per channel that the run computes.
struct ChannelBinaryStep: Step {
    let operation: BinaryOperation
    let planes: Place
    let channels: Place
    let channelsFirst: Bool
    let output: Place
    let extent: BlockedExtent

    var kernel: String { "binary_\(operation.rawValue)_channels_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(extent.blocks) { _, range in
            let at = range.lowerBound * extent.pixels * 8
            CalorKernels.Elementwise.binary(
                operation, state.read(planes) + at, channels: state.read(channels) + range.lowerBound * 8,
                constantsFirst: channelsFirst,
                state.write(output) + at, blocks: range.count, pixels: extent.pixels)
        }
        if extent.isPadded { BlockedLayout.clearPadding(state.write(output), channels: extent.channels, pixels: extent.pixels) }
    }
}

/// x · scale + shift with one pair per channel over blocked planes.
struct ChannelAffineStep: Step {
    let input: Place
    let output: Place
    let extent: BlockedExtent
    let scale: FloatVector
    let shift: FloatVector

    var kernel: String { "scaleshift_nchw8c_f32" }

    func run(_ state: RunState) {
        state.split(extent.blocks) { _, range in
            let at = range.lowerBound * extent.pixels * 8
            CalorKernels.Elementwise.scaleShift(
                state.read(input) + at, scale: scale.pointer + range.lowerBound * 8, shift: shift.pointer + range.lowerBound * 8,
                state.write(output) + at, blocks: range.count, pixels: extent.pixels)
        }
    }
}

/// x · scale + shift with two numbers.
struct AffineStep: Step {
    let input: Place
    let output: Place
    let count: Int
    let scale: Float
    let shift: Float
    /// Nil for memory that is not one picture.
    let shape: PlaneShape?

    var kernel: String { "scaleshift_f32" }

    func run(_ state: RunState) {
        state.split(count, alignment: flatAlignment) { _, range in
            apply(state.read(input) + range.lowerBound, state.write(output) + range.lowerBound, count: range.count)
        }
    }

    func apply(_ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, count: Int) {
        var from = input
        if scale != 1 || shift == 0 {
            CalorKernels.Elementwise.binary(.multiply, from, scalar: scale, output, count: count)
            from = UnsafePointer(output)
        }
        if shift != 0 { CalorKernels.Elementwise.binary(.add, from, scalar: shift, output, count: count) }
    }
}

extension Activation {
    /// The function without its constants.
    var name: String {
        let text = "\(self)"
        return String(text.prefix { $0 != "(" })
    }
}
