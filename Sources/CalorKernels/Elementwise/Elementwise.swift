import CalorTensor

/// Functions of contiguous numbers. Output may be one of the inputs. Bits do not depend on how a range is split at multiples of 8.
public enum Elementwise {
    public static func unary(
        _ operation: UnaryOperation, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, count: Int,
        table: KernelTable = .current
    ) {
        precondition(count >= 0 && operation != .activation(.prelu), "prelu needs slopes")
        table.unary(operation, input, output, count)
    }

    public static func activation(
        _ activation: Activation, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, count: Int,
        table: KernelTable = .current
    ) {
        unary(.activation(activation), input, output, count: count, table: table)
    }

    /// `prelu` over blocked planes: `slopes` has a value for every channel, padded to a multiple of 8.
    public static func prelu(
        _ input: UnsafePointer<Float>, slopes: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, blocks: Int,
        pixels: Int,
        table: KernelTable = .current
    ) {
        for block in 0..<blocks {
            table.slopeLanes(input + block * pixels * 8, slopes + block * 8, output + block * pixels * 8, pixels)
        }
    }

    public static func binary(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        count: Int,
        table: KernelTable = .current
    ) {
        precondition(count >= 0)
        table.binary(operation, a, b, output, count)
    }

    /// With one number for all elements, on the right or (`scalarFirst`) on the left.
    public static func binary(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, scalar: Float, scalarFirst: Bool = false,
        _ output: UnsafeMutablePointer<Float>, count: Int, table: KernelTable = .current
    ) {
        precondition(count >= 0)
        table.binaryScalar(operation, a, scalar, output, count, scalarFirst)
    }

    /// With one number per channel of blocked planes (padded to a multiple of 8), on the right or on the left.
    ///
    /// Padding lanes must give zero: choose the padding of the constants so, or call `BlockedLayout.clearPadding`.
    public static func binary(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, channels constants: UnsafePointer<Float>,
        constantsFirst: Bool = false,
        _ output: UnsafeMutablePointer<Float>, blocks: Int, pixels: Int, table: KernelTable = .current
    ) {
        for block in 0..<blocks {
            let at = block * pixels * 8
            table.binaryLanes(operation, a + at, constants + block * 8, output + at, pixels, constantsFirst)
        }
    }

    /// output = a · b + c, rounded once where the processor has a fused multiply-add.
    public static func multiplyAdd(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        count: Int,
        table: KernelTable = .current
    ) {
        precondition(count >= 0)
        table.multiplyAdd(a, b, c, output, count)
    }

    /// output = input · scale + shift per channel of blocked planes; the constants are padded with zeros to a multiple of 8.
    public static func scaleShift(
        _ input: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        blocks: Int, pixels: Int, table: KernelTable = .current
    ) {
        for block in 0..<blocks {
            let at = block * pixels * 8
            table.scaleShiftLanes(input + at, scale + block * 8, shift + block * 8, output + at, pixels)
        }
    }
}
