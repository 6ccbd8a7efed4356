import CalorImage
import Testing

/// Where a place of the old raster lies in the model, and where the same place of the new raster does, must agree.
@Suite struct GeoreferenceTests {
    private static func model(_ place: Georeference, _ x: Double, _ y: Double) -> [Double] {
        if place.transformation.count == 16 {
            return (0..<2).map {
                place.transformation[4 * $0] * x + place.transformation[4 * $0 + 1] * y + place.transformation[4 * $0 + 3]
            }
        }
        return [
            place.tiePoints[3] + (x - place.tiePoints[0]) * place.pixelScale[0],
            place.tiePoints[4] - (y - place.tiePoints[1]) * place.pixelScale[1],
        ]
    }

    @Test(arguments: [false, true], [false, true]) func cornersStay(_ isPoint: Bool, _ isMatrix: Bool) {
        var place = Georeference()
        place.keys = [1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, isPoint ? 2 : 1]
        if isMatrix {
            place.transformation = [10, 2, 0, 500_000, 1, -9, 0, 5_400_000, 0, 0, 0, 0, 0, 0, 0, 1]
        } else {
            place.pixelScale = [10, 8, 0]
            place.tiePoints = [3, 5, 0, 500_000, 5_400_000, 0]
        }
        #expect(place.isPixelPoint == isPoint)
        let old = Size(width: 60, height: 40)
        let new = Size(width: 150, height: 20)
        let scaled = place.scaled(from: old, to: new)
        // The edges of the picture are half a pixel outside the centres when places count from centres.
        let shift = isPoint ? 0.5 : 0
        for (x, y) in [(0.0, 0.0), (1, 0), (0, 1), (0.3, 0.7)] {
            let before = Self.model(place, x * 60 - shift, y * 40 - shift)
            let after = Self.model(scaled, x * 150 - shift, y * 20 - shift)
            #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-6 }, "\(x), \(y): \(before), \(after)")
        }
        #expect(scaled.scaled(from: new, to: new) == scaled)
        #expect(scaled.keys == place.keys)
    }
}
