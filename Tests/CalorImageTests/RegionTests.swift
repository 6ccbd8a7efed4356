import Testing

@testable import CalorImage

@Suite struct RegionTests {
    @Test("regions grow, meet and align")
    func arithmetic() {
        let region = Region(x: 5, y: 9, width: 10, height: 6)
        #expect(region.expanded(by: 3) == Region(x: 2, y: 6, width: 16, height: 12))
        #expect(region.expanded(by: 8).clamped(to: Size(width: 20, height: 20)) == Region(x: 0, y: 1, width: 20, height: 19))
        #expect(region.intersection(Region(x: 40, y: 0, width: 5, height: 5)).isEmpty)
        #expect(region.aligned(to: 4) == Region(x: 4, y: 8, width: 12, height: 8))
        #expect(Region(x: -3, y: -4, width: 3, height: 4).aligned(to: 4) == Region(x: -4, y: -4, width: 4, height: 4))
        #expect(region.scaled(by: 4).reduced(by: 4) == region)
        #expect(Region(x: 3, y: 7, width: 2, height: 2).reduced(by: 4) == Region(x: 0, y: 1, width: 2, height: 2))
        #expect(region.relative(to: Region(x: 5, y: 8, width: 1, height: 1)) == Region(x: 0, y: 1, width: 10, height: 6))
    }

    @Test("tiles cover every pixel once", arguments: [(1, 1), (7, 5), (64, 64), (13, 1)])
    func tiles(width: Int, height: Int) {
        let whole = Region(x: 3, y: -2, width: 20, height: 11)
        var seen: Set<[Int]> = []
        for tile in whole.tiles(of: Size(width: width, height: height)) {
            #expect(whole.contains(tile) && tile.width <= width && tile.height <= height)
            for y in tile.rows { for x in tile.columns { #expect(seen.insert([x, y]).inserted, "\(x), \(y) twice") } }
        }
        #expect(seen.count == whole.pixels)
    }

    @Test("tiles that are cut and pasted make the plane again", arguments: SampleFormat.allCases)
    func paste(format: SampleFormat) {
        let source = pattern(width: 23, height: 17, format: format)
        var copy = Plane(size: source.size, format: format)
        for tile in Region(source.size).tiles(of: Size(width: 6, height: 5)) {
            copy.paste(source.cropped(to: tile), x: tile.x, y: tile.y)
        }
        #expect(copy == source)
    }

    @Test("padding repeats the edge")
    func padding() {
        let plane = Plane(size: Size(width: 2, height: 2), samples: .u16([1, 2, 3, 4]))
        let padded = plane.padded(left: 1, top: 2, right: 2)
        #expect(padded.size == Size(width: 5, height: 4))
        #expect(padded.samples == .u16([1, 1, 2, 2, 2, 1, 1, 2, 2, 2, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]))
        #expect(padded.cropped(to: Region(x: 1, y: 2, width: 2, height: 2)) == plane)
        let outside = plane.croppedReplicatingEdges(to: Region(x: 5, y: -9, width: 1, height: 2))
        #expect(outside.samples == .u16([2, 2]))
    }

    @Test("cropping an image keeps what it means")
    func image() {
        let image = Image(planes: [pattern(width: 9, height: 8, format: .u16)], colour: .grey, meaning: .counts)
        let part = image.cropped(to: Region(x: 2, y: 3, width: 4, height: 5))
        #expect(part.size == Size(width: 4, height: 5) && part.meaning == .counts)
    }
}

@Suite struct OrientationTests {
    /// A 3×2 picture as a file would store it, and what a viewer shows for each value of the tag.
    @Test(
        "the eight orientations",
        arguments: [
            (1, 3, [1, 2, 3, 4, 5, 6]), (2, 3, [3, 2, 1, 6, 5, 4]), (3, 3, [6, 5, 4, 3, 2, 1]), (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]), (6, 2, [4, 1, 5, 2, 6, 3]), (7, 2, [6, 3, 5, 2, 4, 1]), (8, 2, [3, 6, 2, 5, 1, 4]),
        ] as [(Int, Int, [UInt8])])
    func upright(tag: Int, width: Int, expected: [UInt8]) throws {
        let orientation = try #require(Orientation(rawValue: tag))
        let stored = Plane(size: Size(width: 3, height: 2), samples: .u8([1, 2, 3, 4, 5, 6]))
        let result = stored.oriented(by: orientation)
        #expect(result.width == width && result.samples == .u8(expected), "orientation \(tag): \(result.samples)")
        #expect(result.oriented(by: orientation.inverse) == stored, "back from orientation \(tag)")
    }

    @Test("the resolution turns with the picture")
    func resolution() {
        var image = Image(planes: [pattern(width: 3, height: 2, format: .u8)], colour: .grey)
        image.metadata.resolution = .init(x: 100, y: 200)
        #expect(image.oriented(by: .rightTop).metadata.resolution == .init(x: 200, y: 100))
        #expect(image.oriented(by: .bottomRight).metadata.resolution == .init(x: 100, y: 200))
    }
}

@Suite struct StatisticsTests {
    @Test("samples that are not finite are counted and left out")
    func nonFinite() {
        let plane = Plane(size: Size(width: 5, height: 1), samples: .f32([1, .nan, 3, .infinity, -2]))
        let statistics = PlaneStatistics(of: plane)
        #expect(statistics.nonFinite == 2 && !statistics.isFinite)
        #expect(statistics.minimum == -2 && statistics.maximum == 3)
        let order = OrderStatistics(of: plane)
        #expect(order.count == 3)
        #expect((0..<3).map { order.sample(at: $0) } == [-2, 1, 3])
        #expect(OrderStatistics(of: Plane(size: Size(width: 1, height: 1), samples: .f32([.nan]))).percentile(50) == 0)
    }

    @Test("order statistics are those of a sort", arguments: SampleFormat.allCases)
    func order(format: SampleFormat) {
        let plane = pattern(width: 31, height: 9, format: format)
        let sorted = plane.floats().sorted()
        let order = OrderStatistics(of: plane)
        for i in [0, 1, 100, 278] { #expect(order.sample(at: i) == Double(sorted[i]), "\(format) at \(i)") }
    }

    @Test("equal planes are grey, and luma of grey is grey")
    func luma() {
        let grey = pattern(width: 6, height: 5, format: .u8)
        let rgb = Image(planes: [grey, grey, grey], colour: .rgb)
        #expect(rgb.greyPlane() == grey)
        #expect(zip(rgb.studioLuma(), grey.floats()).allSatisfy { abs($0 - (219 * $1 + 16 * 255) / 255) < 1e-4 })
        let red = Image(
            planes: [255, 0, 0].map { Plane(size: Size(width: 1, height: 1), format: .u8, repeating: $0) }, colour: .rgb)
        #expect(red.greyPlane().samples == .u8([76]))
        #expect(abs(red.studioLuma()[0] - (65.481 + 16)) < 1e-4)
    }
}
