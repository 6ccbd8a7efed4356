import CalorBase
import CalorCodecs
import CalorImage

/// Rows of an image that nobody holds as a whole, from the top to the bottom.
protocol RowSource: AnyObject {
    /// The next rows; nil after the last.
    func next() throws(PipelineFault) -> Image?
}

/// Rows of an input file, admitted as its kind.
final class DecodedRows: RowSource {
    private let decoder: RowDecoder
    private let kind: ImageKind

    init(_ decoder: RowDecoder, kind: ImageKind) {
        self.decoder = decoder
        self.kind = kind
    }

    func next() throws(PipelineFault) -> Image? {
        do {
            guard let rows = try decoder.next() else { return nil }
            return try kind.admit(rows, of: decoder.header).image
        } catch { throw PipelineFault(error) }
    }

    var warnings: [String] { decoder.warnings }
    var pages: Int { decoder.header.pages }
}

/// The part of a source that is still needed: rows are asked for in ascending order and let go behind the first one of each request.
struct RowWindow {
    private let source: any RowSource
    private var parts: [(rows: Range<Int>, image: Image)] = []

    init(_ source: any RowSource) { self.source = source }

    /// The full width of `rows`.
    mutating func rows(_ rows: Range<Int>) throws(PipelineFault) -> Image {
        parts.removeAll { $0.rows.upperBound <= rows.lowerBound }
        while (parts.last?.rows.upperBound ?? rows.lowerBound) < rows.upperBound || parts.isEmpty {
            guard let image = try source.next() else { preconditionFailure("rows \(rows) are below the image") }
            let start = end
            end += image.height
            if end > rows.lowerBound { parts.append((start..<end, image)) }
        }
        if parts.count == 1 { return parts[0].image.rows(rows, of: parts[0].rows) }
        var assembler = RowAssembler(size: Size(width: parts[0].image.width, height: rows.count))
        for part in parts where part.rows.overlaps(rows) {
            assembler.append(part.image.rows(part.rows.clamped(to: rows), of: part.rows))
        }
        return assembler.finished()
    }

    /// Rows that the source has given so far.
    private var end = 0
}
