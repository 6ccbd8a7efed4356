/// A container that Calor reads and writes.
public enum FileFormat: String, Sendable, CaseIterable {
    case png, jpeg, tiff

    /// From the end of a file's name, without the dot, in any case.
    public init?(fileExtension: String) {
        switch fileExtension.lowercased() {
        case "png": self = .png
        case "jpg", "jpeg", "jpe", "jfif": self = .jpeg
        case "tif", "tiff", "btf", "tf8": self = .tiff
        default: return nil
        }
    }

    public var fileExtension: String {
        switch self {
        case .png: "png"
        case .jpeg: "jpg"
        case .tiff: "tiff"
        }
    }

    /// The name as people write it.
    public var name: String { rawValue.uppercased() }

    /// From the first bytes of a file; eight are enough. The name of a file is never asked.
    public static func detect(_ head: UnsafeRawBufferPointer) -> FileFormat? {
        func starts(_ bytes: [UInt8]) -> Bool { head.count >= bytes.count && zip(head, bytes).allSatisfy(==) }
        if starts([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if starts([0xFF, 0xD8, 0xFF]) { return .jpeg }
        let tiff: [[UInt8]] = [[0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42], [0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43]]
        return tiff.contains(where: starts) ? .tiff : nil
    }
}
