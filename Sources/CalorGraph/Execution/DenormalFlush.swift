import CalorKernels

/// Denormal numbers count as zero on this thread until `end`: they cost a hundred times a normal number and carry nothing a picture shows.
struct DenormalFlush {
    private let previous = FloatMode.flushDenormals()

    func end() { FloatMode.restore(previous) }
}
