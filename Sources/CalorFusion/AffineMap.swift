import CalorImage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a pixel of one picture lies in another: x′ = xx · x + xy · y + x0, y′ = yx · x + yy · y + y0.
///
/// *Units*: pixels; the centre of the upper left pixel is (0, 0), in both pictures.
public struct AffineMap: Sendable, Equatable {
    public var xx = 1.0
    public var xy = 0.0
    public var x0 = 0.0
    public var yx = 0.0
    public var yy = 1.0
    public var y0 = 0.0

    public static let identity = AffineMap()

    public init() {}

    public init(xx: Double, xy: Double, x0: Double, yx: Double, yy: Double, y0: Double) {
        (self.xx, self.xy, self.x0, self.yx, self.yy, self.y0) = (xx, xy, x0, yx, yy, y0)
    }

    /// Scales by `scale` and turns by `degrees` clockwise around `centre`, which goes to `centre` + (`dx`, `dy`).
    public init(scale: Double, degrees: Double = 0, dx: Double = 0, dy: Double = 0, around centre: (x: Double, y: Double)) {
        let (c, s) = (scale * cos(degrees * .pi / 180), scale * sin(degrees * .pi / 180))
        self.init(
            xx: c, xy: -s, x0: centre.x - c * centre.x + s * centre.y + dx, yx: s, yy: c,
            y0: centre.y - s * centre.x - c * centre.y + dy)
    }

    /// From a picture of `from` to the same picture in size `to`: corners lie on corners.
    public init(resizing from: Size, to: Size) {
        let sx = Double(to.width) / Double(from.width)
        let sy = Double(to.height) / Double(from.height)
        self.init(xx: sx, xy: 0, x0: (sx - 1) / 2, yx: 0, yy: sy, y0: (sy - 1) / 2)
    }

    public func callAsFunction(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
        (xx * x + xy * y + x0, yx * x + yy * y + y0)
    }

    /// First `other`, then this.
    public func after(_ other: AffineMap) -> AffineMap {
        let origin = self(other.x0, other.y0)
        return AffineMap(
            xx: xx * other.xx + xy * other.yx, xy: xx * other.xy + xy * other.yy, x0: origin.x,
            yx: yx * other.xx + yy * other.yx, yy: yx * other.xy + yy * other.yy, y0: origin.y)
    }

    /// nil when the map squeezes the plane into a line.
    public var inverse: AffineMap? {
        let determinant = xx * yy - xy * yx
        guard determinant.isFinite, abs(determinant) > 1e-12 else { return nil }
        let (a, b, c, d) = (yy / determinant, -xy / determinant, -yx / determinant, xx / determinant)
        return AffineMap(xx: a, xy: b, x0: -a * x0 - b * y0, yx: c, yy: d, y0: -c * x0 - d * y0)
    }

    /// Square root of the change of area.
    public var scale: Double { abs(xx * yy - xy * yx).squareRoot() }
    /// Clockwise, of the nearest turn.
    public var degrees: Double { atan2(yx - xy, xx + yy) * 180 / .pi }
}
