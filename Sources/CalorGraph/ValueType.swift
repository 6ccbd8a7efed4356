import CalorTensor

/// What is known of a value before it is computed: type and concrete shape.
public struct ValueType: Sendable, Hashable, CustomStringConvertible {
    public var dtype: DType
    public var shape: Shape

    public init(_ dtype: DType, _ shape: Shape) {
        self.dtype = dtype
        self.shape = shape
    }

    public var byteCount: Int { shape.count * dtype.bytes }

    public var description: String { "\(dtype) \(shape)" }
}

extension Tensor {
    public var type: ValueType { ValueType(dtype, shape) }
}
