import CalorBase
import CalorImage

/// The metadata of one TIFF page.
///
/// *Source*: TIFF 6.0, sections 8 and 20; XMP part 3; ICC.1:2010, annex B.3.
enum TIFFMetadata {
    /// Descriptive ASCII tags that travel as texts, by the names of the standard.
    static let textTags: [(tag: Int, key: String)] = [
        (269, "DocumentName"), (270, "ImageDescription"), (271, "Make"), (272, "Model"), (285, "PageName"), (305, "Software"),
        (306, "DateTime"), (315, "Artist"), (316, "HostComputer"), (33_432, "Copyright"),
    ]

    static let descriptionTag = 270

    /// Whether a description is a program's record of a stack of pages, which is not true of a picture made from one of them: ImageJ's, the
    /// shape that tifffile writes, OME's XML. Programs that meet one of these believe it.
    static func describesStack(_ text: String) -> Bool {
        text.hasPrefix("ImageJ=") || text.hasPrefix("{\"shape\":") || (text.hasPrefix("<") && text.contains("<OME"))
    }

    static func read(
        _ file: TIFFStructure, entries: [TIFFStructure.Entry], limits: Limits, warnings: inout [String]
    ) -> Metadata {
        var out = Metadata()
        func block(_ tag: Int, _ name: String) -> [UInt8]? {
            guard let entry = entries.first(where: { $0.tag == tag }), entry.byteCount > 0 else { return nil }
            guard entry.byteCount <= limits.metadataBytes else {
                warnings.append(LimitCheck.metadataWarning(name, bytes: entry.byteCount))
                return nil
            }
            return Array(file.data(of: entry))
        }
        out.icc = block(34_675, "ICC profile")
        out.xmp = block(700, "XMP packet")
        if var packet = out.xmp {
            OrientationTag.reset(inXMP: &packet)
            out.xmp = packet
        }
        out.iptc = block(33_723, "IPTC block")
        for (tag, key) in textTags {
            guard let entry = entries.first(where: { $0.tag == tag }) else { continue }
            guard entry.byteCount <= limits.metadataBytes else {
                warnings.append(LimitCheck.metadataWarning(key, bytes: entry.byteCount))
                continue
            }
            guard let value = file.text(entry), !value.isEmpty else { continue }
            if tag == descriptionTag, describesStack(value) {
                warnings.append("the description, a program's record of the whole file, was dropped: it is not true of one picture")
                continue
            }
            out.texts.append(.init(key: key, value: value))
        }
        out.resolution = resolution(file, entries)
        if EXIFBlock.hasMakerNote(file, entries) { warnings.append(EXIFBlock.makerNoteWarning) }
        out.exif = EXIFBlock.extracted(from: file, entries: entries, limits: limits)
        out.georeference = Georeference(file, entries, limits: limits)
        if entries.contains(where: { $0.tag == 50_844 }) { warnings.append("rational polynomial coefficients (RPC) were dropped") }
        return out
    }

    static func resolution(_ file: TIFFStructure, _ entries: [TIFFStructure.Entry]) -> Metadata.Resolution? {
        func entry(_ tag: Int) -> TIFFStructure.Entry? { entries.first { $0.tag == tag } }
        guard let x = entry(282).flatMap(file.rational), let y = entry(283).flatMap(file.rational), x > 0, y > 0 else { return nil }
        switch entry(296).flatMap({ file.integer($0) }) ?? 2 {
        case 2: return .init(x: x / 0.0254, y: y / 0.0254)
        case 3: return .init(x: x * 100, y: y * 100)
        default: return nil
        }
    }
}
