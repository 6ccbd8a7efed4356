import CalorImage

// Goals, in order: leave a clean image alone; keep counts, mean and range; remove what a column or a row of the sensor adds to
// all of its pixels. Sums are double and run from the top left, so the result does not depend on how an image is cut.

/// Removes the fixed stripes of an infrared sensor: an offset that is common to all pixels of a column (or a row).
///
/// The steps between neighbouring columns are measured in bands of rows, robustly, so that a band's own picture hardly counts. What
/// the bands agree on belongs to the columns; how far they differ is the uncertainty of the measurement. The offsets are then the
/// most probable ones under that uncertainty and under the spread that the image itself shows: where the bands do not agree, as
/// in a clean image, that spread is zero and so is the correction. Steps far outside the spread of the others are edges of the
/// scene that run through the whole image; they are not used.
///
/// *Units*: offsets in the plane's own counts.
/// *Complexity*: O(pixels · log(rows of a band)).
/// *Source*: our own; the model is that of scene-based non-uniformity correction, see F. Tendero and others, "Non-uniformity
/// correction of infrared images by midway equalization", 2012.
public struct Destripe: Sendable, Equatable {
    public enum Direction: String, Sendable, CaseIterable {
        case columns, rows, both
    }

    public let direction: Direction
    /// Share of the estimated offsets that is taken away.
    public let strength: Double

    public init(direction: Direction = .columns, strength: Double = 1) throws(ThermalFault) {
        try validate("the strength", strength, in: 0...1)
        self.direction = direction
        self.strength = strength
    }

    /// Measures the stripes of a whole plane. Planes too small to tell (under 16 columns or rows) get no correction.
    public func analyse(_ plane: Plane) throws(ThermalFault) -> StripeCorrection {
        let statistics = PlaneStatistics(of: plane)
        guard statistics.nonFinite < statistics.samples else { throw .nothingFinite }
        let values = plane.floats()
        var columns = [Float](repeating: 0, count: plane.width)
        var rows = [Float](repeating: 0, count: plane.height)
        if direction != .rows {
            columns = offsets(StripeField(values, lines: plane.width, length: plane.height, lineStride: 1, stepStride: plane.width))
        }
        if direction != .columns {
            var rest = values
            for y in 0..<plane.height { for x in 0..<plane.width { rest[y * plane.width + x] -= columns[x] } }
            rows = offsets(StripeField(rest, lines: plane.height, length: plane.width, lineStride: plane.width, stepStride: 1))
        }
        return StripeCorrection(
            columns: columns, rows: rows, minimum: Float(statistics.minimum), maximum: Float(statistics.maximum))
    }

    /// Measures and removes the stripes of a whole plane.
    public func applied(to plane: Plane) throws(ThermalFault) -> Plane { try analyse(plane).apply(to: plane) }

    /// Removes the stripes of every colour plane; alpha stays.
    public func applied(to image: Image) throws(ThermalFault) -> Image {
        var planes: [Plane] = []
        for plane in image.colourPlanes { planes.append(try applied(to: plane)) }
        if let alpha = image.alpha { planes.append(alpha) }
        return image.replacing(planes: planes)
    }

    private func offsets(_ field: StripeField) -> [Float] { field.offsets().map { Float($0 * strength) } }
}

/// The offsets of the columns and rows of one image, each with mean zero, and the range that samples stay in.
public struct StripeCorrection: Sendable, Equatable {
    public let columns: [Float]
    public let rows: [Float]
    public let minimum: Float
    public let maximum: Float

    /// Root mean square of all offsets; 0 when nothing was found.
    public var rms: Double {
        func square(_ offsets: [Float]) -> Double {
            offsets.isEmpty ? 0 : offsets.reduce(0) { $0 + Double($1) * Double($1) } / Double(offsets.count)
        }
        return (square(columns) + square(rows)).squareRoot()
    }

    /// Takes the offsets from a plane, or from the part of it that begins at (`x`, `y`) of the analysed one. The format stays;
    /// samples stay between the least and the greatest of the analysed plane.
    public func apply(to part: Plane, x: Int = 0, y: Int = 0) -> Plane {
        precondition(
            x >= 0 && y >= 0 && x + part.width <= columns.count && y + part.height <= rows.count,
            "a part of \(part.size) at (\(x), \(y)) is not inside \(columns.count)×\(rows.count)")
        var values = part.floats()
        for line in 0..<part.height {
            for column in 0..<part.width {
                let i = line * part.width + column
                let value = values[i] - columns[x + column] - rows[y + line]
                // NaN and infinities pass; written so that they fail both comparisons or are left as they were.
                if values[i].isFinite { values[i] = min(max(value, minimum), maximum) }
            }
        }
        return Plane(size: part.size, floats: values, format: part.format)
    }
}
