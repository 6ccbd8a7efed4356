import CalorTensor

/// Constants of a step: aligned, and padded with zeros to a multiple of 8.
///
/// SAFETY: the bytes are written before the vector is shared and never after.
struct FloatVector: Sendable {
    private let bytes: AlignedBytes

    init(_ values: [Float]) {
        bytes = AlignedBytes(count: (values.count + 7) / 8 * 32)
        values.withUnsafeBytes { if let base = $0.baseAddress { bytes.pointer.copyMemory(from: base, byteCount: $0.count) } }
    }

    /// Valid for as long as the vector lives; a plan keeps it.
    var pointer: UnsafePointer<Float> { UnsafePointer(bytes.pointer.assumingMemoryBound(to: Float.self)) }
}
