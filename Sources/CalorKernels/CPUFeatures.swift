import CCalorCPU

/// What this processor offers, as far as the operating system lets us use it.
public struct CPUFeatures: Sendable, Equatable {
    public let avx2: Bool
    public let fma: Bool
    public let avx512: Bool
    /// The processor's own name; empty where it has none.
    public let name: String

    public static let current: CPUFeatures = {
        let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            base.initialize(repeating: 0, count: 64)
            calor_cpu_brand(base)
            return String(cString: base)
        }
        return CPUFeatures(avx2: calor_cpu_has_avx2(), fma: calor_cpu_has_fma(), avx512: calor_cpu_has_avx512(), name: name)
    }()
}

/// The treatment of denormal numbers on a thread.
public enum FloatMode {
    /// Treats denormals as zero on the calling thread until `restore` gets the value returned here.
    public static func flushDenormals() -> UInt32 { calor_float_mode_flush_denormals() }
    /// Denormal numbers count as what they are on this thread; returns what `restore` takes.
    public static func keepDenormals() -> UInt32 { calor_float_mode_keep_denormals() }
    public static func restore(_ mode: UInt32) { calor_float_mode_restore(mode) }
}
