/// A dense row-major array of numbers with value semantics.
///
/// A tensor shares its memory until it is written to. Blocked layouts exist only inside a compiled plan, never here.
public struct Tensor: Sendable {
    public let dtype: DType
    public let shape: Shape
    private var storage: AlignedBytes
    private var offset: Int

    /// Zeros.
    public init(_ dtype: DType, _ shape: Shape) {
        self.init(dtype, shape, storage: AlignedBytes(count: shape.count * dtype.bytes), offset: 0)
    }

    /// A view of `storage` that begins `offset` bytes in.
    public init(_ dtype: DType, _ shape: Shape, storage: AlignedBytes, offset: Int) {
        precondition(
            offset >= 0 && offset + shape.count * dtype.bytes <= storage.count, "a tensor of \(shape) does not fit its storage")
        self.dtype = dtype
        self.shape = shape
        self.storage = storage
        self.offset = offset
    }

    /// Elements copied from `values`, whose Swift type must be that of `dtype` (`Bool` as `UInt8`, f16 as `UInt16` bits).
    public init<Element: BitwiseCopyable>(_ dtype: DType, _ shape: Shape, copying values: [Element]) {
        precondition(
            MemoryLayout<Element>.size == dtype.bytes && values.count == shape.count, "\(values.count) values do not fill \(shape)")
        self.init(dtype, shape)
        values.withUnsafeBytes { if $0.count > 0 { storage.pointer.copyMemory(from: $0.baseAddress!, byteCount: $0.count) } }
    }

    public init(_ shape: Shape, _ values: [Float]) { self.init(.f32, shape, copying: values) }
    public init(_ shape: Shape, _ values: [Int64]) { self.init(.i64, shape, copying: values) }

    public var count: Int { shape.count }
    public var byteCount: Int { count * dtype.bytes }

    /// The same elements under another shape of the same count.
    public func reshaped(to shape: Shape) -> Tensor {
        precondition(shape.count == self.shape.count, "\(self.shape) cannot become \(shape)")
        return Tensor(dtype, shape, storage: storage, offset: offset)
    }

    public func withUnsafeBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let storage = storage
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafeRawBufferPointer(start: storage.pointer + offset, count: byteCount))
    }

    public mutating func withUnsafeMutableBytes<R, E>(_ body: (UnsafeMutableRawBufferPointer) throws(E) -> R) throws(E) -> R {
        if !isKnownUniquelyReferenced(&storage) || !storage.isWritable {
            let copy = AlignedBytes(count: byteCount, zeroed: false)
            copy.pointer.copyMemory(from: storage.pointer + offset, byteCount: byteCount)
            storage = copy
            offset = 0
        }
        let storage = storage
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafeMutableRawBufferPointer(start: storage.pointer + offset, count: byteCount))
    }

    /// The elements as `type`, which must have the size of `dtype`.
    public func array<Element: BitwiseCopyable>(of type: Element.Type) -> [Element] {
        precondition(MemoryLayout<Element>.size == dtype.bytes, "\(dtype) is not stored as \(type)")
        return withUnsafeBytes { bytes in
            [Element](unsafeUninitializedCapacity: count) { out, n in
                if count > 0 { UnsafeMutableRawBufferPointer(out).copyMemory(from: bytes) }
                n = count
            }
        }
    }

    public var floats: [Float] { array(of: Float.self) }
}
