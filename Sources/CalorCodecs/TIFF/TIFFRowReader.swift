import CCalorTIFF
import CalorBase
import CalorImage

/// A TIFF page, some rows of strips or tiles at a time.
final class TIFFRowReader: RowReader {
    /// A row of tiles that takes more is not read in parts.
    private static let largestBand = 64 << 20

    let header: ImageHeader
    private let page: TIFFPage
    private let metadata: Metadata
    private let bandCount: Int
    private let bandsAtOnce: Int
    private var bands: TIFFBands
    private var nextBand = 0
    private let opening: [String]

    init?(_ file: OpenFile, options: DecodeOptions) throws(CodecFault) {
        let page = try TIFFPage(file, options: options)
        let raw = page.handle.raw
        let width = page.handle.storedSize.width
        let across = (width - 1) / Int(raw.chunkWidth) + 1
        let (bytes, overflow) = Int(clamping: raw.chunkBytes).multipliedReportingOverflow(by: across * Int(max(raw.samples, 1)))
        guard page.plan.meaning != .converted, page.handle.orientation == .topLeft, !overflow, bytes <= Self.largestBand else {
            return nil
        }
        var warnings = page.plan.warnings
        metadata = page.metadata(limits: options.limits, warnings: &warnings)
        opening = warnings
        header = page.header
        bandCount = TIFFBands.count(of: page)
        bandsAtOnce = max(1, RowBlock.pixels / (width * Int(raw.chunkHeight)))
        bands = TIFFBands(options: options)
        self.page = page
    }

    var warnings: [String] { opening + bands.warnings(of: page) }

    func next() throws(CodecFault) -> Image? {
        guard nextBand < bandCount else { return nil }
        let part = nextBand..<min(nextBand + bandsAtOnce, bandCount)
        nextBand = part.upperBound
        var image = try bands.image(of: page, bands: part)
        image.metadata = metadata
        return image
    }
}
