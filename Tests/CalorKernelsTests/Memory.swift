import CalorKernels
import CalorTensor

/// Floats with a guard on both sides that tells when a kernel wrote beyond them.
final class Floats {
    private static let margin = 64
    private let bytes: AlignedBytes
    let count: Int
    let pointer: UnsafeMutablePointer<Float>

    init(_ count: Int, _ value: (Int) -> Float = { _ in 0 }) {
        self.count = count
        bytes = AlignedBytes(count: (count + 2 * Self.margin) * 4)
        let base = bytes.pointer.assumingMemoryBound(to: Float.self)
        pointer = base + Self.margin
        for i in 0..<Self.margin { (base[i], pointer[count + i]) = (12345, 12345) }
        for i in 0..<count { pointer[i] = value(i) }
    }

    convenience init(_ values: [Float]) { self.init(values.count) { values[$0] } }

    var read: UnsafePointer<Float> { UnsafePointer(pointer) }
    var array: [Float] { (0..<count).map { pointer[$0] } }
    var guardsIntact: Bool { (0..<Self.margin).allSatisfy { pointer[-1 - $0] == 12345 && pointer[count + $0] == 12345 } }
}

/// A repeatable number in −1..<1 for every index and seed.
func noise(_ index: Int, _ seed: Int = 0) -> Float {
    var x = UInt64(truncatingIfNeeded: index) &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(truncatingIfNeeded: seed) &* 0xd1b5_4a32_d192_ed03
    x = (x ^ (x >> 29)) &* 0xbf58_476d_1ce4_e5b9
    x ^= x >> 32
    return Float(x & 0xff_ffff) / Float(1 << 23) - 1
}

/// The largest difference in units of the largest reference value; infinity where only one is NaN.
func relativeError(_ values: [Float], _ reference: [Float]) -> Float {
    var (error, top) = (Float(0), Float.leastNormalMagnitude)
    for (a, b) in zip(values, reference) {
        if a.isNaN || b.isNaN {
            if a.isNaN != b.isNaN { return .infinity }
            continue
        }
        if a == b { continue }
        error = max(error, abs(a - b))
        top = max(top, abs(b))
    }
    for b in reference where b.isFinite { top = max(top, abs(b)) }
    return error / top
}

/// The table under test, or nil on a processor without it.
let fastTables: [KernelTable] = InstructionSet.allCases.filter { $0 != .reference && $0.isAvailable }.map {
    KernelTable.table(for: $0)
}
