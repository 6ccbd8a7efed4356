import CCalorTIFF
import CalorBase
import CalorImage

/// Adds tags and directories to a TIFF file that libtiff has finished: they go behind the end, and a new first directory replaces the
/// old one.
///
/// libtiff would want every EXIF and GeoTIFF tag set by its own typed call; copying them keeps the tags it does not know.
enum TIFFAppendix {
    /// *Throws*: `tiff.encoder` or `file.write`.
    static func add(_ additions: EXIFBlock.Directory, to writer: OpaquePointer, isBig: Bool) throws(CodecFault) {
        guard !additions.isEmpty else { return }
        let message = MessageBuffer(capacity: CALOR_TIFF_MESSAGE)
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        try TIFFRowWriter.check(calorTIFFWriterFinish(writer, &bytes, &count, message.pointer), message)

        let layout = EXIFBlock.Layout(isBig: isBig)
        let pointerAt = isBig ? 8 : 4
        let start = number(get(writer, pointerAt, layout.wordBytes))
        let old = number(get(writer, start, layout.countBytes))
        let raw = get(writer, start + layout.countBytes, old * layout.entryBytes)
        guard old > 0, raw.count == old * layout.entryBytes else {
            throw .encoderFailed(.tiff, "the directory cannot be found again")
        }
        var entries = stride(from: 0, to: raw.count, by: layout.entryBytes).map { at in
            (tag: number(Array(raw[at..<(at + 2)])), bytes: Array(raw[at..<(at + layout.entryBytes)]))
        }
        let end = count + count % 2
        let (added, tail) = layout.entries(of: additions, tailAt: end)
        entries += added
        let directoryAt = end + tail.count + tail.count % 2
        let whole =
            [UInt8](repeating: 0, count: end - count) + tail + [UInt8](repeating: 0, count: tail.count % 2) + layout.head(entries)
        guard isBig || directoryAt + whole.count < 1 << 32 else {
            throw .encoderFailed(.tiff, "its metadata pass the 4 GB of a classic TIFF")
        }
        try put(whole, at: count, writer, message)
        try put(layout.word(directoryAt), at: pointerAt, writer, message)
    }

    private static func get(_ writer: OpaquePointer, _ offset: Int, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = calorTIFFWriterGet(writer, offset, buffer.baseAddress, count)
        }
    }

    private static func put(
        _ bytes: [UInt8], at offset: Int, _ writer: OpaquePointer, _ message: borrowing MessageBuffer
    ) throws(CodecFault) {
        try TIFFRowWriter.check(calorTIFFWriterPut(writer, offset, bytes, bytes.count, message.pointer), message)
    }

    private static func number(_ bytes: [UInt8]) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }
}
