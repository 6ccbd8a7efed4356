import CalorCodecs
import CalorImage
import Foundation
import Testing

@Suite struct RadiometryCommandTests {
    private static func fixture(_ name: String) -> String {
        CalorProcess.fixtures.appendingPathComponent("radiometric/\(name).jpg").path
    }
    private static let home = ["CALOR_HOME": CalorProcess.repository.path]

    private static func values(_ scratch: TemporaryFolder, stage: String) throws -> [String: Any] {
        let text = String(decoding: try scratch.contents("m.jsonl"), as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first)
        let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let stages = try #require(record["stages"] as? [[String: Any]])
        return try #require(stages.first { $0["id"] as? String == stage }?["values"] as? [String: Any])
    }

    @Test("flir-kelvin writes kelvin, a table and a preview, and says what is hot")
    func kelvin() throws {
        let scratch = try TemporaryFolder()
        let result = try CalorProcess.run(
            [
                "run", "flir-kelvin", Self.fixture("flir-png-swapped"), "-o", scratch.path("out"), "--metrics",
                scratch.path("m.jsonl"),
            ],
            environment: Self.home)
        #expect(result.status == 0, "\(result.error)")
        let image = try TestImages.decode(try scratch.contents("out/flir-png-swapped.tiff"))
        #expect(image.format == .f32 && image.size == Size(width: 80, height: 64))
        let table = String(decoding: try scratch.contents("out/flir-png-swapped.csv"), as: UTF8.self)
        let rows = table.split(separator: "\n").map { $0.split(separator: ",").compactMap { Float($0) } }
        #expect(rows.count == 64 && rows.allSatisfy { $0.count == 80 })
        #expect(rows.flatMap { $0 } == image.planes[0].floats())
        let values = try Self.values(scratch, stage: "kelvin")
        let hot = try #require(values["hot"] as? [String: Any])
        let statistics = PlaneStatistics(of: image.planes[0])
        #expect(abs((hot["kelvin"] as? Double ?? 0) - statistics.maximum) < 0.001)
        let (x, y) = (hot["x"] as? Int ?? -1, hot["y"] as? Int ?? -1)
        #expect(Double(rows[y][x]) == statistics.maximum)
        #expect(scratch.files().contains("out/flir-png-swapped_preview.png"))
    }

    @Test("inspect points at the same pixels as run where the camera was held upright")
    func orientation() throws {
        let scratch = try TemporaryFolder()
        let picture = try Data(contentsOf: URL(fileURLWithPath: Self.fixture("flir-png-swapped")))
        // EXIF with nothing but orientation 6, in front of everything else.
        let exif: [UInt8] = Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
        try scratch.write(picture.prefix(2) + [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif + picture.dropFirst(2), to: "six.jpg")
        let measured = ["--metrics", scratch.path("m.jsonl")]
        let words = ["run", "flir-kelvin", scratch.path("six.jpg"), "-o", scratch.path("out")] + measured
        #expect(try CalorProcess.run(words, environment: Self.home).status == 0)
        let hot = try #require(try Self.values(scratch, stage: "kelvin")["hot"] as? [String: Any])
        #expect(try TestImages.decode(try scratch.contents("out/six.tiff")).size == Size(width: 64, height: 80))
        let said = try CalorProcess.run(["inspect", scratch.path("six.jpg"), "--json"])
        let report = try #require(try JSONSerialization.jsonObject(with: said.output) as? [String: Any])
        let radiometry = try #require(report["radiometry"] as? [String: Any])
        let temperature = try #require(radiometry["temperature"] as? [String: Any])
        #expect(temperature["hotX"] as? Int == hot["x"] as? Int && temperature["hotY"] as? Int == hot["y"] as? Int, "\(said.text)")
    }

    @Test("a picture that was asked for is not called a file without a raw frame")
    func preview() throws {
        let scratch = try TemporaryFolder()
        let words = ["run", "flir-kelvin", Self.fixture("flir-raw"), "-o", scratch.path("out"), "--set", "ir.radiometric=preview"]
        let result = try CalorProcess.run(words, environment: Self.home)
        #expect(result.status == 65 && result.error.contains("8-bit picture was asked for"), "\(result.error)")
    }

    @Test("cleaned kelvin stay kelvin: the scene keeps its mean and its range, and no strength keeps every bit")
    func cleanedKelvin() throws {
        let scratch = try TemporaryFolder()
        let pipeline = """
            calor: 1
            name: cleaned kelvin
            inputs:
              ir: { kind: infrared, radiometric: counts }
            stages:
              - kelvin: { use: temperature, from: ir }
              - clean: { use: enhance, from: kelvin, model: enhance-ir }
            outputs:
              - { from: kelvin, to: "kelvin.tiff" }
              - { from: clean, to: "clean.tiff" }
            """
        try scratch.write(Array(pipeline.utf8), to: "k.yaml")
        func planes(_ settings: [String]) throws -> [(SampleFormat, [Float])] {
            let words = ["run", scratch.path("k.yaml"), Self.fixture("flir-raw"), "-o", scratch.path("out"), "--overwrite"]
            let result = try CalorProcess.run(words + settings, environment: Self.home)
            #expect(result.status == 0, "\(result.error)")
            return try ["kelvin", "clean"].map {
                let image = try TestImages.decode(try scratch.contents("out/\($0).tiff"))
                return (image.format, image.planes[0].floats())
            }
        }
        let found = try planes([])
        let (before, after) = (found[0].1, found[1].1)
        #expect(found[1].0 == .f32 && after.count == before.count && after != before)
        let shift = (after.reduce(0, +) - before.reduce(0, +)) / Float(before.count)
        #expect(abs(shift) < 0.1, "\(shift) K")
        let differences = zip(before, after).map { abs($0 - $1) }
        let range = before.max()! - before.min()!
        #expect(differences.max()! < range / 4, "\(differences.max()!) of \(range) K")
        #expect(after.min()! > before.min()! - 1 && after.max()! < before.max()! + 1)
        let untouched = try planes(["--set", "clean.strength=0"])
        #expect(untouched[1].1 == untouched[0].1 && untouched[0].1 == before)
    }

    @Test("what the camera was told can be corrected; a lower emissivity makes a warm object warmer")
    func overrides() throws {
        var maxima: [Double] = []
        for settings in [[], ["--set", "kelvin.emissivity=0.7", "--set", "kelvin.reflected=-20", "--set", "kelvin.above=10"]] {
            let scratch = try TemporaryFolder()
            let result = try CalorProcess.run(
                ["run", "flir-kelvin", Self.fixture("flir-raw"), "-o", scratch.path("out"), "--metrics", scratch.path("m.jsonl")]
                    + settings, environment: Self.home)
            #expect(result.status == 0, "\(result.error)")
            let values = try Self.values(scratch, stage: "kelvin")
            maxima.append(try #require((values["hot"] as? [String: Any])?["kelvin"] as? Double))
            if !settings.isEmpty {
                #expect(values["emissivity"] as? Double == 0.7)
                #expect((values["abovePixels"] as? Int ?? 0) > 0)
            }
        }
        #expect(maxima[1] > maxima[0] + 3, "\(maxima)")
    }

    /// One strip of 16-bit signed samples, without compression.
    private static func signedTIFF(_ samples: [Int16], width: Int) -> [UInt8] {
        func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        let pixels = samples.flatMap(bytes)
        let entries: [(UInt16, UInt32)] = [
            (256, UInt32(width)), (257, UInt32(samples.count / width)), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1),
            (278, UInt32(samples.count / width)), (279, UInt32(pixels.count)), (339, 2),
        ]
        var out = Array("II*\0".utf8) + bytes(UInt32(8 + pixels.count)) + pixels + bytes(UInt16(entries.count))
        for (tag, value) in entries { out += bytes(tag) + bytes(UInt16(4)) + bytes(UInt32(1)) + bytes(value) }
        return out + bytes(UInt32(0))
    }

    @Test("degrees Celsius are not taken for kelvin, signed integers are counts, and a line is never ignored")
    func numbersWithoutCalibration() throws {
        let scratch = try TemporaryFolder()
        let size = Size(width: 40, height: 32)
        let celsius = (0..<size.pixels).map { Float($0) / 40 + 10 }
        try scratch.write(
            try ImageEncoder.encode(Image(planes: [Plane(size: size, samples: .f32(celsius))], colour: .grey), as: .tiff),
            to: "c.tif")
        try scratch.write(Self.signedTIFF(celsius.map { Int16(($0 * 100).rounded()) }, width: size.width), to: "i.tif")
        func run(_ name: String, _ settings: [String]) throws -> (CalorProcess.Result, [Float]) {
            let words = ["run", "flir-kelvin", scratch.path("\(name).tif"), "-o", scratch.path("out"), "--overwrite"]
            let result = try CalorProcess.run(words + settings.flatMap { ["--set", $0] }, environment: Self.home)
            guard result.status == 0 else { return (result, []) }
            return (result, try TestImages.decode(try scratch.contents("out/\(name).tiff")).planes[0].floats())
        }
        let (refused, _) = try run("c", [])
        #expect(refused.status == 65 && refused.error.contains("the hottest is"), "\(refused.error)")
        let (uncalibrated, _) = try run("i", [])
        #expect(uncalibrated.status == 65 && uncalibrated.error.contains("holds counts"), "\(uncalibrated.error)")
        let expected = celsius.map { $0 + 273.15 }
        for (name, settings) in [
            ("c", ["kelvin.gain=1", "kelvin.offset=273.15"]), ("i", ["kelvin.gain=0.01", "kelvin.offset=273.15"]),
        ] {
            let (result, kelvin) = try run(name, settings)
            #expect(result.status == 0, "\(result.error)")
            #expect(zip(kelvin, expected).allSatisfy { abs($0 - $1) < 0.006 } && kelvin.count == expected.count)
        }
        // Below 0 K is no temperature.
        let (_, cold) = try run("i", ["kelvin.gain=1", "kelvin.offset=-2000"])
        #expect(cold.contains { $0.isNaN } && cold.contains { $0 > 0 } && !cold.contains { $0 <= 0 })
        try scratch.write(
            try ImageEncoder.encode(Image(planes: [Plane(size: size, samples: .f32(expected))], colour: .grey), as: .tiff),
            to: "k.tif")
        let (plain, kept) = try run("k", [])
        #expect(plain.status == 0 && kept == expected)
        let (scene, _) = try run("k", ["kelvin.emissivity=0.5"])
        #expect(scene.status == 65 && scene.error.contains("emissivity"), "\(scene.error)")
    }

    @Test("a line of one's own for counts without a calibration")
    func line() throws {
        let scratch = try TemporaryFolder()
        let result = try CalorProcess.run(
            ["run", "flir-kelvin", Self.fixture("dji-app3"), "-o", scratch.path("out"), "--set", "kelvin.gain=0.04"],
            environment: Self.home)
        #expect(result.status == 0, "\(result.error)")
        let kelvin = try TestImages.decode(try scratch.contents("out/dji-app3.tiff")).planes[0].floats()
        #expect(kelvin.allSatisfy { $0 > 50 && $0 < 2000 })
    }

    @Test(
        "what is not radiometric, not calibrated or damaged ends with a status and a reason",
        arguments: [
            ("dji-app3", 65, "nothing that says which temperature"), ("dji-no-frame", 65, "is not radiometric"),
            ("damaged-truncated-record", 65, "FLIR record is damaged"), ("damaged-offset", 65, "FLIR record is damaged"),
            ("damaged-length", 65, "FLIR record is damaged"), ("damaged-missing-segment", 65, "segment"),
            ("damaged-absurd-size", 78, "limit"), ("damaged-count", 78, "limit"), ("damaged-zero-size", 65, "no pixels"),
            ("damaged-emissivity", 65, "emissivity is 0"), ("damaged-constants", 65, "R1"), ("damaged-png", 65, "PNG"),
            ("damaged-png-size", 65, "raw frame"), ("damaged-version", 65, "version"), ("damaged-truncated-header", 65, "FLIR"),
        ])
    func statuses(name: String, status: Int32, words: String) throws {
        let scratch = try TemporaryFolder()
        let result = try CalorProcess.run(
            ["run", "flir-kelvin", Self.fixture(name), "-o", scratch.path("out")], environment: Self.home)
        #expect(result.status == status && result.error.contains(words), "\(name): \(result.status) \(result.error)")
        #expect(scratch.files().allSatisfy { !$0.hasPrefix("out/damaged") })
    }

    @Test("an ordinary JPEG is told from a radiometric one")
    func ordinary() throws {
        let scratch = try TemporaryFolder()
        let picture = CalorProcess.fixtures.appendingPathComponent("formats/grey.jpg").path
        let result = try CalorProcess.run(["run", "flir-kelvin", picture, "-o", scratch.path("out")], environment: Self.home)
        #expect(result.status == 65 && result.error.contains("this JPEG is not radiometric"), "\(result.error)")
    }

    @Test("the emissivity of a file can be mended; its picture can be used instead")
    func mended() throws {
        let scratch = try TemporaryFolder()
        let mended = try CalorProcess.run(
            [
                "run", "flir-kelvin", Self.fixture("damaged-emissivity"), "-o", scratch.path("out"), "--set",
                "kelvin.emissivity=0.95",
            ],
            environment: Self.home)
        #expect(mended.status == 0, "\(mended.error)")
        let pipeline = """
            calor: 1
            inputs:
              ir: { kind: infrared }
            stages:
              - same: { use: measure }
            outputs:
              - { to: "{stem}.png" }
            """
        try scratch.write(pipeline.utf8, to: "p.yaml")
        for (settings, format) in [([], SampleFormat.u16), (["--set", "ir.radiometric=preview"], .u8)] {
            let result = try CalorProcess.run(
                ["run", scratch.path("p.yaml"), Self.fixture("flir-raw"), "-o", scratch.path("two"), "--overwrite"] + settings,
                environment: Self.home)
            #expect(result.status == 0, "\(result.error)")
            #expect(try TestImages.decode(try scratch.contents("two/flir-raw.png")).format == format)
        }
        let wrong = try CalorProcess.run(
            ["run", scratch.path("p.yaml"), Self.fixture("flir-raw"), "-o", scratch.path("two"), "--set", "ir.radiometric=all"],
            environment: Self.home)
        #expect(wrong.status == 64 && wrong.error.contains("preview"), "\(wrong.error)")
    }

    @Test("inspect shows the record")
    func inspect() throws {
        let text = try CalorProcess.run(["inspect", Self.fixture("flir-many-segments")])
        #expect(
            text.status == 0 && text.text.contains("planck") && text.text.contains("temperature")
                && text.text.contains("224 colours"))
        let json = try CalorProcess.run(["inspect", Self.fixture("flir-raw"), "--json"])
        let document = try #require(try JSONSerialization.jsonObject(with: json.output) as? [String: Any])
        let radiometry = try #require(document["radiometry"] as? [String: Any])
        #expect(radiometry["rawWidth"] as? Int == 80 && radiometry["rawHeight"] as? Int == 64)
        #expect(radiometry["planckB"] as? Double == 1428)
        #expect(radiometry["temperature"] is [String: Any])
        let damaged = try CalorProcess.run(["inspect", Self.fixture("damaged-offset"), "--json"])
        let found = try #require(try JSONSerialization.jsonObject(with: damaged.output) as? [String: Any])
        #expect((found["radiometry"] as? [String: Any])?["error"] as? String == "radiometry.damaged")
    }

    @Test("repair stages read their references, and refuse those of another size")
    func repair() throws {
        let scratch = try TemporaryFolder()
        let frame = TestImages.grey(64, 48, format: .u16, low: 7000, high: 7400)
        try scratch.write(try TestImages.png(frame), to: "in/a.png")
        try scratch.write(try TestImages.png(TestImages.grey(64, 48, format: .u16, seed: 3, low: 300, high: 320)), to: "dark/1.png")
        try scratch.write(try TestImages.png(TestImages.grey(64, 48, format: .u16, seed: 4, low: 300, high: 320)), to: "dark/2.png")
        try scratch.write(try TestImages.png(TestImages.grey(32, 48, format: .u16)), to: "small.png")
        func pipeline(_ reference: String) -> String {
            """
            calor: 1
            inputs:
              ir: { kind: infrared }
            stages:
              - dark:   { use: dark-frame, frames: \(scratch.path("dark")) }
              - flat:   { use: flat-field, reference: \(reference), method: offset }
              - points: { use: repair-pixels }
            outputs:
              - { to: "{stem}.png" }
            """
        }
        try scratch.write(pipeline(scratch.path("in/a.png")).utf8, to: "good.yaml")
        let good = try CalorProcess.run(["run", scratch.path("good.yaml"), scratch.path("in"), "-o", scratch.path("out")])
        #expect(good.status == 0, "\(good.error)")
        // The frame less itself is flat, at the level it had.
        let flat = try TestImages.decode(try scratch.contents("out/a.png"))
        let statistics = PlaneStatistics(of: flat.planes[0])
        #expect(flat.format == .u16 && abs(statistics.mean - PlaneStatistics(of: frame.planes[0]).mean) < 2)
        #expect(statistics.standardDeviation < 12)
        try scratch.write(pipeline(scratch.path("small.png")).utf8, to: "small.yaml")
        let small = try CalorProcess.run(["run", scratch.path("small.yaml"), scratch.path("in"), "-o", scratch.path("out2")])
        #expect(small.status != 0 && small.error.contains("32×48"), "\(small.error)")
        try scratch.write(pipeline(scratch.path("none.png")).utf8, to: "none.yaml")
        let none = try CalorProcess.run(["run", scratch.path("none.yaml"), scratch.path("in"), "-o", scratch.path("out3")])
        #expect(none.status == 66, "\(none.status) \(none.error)")
    }
}
