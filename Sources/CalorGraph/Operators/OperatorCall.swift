import CalorTensor
import Foundation

/// A node together with what is known of its inputs: during evaluation every tensor, during inference types and constants.
struct OperatorCall: Sendable {
    let node: Node
    let opset: Int
    /// nil for an input that is left out.
    let types: [ValueType?]
    /// nil for an input that is left out or, during inference, not constant.
    let tensors: [Tensor?]

    /// Bytes of this machine's memory.
    static let memoryLimit = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    /// A tensor above this many bytes is refused before it is allocated: 8 GiB, or half of the machine's memory.
    static let byteLimit = min(1 << 33, memoryLimit / 2)
    /// A tensor above this many bytes is no picture's: then the model is at fault and not the machine.
    static let absurdBytes = 1 << 40
    /// Operations of one node that runs without a kernel; at some thousand million a second this is a quarter of an hour.
    static let workLimit = 1e12

    // MARK: - Faults

    func fault(_ reason: String) -> GraphFault { .node(name: node.name, op: node.op, reason: reason) }
    func unsupported(_ reason: String) -> GraphFault { .unsupported(node: node.name, op: node.op, reason: reason) }

    func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(GraphFault) {
        if !condition { throw fault(reason()) }
    }

    // MARK: - Inputs

    func has(_ index: Int) -> Bool { index < types.count && types[index] != nil }

    func type(_ index: Int) throws(GraphFault) -> ValueType {
        guard index < types.count, let type = types[index] else { throw fault("input \(index) is missing") }
        return type
    }

    func shape(_ index: Int) throws(GraphFault) -> Shape { try type(index).shape }
    func dtype(_ index: Int) throws(GraphFault) -> DType { try type(index).dtype }

    func tensor(_ index: Int) throws(GraphFault) -> Tensor {
        guard index < tensors.count, let tensor = tensors[index] else {
            throw fault("input \(index) is missing or its value is not known")
        }
        return tensor
    }

    func optionalTensor(_ index: Int) -> Tensor? { index < tensors.count ? tensors[index] : nil }

    /// All inputs that are present.
    func allTensors() throws(GraphFault) -> [Tensor] {
        var all: [Tensor] = []
        for index in types.indices { all.append(try tensor(index)) }
        return all
    }

    /// An integer input (axes, shapes, sizes) as a list; nil when it is left out.
    func integers(at index: Int) throws(GraphFault) -> [Int]? {
        guard has(index) else { return nil }
        let tensor = try tensor(index)
        switch tensor.dtype {
        case .i64: return tensor.array(of: Int64.self).map(Int.init)
        case .i32: return tensor.array(of: Int32.self).map(Int.init)
        default: throw fault("input \(index) must be integers, it is \(tensor.dtype)")
        }
    }

    /// A one-element integer input.
    func integer(at index: Int) throws(GraphFault) -> Int? {
        guard let list = try integers(at: index) else { return nil }
        guard list.count == 1, let value = list.first else { throw fault("input \(index) must be one integer") }
        return value
    }

    /// A list that newer operator sets pass as an input and older ones as an attribute.
    func integers(at index: Int, or attribute: String) throws(GraphFault) -> [Int]? {
        if let list = try integers(at: index) { return list }
        return try ints(attribute)
    }

    /// A one-element floating or integer input as a number.
    func number(at index: Int) throws(GraphFault) -> Double? {
        guard has(index) else { return nil }
        let tensor = try tensor(index)
        guard tensor.count == 1 else { throw fault("input \(index) must be one number") }
        return tensor.doubles[0]
    }

    // MARK: - Attributes

    func int(_ name: String) throws(GraphFault) -> Int? {
        switch node.attributes[name] {
        case nil: return nil
        case .int(let value): return Int(value)
        default: throw fault("attribute \(name) must be an integer")
        }
    }

    func flag(_ name: String, default value: Bool = false) throws(GraphFault) -> Bool { try int(name).map { $0 != 0 } ?? value }

    func float(_ name: String) throws(GraphFault) -> Double? {
        switch node.attributes[name] {
        case nil: return nil
        case .float(let value): return Double(value)
        case .int(let value): return Double(value)
        default: throw fault("attribute \(name) must be a number")
        }
    }

    func string(_ name: String) throws(GraphFault) -> String? {
        switch node.attributes[name] {
        case nil: return nil
        case .string(let value): return value
        default: throw fault("attribute \(name) must be text")
        }
    }

    func ints(_ name: String) throws(GraphFault) -> [Int]? {
        switch node.attributes[name] {
        case nil: return nil
        case .ints(let values): return values.map(Int.init)
        default: throw fault("attribute \(name) must be a list of integers")
        }
    }

    func floats(_ name: String) throws(GraphFault) -> [Float]? {
        switch node.attributes[name] {
        case nil: return nil
        case .floats(let values): return values
        default: throw fault("attribute \(name) must be a list of numbers")
        }
    }

    // MARK: - Axes and sizes

    /// `axis` counted from the front. `inclusive` also allows the place behind the last axis.
    func axis(_ axis: Int, rank: Int, inclusive: Bool = false) throws(GraphFault) -> Int {
        let end = inclusive ? rank : rank - 1
        let found = axis < 0 ? axis &+ rank : axis
        guard found >= 0, found <= end else { throw fault("axis \(axis) is outside of a tensor of rank \(rank)") }
        return found
    }

    /// Distinct axes counted from the front, in the order given.
    func axes(_ list: [Int], rank: Int) throws(GraphFault) -> [Int] {
        var seen: [Int] = []
        for entry in list {
            let found = try axis(entry, rank: rank)
            guard !seen.contains(found) else { throw fault("axis \(entry) is named twice") }
            seen.append(found)
        }
        return seen
    }

    /// A shape that is safe to allocate: no negative extent, no overflow, at most `byteLimit` bytes.
    func checked(_ dims: [Int], _ dtype: DType) throws(GraphFault) -> Shape {
        guard dims.count <= 64 else { throw fault("a tensor of rank \(dims.count) is above the limit of 64") }
        var bytes = dtype.bytes
        for extent in dims {
            guard extent >= 0 else { throw fault("the extent \(extent) is negative") }
            let (product, overflow) = bytes.multipliedReportingOverflow(by: max(extent, 1))
            guard !overflow, product <= Self.absurdBytes else {
                throw fault("asks for a tensor \(Shape(dims)) of \(dtype), more than any memory holds")
            }
            bytes = product
        }
        guard bytes <= Self.byteLimit else {
            throw .tooLarge(
                node: node.name, op: node.op,
                reason: "a tensor \(Shape(dims)) of \(dtype) is above the limit of \(Self.byteLimit >> 20) MiB")
        }
        return Shape(dims)
    }

    /// Refuses a node whose loops, without a kernel, would run for hours: the product of `factors` is the number of their rounds.
    func checkWork(_ factors: [Int]) throws(GraphFault) {
        let work = factors.reduce(1.0) { $0 * Double(max($1, 0)) }
        guard work <= Self.workLimit else {
            throw .tooLarge(
                node: node.name, op: node.op,
                reason: "it would take \(work) operations, the limit without a kernel is \(Self.workLimit)")
        }
    }

    func broadcast(_ a: Shape, _ b: Shape) throws(GraphFault) -> Shape {
        guard let shape = Shape.broadcast(a, b) else { throw fault("shapes \(a) and \(b) do not broadcast") }
        return shape
    }

    /// a × b + c, or a fault: sizes come from the file.
    func multiplyAdd(_ a: Int, _ b: Int, _ c: Int) throws(GraphFault) -> Int {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        let (sum, carry) = product.addingReportingOverflow(c)
        guard !overflow, !carry else { throw fault("sizes overflow") }
        return sum
    }
}
