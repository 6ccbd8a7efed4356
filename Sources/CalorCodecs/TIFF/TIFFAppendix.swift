import CalorBase

/// Adds directories to a TIFF file that libtiff has finished: Exif and GPS go behind the end, and a new first directory with
/// pointers to them replaces the old one.
///
/// libtiff would want every EXIF tag set by its own typed call; copying the directories keeps the tags it does not know.
enum TIFFAppendix {
    static func add(
        _ children: [(tag: Int, directory: EXIFBlock.Directory)], to file: inout [UInt8], warnings: inout [String]
    ) {
        guard !children.isEmpty else { return }
        guard let structure = TIFFStructure(file[...]), structure.reader.order == .little, !structure.isBig,
            file.count < 4_200_000_000
        else {
            warnings.append("the EXIF block was dropped: it has no place in a TIFF above 4 GB")
            return
        }
        if file.count & 1 == 1 { file.append(0) }
        var pointers: [(tag: Int, offset: Int)] = []
        for child in children {
            pointers.append((child.tag, file.count))
            file += EXIFBlock.serialised(child.directory, at: file.count)
            if file.count & 1 == 1 { file.append(0) }
        }
        let start = structure.firstDirectory
        let old = file[(start + 2)...].prefix(12 * (Int(file[start]) | Int(file[start + 1]) << 8))
        var entries = stride(from: old.startIndex, to: old.endIndex, by: 12).map { Array(file[$0..<($0 + 12)]) }
        for pointer in pointers { entries.append(half(pointer.tag) + half(4) + word(1) + word(pointer.offset)) }
        entries.sort { (Int($0[0]) | Int($0[1]) << 8) < (Int($1[0]) | Int($1[1]) << 8) }
        let place = file.count
        file += half(entries.count) + entries.flatMap(\.self) + word(0)
        file.replaceSubrange(4..<8, with: word(place))
    }

    private static func half(_ value: Int) -> [UInt8] { [0, 8].map { UInt8(truncatingIfNeeded: value >> $0) } }
    private static func word(_ value: Int) -> [UInt8] { [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) } }
}
