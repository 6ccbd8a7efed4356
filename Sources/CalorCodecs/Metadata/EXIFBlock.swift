import CalorBase
import CalorImage

/// EXIF blocks made from, and turned into, the directories of a TIFF file.
///
/// Values are copied byte by byte with their order changed where needed; maker notes are opaque and keep their bytes.
///
/// *Source*: EXIF 2.32, 4.6: IFD0 points to the Exif directory (34665) and the GPS directory (34853), Exif to Interoperability.
enum EXIFBlock {
    /// A directory with its values in little-endian order and the directories below it.
    struct Directory {
        var values: [(tag: Int, type: Int, count: Int, bytes: [UInt8])] = []
        var children: [(tag: Int, directory: Directory)] = []

        var isEmpty: Bool { values.isEmpty && children.isEmpty }
    }

    static let exifTag = 34_665
    static let gpsTag = 34_853
    private static let interoperabilityTag = 40_965

    // MARK: - Reading

    /// An EXIF block of the page's Exif and GPS directories, with its descriptive texts; nil when it has no such directory.
    static func extracted(from file: TIFFStructure, entries: [TIFFStructure.Entry], limits: Limits) -> [UInt8]? {
        var root = Directory()
        root.children = children(of: entries, in: file, tags: [exifTag, gpsTag], limits: limits)
        guard !root.children.isEmpty else { return nil }
        for (tag, _) in TIFFMetadata.textTags {
            guard let entry = entries.first(where: { $0.tag == tag && $0.type == 2 }), entry.byteCount <= limits.metadataBytes
            else { continue }
            root.values.append((tag, 2, entry.count, Array(file.data(of: entry))))
        }
        let block = Array("II*\0".utf8) + [8, 0, 0, 0] + serialised(root, at: 8)
        return block.count <= limits.metadataBytes ? block : nil
    }

    /// The Exif and GPS directories of a block, ready to be written into a TIFF file.
    static func directories(of block: [UInt8], limits: Limits = Limits()) -> [(tag: Int, directory: Directory)] {
        guard let file = TIFFStructure(block[...]), !file.isBig else { return [] }
        return children(of: file.entries(at: file.firstDirectory), in: file, tags: [exifTag, gpsTag], limits: limits)
    }

    /// The descriptive texts of a block's first directory: maker, model, date and so on.
    static func texts(of block: [UInt8]) -> [Metadata.Text] {
        guard let file = TIFFStructure(block[...]) else { return [] }
        let entries = file.entries(at: file.firstDirectory)
        return TIFFMetadata.textTags.compactMap { tag, key in
            entries.first { $0.tag == tag }.flatMap(file.text).flatMap { $0.isEmpty ? nil : Metadata.Text(key: key, value: $0) }
        }
    }

    private static func children(
        of entries: [TIFFStructure.Entry], in file: TIFFStructure, tags: [Int], limits: Limits
    ) -> [(tag: Int, directory: Directory)] {
        tags.compactMap { tag in
            guard let entry = entries.first(where: { $0.tag == tag }), let offset = file.integer(entry) else { return nil }
            var left = limits.metadataBytes
            let found = directory(at: offset, in: file, bytesLeft: &left, limits: limits)
            return found.isEmpty ? nil : (tag, found)
        }
    }

    /// One level deep: what an Exif directory points to is Interoperability, which points nowhere.
    private static func directory(at offset: Int, in file: TIFFStructure, bytesLeft: inout Int, limits: Limits) -> Directory {
        var out = Directory()
        var seen: Set<Int> = []
        for entry in file.entries(at: offset) where entry.tag != interoperabilityTag && seen.insert(entry.tag).inserted {
            guard entry.byteCount <= bytesLeft, out.values.count < limits.metadataItems, entry.type <= 12 else { continue }
            bytesLeft -= entry.byteCount
            out.values.append((entry.tag, entry.type, entry.count, littleEndian(entry, in: file)))
        }
        return out
    }

    private static func littleEndian(_ entry: TIFFStructure.Entry, in file: TIFFStructure) -> [UInt8] {
        let bytes = file.data(of: entry)
        // A rational is two numbers of four bytes.
        let unit = entry.type == 5 || entry.type == 10 ? 4 : TIFFStructure.bytes(ofType: entry.type)
        guard file.reader.order == .big, unit > 1 else { return Array(bytes) }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: unit) {
            out += bytes[start..<min(start + unit, bytes.endIndex)].reversed()
        }
        return out
    }

    // MARK: - Writing

    /// A classic little-endian directory that will stand at `offset` of its file; its values and children follow it.
    static func serialised(_ directory: Directory, at offset: Int) -> [UInt8] {
        var entries = directory.values.map { (tag: $0.tag, type: $0.type, count: $0.count, bytes: $0.bytes) }
        let headBytes = 2 + 12 * (entries.count + directory.children.count) + 4
        var tail: [UInt8] = []
        for child in directory.children {
            let place = offset + headBytes + tail.count
            tail += serialised(child.directory, at: place)
            if tail.count & 1 == 1 { tail.append(0) }
            entries.append((child.tag, 4, 1, word(place)))
        }
        entries.sort { $0.tag < $1.tag }
        var head = half(entries.count)
        for entry in entries {
            head += half(entry.tag) + half(entry.type) + word(entry.count)
            if entry.bytes.count <= 4 {
                head += entry.bytes + [UInt8](repeating: 0, count: 4 - entry.bytes.count)
            } else {
                head += word(offset + headBytes + tail.count)
                tail += entry.bytes
                if tail.count & 1 == 1 { tail.append(0) }
            }
        }
        return head + word(0) + tail
    }

    private static func half(_ value: Int) -> [UInt8] { [0, 8].map { UInt8(truncatingIfNeeded: value >> $0) } }
    private static func word(_ value: Int) -> [UInt8] { [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) } }
}
