import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A family of kernels that needs certain instructions.
public enum InstructionSet: String, Sendable, CaseIterable {
    /// Plain loops; runs everywhere and is the oracle of the tests.
    case reference
    /// Vectors that every processor has; the compiler makes of them what it can.
    case portable
    case avx2
    case avx512

    public var isAvailable: Bool {
        switch self {
        case .reference, .portable: true
        case .avx2: CPUFeatures.current.avx2 && CPUFeatures.current.fma
        case .avx512: CPUFeatures.current.avx512 && InstructionSet.avx2.isAvailable
        }
    }

    /// The fastest set that this processor runs.
    public static var best: InstructionSet { allCases.last { $0.isAvailable } ?? .reference }
}

/// The kernels of one instruction set.
///
/// A new set is a new target with its own flags, and one more constant here.
public struct KernelTable: Sendable {
    public let instructionSet: InstructionSet
    /// How the kernels take output channels together, which decides the order of the weights.
    let grouping: ChannelGrouping
    let convolution: @Sendable (ConvolutionAlgorithm, ConvolutionJob) -> Void
    let convolutionScratch: @Sendable (ConvolutionAlgorithm, ConvolutionGeometry, Int, Int) -> Int
    let matrix: @Sendable (MatrixJob) -> Void
    let attention: @Sendable (AttentionJob) -> Void
    /// Queries that the attention kernel takes together.
    let attentionWidth: Int
    let unary: @Sendable (UnaryOperation, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
    let binary: @Sendable (BinaryOperation, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
    /// operand, scalar, output, count, whether the scalar is the left operand.
    let binaryScalar: @Sendable (BinaryOperation, UnsafePointer<Float>, Float, UnsafeMutablePointer<Float>, Int, Bool) -> Void
    /// operand, eight lane constants, output, groups of eight, whether the constants are the left operand.
    let binaryLanes:
        @Sendable (BinaryOperation, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Bool) -> Void
    /// output = a · b + c.
    let multiplyAdd:
        @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
    /// output = input · scale + shift with eight constants each; count is in groups of eight.
    let scaleShiftLanes:
        @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
    /// output = input < 0 ? input · slope : input, with eight slopes; count is in groups of eight.
    let slopeLanes: @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
    let reduceRow: @Sendable (ReductionOperation, UnsafePointer<Float>, Int) -> Float
    /// Sums and sums of squared distances from eight centres; count is in groups of eight.
    let laneSums:
        @Sendable (UnsafePointer<Float>, Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) ->
            Void
    /// input, output, count, whether to return logarithms.
    let softmaxRow: @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Bool) -> Void
    /// Layer normalisation of a row: input, output, count, gamma and beta (or nil), epsilon.
    let normaliseRow:
        @Sendable (
            UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, UnsafePointer<Float>?, UnsafePointer<Float>?, Float
        ) -> Void
    /// Normalisation over the channels of each pixel.
    let pixelNorm: @Sendable (PixelNormJob) -> Void
    /// The mean over the channels of each pixel, one number a pixel.
    let pixelMeans: @Sendable (PixelNormJob) -> Void
    /// Weighted sum of rows: rows, weights, taps, output, floats.
    let weightedRows:
        @Sendable (UnsafePointer<UnsafePointer<Float>>, UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>, Int) -> Void
    /// Gather along a row of groups of eight: row, indices, weights, taps, output, outputs.
    let gatherLanes:
        @Sendable (UnsafePointer<Float>, UnsafePointer<Int32>, UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>, Int) -> Void

    /// The table that this process uses: the fastest that the processor runs, unless `CALOR_INSTRUCTION_SET` names another.
    public static let current: KernelTable = {
        if let wanted = getenv("CALOR_INSTRUCTION_SET"), let set = InstructionSet(rawValue: String(cString: wanted)),
            set.isAvailable
        {
            return table(for: set)
        }
        return table(for: .best)
    }()

    /// The table of one instruction set, which must be available.
    public static func table(for set: InstructionSet) -> KernelTable {
        precondition(set.isAvailable, "this processor does not have \(set)")
        switch set {
        case .reference: return .reference
        case .portable: return .portable
        #if arch(x86_64)
            case .avx2: return .avx2
            case .avx512: return .avx512
        #else
            case .avx2, .avx512: return .portable
        #endif
        }
    }
}
