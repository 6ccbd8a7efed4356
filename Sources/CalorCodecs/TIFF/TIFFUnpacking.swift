import CalorBase
import CalorImage

/// From the bytes of a decoded strip or tile (host byte order) to samples.
enum TIFFUnpacking {
    /// Most-significant-bit-first samples of 1–16 bits, rows padded to whole bytes; whole bytes are copied, not unpacked.
    ///
    /// *Shapes*: `bytes` holds `rows` rows of `rowBytes`; `out` as many rows of `rowSamples`.
    static func unsigned<Sample: FixedWidthInteger & UnsignedInteger>(
        _ bytes: UnsafeRawBufferPointer, bits: Int, rowBytes: Int, rowSamples: Int, rows: Int,
        to out: UnsafeMutableBufferPointer<Sample>
    ) {
        if bits == Sample.bitWidth {
            let rowSize = rowSamples * MemoryLayout<Sample>.size
            precondition(rowSize <= rowBytes && out.count >= rows * rowSamples && bytes.count >= rows * rowBytes)
            for row in 0..<rows {
                UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(out)[(row * rowSize)..<((row + 1) * rowSize)])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(row * rowBytes)..<(row * rowBytes + rowSize)]))
            }
            return
        }
        precondition((rowSamples * bits + 7) / 8 <= rowBytes && out.count >= rows * rowSamples && bytes.count >= rows * rowBytes)
        let mask = UInt32((1 << bits) - 1)
        for row in 0..<rows {
            var at = row * rowBytes
            var held: UInt32 = 0
            var heldBits = 0
            for column in 0..<rowSamples {
                while heldBits < bits {
                    held = (held & 0xFFFF) << 8 | UInt32(bytes[at])
                    at += 1
                    heldBits += 8
                }
                heldBits -= bits
                out[row * rowSamples + column] = Sample(truncatingIfNeeded: (held >> UInt32(heldBits)) & mask)
            }
        }
    }

    /// Everything that becomes f32. False when an integer has no exact f32 and was rounded.
    static func floats(
        _ bytes: UnsafeRawBufferPointer, plan: TIFFPlan, rowBytes: Int, rowSamples: Int, rows: Int,
        to out: UnsafeMutableBufferPointer<Float>
    ) -> Bool {
        func each(_ size: Int, _ value: (Int) -> Float) {
            precondition(rowSamples * size <= rowBytes && out.count >= rows * rowSamples && bytes.count >= rows * rowBytes)
            for row in 0..<rows {
                for column in 0..<rowSamples { out[row * rowSamples + column] = value(row * rowBytes + column * size) }
            }
        }
        func load<T: BitwiseCopyable>(_ at: Int, _ type: T.Type) -> T { bytes.loadUnaligned(fromByteOffset: at, as: type) }
        var isExact = true
        func integers<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
            each(MemoryLayout<T>.size) { at in
                let value = load(at, type)
                let float = Float(value)
                if T(exactly: float) != value { isExact = false }
                return float
            }
        }
        switch plan.storage {
        case .float(bits: 16): each(2) { Float(half: load($0, UInt16.self)) }
        case .float(bits: 32): each(4) { load($0, Float.self) }
        case .float: each(8) { Float(load($0, Double.self)) }
        case .signed(bits: 8): integers(Int8.self)
        case .signed(bits: 16): integers(Int16.self)
        case .signed(bits: 32): integers(Int32.self)
        case .signed: integers(Int64.self)
        case .unsigned(bits: 24): each(3) { Float(word24(bytes, $0, isSwapped: plan.isSwapped)) }
        case .unsigned(bits: 32): integers(UInt32.self)
        case .unsigned(bits: 64): integers(UInt64.self)
        case .unsigned(let bits):
            return wide(bytes, bits: bits, rowBytes: rowBytes, rowSamples: rowSamples, rows: rows, to: out)
        }
        return isExact
    }

    /// Odd depths are packed with the most significant byte first in files of either byte order, but libtiff turns 24-bit samples
    /// round as if they were words when the file's order is not the host's.
    private static func word24(_ bytes: UnsafeRawBufferPointer, _ at: Int, isSwapped: Bool) -> UInt32 {
        let (a, b, c) = (UInt32(bytes[at]), UInt32(bytes[at + 1]), UInt32(bytes[at + 2]))
        return isSwapped ? c << 16 | b << 8 | a : a << 16 | b << 8 | c
    }

    /// Undoes horizontal differencing that libtiff leaves alone: it ignores the predictor of a file without compression.
    static func undoDifferences<Sample: FixedWidthInteger & UnsignedInteger>(
        _ samples: UnsafeMutableBufferPointer<Sample>, bits: Int, channels: Int, rowSamples: Int, rows: Int
    ) {
        let mask = Sample(truncatingIfNeeded: (UInt32(1) << UInt32(bits)) - 1)
        guard rowSamples > channels else { return }
        for row in 0..<rows {
            for at in (row * rowSamples + channels)..<((row + 1) * rowSamples) {
                samples[at] = (samples[at] &+ samples[at - channels]) & mask
            }
        }
    }

    /// 17–31 bits that are not whole bytes.
    private static func wide(
        _ bytes: UnsafeRawBufferPointer, bits: Int, rowBytes: Int, rowSamples: Int, rows: Int,
        to out: UnsafeMutableBufferPointer<Float>
    ) -> Bool {
        precondition((rowSamples * bits + 7) / 8 <= rowBytes && out.count >= rows * rowSamples && bytes.count >= rows * rowBytes)
        let mask = (UInt64(1) << UInt64(bits)) - 1
        var isExact = true
        for row in 0..<rows {
            var at = row * rowBytes
            var held: UInt64 = 0
            var heldBits = 0
            for column in 0..<rowSamples {
                while heldBits < bits {
                    held = held << 8 | UInt64(bytes[at])
                    at += 1
                    heldBits += 8
                }
                heldBits -= bits
                let value = (held >> UInt64(heldBits)) & mask
                let float = Float(value)
                if UInt64(exactly: float) != value { isExact = false }
                out[row * rowSamples + column] = float
            }
        }
        return isExact
    }
}

extension Float {
    /// The exact value of an IEEE 754 binary16, without the compiler's Float16, which not every platform has.
    init(half bits: UInt16) {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 31
        let fraction = UInt32(bits & 1023)
        switch exponent {
        case 0:
            // Subnormal: fraction × 2⁻²⁴.
            let magnitude = Float(fraction) * 0x1p-24
            self = sign == 0 ? magnitude : -magnitude
        case 31:
            self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default:
            self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
