import CalorBase
import CalorCodecs
import CalorImage
import CalorThermal
import Foundation
import Testing

@testable import CalorPipeline

@Suite struct RadiometricInputTests {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func fixture(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: repository.appendingPathComponent("fixtures/radiometric/\(name).jpg")))
    }

    private static let shared = repository.appendingPathComponent("../shared/data/test/radiometric").standardizedFileURL
    private static let hasShared = FileManager.default.fileExists(atPath: shared.appendingPathComponent("expected.csv").path)

    // MARK: - Fixtures

    @Test("every way to store the same counts gives the same counts")
    func storage() throws {
        let raw = try RadiometricInput().decode(Self.fixture("flir-raw"))
        #expect(raw.image.meaning == .counts && raw.image.format == .u16 && raw.image.colour == .grey)
        #expect(raw.image.metadata.radiometry?.storage == "u16, little-endian")
        for (name, storage) in [
            ("flir-png-swapped", "PNG 16-bit, bytes swapped"), ("flir-png-ordered", "PNG 16-bit"),
            ("flir-png-contradicted", "PNG 16-bit"), ("flir-many-segments", "u16, little-endian"),
            ("dji-app3", "u16, little-endian"),
        ] {
            let other = try RadiometricInput().decode(Self.fixture(name))
            #expect(other.image.planes == raw.image.planes, "\(name)")
            #expect(other.image.metadata.radiometry?.storage == storage, "\(name)")
            let isContradicted = name == "flir-png-contradicted"
            #expect(other.warnings.contains { $0.contains("contradicted") } == isContradicted, "\(name): \(other.warnings)")
        }
    }

    @Test("header and image agree")
    func header() throws {
        for use in [RadiometricUse.auto, .counts, .preview] {
            let input = RadiometricInput(use: use)
            let header = try input.header(of: Self.fixture("flir-png-swapped"))
            let image = try input.decode(Self.fixture("flir-png-swapped")).image
            #expect(header.size == image.size && header.sampleFormat == image.format && header.colour == image.colour, "\(use)")
            #expect(header.sampleFormat == (use == .preview ? .u8 : .u16))
        }
        let visible = try RadiometricInput(use: .visible).decode(Self.fixture("flir-many-segments"))
        #expect(visible.image.size == Size(width: 40, height: 32) && visible.image.colour == .rgb)
    }

    @Test(
        "what is asked for and absent is named",
        arguments: [
            (RadiometricUse.visible, "flir-raw", "radiometry.no-visible"), (.counts, "dji-no-frame", "radiometry.absent"),
            (.counts, "damaged-png", "png.crc"), (.auto, "damaged-png-size", "radiometry.damaged"),
        ])
    func absent(use: RadiometricUse, name: String, identifier: String) throws {
        do {
            _ = try RadiometricInput(use: use).decode(Self.fixture(name))
            Issue.record("\(name) was read")
        } catch { #expect((error as? PipelineFault)?.identifier == identifier, "\(error)") }
    }

    @Test("a DJI file without a frame falls back to its picture and says so")
    func fallback() throws {
        let decoded = try RadiometricInput().decode(Self.fixture("dji-no-frame"))
        #expect(decoded.image.format == .u8 && decoded.warnings.contains { $0.contains("8-bit picture is used") })
    }

    @Test("counts tell what they mean when they are written, and are understood again")
    func described() throws {
        let first = try RadiometricInput().decode(Self.fixture("flir-raw")).image
        for format in [FileFormat.tiff, .png] {
            let bytes = try ImageEncoder.encode(first.describedForFile, as: format)
            let second = try RadiometricInput().decode(bytes).image
            #expect(second.planes == first.planes)
            #expect(second.metadata.radiometry?.planck == first.metadata.radiometry?.planck, "\(format)")
            #expect(second.metadata.radiometry?.scene == first.metadata.radiometry?.scene, "\(format)")
        }
    }

    @Test("an enlarged frame says by how much it differs, in counts and in kelvin")
    func difference() throws {
        let input = try RadiometricInput().decode(Self.fixture("flir-raw")).image
        let enlarged = input.resampled(to: input.size.scaled(by: 2), using: .nearest)
        let same = try #require(CountsDifference(input: input, result: enlarged))
        let shifted = enlarged.replacing(planes: [
            Plane(size: enlarged.size, floats: enlarged.planes[0].floats().map { $0 + 10 }, format: .u16)
        ])
        let difference = try #require(CountsDifference(input: input, result: shifted))
        // The largest single difference may be one that the shift makes smaller.
        #expect(difference.rms > same.rms && difference.rms > 5 && difference.maximum >= difference.rms)
        // Near 290 K a count of this camera is about 0.02 K.
        #expect((difference.rmsKelvin ?? 0) > 0.05 && (difference.rmsKelvin ?? 9) < 1)
        #expect(difference.sentence(stage: "x", meaning: .counts).contains(" K RMS"))
        let display = Image(planes: [Plane(size: input.size, format: .u8)], colour: .grey)
        #expect(CountsDifference(input: display, result: display) == nil)
    }

    @Test("a table has a line for each row, whatever the machine's language")
    func table() {
        let plane = Plane(size: Size(width: 3, height: 2), samples: .f32([1, 0.1, .nan, -2.5, 1e-7, 300.25]))
        #expect(String(decoding: PixelTable.bytes(of: plane), as: UTF8.self) == "1.0,0.1,nan\n-2.5,1e-07,300.25\n")
        let counts = Plane(size: Size(width: 2, height: 1), samples: .u16([0, 65_535]))
        #expect(String(decoding: PixelTable.bytes(of: counts), as: UTF8.self) == "0,65535\n")
    }

    // MARK: - Files of cameras

    @Test(
        "frames of real cameras: size, range, mean and digest",
        .enabled(if: RadiometricInputTests.hasShared, "skipped: ../shared is absent"))
    func frames() throws {
        let lines = try String(contentsOf: Self.shared.appendingPathComponent("expected.csv"), encoding: .utf8).split(
            separator: "\n")
        let head = Self.fields(lines[0])
        var seen = 0
        for line in lines.dropFirst() {
            let row = Dictionary(uniqueKeysWithValues: zip(head, Self.fields(line)))
            let file = try #require(row["file"])
            let bytes = [UInt8](try Data(contentsOf: Self.shared.appendingPathComponent(file)))
            let decoded = try RadiometricInput().decode(bytes)
            guard let width = row["raw_width"].flatMap({ Int($0) }) else {
                #expect(decoded.image.format == .u8 && decoded.warnings.contains { $0.contains("8-bit picture") }, "\(file)")
                continue
            }
            guard case .u16(let samples) = decoded.image.planes[0].samples else {
                Issue.record("\(file) is not 16-bit")
                continue
            }
            let statistics = PlaneStatistics(of: decoded.image.planes[0])
            #expect(decoded.image.width == width && String(decoded.image.height) == row["raw_height"], "\(file)")
            #expect(
                String(Int(statistics.minimum)) == row["raw_min"] && String(Int(statistics.maximum)) == row["raw_max"], "\(file)")
            #expect(abs(statistics.mean - (Double(row["raw_mean"] ?? "") ?? 0)) < 0.0006, "\(file)")
            let little = samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
            #expect(SHA256.hex(of: little) == row["sha256_of_row_major_little_endian_u16"], "\(file)")
            seen += 1
        }
        #expect(seen == 11)
    }

    /// Golden/radiometric.py: a reader and a computation of their own.
    @Test("temperatures of real FLIR files", .enabled(if: RadiometricInputTests.hasShared, "skipped: ../shared is absent"))
    func temperatures() throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/radiometric.csv")
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        let head = Self.fields(lines[0])
        var worst = 0.0
        for line in lines.dropFirst() {
            let row = Dictionary(uniqueKeysWithValues: zip(head, Self.fields(line)))
            func number(_ name: String) throws -> Double { try #require(row[name].flatMap(Double.init), "\(name)") }
            let bytes = [UInt8](try Data(contentsOf: Self.shared.appendingPathComponent(try #require(row["file"]))))
            let image = try RadiometricInput().decode(bytes).image
            let kelvin = try TemperatureScale(of: image.metadata.radiometry, what: "file").kelvin(of: image.planes[0])
            let statistics = PlaneStatistics(of: kelvin)
            worst = max(worst, abs(statistics.minimum - (try number("min"))), abs(statistics.maximum - (try number("max"))))
            worst = max(worst, abs(statistics.mean - (try number("mean"))))
            let values = kelvin.floats()
            for i in 0..<4 {
                let at = Int(try number("y\(i)")) * image.width + Int(try number("x\(i)"))
                worst = max(worst, abs(Double(values[at]) - (try number("kelvin\(i)"))))
            }
        }
        #expect(lines.count == 8)
        #expect(worst < 0.001, "greatest difference \(worst) K")
    }

    /// Fields of one line; commas inside quotes do not part them.
    private static func fields(_ line: some StringProtocol) -> [String] {
        var fields = [""]
        var isQuoted = false
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: fields.append("")
            default: fields[fields.count - 1].append(character)
            }
        }
        return fields
    }
}
