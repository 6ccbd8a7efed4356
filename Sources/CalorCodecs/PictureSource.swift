import CalorBase

/// Where a decoder takes its bytes from: memory that outlives it, or an open file, which is then never loaded as a whole.
enum PictureSource {
    case memory(UnsafeBufferPointer<UInt8>)
    case file(OpenFile)

    var address: UnsafePointer<UInt8>? {
        if case .memory(let buffer) = self { buffer.baseAddress } else { nil }
    }

    var descriptor: Int32 { file?.descriptor ?? -1 }

    var file: OpenFile? {
        if case .file(let file) = self { file } else { nil }
    }

    var count: Int {
        switch self {
        case .memory(let buffer): buffer.count
        case .file(let file): file.count
        }
    }

    /// The first bytes, at most `count`.
    func head(_ count: Int) -> [UInt8] {
        switch self {
        case .memory(let buffer): Array(buffer.prefix(count))
        case .file(let file): file.bytes(at: 0, count: min(count, file.count)) ?? []
        }
    }
}
