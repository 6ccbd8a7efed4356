import CalorTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How fast the kernels of a table are on one core of this machine.
public enum KernelBenchmark {
    /// One measured shape.
    public struct Row: Sendable {
        public let kernel: String
        /// For example `64→64, 128×128`.
        public let shape: String
        /// Counted as the direct algorithm does, so Winograd can exceed the peak.
        public let gigaflops: Double
        /// Percent of `peakGigaflops`.
        public let percentOfPeak: Double
        /// Whether the table picks this algorithm for the geometry.
        public let isPicked: Bool
        /// 10⁹ bytes read and written a second, where the memory is what counts; `percentOfPeak` is then of a copy of as many, and
        /// `gigaflops` counts one for each number.
        public var gigabytes: Double?
    }

    /// The most floating-point operations a second that one core does, in 10⁹: fused multiply-adds in registers.
    ///
    /// Nil for the reference, which has no such kernel.
    public static func peakGigaflops(_ table: KernelTable = .current) -> Double? {
        let rounds: (Int, UnsafeMutablePointer<Float>) -> Int
        switch table.instructionSet {
        case .reference: return nil
        case .portable: rounds = Portable.fusedMultiplyAddRounds
        #if arch(x86_64)
            case .avx2: rounds = AVX2.fusedMultiplyAddRounds
            case .avx512: rounds = AVX512.fusedMultiplyAddRounds
        #else
            case .avx2, .avx512: return nil
        #endif
        }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: 16) { seed in
            guard let seed = seed.baseAddress else { return nil }
            var best = 0.0
            for _ in 0..<20 {
                seed.initialize(repeating: 0.5, count: 16)
                let start = cpuSeconds()
                let flops = rounds(50_000, seed)
                best = max(best, Double(flops) / (cpuSeconds() - start) * 1e-9)
            }
            return best
        }
    }

    /// Measures one convolution: the least time of at least three runs within about `seconds`.
    public static func measure(
        _ geometry: ConvolutionGeometry, height: Int, width: Int, algorithm: ConvolutionAlgorithm? = nil, peak: Double?,
        seconds: Double = 0.3, table: KernelTable = .current
    ) -> Row {
        let count = geometry.outChannels * geometry.inChannels / geometry.groups * geometry.kernelHeight * geometry.kernelWidth
        let weights = (0..<count).map { Float($0 % 17) * 0.01 - 0.08 }
        let prepared = PreparedConvolution(geometry: geometry, weights: weights, algorithm: algorithm, table: table)
        let pixels = geometry.outputHeight(height) * geometry.outputWidth(width)
        let input = AlignedBytes(count: geometry.inBlocks * 32 * height * width)
        let output = AlignedBytes(count: geometry.outBlocks * 32 * pixels)
        let scratch = AlignedBytes(count: prepared.scratchBytes(height: height, width: width))
        var (best, runs) = (Double.infinity, 0)
        let begin = cpuSeconds()
        while runs < 3 || cpuSeconds() - begin < seconds {
            let start = cpuSeconds()
            prepared.run(
                input: UnsafePointer(input.pointer.assumingMemoryBound(to: Float.self)), inputHeight: height, inputWidth: width,
                output: output.pointer.assumingMemoryBound(to: Float.self), epilogue: Epilogue(activation: .leakyRelu(slope: 0.1)),
                scratch: scratch.pointer)
            best = min(best, cpuSeconds() - start)
            runs += 1
        }
        let gigaflops = Double(geometry.flopsPerPixel * pixels) / best * 1e-9
        return Row(
            kernel: prepared.kernelName, shape: "\(geometry.inChannels)→\(geometry.outChannels), \(width)×\(height)",
            gigaflops: gigaflops,
            percentOfPeak: peak.map { gigaflops / $0 * 100 } ?? 0,
            isPicked: prepared.algorithm == PreparedConvolution.algorithm(for: geometry) || table.instructionSet == .reference)
    }

    /// The shapes that image networks consist of, each with every algorithm that can do it.
    public static func convolutions(_ table: KernelTable = .current, seconds: Double = 0.3) -> [Row] {
        let peak = peakGigaflops(table)
        let shapes: [(ConvolutionGeometry, Int)] = [
            (ConvolutionGeometry(64, 64, kernel: 3), 128), (ConvolutionGeometry(48, 48, kernel: 3), 128),
            (ConvolutionGeometry(32, 32, kernel: 3), 256), (ConvolutionGeometry(128, 128, kernel: 3), 64),
            (ConvolutionGeometry(640, 640, kernel: 3), 8), (ConvolutionGeometry(64, 64, kernel: 3, dilation: 2), 128),
            (ConvolutionGeometry(64, 3, kernel: 3), 128), (ConvolutionGeometry(1, 64, kernel: 3), 256),
            (ConvolutionGeometry(3, 64, kernel: 3), 256), (ConvolutionGeometry(64, 64, kernel: 3, stride: 2), 128),
            (ConvolutionGeometry(64, 64, kernel: 1), 128), (ConvolutionGeometry(64, 64, kernel: 3, groups: 64), 128),
        ]
        let algorithms = ConvolutionAlgorithm.allCases.filter { ($0 == .reference) == (table.instructionSet == .reference) }
        return shapes.flatMap { geometry, size in
            algorithms.filter { PreparedConvolution.supports($0, geometry) }
                .map { measure(geometry, height: size, width: size, algorithm: $0, peak: peak, seconds: seconds, table: table) }
        }
    }

    /// Processor time of the calling thread, which other work on the machine disturbs least.
    static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
