import CalorBase
import CalorCodecs
import CalorImage
import CalorQuality
import CalorThermal
import Foundation
import Testing

@testable import calor_fixtures

@Suite struct FixturesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("fixtures").resolvingSymlinksInPath()

    private static func image(_ path: String) throws -> Image {
        try ImageDecoder.decode([UInt8](Data(contentsOf: folder.appendingPathComponent(path)))).image
    }

    /// The pixels and metadata are compared, not the files: another version of zlib or libjpeg may write other bytes.
    @Test("the committed files are what the generator makes")
    func regeneration() throws {
        let files = try Catalogue().files
        #expect(files.reduce(0) { $0 + $1.bytes.count } < 2_500_000)
        for file in files {
            let made = try ImageDecoder.decode(file.bytes).image
            let committed = try Self.image(file.path)
            if file.path.hasSuffix(".jpg") {
                #expect(
                    made.metadata == committed.metadata && made.colour == committed.colour, "\(file.path)")
                #expect(try psnrRGB(reference: committed, candidate: made) > 45, "\(file.path)")
            } else {
                #expect(made == committed, "\(file.path)")
            }
        }
        let listed =
            FileManager.default.enumerator(atPath: Self.folder.path)?.compactMap { $0 as? String } ?? []
        let pictures = listed.filter {
            ["png", "jpg", "tiff"].contains(($0 as NSString).pathExtension)
        }
        #expect(Set(pictures) == Set(files.map(\.path)))
    }

    /// Half a count is a hundredth of a kelvin at room temperature for this camera, more for a cold sky.
    @Test("the radiometric fixtures hold the temperatures they were made from")
    func temperatures() throws {
        for name in ["flir-raw", "flir-many-segments"] {
            let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent("radiometric/\(name).jpg")))
            guard case .record(let record) = try RadiometricReader.read(jpeg: bytes) else {
                Issue.record("\(name) has no record")
                continue
            }
            let kelvin = try TemperatureScale(of: record.radiometry, what: name).kelvin(of: record.counts().plane).floats()
            let truth = RadiometricFiles.kelvin().floats()
            let worst = zip(kelvin, truth).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst < 0.05, "\(name): \(worst) K")
        }
    }

    @Test(
        "low resolution is the reduction of the truth, to rounding",
        arguments: ["street", "crossing", "yard"])
    func reduction(name: String) throws {
        let low = try Self.image("infrared/lr/\(name).png").planes[0]
        let high = try Self.image("infrared/hr/\(name).png").planes[0]
        let rms = try consistencyRMS(lowResolution: low, superResolved: high)
        #expect(rms < 0.35, "\(name): \(rms)")
    }

    @Test("damage has the strength that the catalogue says")
    func damage() throws {
        let clean = try Self.image("infrared/clean/crossing.png").planes[0]
        let noisy = try Self.image("infrared/damaged/crossing.png").planes[0]
        let noise = try Differences(reference: clean, candidate: noisy).rmse
        #expect(abs(noise - 6) < 0.2)
        let counts = try Self.image("infrared/counts/street.tiff").planes[0]
        let striped = try Self.image("infrared/striped/street.tiff").planes[0]
        let statistics = PlaneStatistics(of: counts)
        #expect(counts.format == .u16 && statistics.minimum > 6500 && statistics.maximum < 9000)
        let stripes = try Differences(reference: counts, candidate: striped).rmse
        #expect(abs(stripes - 25) < 4)
    }

    @Test(
        "stripes are found: 16-bit counts gain 5 dB, 8 bits with noise gain 1 dB, the clean pictures keep 45 dB"
    )
    func destripe() throws {
        func rmse(_ truth: Plane, _ candidate: Plane) throws -> Double {
            try Differences(reference: truth, candidate: candidate).rmse
        }
        let counts = try Self.image("infrared/counts/street.tiff").planes[0]
        let striped = try Self.image("infrared/striped/street.tiff").planes[0]
        let (before, after) = (
            try rmse(counts, striped), try rmse(counts, try Destripe().applied(to: striped))
        )
        #expect(after < before / 1.78, "\(before) → \(after) counts")
        let clean = try Self.image("infrared/clean/street.png").planes[0]
        let damaged = try Self.image("infrared/damaged/street.png").planes[0]
        let (noisy, repaired) = (
            try rmse(clean, damaged), try rmse(clean, try Destripe().applied(to: damaged))
        )
        #expect(repaired < noisy / 1.12, "\(noisy) → \(repaired) levels")
        for name in ["street", "crossing", "yard"] {
            for kind in ["clean", "hr"] {
                let plane = try Self.image("infrared/\(kind)/\(name).png").planes[0]
                let decibels = try psnr(reference: plane, candidate: try Destripe().applied(to: plane))
                #expect(decibels >= 45, "\(kind)/\(name): \(decibels) dB")
            }
        }
    }

    @Test(
        "the orientation files show the same picture as the one that needs no turning",
        arguments: [2, 6])
    func orientation(tag: Int) throws {
        let upright = try Self.image("formats/rgb.png")
        let turned = try Self.image("formats/orientation-\(tag).jpg")
        #expect(turned.size == upright.size)
        let header = try ImageDecoder.header(
            of: [UInt8](
                Data(contentsOf: Self.folder.appendingPathComponent("formats/orientation-\(tag).jpg"))))
        #expect(header.orientation == tag)
        #expect(try psnrRGB(reference: upright, candidate: turned) > 28, "orientation \(tag)")
    }

    @Test("every format holds what its name says")
    func formats() throws {
        let expected: [(String, SampleFormat, ColourModel)] = [
            ("rgb.png", .u8, .rgb), ("rgb-16.png", .u16, .rgb), ("rgb-16.tiff", .u16, .rgb),
            ("rgb-alpha.png", .u8, .rgbAlpha),
            ("grey-alpha-16.png", .u16, .greyAlpha), ("grey.jpg", .u8, .grey),
            ("grey-as-rgb.png", .u8, .rgb),
            ("grey-float.tiff", .f32, .grey),
        ]
        for (name, format, colour) in expected {
            let image = try Self.image("formats/\(name)")
            #expect(image.format == format && image.colour == colour, "\(name)")
        }
        #expect(try Self.image("formats/rgb-16.png").planes == Self.image("formats/rgb-16.tiff").planes)
    }
}
