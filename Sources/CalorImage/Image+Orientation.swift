/// The eight ways in which EXIF says that rows and columns are stored.
///
/// *Source*: EXIF 2.32, tag 0x0112; the names say where the first row and the first column of the file are in the upright picture.
public enum Orientation: Int, Sendable, CaseIterable {
    case topLeft = 1
    case topRight, bottomRight, bottomLeft, leftTop, rightTop, rightBottom, leftBottom

    /// Whether width and height change places.
    public var swapsSides: Bool { rawValue >= 5 }

    /// The orientation that leads back.
    public var inverse: Orientation {
        switch self {
        case .rightTop: .leftBottom
        case .leftBottom: .rightTop
        default: self
        }
    }
}

extension Plane {
    /// The upright plane of one that is stored with `orientation`.
    public func oriented(by orientation: Orientation) -> Plane {
        if orientation == .topLeft { return self }
        let w = width
        let h = height
        let target = orientation.swapsSides ? size.transposed : size
        // Where output (0, 0) is read, and the steps in the source for one output column and one output row.
        let (start, column, row): (Int, Int, Int) =
            switch orientation {
            case .topLeft: (0, 1, w)
            case .topRight: (w - 1, -1, w)
            case .bottomRight: (w * h - 1, -1, -w)
            case .bottomLeft: (w * (h - 1), 1, -w)
            case .leftTop: (0, w, 1)
            case .rightTop: (w * (h - 1), -w, 1)
            case .rightBottom: (w * h - 1, -w, -1)
            case .leftBottom: (w - 1, w, -1)
            }
        func walk<T>(_ source: [T]) -> [T] {
            [T](unsafeUninitializedCapacity: source.count) { out, count in
                var at = 0
                for y in 0..<target.height {
                    for x in 0..<target.width {
                        out.initializeElement(at: at, to: source[start + y * row + x * column])
                        at += 1
                    }
                }
                count = at
            }
        }
        return switch samples {
        case .u8(let s): Plane(size: target, samples: .u8(walk(s)))
        case .u16(let s): Plane(size: target, samples: .u16(walk(s)))
        case .f32(let s): Plane(size: target, samples: .f32(walk(s)))
        }
    }
}

extension Image {
    /// The upright picture of one whose file says `orientation`; the resolution changes sides with the pixels.
    public func oriented(by orientation: Orientation) -> Image {
        var image = replacing(planes: planes.map { $0.oriented(by: orientation) })
        if orientation.swapsSides, let resolution = metadata.resolution {
            image.metadata.resolution = Metadata.Resolution(x: resolution.y, y: resolution.x)
        }
        return image
    }
}
