import CalorBase

/// The bytes of a TIFF file, in memory or in an open file, asked for by their place. Every access is checked, none traps.
struct TIFFBytes {
    enum Place {
        case memory(ByteReader)
        case file(OpenFile)
    }

    let place: Place
    var order = ByteOrder.big

    init(_ bytes: ArraySlice<UInt8>) { place = .memory(ByteReader(bytes)) }
    init(_ file: OpenFile) { place = .file(file) }

    var count: Int {
        switch place {
        case .memory(let reader): reader.count
        case .file(let file): file.count
        }
    }

    func contains(at offset: Int, count wanted: Int) -> Bool {
        offset >= 0 && wanted >= 0 && offset <= count && wanted <= count - offset
    }

    func slice(at offset: Int, count: Int) -> ArraySlice<UInt8>? {
        switch place {
        case .memory(let reader): reader.slice(at: offset, count: count)
        case .file(let file): file.bytes(at: offset, count: count)?[...]
        }
    }

    func integer<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T? {
        guard contains(at: offset, count: MemoryLayout<T>.size), let part = slice(at: offset, count: MemoryLayout<T>.size) else {
            return nil
        }
        let raw = part.withUnsafeBytes { $0.loadUnaligned(as: T.self) }
        return order == .little ? T(littleEndian: raw) : T(bigEndian: raw)
    }

    func holds(_ text: StaticString, at offset: Int = 0) -> Bool {
        guard let part = slice(at: offset, count: text.utf8CodeUnitCount) else { return false }
        return text.withUTF8Buffer { part.elementsEqual($0) }
    }
}
