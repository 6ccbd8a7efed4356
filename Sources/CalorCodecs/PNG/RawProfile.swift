import CalorBase

/// The textual chunks "Raw profile type NAME" in which programs keep blocks that PNG has no chunk for: an empty line, the name,
/// the length in decimal, and the bytes in hexadecimal.
///
/// *Source*: ExifTool's tag tables for PNG text; ImageMagick writes the same.
enum RawProfile {
    static let iptcKey = "Raw profile type iptc"

    static func decode(_ text: String, maximum: Int) -> [UInt8]? {
        let fields = text.split(whereSeparator: \.isWhitespace)
        // The name may have several words: "iptc", "IPTC profile".
        guard let place = fields.indices.dropFirst().first(where: { Int(fields[$0]) != nil }), let count = Int(fields[place]),
            count > 0, count <= maximum
        else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(count)
        var high: UInt8?
        for field in fields[(place + 1)...] {
            for character in field.utf8 {
                guard let digit = digit(character) else { return nil }
                if let first = high {
                    out.append(first << 4 | digit)
                    high = nil
                } else {
                    high = digit
                }
            }
        }
        return out.count == count && high == nil ? out : nil
    }

    static func encode(_ bytes: [UInt8], name: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out = Array("\n\(name)\n\(bytes.count)".utf8)
        for (i, byte) in bytes.enumerated() {
            if i % 36 == 0 { out.append(0x0A) }
            out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        out.append(0x0A)
        return String(decoding: out, as: UTF8.self)
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x37
        case 0x61...0x66: character - 0x57
        default: nil
        }
    }
}
