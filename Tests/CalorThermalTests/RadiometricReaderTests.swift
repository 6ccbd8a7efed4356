import CalorBase
import CalorImage
import Foundation
import Testing

@testable import CalorThermal

@Suite struct RadiometricReaderTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("fixtures/radiometric")

    private static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(name + ".jpg")))
    }

    private static func record(_ name: String) throws -> RadiometricRecord {
        guard case .record(let record) = try RadiometricReader.read(jpeg: bytes(name)) else {
            throw ThermalFault.notRadiometric(what: name, reason: nil)
        }
        return record
    }

    @Test("constants, scene, palette and visible picture come out of any number of segments, in any order")
    func constants() throws {
        let record = try Self.record("flir-many-segments")
        let radiometry = record.radiometry
        #expect(record.size == Size(width: 80, height: 64))
        #expect(radiometry.planck?.r1 == 17096.453125 && radiometry.planck?.o == -342 && radiometry.planck?.b == 1428)
        #expect(abs((radiometry.scene?.emissivity ?? 0) - 0.95) < 1e-6 && radiometry.scene?.distanceMetres == 8)
        #expect(abs((radiometry.scene?.reflected.celsius ?? 0) - 12) < 1e-4)
        #expect(radiometry.camera == "Calor fixture" && radiometry.serialNumber == "000001")
        #expect(radiometry.palette.count == 224 && radiometry.paletteName == "Fixture")
        #expect(record.visible?.size == Size(width: 40, height: 32) && record.visible?.format == "JPEG")
        // Y, Cr, Cb in bytes give colours back to within a few levels.
        let last = try #require(radiometry.palette.last)
        #expect(abs(Int(last.red) - 223) <= 3 && abs(Int(last.green) - 111) <= 3 && abs(Int(last.blue)) <= 3)
    }

    @Test(
        "damage is named, with a kind that has a status",
        arguments: [
            ("damaged-truncated-record", "radiometry.damaged"), ("damaged-truncated-header", "radiometry.damaged"),
            ("damaged-offset", "radiometry.damaged"), ("damaged-length", "radiometry.damaged"),
            ("damaged-count", "limit.metadataItems"), ("damaged-version", "radiometry.damaged"),
            ("damaged-absurd-size", "limit.pixels"), ("damaged-zero-size", "radiometry.damaged"),
            ("damaged-missing-segment", "radiometry.damaged"),
        ])
    func damage(name: String, identifier: String) throws {
        do {
            _ = try RadiometricReader.read(jpeg: Self.bytes(name))
            Issue.record("\(name) was read")
        } catch let fault as ThermalFault {
            #expect(fault.identifier == identifier, "\(fault)")
            #expect(fault.kind == .damagedInput || fault.kind == .limit)
        }
    }

    @Test("DJI: joined APP3 segments are the frame, or the reason why they are not is given")
    func dji() throws {
        let record = try Self.record("dji-app3")
        #expect(record.radiometry.source == .dji && record.radiometry.planck == nil && record.size == Size(width: 80, height: 64))
        #expect(try record.counts().plane == Self.record("flir-raw").counts().plane)
        guard case .pictureOnly(let reason) = try RadiometricReader.read(jpeg: Self.bytes("dji-no-frame")) else {
            Issue.record("dji-no-frame has no frame")
            return
        }
        #expect(reason.contains("FIXTURE S") && reason.contains("512 bytes"))
    }

    @Test("a JPEG without a record is not radiometric")
    func plain() throws {
        guard case .notRadiometric = try RadiometricReader.read(jpeg: [0xFF, 0xD8, 0xFF, 0xD9]) else {
            Issue.record("an empty JPEG is not radiometric")
            return
        }
        guard case .notRadiometric = try RadiometricReader.read(jpeg: []) else {
            Issue.record("nothing is not radiometric")
            return
        }
    }

    @Test("the byte order that samples show: smooth one way, rough the other")
    func byteOrder() {
        let smooth = (0..<4096).map { UInt16(7000 + $0 % 64 * 3) }
        #expect(!SampleByteOrder(of: smooth, width: 64).swappedIsSmoother)
        #expect(SampleByteOrder(of: smooth.map(\.byteSwapped), width: 64).swappedIsSmoother)
        // Even and random frames decide nothing.
        let even = [UInt16](repeating: 7000, count: 4096)
        #expect(!SampleByteOrder(of: even, width: 64).swappedIsSmoother)
        let noise = CounterNoise(seed: 2)
        let random = (0..<4096).map { UInt16(noise.uniform(x: $0, y: 0) * 65_535) }
        #expect(!SampleByteOrder(of: random, width: 64).swappedIsSmoother)
        #expect(!SampleByteOrder(of: random.map(\.byteSwapped), width: 64).swappedIsSmoother)
    }

    @Test("no change of single bytes and no cut makes the reader crash")
    func hostile() throws {
        for name in ["flir-raw", "flir-png-ordered", "flir-many-segments", "dji-app3"] {
            let sound = try Self.bytes(name)
            let chance = CounterNoise(seed: 4, imageKey: CounterNoise.key(of: name))
            for round in 0..<400 {
                var bytes = sound
                for change in 0..<1 + round % 5 {
                    // Headers and directories lie at the front; every second change goes there.
                    let reach = change % 2 == 0 ? min(1200, bytes.count) : bytes.count
                    let at = min(Int(chance.uniform(x: round, y: change) * Float(reach)), bytes.count - 1)
                    let values: [UInt8] = [0, 0xFF, 0x7F, 0x80, UInt8(truncatingIfNeeded: round)]
                    bytes[at] = values[(round + change) % values.count]
                }
                if round % 7 == 0 { bytes.removeLast(Int(chance.uniform(x: round, y: 99) * Float(bytes.count))) }
                if case .record(let record)? = try? RadiometricReader.read(jpeg: bytes) {
                    #expect(record.size.pixels > 0)
                    if case .samples = record.payload { _ = try? record.counts() }
                    if let planck = record.radiometry.planck, let scene = record.radiometry.scene {
                        _ = try? PlanckModel(planck: planck, scene: scene).kelvin(counts: 7000)
                    }
                }
            }
        }
    }
}
