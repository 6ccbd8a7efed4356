import CalorImage
import Testing

@testable import CalorQuality

struct FusionQualityTests {
    struct Golden: Decodable {
        struct Case: Decodable {
            var width: Int
            var height: Int
            var peak: Double
            var infrared: [Float]
            var visible: [Float]
            var fused: [Float]
            var informationInfrared: Double
            var informationVisible: Double
            var informationSelf: Double
            var gradientTransfer: Double
            var gradientTransferSelf: Double

            func plane(_ values: [Float]) -> Plane {
                Plane(size: Size(width: width, height: height), floats: values, format: peak == 255 ? .u8 : .u16)
            }
        }
        var cases: [Case]
    }

    /// *Precision*: a gradient that is zero up to rounding has another direction here than there.
    @Test func informationAndGradientTransferEqualNumPy() throws {
        let golden: Golden = try golden("fusion.json")
        #expect(golden.cases.count == 3)
        for item in golden.cases {
            let (a, b, f) = (item.plane(item.infrared), item.plane(item.visible), item.plane(item.fused))
            for (name, value, expected) in [
                ("infrared", try mutualInformation(a, f), item.informationInfrared),
                ("visible", try mutualInformation(b, f), item.informationVisible),
                ("self", try mutualInformation(a, a), item.informationSelf),
                ("transfer", try gradientTransfer(from: a, and: b, to: f), item.gradientTransfer),
                ("transfer to itself", try gradientTransfer(from: a, and: a, to: a), item.gradientTransferSelf),
            ] { #expect(abs(value - expected) < 1e-7, "\(name) of \(item.width)×\(item.height): \(value), not \(expected)") }
        }
    }

    @Test func aPictureTellsAllAboutItselfAndNothingAboutAFlatOne() throws {
        let item = try #require((try golden("fusion.json") as Golden).cases.first)
        let plane = item.plane(item.infrared)
        let (shared, own) = (try mutualInformation(plane, plane), try entropy(of: plane))
        #expect(abs(shared - own) < 1e-9)
        let flat = Plane(size: plane.size, format: .u8, repeating: 7)
        #expect(try abs(mutualInformation(plane, flat)) < 1e-12)
        #expect(try gradientTransfer(from: flat, and: flat, to: plane) == 0)
    }

    @Test func whatCannotBeMeasuredIsRefused() {
        let small = Plane(size: Size(width: 2, height: 9), format: .u8)
        #expect(throws: QualityFault.self) { try gradientTransfer(from: small, and: small, to: small) }
        let other = Plane(size: Size(width: 3, height: 9), format: .u8)
        #expect(throws: QualityFault.self) { try mutualInformation(small, other) }
        let wrong = Plane(size: Size(width: 4, height: 4), samples: .f32([Float](repeating: .nan, count: 16)))
        #expect(throws: QualityFault.self) { try mutualInformation(wrong, wrong) }
    }
}
