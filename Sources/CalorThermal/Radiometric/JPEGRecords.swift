import CalorBase
import CalorImage

/// The pieces of a JPEG that cameras keep radiometric data in, joined but not understood.
///
/// *Source*: ITU-T T.81, annex B, for the segments. FLIR: APP1 segments that begin with `FLIR\0`, a version, their index and the
/// last index. DJI: APP3 segments, joined in file order.
struct JPEGRecords {
    private(set) var flir: [UInt8]?
    /// Why `flir` is missing although there are segments of it.
    private(set) var flirProblem: String?
    private(set) var app3: [UInt8] = []
    private(set) var app4Bytes = 0
    private(set) var app4Head: [UInt8] = []
    /// Of the 8-bit picture, as stored.
    private(set) var pictureSize: Size?
    private(set) var maker: String?
    private(set) var model: String?

    static let flirMark = Array("FLIR\0".utf8)
    private static let exifMark = Array("Exif\0\0".utf8)

    init(_ bytes: [UInt8], limits: Limits) throws(ThermalFault) {
        var reader = ByteReader(bytes)
        reader.skip(2)
        var parts: [UInt8: ArraySlice<UInt8>] = [:]
        var last: UInt8?
        var items = 0
        while let (marker, body) = reader.nextJPEGSegment() {
            items += 1
            guard items <= limits.metadataItems else {
                throw .limit(name: "metadataItems", detail: "more than \(limits.metadataItems) segments before the picture")
            }
            switch marker {
            case 0xE1 where body.starts(with: Self.flirMark):
                guard body.count > 8 else { continue }
                let index = body[body.startIndex + 6]
                last = last ?? body[body.startIndex + 7]
                // A second series, as some editors append, does not replace the first.
                if parts[index] == nil { parts[index] = body.dropFirst(8) }
            case 0xE1 where body.starts(with: Self.exifMark) && maker == nil:
                (maker, model) = Self.names(inEXIF: body.dropFirst(Self.exifMark.count))
            case 0xE3: app3 += body
            case 0xE4:
                if app4Head.isEmpty { app4Head = Array(body.prefix(16)) }
                app4Bytes += body.count
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                let frame = ByteReader(body)
                if let height = frame.integer(at: 1, as: UInt16.self), let width = frame.integer(at: 3, as: UInt16.self) {
                    pictureSize = Size(width: Int(width), height: Int(height))
                }
            default: continue
            }
        }
        if let last { join(parts, last: last) }
    }

    private mutating func join(_ parts: [UInt8: ArraySlice<UInt8>], last: UInt8) {
        var record: [UInt8] = []
        record.reserveCapacity(parts.values.reduce(0) { $0 + $1.count })
        for index in 0...last {
            guard let part = parts[index] else {
                flirProblem = "segment \(Int(index) + 1) of \(Int(last) + 1) is missing"
                return
            }
            record += part
        }
        flir = record
    }

    /// Maker (0x010F) and model (0x0110) in the first directory of an EXIF block.
    private static func names(inEXIF block: ArraySlice<UInt8>) -> (maker: String?, model: String?) {
        var reader = ByteReader(block)
        if reader.holds("II*\0") {
            reader.order = .little
        } else if !reader.holds("MM\0*") {
            return (nil, nil)
        }
        guard let first = reader.integer(at: 4, as: UInt32.self), let count = reader.integer(at: Int(first), as: UInt16.self) else {
            return (nil, nil)
        }
        func text(_ entry: Int) -> String? {
            guard reader.integer(at: entry + 2, as: UInt16.self) == 2, let length = reader.integer(at: entry + 4, as: UInt32.self),
                length <= 256
            else { return nil }
            let place = length <= 4 ? entry + 8 : Int(reader.integer(at: entry + 8, as: UInt32.self) ?? .max)
            return reader.slice(at: place, count: Int(length)).flatMap(printableText)
        }
        var names: (String?, String?) = (nil, nil)
        for i in 0..<Int(count) {
            let entry = Int(first) + 2 + 12 * i
            switch reader.integer(at: entry, as: UInt16.self) {
            case 0x010F: names.0 = text(entry)
            case 0x0110: names.1 = text(entry)
            case nil: return names
            default: continue
            }
        }
        return names
    }
}

/// The printable ASCII up to the first zero, trimmed; nil when there is none.
func printableText(_ bytes: ArraySlice<UInt8>) -> String? {
    let kept = bytes.prefix { $0 != 0 }.filter { (0x20...0x7E).contains($0) }
    let text = String(decoding: kept, as: UTF8.self)
    let trimmed = text.drop { $0 == " " }
    let end = trimmed.lastIndex { $0 != " " }
    return end.map { String(trimmed[...$0]) }
}
