import CalorBase

/// Bytes of a record: numbers at places, in one byte order.
struct RecordWriter {
    private(set) var bytes: [UInt8]
    let order: ByteOrder

    init(count: Int, order: ByteOrder) {
        bytes = [UInt8](repeating: 0, count: count)
        self.order = order
    }

    mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        let ordered = order == .little ? value.littleEndian : value.bigEndian
        withUnsafeBytes(of: ordered) { source in for (i, byte) in source.enumerated() { bytes[offset + i] = byte } }
    }

    mutating func put(_ value: Double, at offset: Int) { put(Float(value).bitPattern, at: offset) }

    mutating func put(_ text: String, at offset: Int, count: Int) {
        for (i, byte) in text.utf8.prefix(count).enumerated() { bytes[offset + i] = byte }
    }

    mutating func append(_ more: [UInt8]) { bytes += more }
}

/// Segments of a JPEG, put behind its first marker.
enum JPEGSegment {
    static func inserting(_ segments: [(marker: UInt8, body: [UInt8])], into jpeg: [UInt8]) -> [UInt8] {
        var bytes = Array(jpeg.prefix(2))
        for (marker, body) in segments {
            let length = body.count + 2
            bytes += [0xFF, marker, UInt8(length >> 8), UInt8(length & 255)] + body
        }
        return bytes + jpeg.dropFirst(2)
    }

    /// `data` in APP1 segments of FLIR's kind, each with its index and the last index.
    static func flir(_ data: [UInt8], bytesEach: Int = 65_000) -> [(marker: UInt8, body: [UInt8])] {
        let starts = Array(stride(from: 0, to: max(data.count, 1), by: bytesEach))
        return starts.enumerated().map { index, start in
            let head = Array("FLIR\0".utf8) + [1, UInt8(index), UInt8(starts.count - 1)]
            return (0xE1, head + data[start..<min(start + bytesEach, data.count)])
        }
    }

    /// An EXIF block that names maker and model, little-endian.
    static func exif(maker: String, model: String) -> (marker: UInt8, body: [UInt8]) {
        let texts = [(UInt16(0x010F), Array(maker.utf8) + [0]), (UInt16(0x0110), Array(model.utf8) + [0])]
        var block = RecordWriter(count: 8 + 2 + 12 * texts.count + 4, order: .little)
        block.put("II*", at: 0, count: 3)
        block.put(UInt32(8), at: 4)
        block.put(UInt16(texts.count), at: 8)
        for (i, (tag, text)) in texts.enumerated() {
            let entry = 10 + 12 * i
            block.put(tag, at: entry)
            block.put(UInt16(2), at: entry + 2)
            block.put(UInt32(text.count), at: entry + 4)
            if text.count > 4 {
                block.put(UInt32(block.bytes.count), at: entry + 8)
                block.append(text)
            } else {
                for (j, byte) in text.enumerated() { block.put(byte, at: entry + 8 + j) }
            }
        }
        return (0xE1, Array("Exif\0\0".utf8) + block.bytes)
    }
}
