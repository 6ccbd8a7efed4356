import CalorImage

/// Square tiles of a picture, each a picture of its own to the network, whose results are averaged where they overlap.
///
/// For networks whose every output depends on the whole of what they are given, run as their authors run them: a tile begins at every
/// multiple of `stride`, the last ones end with the picture; sides are padded by reflection.
///
/// *Source*: the released inference of ResShift, SinSR and DifIISR.
public struct PictureTiles: Sendable, Equatable {
    public var side: Int
    public var stride: Int

    public init(side: Int, stride: Int) {
        self.side = side
        self.stride = stride
    }

    /// Where tiles begin along a side of `length`.
    func starts(_ length: Int) -> [Int] {
        guard length > side else { return [0] }
        var starts: [Int] = []
        for start in Swift.stride(from: 0, to: length, by: stride) {
            let moved = min(start, length - side)
            if starts.last != moved { starts.append(moved) }
        }
        return starts
    }

    func regions(of size: Size) -> [Region] {
        starts(size.height).flatMap { y in
            starts(size.width).map { Region(x: $0, y: y, width: min(side, size.width), height: min(side, size.height)) }
        }
    }

    /// A region of a plane, continued to the right and below by reflection without repeating the edge.
    static func cut(_ region: Region, of plane: [Float], size: Size, paddedTo padded: Size) -> [Float] {
        func mirrored(_ i: Int, _ length: Int) -> Int {
            guard length > 1 else { return 0 }
            let period = 2 * (length - 1)
            let place = i % period
            return place < length ? place : period - place
        }
        let columns = (0..<padded.width).map { region.x + mirrored($0, region.width) }
        var tile: [Float] = []
        tile.reserveCapacity(padded.pixels)
        for y in 0..<padded.height {
            let row = (region.y + mirrored(y, region.height)) * size.width
            for x in columns { tile.append(plane[row + x]) }
        }
        return tile
    }
}
