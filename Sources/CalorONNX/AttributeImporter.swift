import CalorGraph
import Foundation

/// Attributes of nodes.
enum AttributeImporter {
    enum Problem: Error {
        case unsupported(String)
        case damaged(String)
    }

    static func attribute(_ proto: Onnx_AttributeProto, _ tensors: TensorImporter) throws(Problem) -> Attribute {
        guard proto.refAttrName.isEmpty else { throw .unsupported("attribute \(proto.name) refers to a function's parameter") }
        switch proto.type == 0 ? inferredType(proto) : proto.type {
        case 1: return .float(proto.f)
        case 2: return .int(proto.i)
        case 3: return .string(try text(proto.s))
        case 4:
            do { return .tensor(try tensors.tensor(proto.t)) } catch { throw .damaged(error.message) }
        case 6: return .floats(proto.floats)
        case 7: return .ints(proto.ints)
        case 8:
            var strings: [String] = []
            for entry in proto.strings { strings.append(try text(entry)) }
            return .strings(strings)
        case 5, 10: throw .unsupported("attribute \(proto.name) holds a graph")
        case let type: throw .unsupported("attribute \(proto.name) is of kind \(type)")
        }
    }

    /// Files of the first IR versions do not say the kind.
    private static func inferredType(_ proto: Onnx_AttributeProto) -> Int32 {
        if proto.hasF { return 1 }
        if proto.hasI { return 2 }
        if proto.hasS { return 3 }
        if proto.hasT { return 4 }
        if proto.hasG { return 5 }
        if !proto.floats.isEmpty { return 6 }
        if !proto.strings.isEmpty { return 8 }
        return 7
    }

    private static func text(_ bytes: Data) throws(Problem) -> String {
        guard let text = String(data: bytes, encoding: .utf8) else { throw .damaged("the text is not UTF-8") }
        return text
    }
}
