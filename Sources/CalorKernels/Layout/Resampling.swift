import CalorTensor

/// Separable resampling of blocked or plain planes with coefficients from tables.
///
/// Rows first (into `scratch`), then columns. Sums run over the taps in order, so a cut image gives the same bits as a whole one.
public enum Resampling {
    /// Floats of scratch for one call.
    public static func scratchCount(inputWidth: Int) -> Int { inputWidth * 8 }

    /// Resamples blocked planes; `rows` are output rows.
    public static func blocked(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, blocks: Int, inputHeight: Int, inputWidth: Int,
        vertical: AxisTable, horizontal: AxisTable, rows: Range<Int>? = nil, scratch: UnsafeMutablePointer<Float>,
        table: KernelTable = .current
    ) {
        forEachRow(vertical, horizontal, inputHeight, inputWidth, rows, blocks) { block, y, weights, indices, pointers in
            let plane = input + block * inputHeight * inputWidth * 8
            let to = output + (block * vertical.count + y) * horizontal.count * 8
            horizontal.indices.withUnsafeBufferPointer { columns in
                horizontal.weights.withUnsafeBufferPointer { factors in
                    guard let columns = columns.baseAddress, let factors = factors.baseAddress else { return }
                    var line = plane + Int(indices[0]) * inputWidth * 8
                    if vertical.taps > 1 || weights[0] != 1 {
                        for t in 0..<vertical.taps { pointers[t] = plane + Int(indices[t]) * inputWidth * 8 }
                        table.weightedRows(pointers, weights, vertical.taps, scratch, inputWidth * 8)
                        line = UnsafePointer(scratch)
                    }
                    table.gatherLanes(line, columns, factors, horizontal.taps, to, horizontal.count)
                }
            }
        }
    }

    /// Resamples plain planes; `rows` are output rows.
    public static func planes(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, channels: Int, inputHeight: Int, inputWidth: Int,
        vertical: AxisTable, horizontal: AxisTable, rows: Range<Int>? = nil, scratch: UnsafeMutablePointer<Float>,
        table: KernelTable = .current
    ) {
        forEachRow(vertical, horizontal, inputHeight, inputWidth, rows, channels) { channel, y, weights, indices, pointers in
            let plane = input + channel * inputHeight * inputWidth
            let to = output + (channel * vertical.count + y) * horizontal.count
            var line = plane + Int(indices[0]) * inputWidth
            if vertical.taps > 1 || weights[0] != 1 {
                for t in 0..<vertical.taps { pointers[t] = plane + Int(indices[t]) * inputWidth }
                table.weightedRows(pointers, weights, vertical.taps, scratch, inputWidth)
                line = UnsafePointer(scratch)
            }
            horizontal.indices.withUnsafeBufferPointer { columns in
                horizontal.weights.withUnsafeBufferPointer { factors in
                    guard let columns = columns.baseAddress, let factors = factors.baseAddress else { return }
                    let taps = horizontal.taps
                    for x in 0..<horizontal.count {
                        var sum = line[Int(columns[x * taps])] * factors[x * taps]
                        for t in 1..<max(taps, 1) { sum += line[Int(columns[x * taps + t])] * factors[x * taps + t] }
                        to[x] = sum
                    }
                }
            }
        }
    }

    /// Repeats every pixel of plain planes `factor` times in both directions; `rows` are input rows.
    public static func nearestPlanes(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, channels: Int, height: Int, width: Int, factor: Int,
        rows: Range<Int>? = nil
    ) {
        let rows = rows ?? 0..<height
        precondition(factor > 0 && rows.lowerBound >= 0 && rows.upperBound <= height, "rows \(rows) of \(height)")
        for channel in 0..<channels {
            for y in rows {
                let from = input + (channel * height + y) * width
                let to = output + (channel * height + y) * factor * width * factor
                for x in 0..<width { (to + x * factor).update(repeating: from[x], count: factor) }
                for copy in 1..<max(factor, 1) { (to + copy * width * factor).update(from: to, count: width * factor) }
            }
        }
    }

    /// Repeats every pixel of blocked planes `factor` times in both directions; `rows` are input rows.
    public static func nearestBlocked(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, blocks: Int, height: Int, width: Int, factor: Int,
        rows: Range<Int>? = nil
    ) {
        let rows = rows ?? 0..<height
        precondition(factor > 0 && rows.lowerBound >= 0 && rows.upperBound <= height, "rows \(rows) of \(height)")
        for block in 0..<blocks {
            for y in rows {
                let from = input + (block * height + y) * width * 8
                let to = output + (block * height + y) * factor * width * factor * 8
                for x in 0..<width {
                    for copy in 0..<factor { (to + (x * factor + copy) * 8).update(from: from + x * 8, count: 8) }
                }
                for copy in 1..<max(factor, 1) { (to + copy * width * factor * 8).update(from: to, count: width * factor * 8) }
            }
        }
    }

    private static func forEachRow(
        _ vertical: AxisTable, _ horizontal: AxisTable, _ inputHeight: Int, _ inputWidth: Int, _ rows: Range<Int>?, _ planes: Int,
        _ body: (Int, Int, UnsafePointer<Float>, UnsafePointer<Int32>, UnsafeMutablePointer<UnsafePointer<Float>>) -> Void
    ) {
        let rows = rows ?? 0..<vertical.count
        precondition(rows.lowerBound >= 0 && rows.upperBound <= vertical.count, "rows \(rows) of \(vertical.count)")
        precondition(vertical.indices.allSatisfy { $0 >= 0 && $0 < inputHeight }, "a vertical index outside \(inputHeight) rows")
        precondition(
            horizontal.indices.allSatisfy { $0 >= 0 && $0 < inputWidth }, "a horizontal index outside \(inputWidth) columns")
        vertical.indices.withUnsafeBufferPointer { indices in
            vertical.weights.withUnsafeBufferPointer { weights in
                withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: vertical.taps) { pointers in
                    guard let indices = indices.baseAddress, let weights = weights.baseAddress, let pointers = pointers.baseAddress
                    else {
                        return
                    }
                    for plane in 0..<planes {
                        for y in rows { body(plane, y, weights + y * vertical.taps, indices + y * vertical.taps, pointers) }
                    }
                }
            }
        }
    }
}
