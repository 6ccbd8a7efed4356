import CalorBase
import CalorImage

/// EXIF blocks made from, and turned into, the directories of a TIFF file.
///
/// Values are copied byte by byte with their order changed where needed. Maker notes are left out: most count their offsets from the start of
/// the block that they were in, so in another place they would point at other bytes (FLIR's would show another emissivity).
///
/// *Source*: EXIF 2.32, 4.6: IFD0 points to the Exif directory (34665) and the GPS directory (34853), Exif to Interoperability.
enum EXIFBlock {
    /// A directory with its values in little-endian order and the directories below it.
    typealias Value = (tag: Int, type: Int, count: Int, bytes: [UInt8])

    struct Directory {
        var values: [Value] = []
        var children: [(tag: Int, directory: Directory)] = []

        var isEmpty: Bool { values.isEmpty && children.isEmpty }
    }

    static let exifTag = 34_665
    static let gpsTag = 34_853
    private static let interoperabilityTag = 40_965
    private static let makerNoteTag = 37_500
    static let makerNoteWarning = "the camera's maker note was dropped: its offsets hold only where the camera wrote it"

    // MARK: - Reading

    /// An EXIF block of the page's Exif and GPS directories, with its descriptive texts; nil when it has no such directory.
    static func extracted(from file: TIFFStructure, entries: [TIFFStructure.Entry], limits: Limits) -> [UInt8]? {
        var root = Directory()
        root.children = children(of: entries, in: file, tags: [exifTag, gpsTag], limits: limits)
        guard !root.children.isEmpty else { return nil }
        for (tag, _) in TIFFMetadata.textTags {
            guard let entry = entries.first(where: { $0.tag == tag && $0.type == 2 }), entry.byteCount <= limits.metadataBytes,
                !(tag == TIFFMetadata.descriptionTag && TIFFMetadata.describesStack(file.text(entry) ?? ""))
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

    /// The resolution of a block's first directory.
    static func resolution(of block: [UInt8]) -> Metadata.Resolution? {
        TIFFStructure(block[...]).flatMap { TIFFMetadata.resolution($0, $0.entries(at: $0.firstDirectory)) }
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
        for entry in file.entries(at: offset)
        where entry.tag != interoperabilityTag && entry.tag != makerNoteTag && seen.insert(entry.tag).inserted {
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

    /// Whether the block has a maker note.
    static func hasMakerNote(_ block: [UInt8]) -> Bool {
        guard let file = TIFFStructure(block[...]) else { return false }
        return hasMakerNote(file, file.entries(at: file.firstDirectory))
    }

    static func hasMakerNote(_ file: TIFFStructure, _ entries: [TIFFStructure.Entry]) -> Bool {
        exifEntries(file, entries).contains { $0.tag == makerNoteTag }
    }

    /// The entries of the Exif directory that these point to; none where they point to none.
    private static func exifEntries(_ file: TIFFStructure, _ entries: [TIFFStructure.Entry]) -> [TIFFStructure.Entry] {
        guard let exif = entries.first(where: { $0.tag == exifTag }), let offset = file.integer(exif) else { return [] }
        return file.entries(at: offset)
    }

    // MARK: - Writing

    /// The block for a picture of this size: PixelXDimension and PixelYDimension say it, and the thumbnail, which shows the input, is
    /// linked no more. Nothing moves, so maker notes stay right.
    ///
    /// *Source*: EXIF 2.32, 4.6.5; TIFF 6.0, section 2 (the offset of the next directory).
    static func fitted(_ block: [UInt8], to size: Size) -> [UInt8] {
        guard let file = TIFFStructure(block[...]), !file.isBig else { return block }
        var out = block
        func put(_ value: Int, _ count: Int, at offset: Int) {
            guard offset >= 0, offset + count <= out.count else { return }
            for i in 0..<count {
                out[offset + (file.reader.order == .little ? i : count - 1 - i)] = UInt8(truncatingIfNeeded: value >> (8 * i))
            }
        }
        for entry in exifEntries(file, file.entries(at: file.firstDirectory))
        where entry.count == 1 && (entry.type == 3 || entry.type == 4) && (entry.tag == 0xA002 || entry.tag == 0xA003) {
            // Its type becomes LONG; the value stands in the entry itself.
            put(4, 2, at: entry.offset - 6)
            put(entry.tag == 0xA002 ? size.width : size.height, 4, at: entry.offset)
        }
        if let count: UInt16 = file.reader.integer(at: file.firstDirectory) {
            put(0, 4, at: file.firstDirectory + 2 + 12 * Int(count))
        }
        return out
    }

    /// A little-endian directory that will stand at `offset` of its file, classic or of a BigTIFF; its values and children follow it.
    static func serialised(_ directory: Directory, at offset: Int, isBig: Bool = false) -> [UInt8] {
        let layout = Layout(isBig: isBig)
        let headBytes =
            layout.countBytes + layout.entryBytes * (directory.values.count + directory.children.count) + layout.wordBytes
        let (entries, tail) = layout.entries(of: directory, tailAt: offset + headBytes)
        return layout.head(entries) + tail
    }

    /// How a directory is laid out in classic TIFF and in BigTIFF.
    struct Layout {
        let isBig: Bool

        var countBytes: Int { isBig ? 8 : 2 }
        var entryBytes: Int { isBig ? 20 : 12 }
        var wordBytes: Int { isBig ? 8 : 4 }

        /// The entries, and the values that do not fit into them, which stand from `start` on; an offset to a directory is a LONG in
        /// classic TIFF and an IFD8 in BigTIFF.
        func entries(of directory: Directory, tailAt start: Int) -> (entries: [(tag: Int, bytes: [UInt8])], tail: [UInt8]) {
            var tail: [UInt8] = []
            var out: [(tag: Int, bytes: [UInt8])] = []
            func pad() { if tail.count & 1 == 1 { tail.append(0) } }
            for child in directory.children {
                let place = start + tail.count
                tail += EXIFBlock.serialised(child.directory, at: place, isBig: isBig)
                pad()
                out.append((child.tag, number(child.tag, 2) + number(isBig ? 18 : 4, 2) + word(1) + word(place)))
            }
            for value in directory.values {
                let head = number(value.tag, 2) + number(value.type, 2) + word(value.count)
                if value.bytes.count <= wordBytes {
                    out.append((value.tag, head + value.bytes + [UInt8](repeating: 0, count: wordBytes - value.bytes.count)))
                } else {
                    out.append((value.tag, head + word(start + tail.count)))
                    tail += value.bytes
                    pad()
                }
            }
            return (out, tail)
        }

        /// A directory of these entries, the last of its file.
        func head(_ entries: [(tag: Int, bytes: [UInt8])]) -> [UInt8] {
            number(entries.count, countBytes) + entries.sorted { $0.tag < $1.tag }.flatMap(\.bytes) + word(0)
        }

        func word(_ value: Int) -> [UInt8] { number(value, wordBytes) }

        private func number(_ value: Int, _ bytes: Int) -> [UInt8] {
            (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
    }
}
