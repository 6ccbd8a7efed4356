import CalorTensor

extension Tensor {
    /// The elements in place; `Element` must have the size of `dtype`.
    @inline(__always)
    func withElements<Element: BitwiseCopyable, R, E>(
        _: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws(E) -> R
    ) throws(E) -> R {
        precondition(MemoryLayout<Element>.size == dtype.bytes, "\(dtype) is not stored as \(Element.self)")
        return try withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(E) -> R in
            try body(UnsafeBufferPointer(start: bytes.baseAddress?.assumingMemoryBound(to: Element.self), count: count))
        }
    }

    /// A new tensor of a checked shape whose elements `fill` writes; they begin as zeros.
    @inline(__always)
    static func filled<Element: BitwiseCopyable, E>(
        _ dtype: DType, _ shape: Shape, _: Element.Type, _ fill: (UnsafeMutableBufferPointer<Element>) throws(E) -> Void
    ) throws(E) -> Tensor {
        precondition(MemoryLayout<Element>.size == dtype.bytes, "\(dtype) is not stored as \(Element.self)")
        var tensor = Tensor(dtype, shape)
        try tensor.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) throws(E) in
            try fill(
                UnsafeMutableBufferPointer(start: bytes.baseAddress?.assumingMemoryBound(to: Element.self), count: shape.count))
        }
        return tensor
    }

    /// The same numbers in the computing type of `dtype`.
    func widened() -> Tensor {
        switch dtype {
        case .f32, .f64, .i64, .u64: self
        case .f16: converted(UInt16.self, .f32) { Float(Float16(bitPattern: $0)) }
        case .i8: converted(Int8.self, .i64) { Int64($0) }
        case .i16: converted(Int16.self, .i64) { Int64($0) }
        case .i32: converted(Int32.self, .i64) { Int64($0) }
        case .u8: converted(UInt8.self, .u64) { UInt64($0) }
        case .u16: converted(UInt16.self, .u64) { UInt64($0) }
        case .u32: converted(UInt32.self, .u64) { UInt64($0) }
        case .bool: converted(UInt8.self, .u64) { $0 == 0 ? 0 : 1 as UInt64 }
        }
    }

    /// A tensor in a computing type cut to one of its stored types: integers wrap, f16 is rounded, a bool is "not zero".
    func narrowed(to target: DType) -> Tensor {
        if dtype == target { return self }
        precondition(dtype == target.wide, "\(dtype) does not narrow to \(target)")
        return switch target {
        case .f16: converted(Float.self, .f16) { Float16($0).bitPattern }
        case .i8: converted(Int64.self, .i8) { Int8(truncatingIfNeeded: $0) }
        case .i16: converted(Int64.self, .i16) { Int16(truncatingIfNeeded: $0) }
        case .i32: converted(Int64.self, .i32) { Int32(truncatingIfNeeded: $0) }
        case .u8: converted(UInt64.self, .u8) { UInt8(truncatingIfNeeded: $0) }
        case .u16: converted(UInt64.self, .u16) { UInt16(truncatingIfNeeded: $0) }
        case .u32: converted(UInt64.self, .u32) { UInt32(truncatingIfNeeded: $0) }
        case .bool: converted(UInt64.self, .bool) { $0 == 0 ? 0 : 1 as UInt8 }
        case .f32, .f64, .i64, .u64: self
        }
    }

    /// The same elements as another type, one by one.
    @inline(__always)
    func converted<A: BitwiseCopyable, B: BitwiseCopyable>(_: A.Type, _ target: DType, _ convert: (A) -> B) -> Tensor {
        withElements(A.self) { source in
            Tensor.filled(target, shape, B.self) { out in
                for i in 0..<source.count { out[i] = convert(source[i]) }
            }
        }
    }

    /// Every element as a `Double`; 64-bit integers above 2^53 are rounded.
    var doubles: [Double] {
        let wide = widened()
        switch wide.dtype {
        case .f32: return wide.array(of: Float.self).map { Double($0) }
        case .f64: return wide.array(of: Double.self)
        case .i64: return wide.array(of: Int64.self).map { Double($0) }
        default: return wide.array(of: UInt64.self).map { Double($0) }
        }
    }
}
