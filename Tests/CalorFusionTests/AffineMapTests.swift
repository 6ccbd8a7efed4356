import CalorImage
import Testing

@testable import CalorFusion

struct AffineMapTests {
    @Test func whatIsDoneAndUndoneIsNothing() throws {
        let map = AffineMap(scale: 1.07, degrees: 3, dx: 12.5, dy: -4, around: (100, 60))
        let back = try #require(map.inverse).after(map)
        for (x, y) in [(0.0, 0.0), (200, 0), (13, 77)] {
            let place = back(x, y)
            #expect(abs(place.x - x) < 1e-9 && abs(place.y - y) < 1e-9)
        }
        #expect(abs(map.scale - 1.07) < 1e-12 && abs(map.degrees - 3) < 1e-9)
        #expect(map(100, 60).x == 112.5 && map(100, 60).y == 56)
        #expect(AffineMap(xx: 1, xy: 2, x0: 0, yx: 2, yy: 4, y0: 0).inverse == nil)
    }

    @Test func cornersLieOnCornersAfterResizing() {
        let map = AffineMap(resizing: Size(width: 10, height: 6), to: Size(width: 20, height: 9))
        #expect(map(-0.5, -0.5) == (-0.5, -0.5))
        #expect(map(9.5, 5.5) == (19.5, 8.5))
    }

    @Test(arguments: WarpFilter.allCases) func aShiftByWholePixelsMovesSamplesAsTheyAre(_ filter: WarpFilter) {
        let size = Size(width: 17, height: 11)
        let values = (0..<size.pixels).map { Float(($0 * 7919) % 60_000) }
        let image = Image(planes: [Plane(size: size, floats: values, format: .u16)], colour: .grey, meaning: .counts)
        let moved = image.warped(by: AffineMap(xx: 1, xy: 0, x0: 3, yx: 0, yy: 1, y0: -2), to: size, filter: filter, border: .black)
        #expect(moved.meaning == .counts && moved.format == .u16)
        let got = moved.planes[0].floats()
        for y in 0..<size.height {
            for x in 0..<size.width {
                let inside = x + 3 < size.width && y - 2 >= 0
                #expect(got[y * size.width + x] == (inside ? values[(y - 2) * size.width + x + 3] : 0), "\(x), \(y)")
            }
        }
        let edge = image.warped(by: AffineMap(xx: 1, xy: 0, x0: 3, yx: 0, yy: 1, y0: 0), to: size, filter: filter)
        #expect(edge.planes[0].floats()[16] == values[16])
    }

    @Test func colourDoesNotBleedOutOfWhatIsTransparent() {
        let size = Size(width: 4, height: 1)
        func plane(_ values: [Float]) -> Plane { Plane(size: size, floats: values, format: .u8) }
        let image = Image(planes: [plane([255, 255, 40, 40]), plane([0, 0, 255, 255])], colour: .greyAlpha)
        let half = image.warped(by: AffineMap(xx: 1, xy: 0, x0: 0.5, yx: 0, yy: 1, y0: 0), to: size, filter: .bilinear)
        #expect(half.planes[0].floats() == [0, 40, 40, 40])
        #expect(half.planes[1].floats() == [0, 128, 255, 255])
    }
}
