import CalorTensor

/// The kernels that wider registers do not make faster: those of eight lanes serve every processor.
extension Kernels {
    @inline(never)
    public static func binaryScalar(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ scalar: Float, _ output: UnsafeMutablePointer<Float>,
        _ count: Int,
        _ scalarFirst: Bool
    ) {
        laneFloats(operation, a, V(repeating: scalar), output, count, scalarFirst)
    }

    @inline(never)
    public static func binaryLanes(
        _ operation: BinaryOperation, _ a: UnsafePointer<Float>, _ lanes: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Float>,
        _ count: Int, _ lanesFirst: Bool
    ) {
        laneFloats(operation, a, repeatedBlock(lanes), output, count &* 8, lanesFirst)
    }

    @inline(never)
    public static func multiplyAdd(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        multiplyAddFloats(a, b, c, output, count)
    }

    @inline(never)
    public static func slopeLanes(
        _ input: UnsafePointer<Float>, _ slopes: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        slopeFloats(input, slopes, output, count)
    }

    @inline(never)
    public static func weightedRows(
        _ rows: UnsafePointer<UnsafePointer<Float>>, _ weights: UnsafePointer<Float>, _ taps: Int,
        _ output: UnsafeMutablePointer<Float>,
        _ count: Int
    ) {
        Resampling.weightedRows(rows, weights, taps, output, count)
    }

    @inline(never)
    public static func gatherLanes(
        _ row: UnsafePointer<Float>, _ indices: UnsafePointer<Int32>, _ weights: UnsafePointer<Float>, _ taps: Int,
        _ output: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        Resampling.gatherLanes(row, indices, weights, taps, output, count)
    }
}
