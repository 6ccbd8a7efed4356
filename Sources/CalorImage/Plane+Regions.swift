// Crop, paste and padding: the same samples at other places, in the format they have.

extension Plane {
    /// The samples in `region`, which must lie inside the plane.
    public func cropped(to region: Region) -> Plane {
        precondition(Region(size).contains(region), "\(region) is not inside a plane of \(size)")
        if region == Region(size) { return self }
        return Plane(size: region.size, samples: gathered(columns: Array(region.columns), rows: Array(region.rows)))
    }

    /// The samples in `region`, which may leave the plane: beyond the border the nearest edge sample is repeated.
    public func croppedReplicatingEdges(to region: Region) -> Plane {
        precondition(size.pixels > 0 || region.isEmpty, "an empty plane has no edge to repeat")
        if Region(size).contains(region) { return cropped(to: region) }
        return Plane(
            size: region.size,
            samples: gathered(
                columns: region.columns.map { min(max($0, 0), width - 1) }, rows: region.rows.map { min(max($0, 0), height - 1) }))
    }

    /// The plane with `left`, `top`, `right` and `bottom` pixels more, which repeat its edge.
    public func padded(left: Int = 0, top: Int = 0, right: Int = 0, bottom: Int = 0) -> Plane {
        croppedReplicatingEdges(to: Region(x: -left, y: -top, width: left + width + right, height: top + height + bottom))
    }

    /// Puts `part` with its upper left corner at (`x`, `y`); it must fit and have the same format.
    public mutating func paste(_ part: Plane, x: Int, y: Int) {
        let target = Region(x: x, y: y, width: part.width, height: part.height)
        precondition(Region(size).contains(target), "\(target) is not inside a plane of \(size)")
        precondition(part.format == format, "a \(part.format.rawValue) part cannot go into a \(format.rawValue) plane")
        let width = width
        func copyRows<T>(_ source: [T], _ destination: inout [T]) {
            for row in 0..<part.height {
                let from = row * part.width
                let to = (y + row) * width + x
                destination.replaceSubrange(to..<to + part.width, with: source[from..<from + part.width])
            }
        }
        // The plane lets go of its samples while they change, so that the array is unique and the rows are copied in place.
        let whole = size
        let empty = Plane(size: Size(width: 0, height: 0), samples: .u8([]))
        switch (samples, part.samples) {
        case (.u8(var destination), .u8(let source)):
            self = empty
            copyRows(source, &destination)
            self = Plane(size: whole, samples: .u8(destination))
        case (.u16(var destination), .u16(let source)):
            self = empty
            copyRows(source, &destination)
            self = Plane(size: whole, samples: .u16(destination))
        case (.f32(var destination), .f32(let source)):
            self = empty
            copyRows(source, &destination)
            self = Plane(size: whole, samples: .f32(destination))
        default: preconditionFailure("formats were compared above")
        }
    }

    /// The samples at the crossings of `rows` and `columns`, in that order.
    func gathered(columns: [Int], rows: [Int]) -> Samples {
        func pick<T>(_ source: [T]) -> [T] {
            [T](unsafeUninitializedCapacity: columns.count * rows.count) { buffer, count in
                source.withUnsafeBufferPointer { source in
                    var at = 0
                    for row in rows {
                        let line = row * width
                        for column in columns {
                            buffer.initializeElement(at: at, to: source[line + column])
                            at += 1
                        }
                    }
                    count = at
                }
            }
        }
        return switch samples {
        case .u8(let s): .u8(pick(s))
        case .u16(let s): .u16(pick(s))
        case .f32(let s): .f32(pick(s))
        }
    }
}

extension Image {
    /// The part of the picture in `region`, which must lie inside it.
    public func cropped(to region: Region) -> Image { replacing(planes: planes.map { $0.cropped(to: region) }) }

    /// The part of the picture in `region`; beyond the border the edge is repeated.
    public func croppedReplicatingEdges(to region: Region) -> Image {
        replacing(planes: planes.map { $0.croppedReplicatingEdges(to: region) })
    }
}
