import CalorGraph
import CalorTensor
import Foundation

/// Weights and constants. The file must hold exactly the elements that the shape asks for, so a shape alone cannot make the
/// importer allocate.
struct TensorImporter {
    /// Where data beside the file is read from.
    let external: ExternalData

    /// bfloat16 is read as f32, which holds every value of it.
    private static let bfloat16: Int32 = 16

    static func dtype(_ code: Int32) -> DType? { code == bfloat16 ? .f32 : DType(onnxCode: Int(code)) }

    static func typeName(_ code: Int32) -> String {
        switch code {
        case 0: "undefined"
        case 8: "string"
        case 14: "complex64"
        case 15: "complex128"
        case 17...20, 24: "float8"
        case 21, 22: "int4"
        case 23: "float4"
        default: String(code)
        }
    }

    /// `owner` names a tensor that has no name of its own.
    func tensor(_ proto: Onnx_TensorProto, owner: String = "(constant)") throws(ONNXFault) -> Tensor {
        let name = proto.name.isEmpty ? owner : proto.name
        let isExternal = proto.dataLocation == 1
        guard (0...1).contains(proto.dataLocation), proto.externalData.isEmpty != isExternal, !(isExternal && proto.hasRawData)
        else {
            throw .tensor(name: name, reason: "it does not say clearly whether its data lies in the file or beside it")
        }
        guard !proto.hasSegment else { throw .tensor(name: name, reason: "it is cut into segments, which is not supported") }
        guard let dtype = Self.dtype(proto.dataType) else {
            throw .tensor(name: name, reason: "element type \(Self.typeName(proto.dataType)) is not supported")
        }
        let shape = try Self.shape(proto, dtype, name)
        let stored = proto.dataType == Self.bfloat16 ? DType.u16 : dtype
        var tensor: Tensor
        if isExternal {
            tensor = try external.tensor(proto, stored, shape, name)
        } else {
            tensor = try proto.hasRawData ? Self.raw(proto.rawData, stored, shape, name) : Self.typed(proto, stored, shape, name)
        }
        if stored == .bool {
            tensor.withUnsafeMutableBytes { flags in for i in flags.indices { flags[i] = flags[i] == 0 ? 0 : 1 } }
        }
        if proto.dataType == Self.bfloat16 {
            return Tensor(.f32, shape, copying: tensor.array(of: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) })
        }
        return tensor
    }

    private static func shape(_ proto: Onnx_TensorProto, _ dtype: DType, _ name: String) throws(ONNXFault) -> Shape {
        guard proto.dims.count <= 64 else { throw .tensor(name: name, reason: "it has \(proto.dims.count) axes, the limit is 64") }
        var bytes = dtype.bytes
        for extent in proto.dims {
            guard extent >= 0 else { throw .tensor(name: name, reason: "the extent \(extent) is negative") }
            let (product, overflow) = bytes.multipliedReportingOverflow(by: max(Int(clamping: extent), 1))
            guard !overflow, product <= 1 << 40 else {
                throw .tensor(name: name, reason: "its shape asks for more than a file can hold")
            }
            bytes = product
        }
        return Shape(proto.dims.map(Int.init))
    }

    private static func raw(_ data: Data, _ dtype: DType, _ shape: Shape, _ name: String) throws(ONNXFault) -> Tensor {
        guard data.count == shape.count * dtype.bytes else {
            throw .tensor(
                name: name, reason: "\(shape) of \(dtype) needs \(shape.count * dtype.bytes) bytes, the file has \(data.count)")
        }
        var tensor = Tensor(dtype, shape)
        tensor.withUnsafeMutableBytes { out in _ = data.copyBytes(to: out) }
        return tensor
    }

    private static func typed(_ proto: Onnx_TensorProto, _ dtype: DType, _ shape: Shape, _ name: String) throws(ONNXFault) -> Tensor
    {
        func filled<Stored, Element: BitwiseCopyable>(_ values: [Stored], _ convert: (Stored) -> Element) throws(ONNXFault)
            -> Tensor
        {
            guard values.count == shape.count else {
                throw .tensor(name: name, reason: "\(shape) needs \(shape.count) elements, the file has \(values.count)")
            }
            return Tensor(dtype, shape, copying: values.map(convert))
        }
        return switch dtype {
        case .f32: try filled(proto.floatData) { $0 }
        case .f64: try filled(proto.doubleData) { $0 }
        case .i64: try filled(proto.int64Data) { $0 }
        case .u64: try filled(proto.uint64Data) { $0 }
        case .u32: try filled(proto.uint64Data) { UInt32(truncatingIfNeeded: $0) }
        case .i32: try filled(proto.int32Data) { $0 }
        case .i16: try filled(proto.int32Data) { Int16(truncatingIfNeeded: $0) }
        case .i8: try filled(proto.int32Data) { Int8(truncatingIfNeeded: $0) }
        case .f16, .u16: try filled(proto.int32Data) { UInt16(truncatingIfNeeded: $0) }
        case .u8: try filled(proto.int32Data) { UInt8(truncatingIfNeeded: $0) }
        case .bool: try filled(proto.int32Data) { $0 == 0 ? 0 : 1 as UInt8 }
        }
    }
}
