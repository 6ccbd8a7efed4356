import CalorGraph
import CalorTensor

/// Writes a graph as an ONNX file, so that tests need no example files.
///
/// *Source*: docs/formats/onnx.proto for the field numbers, the Protocol Buffers encoding for the wire.
public enum ONNXWriter {
    /// `more` is merged into the graph's message: further nodes, weights, inputs, well formed or not.
    public static func bytes(of graph: Graph, irVersion: Int = 9, more: Message = Message()) -> [UInt8] {
        var model = Message()
        model.varint(1, irVersion)
        model.message(7, self.graph(graph))
        if !more.bytes.isEmpty { model.message(7, more) }
        var opset = Message()
        opset.varint(2, graph.opset)
        model.message(8, opset)
        return model.bytes
    }

    private static func graph(_ graph: Graph) -> Message {
        func name(_ value: ValueID) -> String { graph.valueNames[value] ?? "v\(value.index)" }
        var message = Message()
        for node in graph.nodes { message.message(1, self.node(node, name)) }
        message.text(2, graph.name)
        for (value, tensor) in graph.constants.sorted(by: { $0.key < $1.key }) {
            message.message(5, self.tensor(tensor, named: name(value)))
        }
        for input in graph.inputs { message.message(11, info(input, named: name(input.value))) }
        // Names that the graph gives its outputs are those of `Session`; a file has one name for each value.
        for output in graph.outputs { message.message(12, info(output, named: name(output.value))) }
        return message
    }

    private static func node(_ node: Node, _ name: (ValueID) -> String) -> Message {
        var message = Message()
        for input in node.inputs { message.text(1, input.map(name) ?? "") }
        for output in node.outputs { message.text(2, output.map(name) ?? "") }
        message.text(3, node.name)
        message.text(4, node.op)
        for (key, value) in node.attributes.sorted(by: { $0.key < $1.key }) { message.message(5, attribute(key, value)) }
        return message
    }

    private static func attribute(_ key: String, _ value: Attribute) -> Message {
        var message = Message()
        message.text(1, key)
        let kind: Int
        switch value {
        case .float(let number):
            message.fixed(2, number.bitPattern)
            kind = 1
        case .int(let number):
            message.varint(3, Int(number))
            kind = 2
        case .string(let text):
            message.text(4, text)
            kind = 3
        case .tensor(let tensor):
            message.message(5, self.tensor(tensor, named: ""))
            kind = 4
        case .floats(let numbers):
            for number in numbers { message.fixed(7, number.bitPattern) }
            kind = 6
        case .ints(let numbers):
            for number in numbers { message.varint(8, Int(number)) }
            kind = 7
        case .strings(let texts):
            for text in texts { message.text(9, text) }
            kind = 8
        }
        message.varint(20, kind)
        return message
    }

    private static func tensor(_ tensor: Tensor, named name: String) -> Message {
        var message = Message()
        for extent in tensor.shape.dims { message.varint(1, extent) }
        message.varint(2, code(tensor.dtype))
        message.text(8, name)
        message.data(9, tensor.withUnsafeBytes { Array($0) })
        return message
    }

    private static func info(_ info: ValueInfo, named name: String) -> Message {
        var type = Message()
        type.varint(1, code(info.dtype))
        if let dims = info.dims {
            var shape = Message()
            for dimension in dims {
                var dim = Message()
                switch dimension {
                case .fixed(let extent): dim.varint(1, extent)
                case .symbol(let symbol): dim.text(2, symbol)
                }
                shape.message(1, dim)
            }
            type.message(2, shape)
        }
        var kind = Message()
        kind.message(1, type)
        var message = Message()
        message.text(1, name)
        message.message(2, kind)
        return message
    }

    /// *Source*: TensorProto.DataType.
    static func code(_ dtype: DType) -> Int {
        switch dtype {
        case .f32: 1
        case .u8: 2
        case .i8: 3
        case .u16: 4
        case .i16: 5
        case .i32: 6
        case .i64: 7
        case .bool: 9
        case .f16: 10
        case .f64: 11
        case .u32: 12
        case .u64: 13
        }
    }

    /// Fields in the order in which they are added.
    public struct Message: Sendable {
        public private(set) var bytes: [UInt8] = []

        public init() {}

        public mutating func varint(_ field: Int, _ value: Int) {
            raw(UInt64(field) << 3)
            raw(UInt64(bitPattern: Int64(value)))
        }

        public mutating func fixed(_ field: Int, _ value: UInt32) {
            raw(UInt64(field) << 3 | 5)
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
        }

        public mutating func data(_ field: Int, _ value: [UInt8]) {
            raw(UInt64(field) << 3 | 2)
            raw(UInt64(value.count))
            bytes += value
        }

        public mutating func text(_ field: Int, _ value: String) { data(field, Array(value.utf8)) }
        public mutating func message(_ field: Int, _ value: Message) { data(field, value.bytes) }

        private mutating func raw(_ value: UInt64) {
            var rest = value
            while rest >= 128 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }
}
