import CalorBase

// Goals, in order: the same bits for a region as for the whole image (every output is one sum with a fixed order: along the row
// first, then along the column, taps from left to right and top to bottom); the values of Pillow's mode F; speed.

/// Changes the size of planes of one size to another size, whole or region by region.
///
/// *Precision*: f32 sums; the difference to Pillow's mode `F` stays below 1e-5 of full scale. Integer formats are rounded once, at
/// the end, and clamped to their range.
/// *Complexity*: O(target width × source height × taps + target pixels × taps).
public struct Resampler: Sendable {
    public let source: Size
    public let target: Size
    public let filter: ResamplingFilter
    let horizontal: AxisWeights
    let vertical: AxisWeights

    public init(from source: Size, to target: Size, using filter: ResamplingFilter) {
        precondition(source.width > 0 && source.height > 0, "an image of \(source) cannot be resampled")
        precondition(target.width > 0 && target.height > 0, "an image cannot be resampled to \(target)")
        self.source = source
        self.target = target
        self.filter = filter
        horizontal = AxisWeights(from: source.width, to: target.width, using: filter)
        vertical = AxisWeights(from: source.height, to: target.height, using: filter)
    }

    /// The part of the source that `region` of the target is made from.
    public func sourceRegion(for region: Region) -> Region {
        precondition(Region(target).contains(region), "\(region) is not inside the target of \(target)")
        let columns = horizontal.inputs(for: region.columns)
        let rows = vertical.inputs(for: region.rows)
        return Region(x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
    }

    public func resample(_ plane: Plane) -> Plane {
        resample(plane, covering: Region(source), to: Region(target))
    }

    /// `region` of the target from the part of the source that lies in `covered`.
    ///
    /// *Shapes*: `part` has the size of `covered`, which holds at least `sourceRegion(for: region)`.
    public func resample(_ part: Plane, covering covered: Region, to region: Region) -> Plane {
        if source == target { return part.cropped(to: region.relative(to: covered)) }
        if filter == .nearest {
            let columns = region.columns.map { horizontal.starts[$0] - covered.x }
            let rows = region.rows.map { vertical.starts[$0] - covered.y }
            return Plane(size: region.size, samples: part.gathered(columns: columns, rows: rows))
        }
        let values =
            switch part.samples {
            case .u8(let s): resample(s, covering: covered, to: region) { Float($0) }
            case .u16(let s): resample(s, covering: covered, to: region) { Float($0) }
            case .f32(let s): resample(s, covering: covered, to: region) { $0 }
            }
        return Plane(size: region.size, floats: values, format: part.format)
    }

    /// The same for bare floats, in any units, without rounding.
    public func resample(_ values: [Float], covering covered: Region, to region: Region) -> [Float] {
        resample(values, covering: covered, to: region) { $0 }
    }

    @inline(__always)
    private func resample<T>(_ values: [T], covering covered: Region, to region: Region, _ float: (T) -> Float) -> [Float] {
        let needed = sourceRegion(for: region)
        precondition(covered.contains(needed), "\(region) of the target needs \(needed) of the source, not \(covered)")
        precondition(values.count == covered.pixels, "\(values.count) values are not a region of \(covered)")
        let rows = values.withUnsafeBufferPointer { values in
            source.width == target.width
                ? cropRows(values, covered: covered, columns: region.columns, rows: needed.rows, float)
                : alongRows(values, covered: covered, columns: region.columns, rows: needed.rows, float)
        }
        if source.height == target.height { return rows }
        return alongColumns(rows, width: region.width, firstRow: needed.y, rows: region.rows)
    }

    // MARK: - The two passes

    @inline(__always)
    private func cropRows<T>(
        _ values: UnsafeBufferPointer<T>, covered: Region, columns: Range<Int>, rows: Range<Int>, _ float: (T) -> Float
    ) -> [Float] {
        [Float](unsafeUninitializedCapacity: columns.count * rows.count) { out, count in
            for row in rows {
                let start = (row - covered.y) * covered.width + columns.lowerBound - covered.x
                for column in 0..<columns.count { out.initializeElement(at: count &+ column, to: float(values[start &+ column])) }
                count += columns.count
            }
        }
    }

    /// Eight rows side by side: each lane is the sum of its own row, in the order of the taps.
    @inline(__always)
    private func alongRows<T>(
        _ values: UnsafeBufferPointer<T>, covered: Region, columns: Range<Int>, rows: Range<Int>, _ float: (T) -> Float
    ) -> [Float] {
        // Columns of the target that are made together, so that their inputs stay in the first-level cache.
        let tile = max(16, 1024 * target.width / max(source.width, target.width))
        let inputs = columns.isEmpty ? 0 : horizontal.inputs(for: columns).count
        return [Float](unsafeUninitializedCapacity: columns.count * rows.count) { out, count in
            withUnsafeTemporaryAllocation(of: SIMD8<Float>.self, capacity: max(inputs, 1)) { lanes in
                horizontal.weights.withUnsafeBufferPointer { weights in
                    for first in stride(from: 0, to: rows.count, by: 8) {
                        let taken = min(8, rows.count - first)
                        for start in stride(from: columns.lowerBound, to: columns.upperBound, by: tile) {
                            let part = start..<min(start + tile, columns.upperBound)
                            let needed = horizontal.inputs(for: part)
                            for lane in 0..<taken {
                                let row =
                                    (rows.lowerBound + first + lane - covered.y) * covered.width - covered.x + needed.lowerBound
                                for i in 0..<needed.count { lanes[i][lane] = float(values[row &+ i]) }
                            }
                            for column in part {
                                let from = horizontal.starts[column] - needed.lowerBound
                                let at = horizontal.offsets[column]
                                var sum = SIMD8<Float>(repeating: 0)
                                for tap in 0..<horizontal.counts[column] { sum += weights[at &+ tap] * lanes[from &+ tap] }
                                let place = first * columns.count + column - columns.lowerBound
                                for lane in 0..<taken { out.initializeElement(at: place &+ lane &* columns.count, to: sum[lane]) }
                            }
                        }
                    }
                }
            }
            count = columns.count * rows.count
        }
    }

    private func alongColumns(_ values: [Float], width: Int, firstRow: Int, rows: Range<Int>) -> [Float] {
        var result = [Float](repeating: 0, count: width * rows.count)
        values.withUnsafeBufferPointer { values in
            result.withUnsafeMutableBufferPointer { result in
                // A block of columns stays in the first-level cache while all taps are added to it.
                for left in stride(from: 0, to: width, by: 2048) {
                    let columns = min(2048, width - left)
                    for (line, row) in rows.enumerated() {
                        let out = UnsafeMutableBufferPointer(rebasing: result[line * width + left..<line * width + left + columns])
                        for tap in 0..<vertical.counts[row] {
                            let weight = vertical.weights[vertical.offsets[row] + tap]
                            let start = (vertical.starts[row] + tap - firstRow) * width + left
                            let input = UnsafeBufferPointer(rebasing: values[start..<start + columns])
                            for i in 0..<columns { out[i] += weight * input[i] }
                        }
                    }
                }
            }
        }
        return result
    }
}

extension Plane {
    /// The plane in another size; antialiased when it gets smaller.
    public func resampled(to target: Size, using filter: ResamplingFilter) -> Plane {
        target == size ? self : Resampler(from: size, to: target, using: filter).resample(self)
    }
}

extension Image {
    /// The picture in another size; antialiased when it gets smaller. Metadata and meaning are kept.
    ///
    /// Colour is weighted with alpha before the sums and divided by the resulting alpha after them, so that what is transparent
    /// does not bleed into what is not; where the resulting alpha is zero the colour is zero.
    public func resampled(to target: Size, using filter: ResamplingFilter) -> Image {
        if target == size { return self }
        let resampler = Resampler(from: size, to: target, using: filter)
        guard let alpha, filter != .nearest else { return replacing(planes: planes.map { resampler.resample($0) }) }
        let opacity = alpha.floats()
        let newOpacity = resampler.resample(opacity, covering: Region(size), to: Region(target))
        let colours = colourPlanes.map { plane in
            var weighted = plane.floats()
            for i in weighted.indices { weighted[i] *= opacity[i] }
            var values = resampler.resample(weighted, covering: Region(size), to: Region(target))
            for i in values.indices { values[i] = newOpacity[i] > 0 ? values[i] / newOpacity[i] : 0 }
            return Plane(size: target, floats: values, format: format)
        }
        return replacing(planes: colours + [Plane(size: target, floats: newOpacity, format: format)])
    }
}
