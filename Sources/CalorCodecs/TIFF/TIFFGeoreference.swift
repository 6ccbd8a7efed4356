import CalorBase
import CalorImage

/// GeoTIFF tags from and to the entries of a directory.
extension Georeference {
    /// Nil when the page has none of these tags.
    init?(_ file: TIFFStructure, _ entries: [TIFFStructure.Entry], limits: Limits) {
        self.init()
        func entry(_ tag: Int) -> TIFFStructure.Entry? {
            entries.first { $0.tag == tag && $0.byteCount <= limits.metadataBytes }
        }
        func doubles(_ tag: Int) -> [Double] {
            entry(tag).flatMap { file.doubles($0, maximum: limits.metadataBytes / 8) } ?? []
        }
        pixelScale = doubles(33_550)
        tiePoints = doubles(33_922)
        transformation = doubles(34_264)
        keyNumbers = doubles(34_736)
        if let found = entry(34_735), found.type == 3 {
            keys = (0..<found.count).compactMap { file.integer(found, at: $0).flatMap { UInt16(exactly: $0) } }
        }
        func text(_ tag: Int) -> [UInt8] { entry(tag).flatMap { $0.type == 2 ? Array(file.data(of: $0)) : nil } ?? [] }
        keyTexts = text(34_737)
        gdalMetadata = text(42_112)
        gdalNoData = text(42_113)
        if isEmpty { return nil }
    }

    /// The tags with their values in little-endian order.
    var entries: [EXIFBlock.Value] {
        var out: [EXIFBlock.Value] = []
        func add(_ tag: Int, _ values: [Double]) {
            guard !values.isEmpty else { return }
            let bytes = values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt64($0))) } }
            out.append((tag, 12, values.count, bytes))
        }
        add(33_550, pixelScale)
        add(33_922, tiePoints)
        add(34_264, transformation)
        if !keys.isEmpty {
            out.append(
                (34_735, 3, keys.count, keys.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }))
        }
        add(34_736, keyNumbers)
        for (tag, text) in [(34_737, keyTexts), (42_112, gdalMetadata), (42_113, gdalNoData)] where !text.isEmpty {
            out.append((tag, 2, text.count, text))
        }
        return out
    }
}
