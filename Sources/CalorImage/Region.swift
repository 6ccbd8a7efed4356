/// A rectangle of pixels; the origin is the upper left corner of the image and may be negative for a halo beyond the border.
public struct Region: Sendable, Hashable, CustomStringConvertible {
    public var x: Int
    public var y: Int
    public var width: Int
    public var height: Int

    public init(x: Int, y: Int, width: Int, height: Int) {
        precondition(width >= 0 && height >= 0, "a region cannot be \(width)×\(height)")
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// The whole of an image of `size`.
    public init(_ size: Size) { self.init(x: 0, y: 0, width: size.width, height: size.height) }

    public var size: Size { Size(width: width, height: height) }
    public var columns: Range<Int> { x..<x + width }
    public var rows: Range<Int> { y..<y + height }
    public var pixels: Int { width * height }
    public var isEmpty: Bool { width == 0 || height == 0 }
    public var description: String { "\(width)×\(height) at (\(x), \(y))" }

    /// The region grown by `haloPixels` on every side; it may leave the image.
    public func expanded(by haloPixels: Int) -> Region {
        Region(x: x - haloPixels, y: y - haloPixels, width: width + 2 * haloPixels, height: height + 2 * haloPixels)
    }

    /// The part that lies in both; empty when they do not meet.
    public func intersection(_ other: Region) -> Region {
        let left = max(x, other.x)
        let top = max(y, other.y)
        return Region(
            x: left, y: top, width: max(0, min(x + width, other.x + other.width) - left),
            height: max(0, min(y + height, other.y + other.height) - top))
    }

    /// The part that lies in an image of `size`.
    public func clamped(to size: Size) -> Region { intersection(Region(size)) }

    public func contains(_ other: Region) -> Bool {
        other.x >= x && other.y >= y && other.x + other.width <= x + width && other.y + other.height <= y + height
    }

    /// The smallest region that holds this one and whose four sides are multiples of `multiple`.
    public func aligned(to multiple: Int) -> Region {
        precondition(multiple > 0, "a region cannot be aligned to \(multiple)")
        let left = floorMultiple(x, multiple)
        let top = floorMultiple(y, multiple)
        let right = floorMultiple(x + width + multiple - 1, multiple)
        let bottom = floorMultiple(y + height + multiple - 1, multiple)
        return Region(x: left, y: top, width: right - left, height: bottom - top)
    }

    /// The same region in an image of `factor` times the size.
    public func scaled(by factor: Int) -> Region {
        Region(x: x * factor, y: y * factor, width: width * factor, height: height * factor)
    }

    /// The smallest region of an image `factor` times smaller that covers this one.
    public func reduced(by factor: Int) -> Region {
        let outer = aligned(to: factor)
        return Region(x: outer.x / factor, y: outer.y / factor, width: outer.width / factor, height: outer.height / factor)
    }

    /// The same region seen from `origin`, for indexing into a crop that begins there.
    public func relative(to origin: Region) -> Region { Region(x: x - origin.x, y: y - origin.y, width: width, height: height) }

    /// Regions of at most `tile` that cover this one without overlap, row by row.
    public func tiles(of tile: Size) -> [Region] {
        precondition(tile.width > 0 && tile.height > 0, "a tile cannot be \(tile)")
        return stride(from: y, to: y + height, by: tile.height).flatMap { top in
            stride(from: x, to: x + width, by: tile.width).map { left in
                Region(x: left, y: top, width: min(tile.width, x + width - left), height: min(tile.height, y + height - top))
            }
        }
    }
}

private func floorMultiple(_ value: Int, _ multiple: Int) -> Int {
    let remainder = value % multiple
    return value - (remainder < 0 ? remainder + multiple : remainder)
}
