import CalorTensor

/// Maximum and average over windows of blocked planes.
public enum Pooling {
    /// Pools the output rows `rows`, which lie in `outputWindow` and read from `inputWindow` (whole planes where nil); positions outside the image do not take part (averages count them only if the kind says so).
    public static func run(
        _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, geometry g: PoolingGeometry, blocks: Int,
        inputHeight: Int,
        inputWidth: Int, outputHeight: Int, outputWidth: Int, rows: Range<Int>? = nil, inputWindow: RowWindow? = nil,
        outputWindow: RowWindow? = nil
    ) {
        let rows = rows ?? 0..<outputHeight
        precondition(rows.lowerBound >= 0 && rows.upperBound <= outputHeight, "rows \(rows) of \(outputHeight)")
        let from = inputWindow ?? RowWindow(rows: inputHeight, rowFloats: inputWidth * 8)
        let to = outputWindow ?? RowWindow(rows: outputHeight, rowFloats: outputWidth * 8)
        for block in 0..<blocks {
            let plane = UnsafeRawPointer(input + block * from.plane)
            for y in rows {
                for x in 0..<outputWidth {
                    var best = SIMD8<Float>(repeating: g.kind == .maximum ? -.infinity : 0)
                    var seen: Float = 0
                    for ky in 0..<g.kernelHeight {
                        let iy = y * g.strideHeight + ky * g.dilationHeight - g.padTop
                        if iy < 0 || iy >= inputHeight { continue }
                        for kx in 0..<g.kernelWidth {
                            let ix = x * g.strideWidth + kx * g.dilationWidth - g.padLeft
                            if ix < 0 || ix >= inputWidth { continue }
                            let value = plane.loadUnaligned(
                                fromByteOffset: (iy % from.rows * inputWidth + ix) * 32, as: SIMD8<Float>.self)
                            if g.kind == .maximum {
                                best.replace(with: value, where: .!(value .<= best))
                            } else {
                                best += value
                            }
                            seen += 1
                        }
                    }
                    if g.kind == .averageCountingPadding { seen = Float(g.kernelHeight * g.kernelWidth) }
                    if g.kind != .maximum { best /= SIMD8(repeating: max(seen, 1)) }
                    let at = block * to.plane * 4 + (y % to.rows * outputWidth + x) * 32
                    UnsafeMutableRawPointer(output).storeBytes(of: best, toByteOffset: at, as: SIMD8<Float>.self)
                }
            }
        }
    }
}
