import CalorKernels
import CalorTensor
import Testing

/// One convolution with its image, run by any table.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
    var geometry: ConvolutionGeometry
    var height: Int
    var width: Int
    var algorithm: ConvolutionAlgorithm?
    var activation: Activation = .leakyRelu(slope: 0.25)
    var hasResidual = false

    var testDescription: String {
        "\(geometry) \(height)×\(width) \(algorithm.map(\.rawValue) ?? "picked") \(activation) \(hasResidual)"
    }

    var weights: [Float] {
        let g = geometry
        return (0..<g.outChannels * g.inChannels / g.groups * g.kernelHeight * g.kernelWidth).map { noise($0, 1) * 0.2 }
    }

    /// The output, rows computed in the order of `cuts`; nil when something was written outside.
    func output(_ table: KernelTable, cuts: [Range<Int>]? = nil) -> [Float]? {
        let g = geometry
        let bias = (0..<g.outChannels).map { noise($0, 2) }
        let prepared = PreparedConvolution(geometry: g, weights: weights, bias: bias, algorithm: algorithm, table: table)
        let pixels = height * width
        let planes = Floats(g.inChannels * pixels) { noise($0, 3) }
        let blocked = Floats(BlockedLayout.count(channels: g.inChannels, pixels: pixels))
        BlockedLayout.toBlocked(planes.read, blocked.pointer, channels: g.inChannels, pixels: pixels)
        let input = prepared.inputLayout == .nchw ? planes : blocked
        let outPixels = g.outputHeight(height) * g.outputWidth(width)
        let output = Floats(g.outBlocks * 8 * outPixels) { _ in .nan }
        let residualPlanes = Floats(g.outChannels * outPixels) { noise($0, 4) }
        let residual = Floats(g.outBlocks * 8 * outPixels)
        BlockedLayout.toBlocked(residualPlanes.read, residual.pointer, channels: g.outChannels, pixels: outPixels)
        let slopes = Floats(g.outBlocks * 8) { noise($0, 5) }
        let scratch = Floats((prepared.scratchBytes(height: height, width: width) + 3) / 4) { _ in .nan }
        let epilogue = Epilogue(
            activation: activation, slopes: slopes.read, scale: hasResidual ? 0.5 : 1, residual: hasResidual ? residual.read : nil)
        for rows in cuts ?? [0..<g.outputHeight(height)] {
            prepared.run(
                input: input.read, inputHeight: height, inputWidth: width, output: output.pointer, epilogue: epilogue, rows: rows,
                scratch: UnsafeMutableRawPointer(scratch.pointer))
        }
        return output.guardsIntact && scratch.guardsIntact ? output.array : nil
    }
}

private func geometry(
    _ i: Int, _ o: Int, _ kernel: (Int, Int), groups: Int = 1, stride: (Int, Int) = (1, 1), dilation: (Int, Int) = (1, 1),
    pads: (Int, Int, Int, Int) = (0, 0, 0, 0)
) -> ConvolutionGeometry {
    ConvolutionGeometry(
        inChannels: i, outChannels: o, groups: groups, kernelHeight: kernel.0, kernelWidth: kernel.1, strideHeight: stride.0,
        strideWidth: stride.1, dilationHeight: dilation.0, dilationWidth: dilation.1, padTop: pads.0, padLeft: pads.1,
        padBottom: pads.2,
        padRight: pads.3)
}

private let channels = [1, 3, 5, 8, 13, 16, 17, 24, 40]
private let sizes = [(1, 1), (2, 3), (4, 4), (5, 5), (7, 13), (8, 97), (13, 25), (17, 102)]

private let winogradCases: [ConvolutionCase] =
    channels.flatMap { i in
        channels.map { o in
            let (h, w) = sizes[(i * 5 + o) % sizes.count]
            return ConvolutionCase(geometry: ConvolutionGeometry(i, o, kernel: 3), height: h, width: w, algorithm: .winograd43)
        }
    }
    + sizes.map {
        ConvolutionCase(geometry: ConvolutionGeometry(16, 16, kernel: 3), height: $0.0, width: $0.1, algorithm: .winograd43)
    } + [
        ConvolutionCase(geometry: geometry(16, 16, (3, 3), pads: (0, 0, 0, 0)), height: 11, width: 9, algorithm: .winograd43),
        ConvolutionCase(geometry: geometry(16, 8, (3, 3), pads: (2, 0, 1, 3)), height: 6, width: 7, algorithm: .winograd43),
        ConvolutionCase(geometry: geometry(72, 24, (3, 3), pads: (5, 6, 7, 8)), height: 3, width: 2, algorithm: .winograd43),
        ConvolutionCase(geometry: ConvolutionGeometry(136, 16, kernel: 3), height: 9, width: 50, algorithm: .winograd43),
    ]

/// Dilated Winograd convolutions: fewer rows or columns than the dilation, tiles that are cut, padding that is no multiple of it.
private let dilatedCases: [ConvolutionCase] = [1, 2, 3, 4, 8].flatMap { dilation in
    sizes.enumerated().map { index, size in
        let d = dilation
        let pads = [(d, d, d, d), (2 * d, d + 1, 2 * d, d), (d, 3 * d + 1, d + 1, 2)][(index + d) % 3]
        let channels = [(16, 16), (17, 13), (40, 72), (9, 24)][(index + d) % 4]
        let activations: [Activation] = [.leakyRelu(slope: 0.25), .silu, .clip(lower: -0.1, upper: 20)]
        return ConvolutionCase(
            geometry: geometry(channels.0, channels.1, (3, 3), dilation: (d, d), pads: pads), height: size.0, width: size.1,
            algorithm: .winograd43, activation: activations[index % 3], hasResidual: index % 2 == 0)
    }
}

private let winograd23Cases: [ConvolutionCase] = winogradCases.map {
    ConvolutionCase(geometry: $0.geometry, height: $0.height, width: $0.width, algorithm: .winograd23)
}

private let directCases: [ConvolutionCase] =
    channels.flatMap { i in
        channels.map { o in
            let (h, w) = sizes[(i * 3 + o) % sizes.count]
            return ConvolutionCase(geometry: ConvolutionGeometry(i, o, kernel: 3), height: h, width: w, algorithm: .direct)
        }
    } + [
        ConvolutionCase(
            geometry: geometry(13, 17, (3, 3), stride: (2, 2), pads: (1, 1, 1, 1)), height: 9, width: 31, algorithm: nil),
        ConvolutionCase(
            geometry: geometry(13, 5, (3, 3), stride: (3, 1), pads: (0, 1, 2, 3)), height: 9, width: 31, algorithm: nil),
        ConvolutionCase(
            geometry: geometry(8, 16, (5, 2), stride: (1, 3), dilation: (2, 3), pads: (4, 0, 1, 2)), height: 11, width: 30,
            algorithm: nil),
        ConvolutionCase(geometry: geometry(12, 24, (3, 3), groups: 3, pads: (1, 1, 1, 1)), height: 6, width: 11, algorithm: nil),
        ConvolutionCase(geometry: geometry(12, 12, (3, 3), groups: 2, pads: (1, 1, 1, 1)), height: 6, width: 11, algorithm: nil),
        ConvolutionCase(geometry: geometry(40, 20, (1, 1), groups: 5), height: 6, width: 11, algorithm: nil),
        ConvolutionCase(geometry: geometry(6, 18, (3, 3), groups: 6, pads: (1, 1, 1, 1)), height: 6, width: 11, algorithm: nil),
        ConvolutionCase(geometry: geometry(20, 20, (7, 7), pads: (9, 9, 9, 9)), height: 3, width: 4, algorithm: nil),
        ConvolutionCase(
            geometry: geometry(300, 9, (3, 3), dilation: (4, 4), pads: (4, 4, 4, 4)), height: 9, width: 99, algorithm: nil),
        ConvolutionCase(geometry: geometry(8, 8, (2, 2), stride: (2, 2)), height: 1, width: 1, algorithm: nil),
    ]

private let otherCases: [ConvolutionCase] =
    channels.flatMap { i in
        channels.map { o in
            let (h, w) = sizes[(i + o) % sizes.count]
            return ConvolutionCase(geometry: ConvolutionGeometry(i, o, kernel: 1), height: h, width: w, algorithm: .pointwise)
        }
    }
    + [1, 2, 3, 4].flatMap { i in
        [1, 8, 13, 24, 40].flatMap { o in
            [(3, 1), (5, 1), (6, 2), (1, 1)].map { kernel, stride in
                let (h, w) = sizes[(i + o + kernel) % 4 + 4]
                return ConvolutionCase(
                    geometry: ConvolutionGeometry(i, o, kernel: kernel, stride: stride, pad: kernel / 2), height: h, width: w,
                    algorithm: .firstLayer)
            }
        }
    }
    + [2, 5, 8, 13, 24].flatMap { c in
        [(3, 1, 1), (3, 2, 1), (5, 1, 2), (7, 1, 1), (2, 3, 1)].map { kernel, stride, dilation in
            let (h, w) = sizes[(c + kernel) % 4 + 4]
            let g = geometry(
                c, c, (kernel, kernel), groups: c, stride: (stride, stride), dilation: (dilation, dilation),
                pads: (kernel, kernel, 1, kernel))
            return ConvolutionCase(geometry: g, height: h, width: w, algorithm: .depthwise)
        }
    }
    // Rows in several parts, of which the last is cut; a part that begins beyond the image.
    + [(300, 1, 1, 2), (521, 2, 2, 4), (257, 1, 3, 300), (512, 1, 1, 0)].map { width, stride, dilation, pad in
        let g = geometry(
            9, 9, (3, 5), groups: 9, stride: (1, stride), dilation: (2, dilation), pads: (2, pad, 3, pad))
        return ConvolutionCase(geometry: g, height: 7, width: width, algorithm: .depthwise, activation: .relu, hasResidual: pad > 2)
    }

private let lastLayerCases: [ConvolutionCase] =
    [1, 2, 3, 4].flatMap { o in
        [1, 8, 13, 24].flatMap { i in
            [(3, 1), (5, 1), (4, 2), (1, 1), (3, 3)].map { kernel, stride in
                let (h, w) = sizes[(i + o + kernel) % 4 + 4]
                return ConvolutionCase(
                    geometry: ConvolutionGeometry(i, o, kernel: kernel, stride: stride, pad: kernel / 2), height: h, width: w,
                    algorithm: .lastLayer)
            }
        }
    }

/// Groups of whole blocks, which are computed one after the other, and of parts of blocks.
private let groupedCases: [ConvolutionCase] = [
    (32, 48, 2), (64, 64, 4), (48, 24, 3), (16, 80, 2), (24, 36, 3), (20, 20, 2),
].flatMap { i, o, groups in
    let whole = i / groups % 8 == 0 && o / groups % 8 == 0
    let (three, one) = (ConvolutionGeometry(i, o, kernel: 3, groups: groups), ConvolutionGeometry(i, o, kernel: 1, groups: groups))
    let dilated = geometry(i, o, (3, 3), groups: groups, stride: (2, 1), dilation: (1, 2), pads: (1, 2, 1, 2))
    let fast: [(ConvolutionGeometry, ConvolutionAlgorithm)] = [(three, .winograd43), (three, .winograd23), (one, .pointwise)]
    let cases = (whole ? fast : []) + [(three, .direct), (one, .direct), (dilated, .direct)]
    return cases.enumerated().map { index, pair in
        ConvolutionCase(
            geometry: pair.0, height: 13, width: 25, algorithm: pair.1, activation: index % 2 == 0 ? .prelu : .silu,
            hasResidual: (index + i / 8) % 2 == 0)
    }
}

private let activations: [Activation] = [
    .none, .relu, .prelu, .sigmoid, .silu, .gelu, .geluTanh, .tanh, .clip(lower: 0.1, upper: 0.7),
    .hardSigmoid(alpha: 0.2, beta: 0.5),
    .hardSwish, .elu(alpha: 1.5), .softplus, .mish, .softsign,
]

private let endCases: [ConvolutionCase] = activations.flatMap { activation in
    [false, true].flatMap { residual in
        [
            ConvolutionCase(geometry: ConvolutionGeometry(16, 21, kernel: 3), height: 9, width: 14, algorithm: .winograd43),
            ConvolutionCase(geometry: ConvolutionGeometry(16, 21, kernel: 3), height: 9, width: 13, algorithm: .winograd23),
            ConvolutionCase(geometry: ConvolutionGeometry(9, 21, kernel: 3), height: 7, width: 14, algorithm: .direct),
            ConvolutionCase(geometry: ConvolutionGeometry(9, 21, kernel: 1), height: 7, width: 14, algorithm: .pointwise),
            ConvolutionCase(
                geometry: ConvolutionGeometry(13, 13, kernel: 3, groups: 13), height: 7, width: 14, algorithm: .depthwise),
            ConvolutionCase(
                geometry: ConvolutionGeometry(13, 13, kernel: 5, groups: 13), height: 7, width: 21, algorithm: .depthwise),
            ConvolutionCase(geometry: ConvolutionGeometry(3, 21, kernel: 5), height: 7, width: 14, algorithm: .firstLayer),
            ConvolutionCase(geometry: ConvolutionGeometry(21, 3, kernel: 3), height: 7, width: 29, algorithm: .lastLayer),
        ].map {
            var test = $0
            test.activation = activation
            test.hasResidual = residual
            return test
        }
    }
}

@Suite("Convolutions", .enabled(if: !fastTables.isEmpty, "skipped: this processor has none of the instruction sets"))
struct ConvolutionTests {
    /// Tolerance: 1e-5 of the largest output, as `PreparedConvolution` promises. All sets with a fused multiply-add give the same bits.
    @Test(
        "equal the reference",
        arguments: winogradCases + dilatedCases + winograd23Cases + directCases + otherCases + lastLayerCases + groupedCases
            + endCases)
    func equalTheReference(_ test: ConvolutionCase) throws {
        let reference = try #require(test.output(.reference))
        var first: [UInt32]?
        for fast in fastTables {
            let values = try #require(test.output(fast), "wrote outside its memory: \(test.testDescription)")
            let bits = values.map(\.bitPattern)
            // Without a fused multiply-add the rounding differs.
            if fast.instructionSet != .portable {
                #expect(bits == first ?? bits, "\(fast.instructionSet) differs: \(test.testDescription)")
                first = bits
            }
            let error = relativeError(values, reference)
            #expect(error <= 1e-5, "\(test.testDescription)")
        }
    }

    /// Row ranges in any order give the bits of one call.
    @Test(
        "do not depend on the cut into rows",
        arguments: [winogradCases[60], winogradCases[75], winograd23Cases[60], winograd23Cases[75]] + [directCases[20]]
            + lastLayerCases.suffix(9) + otherCases.suffix(30) + groupedCases + endCases + dilatedCases)
    func cutRows(_ test: ConvolutionCase) throws {
        for fast in fastTables {
            let height = test.geometry.outputHeight(test.height)
            let tile = test.algorithm?.tile ?? 1
            let step = tile == 1 ? 1 : tile * test.geometry.dilationHeight
            let cuts = stride(from: 0, to: height, by: step).map { $0..<min($0 + step, height) }.reversed()
            let whole = try #require(test.output(fast))
            let cut = try #require(test.output(fast, cuts: Array(cuts)))
            #expect(whole.map(\.bitPattern) == cut.map(\.bitPattern), "\(test.testDescription)")
        }
    }

    /// A window of the image that begins at a multiple of eight pixels gives the bits of the whole image away from its border, which for
    /// Winograd are the tiles that read nothing from outside the window.
    @Test(
        "do not depend on the position in the image",
        arguments: [
            (16, 1, ConvolutionAlgorithm.winograd43), (16, 1, .winograd23), (16, 1, .direct), (3, 1, .firstLayer),
            (16, 2, .winograd43),
        ])
    func position(_ channels: Int, _ dilation: Int, _ algorithm: ConvolutionAlgorithm) throws {
        for fast in fastTables {
            let g = ConvolutionGeometry(channels, 16, kernel: 3, dilation: dilation)
            let prepared = PreparedConvolution(
                geometry: g, weights: (0..<channels * 144).map { noise($0) }, algorithm: algorithm, table: fast)
            func run(_ originY: Int, _ originX: Int, _ height: Int, _ width: Int) -> Floats {
                let planes = Floats(channels * height * width) { i in
                    let (c, y, x) = (i / (height * width), i / width % height, i % width)
                    return noise((c * 1000 + y + originY) * 1000 + x + originX)
                }
                let blocked = Floats(BlockedLayout.count(channels: channels, pixels: height * width))
                BlockedLayout.toBlocked(planes.read, blocked.pointer, channels: channels, pixels: height * width)
                let output = Floats(16 * height * width)
                let scratch = Floats(prepared.scratchBytes(height: height, width: width) / 4 + 1)
                prepared.run(
                    input: prepared.inputLayout == .nchw ? planes.read : blocked.read, inputHeight: height, inputWidth: width,
                    output: output.pointer, scratch: UnsafeMutableRawPointer(scratch.pointer))
                return output
            }
            let tiled = algorithm.tile == 4 ? (dilation == 2 ? 8..<24 : 4..<28) : 2..<28
            #expect(prepared.exactRange(30) == (algorithm.tile == 1 ? 1..<29 : tiled))
            let (whole, part) = (run(0, 0, 60, 230), run(16, 24, 30, 150))
            for block in 0..<2 {
                for y in prepared.exactRange(30) {
                    for x in prepared.exactRange(150) {
                        for lane in 0..<8 {
                            let a = whole.pointer[((block * 60 + y + 16) * 230 + x + 24) * 8 + lane]
                            let b = part.pointer[((block * 30 + y) * 150 + x) * 8 + lane]
                            if a.bitPattern != b.bitPattern {
                                Issue.record("\(algorithm) block \(block) y \(y) x \(x) lane \(lane): \(a) ≠ \(b)")
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("may add their own output as residual")
    func residualInPlace() throws {
        for fast in fastTables {
            let g = ConvolutionGeometry(16, 16, kernel: 3)
            let prepared = PreparedConvolution(geometry: g, weights: (0..<2304).map { noise($0) }, table: fast)
            let input = Floats(16 * 81) { noise($0, 1) }
            let separate = Floats(16 * 81)
            let start = Floats(16 * 81) { noise($0, 2) }
            let same = Floats(16 * 81) { noise($0, 2) }
            let scratch = Floats(prepared.scratchBytes(height: 9, width: 9) / 4)
            for (output, residual) in [(separate, start), (same, same)] {
                prepared.run(
                    input: input.read, inputHeight: 9, inputWidth: 9, output: output.pointer,
                    epilogue: Epilogue(residual: residual.read),
                    scratch: UnsafeMutableRawPointer(scratch.pointer))
            }
            #expect(separate.array == same.array)
        }
    }

    /// A gate has the bits of the two halves multiplied, for every cut; and equals the reference within 1e-5.
    @Test("multiply their halves", arguments: [(16, 1, 1), (16, 2, 3), (32, 5, 6), (48, 8, 97), (96, 13, 25)])
    func gate(_ channels: Int, _ height: Int, _ width: Int) throws {
        for fast in fastTables {
            let g = ConvolutionGeometry(channels, channels, kernel: 3, groups: channels)
            #expect(PreparedConvolution.supportsGate(g), "\(channels) channels")
            let input = Floats(channels * height * width) { noise($0, 3) }
            func run(_ table: KernelTable, _ gated: Bool, _ cuts: [Range<Int>]) -> [Float] {
                let prepared = PreparedConvolution(
                    geometry: g, weights: (0..<channels * 9).map { noise($0, 1) }, bias: (0..<channels).map { noise($0, 2) },
                    table: table)
                let output = Floats(channels * height * width / (gated ? 2 : 1)) { _ in .nan }
                let scratch = Floats((prepared.scratchBytes(height: height, width: width) + 3) / 4) { _ in .nan }
                for rows in cuts {
                    prepared.run(
                        input: input.read, inputHeight: height, inputWidth: width, output: output.pointer, gated: gated, rows: rows,
                        scratch: UnsafeMutableRawPointer(scratch.pointer))
                }
                #expect(output.guardsIntact && scratch.guardsIntact, "\(channels) \(height)×\(width)")
                return output.array
            }
            let whole = run(fast, true, [0..<height])
            let halves = run(fast, false, [0..<height])
            let products = whole.indices.map { halves[$0] * halves[$0 + whole.count] }
            #expect(whole.map(\.bitPattern) == products.map(\.bitPattern), "\(channels) \(height)×\(width)")
            let cut = run(fast, true, (0..<height).reversed().map { $0..<$0 + 1 })
            #expect(whole.map(\.bitPattern) == cut.map(\.bitPattern), "\(channels) \(height)×\(width)")
            #expect(relativeError(whole, run(.reference, true, [0..<height])) <= 1e-5, "\(channels) \(height)×\(width)")
        }
    }

    @Test("have names that are coordinates")
    func names() throws {
        for fast in fastTables {
            func name(_ g: ConvolutionGeometry) -> String {
                let count = g.outChannels * g.inChannels / g.groups * g.kernelHeight * g.kernelWidth
                return PreparedConvolution(geometry: g, weights: [Float](repeating: 0, count: count), table: fast).kernelName
            }
            #expect(name(ConvolutionGeometry(64, 64, kernel: 3)) == "conv3x3s1_winograd43_nchw8c_f32")
            #expect(name(ConvolutionGeometry(8, 8, kernel: 3)) == "conv3x3s1_direct_nchw8c_f32")
            #expect(name(ConvolutionGeometry(64, 64, kernel: 1)) == "conv1x1s1_pointwise_nchw8c_f32")
            #expect(name(ConvolutionGeometry(64, 3, kernel: 3)) == "conv3x3s1_lastLayer_nchw8c_f32")
            #expect(name(ConvolutionGeometry(3, 64, kernel: 6, stride: 2)) == "conv6x6s2_firstLayer_nchw_f32")
            #expect(name(ConvolutionGeometry(24, 24, kernel: 3, groups: 24)) == "conv3x3s1_depthwise_nchw8c_f32")
            #expect(name(ConvolutionGeometry(64, 64, kernel: 3, groups: 4)) == "conv3x3s1g4_winograd43_nchw8c_f32")
            #expect(name(ConvolutionGeometry(64, 64, kernel: 1, groups: 4)) == "conv1x1s1g4_pointwise_nchw8c_f32")
            #expect(name(ConvolutionGeometry(24, 24, kernel: 3, groups: 3)) == "conv3x3s1g3_direct_nchw8c_f32")
        }
    }
}
