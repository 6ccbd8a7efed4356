import CalorKernels
import CalorTensor

/// Weights in the order of their kernels, kept from one plan of a session to the next: the same network runs on tiles of several sizes.
///
/// SAFETY: `@unchecked Sendable`: every access to the dictionaries holds the lock; prepared weights never change.
final class PreparedWeights: @unchecked Sendable {
    /// An entry belongs to the value that the operation makes. Fusion may differ between shapes, so the numbers are compared as well, by
    /// their hash: keeping them would double the memory of a model.
    private struct Key: Hashable {
        var value: ValueID
        var numbers: Int
    }

    private let lock = Lock()
    private var convolutions: [Key: PreparedConvolution] = [:]
    private var matrices: [Key: PreparedMatrix] = [:]

    func convolution(_ part: FusedConvolution, for value: ValueID) -> PreparedConvolution {
        var hasher = Hasher()
        hasher.combine(part.geometry)
        part.weights.withUnsafeBytes { hasher.combine(bytes: $0) }
        part.bias.withUnsafeBytes { hasher.combine(bytes: $0) }
        let key = Key(value: value, numbers: hasher.finalize())
        if let known = lock.locked({ convolutions[key] }) { return known }
        let made = PreparedConvolution(geometry: part.geometry, weights: part.weights, bias: part.bias)
        lock.locked { convolutions[key] = made }
        return made
    }

    func matrix(_ part: FusedLinear, for value: ValueID) -> PreparedMatrix? {
        var hasher = Hasher()
        hasher.combine(part.columns)
        part.weights.withUnsafeBytes { hasher.combine(bytes: $0) }
        let key = Key(value: value, numbers: hasher.finalize())
        if let known = lock.locked({ matrices[key] }) { return known }
        let made = part.weights.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { PreparedMatrix(k: part.inner, n: part.columns, b: $0, ldb: part.columns) }
        }
        lock.locked { matrices[key] = made }
        return made
    }
}
