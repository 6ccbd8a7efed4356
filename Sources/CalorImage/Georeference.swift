/// Where a picture lies on the earth, as GeoTIFF says it: raster places, their places in a model space, and the keys that name it.
///
/// *Source*: OGC GeoTIFF 1.1 (19-008r4), chapter 7 and annex B.
public struct Georeference: Sendable, Equatable {
    /// Size of a pixel in model units: x, y, z (tag 33550).
    public var pixelScale: [Double] = []
    /// Six numbers a point: raster x, y, z, then model x, y, z (tag 33922).
    public var tiePoints: [Double] = []
    /// A 4×4 matrix by rows from raster to model space, instead of the two above (tag 34264).
    public var transformation: [Double] = []
    /// The key directory, its floating-point numbers and its texts (tags 34735–34737).
    public var keys: [UInt16] = []
    public var keyNumbers: [Double] = []
    public var keyTexts: [UInt8] = []
    /// What GDAL adds: an XML text, and the value that stands for "no data" (tags 42112 and 42113), as they are.
    public var gdalMetadata: [UInt8] = []
    public var gdalNoData: [UInt8] = []

    /// The number in `gdalNoData`, where it is one.
    public var noData: Float? {
        let text = String(decoding: gdalNoData.prefix { $0 != 0 }, as: UTF8.self)
        return Double(text.filter { !$0.isWhitespace }).map { Float($0) }
    }

    public init() {}

    public var isEmpty: Bool { self == Georeference() }

    /// Raster places count from the centre of the first pixel instead of its corner: GTRasterTypeGeoKey is RasterPixelIsPoint.
    public var isPixelPoint: Bool {
        // Four numbers of head, then four an entry: key, place of the value (0: here), count, value.
        stride(from: 4, to: keys.count - 3, by: 4).contains { keys[$0] == 1025 && keys[$0 + 1] == 0 && keys[$0 + 3] == 2 }
    }

    /// The reference of the same scene in another number of pixels.
    public func scaled(from source: Size, to target: Size) -> Georeference {
        guard source != target, source.width > 0, source.height > 0, target.width > 0, target.height > 0 else { return self }
        let factors = [Double(target.width) / Double(source.width), Double(target.height) / Double(source.height)]
        let shift = isPixelPoint ? 0.5 : 0
        var out = self
        for axis in 0..<2 {
            if pixelScale.count > axis { out.pixelScale[axis] = pixelScale[axis] / factors[axis] }
            for point in stride(from: 0, to: tiePoints.count - 5, by: 6) {
                out.tiePoints[point + axis] = (tiePoints[point + axis] + shift) * factors[axis] - shift
            }
        }
        guard transformation.count == 16 else { return out }
        for row in 0..<4 {
            for axis in 0..<2 {
                let weight = transformation[4 * row + axis]
                out.transformation[4 * row + axis] = weight / factors[axis]
                out.transformation[4 * row + 3] += weight * (shift / factors[axis] - shift)
            }
        }
        return out
    }
}
