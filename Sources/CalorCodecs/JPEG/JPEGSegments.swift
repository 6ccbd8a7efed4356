import CalorBase
import CalorImage

/// The metadata that the segments in front of a JPEG's first scan hold.
///
/// *Source*: ITU-T T.81, annex B; EXIF 2.32, 4.7.2; ICC.1:2010, annex B.4; XMP part 3, 1.1.3; Photoshop image resources.
struct JPEGSegments {
    static let exifMark = Array("Exif\0\0".utf8)
    static let xmpMark = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
    static let longXMPMark = Array("http://ns.adobe.com/xmp/extension/\0".utf8)
    static let iccMark = Array("ICC_PROFILE\0".utf8)
    static let photoshopMark = Array("Photoshop 3.0\0".utf8)

    private(set) var metadata = Metadata()
    private(set) var orientation = Orientation.topLeft
    private(set) var warnings: [String] = []

    init(_ bytes: [UInt8], limits: Limits) throws(CodecFault) {
        var reader = ByteReader(bytes)
        reader.skip(2)
        var profileParts: [UInt8: ArraySlice<UInt8>] = [:]
        var profileCount: UInt8?
        var resources: [UInt8] = []
        var items = 0
        while let (marker, body) = reader.nextJPEGSegment() {
            items += 1
            guard items <= limits.metadataItems else {
                throw .limit(name: "metadataItems", "more than \(limits.metadataItems) segments before the picture")
            }
            switch marker {
            case 0xE1 where body.starts(with: Self.exifMark):
                if metadata.exif == nil { metadata.exif = Array(body.dropFirst(Self.exifMark.count)) }
            case 0xE1 where body.starts(with: Self.xmpMark):
                if metadata.xmp == nil { metadata.xmp = Array(body.dropFirst(Self.xmpMark.count)) }
            case 0xE1 where body.starts(with: Self.longXMPMark):
                warn("extended XMP was dropped; the standard packet is kept")
            case 0xE2 where body.starts(with: Self.iccMark) && body.count > Self.iccMark.count + 2:
                let part = body.dropFirst(Self.iccMark.count)
                profileParts[part[part.startIndex]] = part.dropFirst(2)
                profileCount = part[part.startIndex + 1]
            case 0xED where body.starts(with: Self.photoshopMark):
                resources += body.dropFirst(Self.photoshopMark.count)
                guard resources.count <= limits.metadataBytes else {
                    throw .limit(name: "metadataBytes", "Photoshop resources take more than \(limits.metadataBytes) bytes")
                }
            case 0xFE:
                metadata.texts.append(.init(key: "Comment", value: Self.text(body)))
            default:
                continue
            }
        }
        takeProfile(profileParts, count: profileCount)
        metadata.iptc = Self.iptc(in: resources)
        if var block = metadata.exif {
            orientation = OrientationTag.take(fromEXIF: &block)
            metadata.exif = block.isEmpty ? nil : block
        }
        if var packet = metadata.xmp {
            OrientationTag.reset(inXMP: &packet)
            metadata.xmp = packet.isEmpty ? nil : packet
        }
        for (block, name) in [(\Metadata.icc, "ICC profile"), (\.exif, "EXIF block"), (\.xmp, "XMP packet")] {
            guard let bytes = metadata[keyPath: block]?.count, bytes > limits.metadataBytes else { continue }
            metadata[keyPath: block] = nil
            warn(LimitCheck.metadataWarning(name, bytes: bytes))
        }
    }

    private mutating func warn(_ text: String) {
        if !warnings.contains(text) { warnings.append(text) }
    }

    private mutating func takeProfile(_ parts: [UInt8: ArraySlice<UInt8>], count: UInt8?) {
        guard let count, count > 0 else { return }
        var profile: [UInt8] = []
        for index in 1...count {
            guard let part = parts[index] else {
                return warn("the ICC profile was dropped: part \(index) of \(count) is missing")
            }
            profile += part
        }
        metadata.icc = profile
    }

    /// Resource 0x0404 of a list of Photoshop image resources.
    static func iptc(in resources: [UInt8]) -> [UInt8]? {
        var reader = ByteReader(resources)
        while reader.holds("8BIM", at: reader.position) {
            reader.skip(4)
            guard let id = reader.u16(), let nameLength = reader.u8() else { return nil }
            // The name and its length byte together, and the data, are padded to an even count.
            guard reader.skip(Int(nameLength) | 1), let size = reader.u32(), let data = reader.take(Int(size)) else { return nil }
            if id == 0x0404 { return data.isEmpty ? nil : Array(data) }
            if size & 1 == 1 { reader.skip(1) }
        }
        return nil
    }

    private static func text(_ body: ArraySlice<UInt8>) -> String {
        let trimmed = body.prefix { $0 != 0 }
        return String(validating: trimmed, as: UTF8.self) ?? Latin1.string(trimmed)
    }
}
