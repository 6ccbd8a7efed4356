import CalorImage

/// Contrast-limited adaptive histogram equalisation (CLAHE): every tile gets its own equalisation, whose steepness is limited, and
/// neighbouring tiles are mixed.
///
/// *Precision*: on 8-bit planes whose sides are multiples of the tile counts the levels are those of OpenCV's `createCLAHE`, ± 1.
/// *Source*: K. Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.
public struct AdaptiveGain: GainControl, Equatable {
    public let columns: Int
    public let rows: Int
    /// The greatest count of a bin, as a multiple of the mean count: 1 leaves the image as it is, 2 to 4 are usual.
    public let clipLimit: Double
    public let lowPercent: Double
    public let highPercent: Double

    /// - Parameters:
    ///   - lowPercent, highPercent: samples outside these percentiles of the whole image saturate before the equalisation
    ///     (16-bit and floating point only).
    public init(
        columns: Int = 8, rows: Int = 8, clipLimit: Double = 3, lowPercent: Double = 0.05, highPercent: Double = 99.95
    ) throws(ThermalFault) {
        for (name, value) in [("the columns of tiles", columns), ("the rows of tiles", rows)] {
            try validate(name, Double(value), in: 1...64)
        }
        try validate("the clip limit", clipLimit, in: 1...1000)
        let percentiles = try PercentileGain(lowPercent: lowPercent, highPercent: highPercent)
        self.columns = columns
        self.rows = rows
        self.clipLimit = clipLimit
        self.lowPercent = percentiles.lowPercent
        self.highPercent = percentiles.highPercent
    }

    public func analyse(_ plane: Plane) throws(ThermalFault) -> GainMapping {
        guard plane.width >= columns, plane.height >= rows else {
            throw .tooSmall(what: "\(columns)×\(rows) tiles", size: plane.size.description, minimum: "one pixel per tile")
        }
        let bins = try bins(of: plane)
        let grid = TileGrid(columns: columns, rows: rows, size: plane.size)
        var levels: [Float] = []
        levels.reserveCapacity(columns * rows * bins.count)
        for row in 0..<rows {
            for column in 0..<columns {
                let tile = plane.mirrored(grid.tile(column: column, row: row))
                levels.append(contentsOf: limitedEqualisation(bins.histogram(of: tile)))
            }
        }
        return GainMapping(kind: .tiles(bins, grid, levels), low: bins.low, high: bins.high)
    }

    private func bins(of plane: Plane) throws(ThermalFault) -> Bins {
        if plane.format == .u8 { return .whole(0, 255) }
        let order = OrderStatistics(of: plane)
        guard order.count > 0 else { throw .nothingFinite }
        let low = order.percentile(lowPercent)
        let high = order.percentile(highPercent)
        guard high > low else { return Bins(low: low - 0.5, high: low + 0.5, count: 1) }
        // 1,024 bins: fine enough that steps stay below a level at the greatest clip limits in use, few enough for small tiles.
        return Bins(low: low, high: high, count: plane.format == .u16 ? min(1024, Int((high - low).rounded(.up)) + 1) : 1024)
    }

    /// The level of every bin: the cumulative histogram after what exceeds the limit was shared out to all bins.
    private func limitedEqualisation(_ histogram: [Int]) -> [Float] {
        let pixels = histogram.reduce(0, +)
        guard pixels > 0, histogram.count > 1 else { return [Float](repeating: 127.5, count: histogram.count) }
        let limit = max(Int(clipLimit * Double(pixels) / Double(histogram.count)), 1)
        var counts = histogram.map { min($0, limit) }
        let excess = pixels - counts.reduce(0, +)
        let share = excess / counts.count
        for i in counts.indices { counts[i] += share }
        let rest = excess - share * counts.count
        if rest > 0 {
            let step = max(counts.count / rest, 1)
            for (taken, i) in stride(from: 0, to: counts.count, by: step).enumerated() where taken < rest { counts[i] += 1 }
        }
        let scale = 255 / Float(pixels)
        var sum = 0
        return counts.map {
            sum += $0
            return (Float(sum) * scale).rounded(.toNearestOrEven)
        }
    }
}

/// Tiles of equal size that cover an image; the last ones may reach over its border.
struct TileGrid: Sendable {
    let columns: Int
    let rows: Int
    let tileSize: Size

    init(columns: Int, rows: Int, size: Size) {
        self.columns = columns
        self.rows = rows
        tileSize = Size(width: (size.width + columns - 1) / columns, height: (size.height + rows - 1) / rows)
    }

    func tile(column: Int, row: Int) -> Region {
        Region(x: column * tileSize.width, y: row * tileSize.height, width: tileSize.width, height: tileSize.height)
    }

    /// The two tiles whose centres are beside pixel `x`, and the share of the second.
    func horizontal(_ x: Int) -> (Int, Int, Float) { Self.neighbours(x, tileSize.width, columns) }
    func vertical(_ y: Int) -> (Int, Int, Float) { Self.neighbours(y, tileSize.height, rows) }

    private static func neighbours(_ pixel: Int, _ tile: Int, _ count: Int) -> (Int, Int, Float) {
        let place = Float(pixel) / Float(tile) - 0.5
        let first = Int(place.rounded(.down))
        return (min(max(first, 0), count - 1), min(max(first + 1, 0), count - 1), place - Float(first))
    }
}

extension Plane {
    /// The samples in `region`; beyond the right and the lower border the image is mirrored about its last sample.
    fileprivate func mirrored(_ region: Region) -> Plane {
        if Region(size).contains(region) { return cropped(to: region) }
        func reflect(_ i: Int, _ count: Int) -> Int {
            guard count > 1 else { return 0 }
            let period = 2 * (count - 1)
            let place = i % period
            return place < count ? place : period - place
        }
        let columns = region.columns.map { reflect($0, width) }
        let rows = region.rows.map { reflect($0, height) }
        var floats: [Float] = []
        floats.reserveCapacity(region.pixels)
        let source = self.floats()
        for row in rows { for column in columns { floats.append(source[row * width + column]) } }
        return Plane(size: region.size, floats: floats, format: format)
    }
}
