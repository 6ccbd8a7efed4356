import CalorBase

/// The directories of a TIFF file as they stand in its bytes, classic or BigTIFF, either byte order.
///
/// libtiff reads the pixels; this reads what libtiff should not be trusted with: the chain of pages (loops), the memory that a
/// directory will ask for, and the metadata blocks. EXIF blocks have the same structure.
///
/// *Source*: TIFF 6.0, section 2; the BigTIFF proposal of 2004.
struct TIFFStructure {
    let reader: TIFFBytes
    let isBig: Bool
    let firstDirectory: Int

    struct Entry {
        var tag: Int
        var type: Int
        var count: Int
        /// Where the values stand, from the start of the file; they are known to be inside it.
        var offset: Int

        var byteCount: Int { count * TIFFStructure.bytes(ofType: type) }
    }

    init?(_ bytes: ArraySlice<UInt8>) { self.init(TIFFBytes(bytes)) }

    init?(_ bytes: TIFFBytes) {
        var reader = bytes
        if reader.holds("II") {
            reader.order = .little
        } else if !reader.holds("MM") {
            return nil
        }
        guard let version: UInt16 = reader.integer(at: 2) else { return nil }
        switch version {
        case 42:
            guard let first: UInt32 = reader.integer(at: 4) else { return nil }
            (isBig, firstDirectory) = (false, Int(first))
        case 43:
            guard let width: UInt16 = reader.integer(at: 4), width == 8, let first: UInt64 = reader.integer(at: 8),
                let offset = Int(exactly: first)
            else { return nil }
            (isBig, firstDirectory) = (true, offset)
        default:
            return nil
        }
        self.reader = reader
    }

    /// Bytes of one value; 0 for a type that does not exist.
    static func bytes(ofType type: Int) -> Int {
        switch type {
        case 1, 2, 6, 7: 1
        case 3, 8: 2
        case 4, 9, 11, 13: 4
        case 5, 10, 12, 16, 17, 18: 8
        default: 0
        }
    }

    // MARK: - Directories

    /// Offsets of the pages in file order; a loop ends the list, and so does the end of the file when that is tolerated.
    func directories(limits: Limits, toleratesTruncation: Bool) throws(CodecFault) -> [Int] {
        var found: [Int] = []
        var seen: Set<Int> = []
        var next = firstDirectory
        while next != 0, !seen.contains(next), let (count, start) = entryRange(at: next) {
            guard found.count < limits.pages else {
                throw .limit(name: "pages", "more than \(limits.pages) pages")
            }
            found.append(next)
            seen.insert(next)
            let end = start + count * entryBytes
            guard
                let link = isBig
                    ? reader.integer(at: end, as: UInt64.self) : reader.integer(at: end, as: UInt32.self).map(UInt64.init)
            else {
                if toleratesTruncation { break }
                throw .damaged(.tiff, .truncated, "page \(found.count - 1) is not complete")
            }
            next = Int(exactly: link) ?? 0
        }
        return found
    }

    private var entryBytes: Int { isBig ? 20 : 12 }

    private func entryRange(at offset: Int) -> (count: Int, start: Int)? {
        if isBig {
            guard let count: UInt64 = reader.integer(at: offset), count <= 65_535 else { return nil }
            return (Int(count), offset + 8)
        }
        guard let count: UInt16 = reader.integer(at: offset) else { return nil }
        return (Int(count), offset + 2)
    }

    /// The entries of one directory whose values lie inside the file.
    func entries(at offset: Int) -> [Entry] {
        guard let (count, start) = entryRange(at: offset) else { return [] }
        return (0..<count).compactMap { entry(at: start + $0 * entryBytes) }
    }

    private func entry(at offset: Int) -> Entry? {
        guard let tag: UInt16 = reader.integer(at: offset), let type: UInt16 = reader.integer(at: offset + 2) else { return nil }
        let size = Self.bytes(ofType: Int(type))
        let inline = isBig ? 8 : 4
        let place = offset + (isBig ? 12 : 8)
        let stored =
            isBig
            ? reader.integer(at: offset + 4, as: UInt64.self) : reader.integer(at: offset + 4, as: UInt32.self).map(UInt64.init)
        guard size > 0, let stored, let items = Int(exactly: stored), items <= reader.count / size + inline else { return nil }
        var values = place
        if items * size > inline {
            let pointer =
                isBig ? reader.integer(at: place, as: UInt64.self) : reader.integer(at: place, as: UInt32.self).map(UInt64.init)
            guard let pointer, let target = Int(exactly: pointer) else { return nil }
            values = target
        }
        guard reader.contains(at: values, count: items * size) else { return nil }
        return Entry(tag: Int(tag), type: Int(type), count: items, offset: values)
    }

    // MARK: - Values

    func data(of entry: Entry) -> ArraySlice<UInt8> { reader.slice(at: entry.offset, count: entry.byteCount) ?? [] }

    /// A whole number of any unsigned type; nil for others.
    func integer(_ entry: Entry, at index: Int = 0) -> Int? {
        guard index < entry.count else { return nil }
        switch entry.type {
        case 1, 7: return reader.integer(at: entry.offset + index, as: UInt8.self).map { Int($0) }
        case 3: return reader.integer(at: entry.offset + 2 * index, as: UInt16.self).map { Int($0) }
        case 4, 13: return reader.integer(at: entry.offset + 4 * index, as: UInt32.self).map { Int($0) }
        case 16, 18: return reader.integer(at: entry.offset + 8 * index, as: UInt64.self).flatMap { Int(exactly: $0) }
        default: return nil
        }
    }

    /// All values of a DOUBLE entry, at most `maximum`; nil when one of them is not a finite number.
    func doubles(_ entry: Entry, maximum: Int) -> [Double]? {
        guard entry.type == 12, entry.count <= maximum else { return nil }
        let values = (0..<entry.count).compactMap { reader.integer(at: entry.offset + 8 * $0, as: UInt64.self) }
        let numbers = values.map { Double(bitPattern: $0) }
        return numbers.count == entry.count && numbers.allSatisfy(\.isFinite) ? numbers : nil
    }

    /// The first value of an unsigned RATIONAL.
    func rational(_ entry: Entry) -> Double? {
        guard entry.type == 5, let above: UInt32 = reader.integer(at: entry.offset),
            let below: UInt32 = reader.integer(at: entry.offset + 4), below != 0
        else { return nil }
        return Double(above) / Double(below)
    }

    /// An ASCII value up to its first NUL; UTF-8 where it is valid, Latin-1 where not.
    func text(_ entry: Entry) -> String? {
        guard entry.type == 2 else { return nil }
        let bytes = data(of: entry).prefix { $0 != 0 }
        return String(validating: bytes, as: UTF8.self) ?? Latin1.string(bytes)
    }
}
