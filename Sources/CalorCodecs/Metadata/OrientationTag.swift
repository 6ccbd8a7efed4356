import CalorBase
import CalorImage

/// The orientation that metadata blocks carry, found and set back to 1 where it stands.
enum OrientationTag {
    /// Reads tag 0x0112 of the first directory of an EXIF block and overwrites it with 1; 1 when there is none or it is not valid.
    ///
    /// *Source*: EXIF 2.32, 4.6.4; TIFF 6.0, section 2.
    static func take(fromEXIF bytes: inout [UInt8]) -> Orientation {
        guard let place = place(inEXIF: bytes) else { return .topLeft }
        let low = place.order == .little ? place.offset : place.offset + place.width - 1
        let value = bytes[low]
        for i in 0..<place.width { bytes[place.offset + i] = 0 }
        bytes[low] = 1
        return Orientation(rawValue: Int(value)) ?? .topLeft
    }

    private static func place(inEXIF bytes: [UInt8]) -> (offset: Int, width: Int, order: ByteOrder)? {
        var reader = ByteReader(bytes)
        if reader.holds("II*\0") {
            reader.order = .little
        } else if !reader.holds("MM\0*") {
            return nil
        }
        guard let start: UInt32 = reader.integer(at: 4), let count: UInt16 = reader.integer(at: Int(start)) else { return nil }
        for index in 0..<Int(count) {
            let entry = Int(start) + 2 + 12 * index
            guard let tag: UInt16 = reader.integer(at: entry), let type: UInt16 = reader.integer(at: entry + 2),
                let items: UInt32 = reader.integer(at: entry + 4), reader.slice(at: entry + 8, count: 4) != nil
            else { return nil }
            guard tag == 0x0112, items == 1 else { continue }
            switch type {
            case 3: return (entry + 8, 2, reader.order)
            case 4: return (entry + 8, 4, reader.order)
            default: return nil
            }
        }
        return nil
    }

    /// Overwrites the digit of `tiff:Orientation` in an XMP packet, as attribute or element, with 1.
    static func reset(inXMP bytes: inout [UInt8]) {
        let key = Array("tiff:Orientation".utf8)
        var at = 0
        while let found = bytes[at...].firstRange(of: key) {
            var next = found.upperBound
            while next < bytes.count, next < found.upperBound + 8, [0x20, 0x3D, 0x22, 0x27, 0x3E].contains(bytes[next]) {
                next += 1
            }
            if next < bytes.count, (0x32...0x38).contains(bytes[next]) { bytes[next] = 0x31 }
            at = found.upperBound
        }
    }
}

extension Collection where Element: Equatable, Index == Int {
    /// The first place where `pattern` occurs.
    func firstRange(of pattern: [Element]) -> Range<Int>? {
        guard let first = pattern.first, count >= pattern.count else { return nil }
        var from = startIndex
        let last = endIndex - pattern.count
        while from <= last, let start = self[from...last].firstIndex(of: first) {
            if self[start..<(start + pattern.count)].elementsEqual(pattern) { return start..<(start + pattern.count) }
            from = start + 1
        }
        return nil
    }
}
