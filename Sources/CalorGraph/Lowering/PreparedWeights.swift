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
        hasher.combine(Self.digest(part.weights))
        hasher.combine(Self.digest(part.bias))
        let key = Key(value: value, numbers: hasher.finalize())
        if let known = lock.locked({ convolutions[key] }) { return known }
        let made = part.weights.withUnsafeBufferPointer {
            PreparedConvolution(geometry: part.geometry, weights: $0, bias: part.bias)
        }
        lock.locked { convolutions[key] = made }
        return made
    }

    func matrix(_ part: FusedLinear, for value: ValueID) -> PreparedMatrix? {
        var hasher = Hasher()
        hasher.combine(part.columns)
        hasher.combine(Self.digest(part.weights))
        let key = Key(value: value, numbers: hasher.finalize())
        if let known = lock.locked({ matrices[key] }) { return known }
        let made = part.weights.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { PreparedMatrix(k: part.inner, n: part.columns, b: $0, ldb: part.columns) }
        }
        lock.locked { matrices[key] = made }
        return made
    }

    /// A hash of many numbers at the speed of memory: four products at a time. Only values of one graph are told apart by it.
    private static func digest(_ numbers: [Float]) -> UInt64 {
        numbers.withUnsafeBytes { bytes in
            let prime: UInt64 = 0x9e37_79b9_7f4a_7c15
            var lanes = SIMD4<UInt64>(1, 2, 3, 4)
            let whole = bytes.count / 32 * 32
            for at in stride(from: 0, to: whole, by: 32) {
                let x = bytes.loadUnaligned(fromByteOffset: at, as: SIMD4<UInt64>.self)
                // A product moves bits up only; the shift brings them back down.
                lanes = (lanes ^ x) &* SIMD4(repeating: prime)
                lanes ^= lanes &>> SIMD4(repeating: 29)
            }
            var result = UInt64(bytes.count)
            for lane in 0..<4 { result = (result ^ lanes[lane]) &* prime ^ (result &>> 31) }
            for at in whole..<bytes.count { result = (result ^ UInt64(bytes[at])) &* prime }
            return result
        }
    }
}
