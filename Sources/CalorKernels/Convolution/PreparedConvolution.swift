import CalorTensor

/// A convolution with its weights in the order that its kernel reads: made once, run for any image size from any number of threads.
///
/// Goals, in order: the same bits for every split into row ranges and for every position in the image (Winograd: multiples of a
/// tile, see `exactRange`); error against the f64 sum under 1e-5 of the largest output up to 192 input channels (2e-5 up to 320); speed.
///
/// Shapes: input and output are activations of batch 1 in `inputLayout` and `outputLayout`.
public final class PreparedConvolution: Sendable {
    public let geometry: ConvolutionGeometry
    public let algorithm: ConvolutionAlgorithm
    public let instructionSet: InstructionSet
    private let table: KernelTable
    /// What the kernel computes at once.
    private let part: ConvolutionGeometry
    private let weights: [ConvolutionPacking.Packed]
    private let bias: AlignedBytes

    /// Prepares `weights` (`[O][I/groups][H][W]`) and `bias` (one per output channel, nil for zeros).
    ///
    /// - Parameter algorithm: nil lets the geometry decide; tests and benchmarks force one that `supports` the geometry.
    public init(
        geometry: ConvolutionGeometry, weights: UnsafeBufferPointer<Float>, bias: [Float]? = nil,
        algorithm: ConvolutionAlgorithm? = nil,
        table: KernelTable = .current
    ) {
        precondition(geometry.isValid, "not a convolution: \(geometry)")
        let taps = geometry.kernelHeight * geometry.kernelWidth
        precondition(
            weights.count == geometry.outChannels * geometry.inChannels / geometry.groups * taps, "weights do not fit \(geometry)")
        precondition(bias.map { $0.count == geometry.outChannels } ?? true, "bias does not fit \(geometry)")
        let algorithm = table.instructionSet == .reference ? .reference : algorithm ?? Self.algorithm(for: geometry)
        precondition(Self.supports(algorithm, geometry), "\(algorithm) cannot do \(geometry)")
        self.geometry = geometry
        self.algorithm = algorithm
        self.table = table
        instructionSet = table.instructionSet
        let part = algorithm == .reference ? geometry : geometry.part
        self.part = part
        self.weights = (0..<geometry.groups / part.groups).map { group in
            let count = weights.count / geometry.groups * part.groups
            let own = UnsafeBufferPointer(rebasing: weights[group * count..<(group + 1) * count])
            return ConvolutionPacking.pack(own, part, algorithm, table.grouping)
        }
        self.bias = AlignedBytes(count: (geometry.outBlocks + 1) * 32)
        if let bias {
            bias.withUnsafeBytes { if let base = $0.baseAddress { self.bias.pointer.copyMemory(from: base, byteCount: $0.count) } }
        }
    }

    public convenience init(
        geometry: ConvolutionGeometry, weights: [Float], bias: [Float]? = nil, algorithm: ConvolutionAlgorithm? = nil,
        table: KernelTable = .current
    ) {
        let aligned = AlignedBytes(count: weights.count * 4)
        weights.withUnsafeBytes { if let base = $0.baseAddress { aligned.pointer.copyMemory(from: base, byteCount: $0.count) } }
        let floats = UnsafeBufferPointer(
            start: UnsafePointer(aligned.pointer.assumingMemoryBound(to: Float.self)), count: weights.count)
        self.init(geometry: geometry, weights: floats, bias: bias, algorithm: algorithm, table: table)
        withExtendedLifetime(aligned) {}
    }

    // MARK: - What the caller plans with

    public var inputLayout: ActivationLayout { algorithm == .firstLayer ? .nchw : .nchw8c }
    public var outputLayout: ActivationLayout { .nchw8c }
    /// Row ranges must begin at multiples of this.
    public var rowAlignment: Int { algorithm.tile == 1 ? 1 : algorithm.tile * geometry.dilationHeight }

    /// Of `length` pixels cut out of a larger image at a multiple of `rowAlignment` (the same size comes out, stride 1), the outputs that
    /// have the bits of the whole image whatever lies outside.
    ///
    /// Winograd computes tiles, and what a tile reads changes the rounding of all its outputs. So a chain of n layers with tiles of four
    /// loses 4n pixels at each cut, not n.
    public func exactRange(_ length: Int) -> Range<Int> {
        let reach = max(geometry.padTop, geometry.padLeft)
        let tile = rowAlignment
        if algorithm.tile == 1 { return reach..<max(reach, length - reach) }
        let first = (reach + tile - 1) / tile * tile
        // The last tiles whose inputs, which go on for two dilations behind their outputs, end inside.
        let tiles = max(0, (length + reach - 2 * geometry.dilationHeight) / tile)
        return first..<max(first, tiles * tile)
    }

    /// For example `conv3x3s1_winograd43_nchw8c_f32`.
    public var kernelName: String {
        let g = geometry
        let stride = g.strideHeight == g.strideWidth ? "s\(g.strideHeight)" : "s\(g.strideHeight)x\(g.strideWidth)"
        let dilated = g.dilationHeight * g.dilationWidth == 1 ? "" : "d\(g.dilationHeight)x\(g.dilationWidth)"
        let grouped = g.groups == 1 || algorithm == .depthwise ? "" : "g\(g.groups)"
        let shape = "conv\(g.kernelHeight)x\(g.kernelWidth)\(stride)\(dilated)\(grouped)"
        return "\(shape)_\(algorithm.rawValue)_\(inputLayout.rawValue)_f32"
    }

    /// Bytes of scratch that one call of `run` needs for an input of this size, whatever its rows.
    public func scratchBytes(height: Int, width: Int) -> Int { table.convolutionScratch(algorithm, part, height, width) }

    // MARK: - Running

    /// Computes the output rows `rows` (all by default).
    ///
    /// - Parameters:
    ///   - inputWindow: where the input's rows lie; nil when the whole input is there. The rows that `rows` reads must be.
    ///   - outputWindow: where the rows of the output and of the residual lie: a multiple of `rowAlignment`, or all of them (nil).
    ///   - gated: writes the product of the first and the second half of the channels, for a geometry that `supportsGate`; the
    ///     epilogue then has neither scale nor activation nor residual.
    ///   - scratch: at least `scratchBytes` bytes, aligned to 64, used by this call alone; may be nil when that is zero.
    public func run(
        input: UnsafePointer<Float>, inputHeight: Int, inputWidth: Int, output: UnsafeMutablePointer<Float>,
        epilogue: Epilogue = Epilogue(), gated: Bool = false, rows: Range<Int>? = nil, inputWindow: RowWindow? = nil,
        outputWindow: RowWindow? = nil, scratch: UnsafeMutableRawPointer? = nil
    ) {
        let outputHeight = geometry.outputHeight(inputHeight)
        let outputWidth = geometry.outputWidth(inputWidth)
        let rows = rows ?? 0..<outputHeight
        precondition(inputHeight > 0 && inputWidth > 0, "an empty image")
        precondition(rows.lowerBound >= 0 && rows.upperBound <= outputHeight, "rows \(rows) of \(outputHeight)")
        precondition(rows.lowerBound % rowAlignment == 0, "rows \(rows) must begin at a multiple of \(rowAlignment)")
        precondition(
            rows.upperBound % rowAlignment == 0 || rows.upperBound == outputHeight,
            "rows \(rows) must end at a multiple of \(rowAlignment)")
        precondition(epilogue.activation != .prelu || epilogue.slopes != nil, "prelu without slopes")
        precondition(
            !gated
                || Self.supportsGate(geometry) && epilogue.activation == .none && epilogue.scale == 1 && epilogue.residual == nil,
            "\(kernelName) has no gate for this geometry and epilogue")
        if rows.isEmpty || outputWidth <= 0 { return }
        let needed = scratchBytes(height: inputHeight, width: inputWidth)
        precondition(needed == 0 || scratch != nil, "\(kernelName) needs \(needed) bytes of scratch")
        let inputWindow = inputWindow ?? RowWindow(rows: inputHeight, rowFloats: inputWidth * (inputLayout == .nchw ? 1 : 8))
        let outputWindow = outputWindow ?? RowWindow(rows: outputHeight, rowFloats: outputWidth * 8)
        precondition(
            inputWindow.rows > 0 && outputWindow.rows > 0
                && (outputWindow.rows % rowAlignment == 0 || outputWindow.rows >= outputHeight),
            "windows of \(inputWindow.rows) and \(outputWindow.rows) rows for an alignment of \(rowAlignment)")
        var epilogue = epilogue
        epilogue.bias = epilogue.bias ?? UnsafePointer(bias.pointer.assumingMemoryBound(to: Float.self))
        for (group, packed) in weights.enumerated() {
            let (before, out) = (group * part.inBlocks * inputWindow.plane, group * part.outBlocks * outputWindow.plane)
            let job = ConvolutionJob(
                geometry: part, weights: UnsafePointer(packed.weights.pointer.assumingMemoryBound(to: Float.self)),
                input: input + before, inputHeight: inputHeight, inputWidth: inputWidth, output: output + out,
                outputHeight: outputHeight, outputWidth: outputWidth, inputWindow: inputWindow, outputWindow: outputWindow,
                firstRow: rows.lowerBound, endRow: rows.upperBound,
                epilogue: epilogue.shifted(channels: group * part.outChannels, floats: out),
                scratch: scratch ?? packed.weights.pointer,
                pairs: packed.pairs.map { UnsafePointer($0.pointer.assumingMemoryBound(to: Int32.self)) }, isGated: gated)
            if algorithm == .pointwise {
                // It takes its rows for one long row, which must not wrap.
                for piece in RowPieces(rows, [inputWindow.rows, outputWindow.rows]) {
                    table.convolution(algorithm, job.shifted(to: piece))
                }
            } else {
                table.convolution(algorithm, job)
            }
        }
        if geometry.outChannels % 8 != 0 && !epilogue.activation.keepsZero {
            for piece in RowPieces(rows, [outputWindow.rows]) {
                let first = piece.lowerBound % outputWindow.rows
                BlockedLayout.clearPadding(
                    output, channels: geometry.outChannels, pixels: outputWindow.plane / 8,
                    range: first * outputWidth..<(first + piece.count) * outputWidth)
            }
        }
        withExtendedLifetime(self) {}
    }
}

extension ConvolutionJob {
    /// The same rows of a pointwise convolution as an image of their own that begins with the first of them.
    fileprivate func shifted(to rows: Range<Int>) -> ConvolutionJob {
        var job = self
        let out = rows.lowerBound % outputWindow.rows * outputWidth * 8
        job.input += rows.lowerBound % inputWindow.rows * inputWidth * 8
        job.output += out
        job.epilogue.residual = epilogue.residual.map { $0 + out }
        (job.inputHeight, job.outputHeight) = (rows.count, rows.count)
        (job.firstRow, job.endRow) = (0, rows.count)
        return job
    }
}

extension Epilogue {
    /// That of the channels from `channels` on, whose planes begin `floats` further.
    fileprivate func shifted(channels: Int, floats: Int) -> Epilogue {
        var epilogue = self
        epilogue.bias = bias.map { $0 + channels }
        epilogue.slopes = slopes.map { $0 + channels }
        epilogue.residual = residual.map { $0 + floats }
        return epilogue
    }
}

extension ConvolutionGeometry {
    /// What a kernel computes at once: one group where the groups are whole blocks of channels, else all of it.
    fileprivate var part: ConvolutionGeometry {
        if groups <= 1 || inChannels / groups % 8 != 0 || outChannels / groups % 8 != 0 { return self }
        var part = self
        (part.groups, part.inChannels, part.outChannels) = (1, inChannels / groups, outChannels / groups)
        return part
    }
}

extension PreparedConvolution {
    /// The algorithm that the geometry alone decides on.
    public static func algorithm(for g: ConvolutionGeometry) -> ConvolutionAlgorithm {
        let g = g.part
        let order: [ConvolutionAlgorithm] = [.depthwise, .firstLayer, .lastLayer, .winograd23, .winograd43, .pointwise, .direct]
        return order.first { supports($0, g) && pays($0, g) } ?? .direct
    }

    /// Whether an algorithm that is possible is worth it; the bounds were found with `calor bench kernels`.
    private static func pays(_ algorithm: ConvolutionAlgorithm, _ g: ConvolutionGeometry) -> Bool {
        switch algorithm {
        // Layers of that many weights stand where the image is small, and reading 36 transformed weights for 9 costs more than it saves.
        case .winograd23: g.inChannels * g.outChannels >= 300_000
        case .winograd43: g.inChannels >= 16
        default: true
        }
    }

    /// Whether the convolution can multiply the two halves of its channels as it writes them: depthwise, 3×3, same size, whole blocks.
    public static func supportsGate(_ g: ConvolutionGeometry) -> Bool {
        let single = g.strideHeight == 1 && g.strideWidth == 1 && g.dilationHeight == 1 && g.dilationWidth == 1
        let ring = g.padTop == 1 && g.padLeft == 1 && g.padBottom == 1 && g.padRight == 1
        return supports(.depthwise, g) && g.kernelHeight == 3 && g.kernelWidth == 3 && single && ring && g.outChannels % 16 == 0
    }

    public static func supports(_ algorithm: ConvolutionAlgorithm, _ g: ConvolutionGeometry) -> Bool {
        let g = g.part
        let single = g.groups == 1 && g.strideHeight == 1 && g.strideWidth == 1
        let plain = single && g.dilationHeight == 1 && g.dilationWidth == 1
        let three = g.kernelHeight == 3 && g.kernelWidth == 3
        switch algorithm {
        case .reference, .direct: return true
        // Tiles spread over four dilations of rows: with more, a picture would be one band, and no thread had a part of it.
        case .winograd43: return single && three && g.dilationHeight == g.dilationWidth && g.dilationHeight <= 32
        case .winograd23: return plain && three
        case .pointwise:
            let unpadded = g.padTop == 0 && g.padLeft == 0 && g.padBottom == 0 && g.padRight == 0
            return plain && unpadded && g.kernelHeight == 1 && g.kernelWidth == 1
        case .depthwise: return g.groups == g.inChannels && g.groups == g.outChannels && g.groups > 1
        case .firstLayer: return g.groups == 1 && g.inChannels <= 4
        case .lastLayer: return g.groups == 1 && g.outChannels <= 4
        }
    }
}
