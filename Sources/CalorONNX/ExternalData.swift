import CalorBase
import CalorTensor

/// Files beside the model that hold its weights. Each is opened once, below the model's folder, and mapped.
final class ExternalData {
    /// Exporters write one file, or one for each weight.
    static let maximumFiles = 16_384

    private let folder: String?
    private let limits: Limits
    private(set) var files: [String: MappedFile] = [:]
    /// Bytes of all tensors so far: ranges may overlap, so a small file could stand for any amount of memory.
    private var tensorBytes = 0

    /// `folder` is where the model lies; nil when it has no place, as on standard input.
    init(folder: String?, limits: Limits) {
        self.folder = folder
        self.limits = limits
    }

    /// The bytes of a tensor of `count` elements, a view of the file where the offset allows it.
    ///
    /// The entry `checksum` of the format is not looked at.
    func tensor(_ proto: Onnx_TensorProto, _ dtype: DType, _ shape: Shape, _ name: String) throws(ONNXFault) -> Tensor {
        func refused(_ reason: String) -> ONNXFault { .tensor(name: name, reason: reason) }
        let (location, offset, length) = try entries(proto, name)
        let bytes = shape.count * dtype.bytes
        if let length, length != bytes {
            throw refused("\(shape) of \(dtype) needs \(bytes) bytes, its external data has \(length)")
        }
        let file = try opened(location, name)
        guard offset <= file.count, bytes <= file.count - offset else {
            throw refused("bytes \(offset) to \(offset) + \(bytes) are not in its external data \(location) of \(file.count) bytes")
        }
        tensorBytes += bytes
        guard tensorBytes <= limits.fileBytes else {
            throw refused("with it the external data is above the limit of \(limits.fileBytes) bytes")
        }
        if offset % AlignedBytes.alignment == 0, bytes > 0, dtype != .bool {
            return Tensor(dtype, shape, storage: AlignedBytes(file), offset: offset)
        }
        var copy = Tensor(dtype, shape)
        copy.withUnsafeMutableBytes { out in
            out.copyMemory(from: UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + bytes]))
        }
        return copy
    }

    private func entries(_ proto: Onnx_TensorProto, _ name: String) throws(ONNXFault) -> (String, Int, Int?) {
        guard proto.externalData.count <= 16 else { throw .tensor(name: name, reason: "its external data has too many entries") }
        var values: [String: String] = [:]
        for entry in proto.externalData {
            guard values.updateValue(entry.value, forKey: entry.key) == nil else {
                throw .tensor(name: name, reason: "its external data gives \(entry.key) twice")
            }
        }
        func number(_ key: String) throws(ONNXFault) -> Int? {
            guard let text = values[key], !text.isEmpty else { return nil }
            guard let value = Int(text), value >= 0, value <= 1 << 48 else {
                throw .tensor(name: name, reason: "its external data has the \(key) \(text.prefix(40))")
            }
            return value
        }
        guard let location = values["location"] else {
            throw .tensor(name: name, reason: "its external data has no location")
        }
        return (location, try number("offset") ?? 0, try number("length"))
    }

    private func opened(_ location: String, _ name: String) throws(ONNXFault) -> MappedFile {
        if let known = files[location] { return known }
        guard let folder else {
            throw .tensor(name: name, reason: "its data lies in another file, and a model from standard input has no folder")
        }
        guard files.count < Self.maximumFiles else {
            throw .tensor(name: name, reason: "the model has more than \(Self.maximumFiles) files of external data")
        }
        do {
            let file = try MappedFile(path: location, below: folder, limit: limits.fileBytes)
            files[location] = file
            return file
        } catch {
            throw .tensor(name: name, reason: "its external data \(Self.shown(location)) \(error)")
        }
    }

    /// A name from the file as a message may show it.
    private static func shown(_ location: String) -> String {
        let text = location.count > 200 ? location.prefix(200) + "…" : location[...]
        return String(text.map { $0.isASCII && ($0.asciiValue ?? 0) < 32 ? "?" : $0 })
    }
}
