import CalorImage

/// Maps infrared counts, kelvin or 8-bit grey to 8-bit grey for display.
///
/// The work is in two halves, so that a large image can be mapped region by region with the same bits: `analyse` looks at the whole
/// image once, and the mapping it returns needs only a pixel and its place.
public protocol GainControl: Sendable {
    func analyse(_ plane: Plane) throws(ThermalFault) -> GainMapping

    /// The same from counts alone: `counts[v]` is how often the whole number `v` occurs, below 65536. Nil when the method needs places.
    func analyse(counts: [Int]) throws(ThermalFault) -> GainMapping?
}

extension GainControl {
    public func analyse(counts: [Int]) throws(ThermalFault) -> GainMapping? { nil }

    /// Analyses `plane` and maps it.
    public func applied(to plane: Plane) throws(ThermalFault) -> Plane { try analyse(plane).apply(to: plane) }

    /// The grey plane of an infrared image for display; metadata and alpha are kept (alpha is rescaled to 8 bits).
    public func applied(to image: Image) throws(ThermalFault) -> Image {
        let grey = try applied(to: image.greyPlane())
        guard let alpha = image.alpha else { return image.replacing(planes: [grey], colour: .grey, meaning: .display) }
        let scale = 255 / alpha.format.fullScale
        let opacity = Plane(size: alpha.size, floats: alpha.floats().map { $0 * scale }, format: .u8)
        return image.replacing(planes: [grey, opacity], colour: .greyAlpha, meaning: .display)
    }
}

/// What `GainControl.analyse` found out: how to turn a sample at a place into a level between 0 and 255.
public struct GainMapping: Sendable {
    enum Kind: Sendable {
        /// The levels of evenly spaced bins; samples take the level of their bin.
        case table(Bins, [Float])
        /// A straight line from `low` (0) to `high` (255).
        case line(low: Double, high: Double)
        /// One table per tile, mixed by distance to the centres of the four nearest tiles.
        case tiles(Bins, TileGrid, [Float])
    }

    let kind: Kind
    /// The counts (or kelvin) that become 0 and 255; samples outside saturate.
    public let low: Double
    public let high: Double

    /// Maps a plane, or the part of it that begins at (`x`, `y`) of the analysed image, to u8. NaN becomes 0.
    public func apply(to part: Plane, x: Int = 0, y: Int = 0) -> Plane {
        switch part.samples {
        case .u8(let s): mapped(s, part.size, x, y) { Float($0) }
        case .u16(let s): mapped(s, part.size, x, y) { Float($0) }
        case .f32(let s): mapped(s, part.size, x, y) { $0 }
        }
    }

    private func mapped<T>(_ samples: [T], _ size: Size, _ x: Int, _ y: Int, _ value: (T) -> Float) -> Plane {
        var out = [UInt8](repeating: 0, count: samples.count)
        switch kind {
        case .line(let low, let high):
            // A flat image has no contrast to show: it becomes middle grey.
            let scale = high > low ? 255 / (high - low) : 0
            let offset = high > low ? 0 : 127.5
            for i in samples.indices { out[i] = level((Double(value(samples[i])) - low) * scale + offset) }
        case .table(let bins, let levels):
            for i in samples.indices { out[i] = level(Double(levels[bins.index(of: value(samples[i]))])) }
        case .tiles(let bins, let grid, let levels):
            for row in 0..<size.height {
                let (above, below, downward) = grid.vertical(y + row)
                for column in 0..<size.width {
                    let i = row * size.width + column
                    let (left, right, rightward) = grid.horizontal(x + column)
                    let bin = bins.index(of: value(samples[i]))
                    func at(_ tileRow: Int, _ tileColumn: Int) -> Float {
                        levels[(tileRow * grid.columns + tileColumn) * bins.count + bin]
                    }
                    let top = at(above, left) * (1 - rightward) + at(above, right) * rightward
                    let bottom = at(below, left) * (1 - rightward) + at(below, right) * rightward
                    out[i] = level(Double(top * (1 - downward) + bottom * downward))
                }
            }
        }
        return Plane(size: size, samples: .u8(out))
    }
}

private func level(_ value: Double) -> UInt8 {
    value.isNaN ? 0 : UInt8(min(max(value.rounded(.toNearestOrEven), 0), 255))
}

/// Evenly spaced bins between two values; what lies outside goes to the end bins, NaN to the first.
struct Bins: Sendable, Equatable {
    let low: Double
    let high: Double
    let count: Int

    func index(of value: Float) -> Int {
        let place = (Double(value) - low) / (high - low) * Double(count)
        // Written so that NaN fails the first comparison.
        return place > 0 ? Int(min(place, Double(count - 1))) : 0
    }

    /// One bin for each whole number from `low` to `high`.
    static func whole(_ low: Int, _ high: Int) -> Bins { Bins(low: Double(low), high: Double(high + 1), count: high - low + 1) }

    func histogram(of plane: Plane) -> [Int] {
        var histogram = [Int](repeating: 0, count: count)
        switch plane.samples {
        case .u8(let s): for v in s { histogram[index(of: Float(v))] += 1 }
        case .u16(let s): for v in s { histogram[index(of: Float(v))] += 1 }
        case .f32(let s): for v in s where v.isFinite { histogram[index(of: v)] += 1 }
        }
        return histogram
    }
}

func validate(_ name: String, _ value: Double, in range: ClosedRange<Double>) throws(ThermalFault) {
    guard range.contains(value) else {
        throw .parameter(name: name, value: "\(value)", allowed: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
}
