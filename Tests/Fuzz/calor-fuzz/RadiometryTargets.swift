import CalorBase
import CalorCodecs
import CalorImage
import CalorPipeline
import CalorThermal

/// Any bytes as the record of a FLIR file: structure, frame, byte order, calibration, temperatures.
enum FLIRTarget: FuzzTarget {
    static let name = "flir"
    static let summary = "bytes as a FLIR record: frame, constants, temperatures"

    static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for order in [ByteOrder.little, .big] {
            for isPNG in [false, true] { seeds.append(try SmallRecord(order: order, isPNG: isPNG).bytes) }
        }
        return seeds
    }

    static func run(_ bytes: [UInt8]) { Radiometric.check(Radiometric.jpeg(flir: bytes)) }
}

/// Any bytes as the segments of a JPEG: joining of FLIR and DJI parts, EXIF names, sizes.
enum RadiometricJPEGTarget: FuzzTarget {
    static let name = "radiometric-jpeg"
    static let summary = "bytes as the segments of a radiometric JPEG: FLIR and DJI"

    static func seeds() throws -> [[UInt8]] {
        let record = try SmallRecord(order: .little, isPNG: false).bytes
        let names: [UInt8] =
            Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x0F, 0x01, 2, 0, 4, 0, 0, 0] + Array("DJI\0".utf8) + [0, 0, 0, 0]
        let frame: [UInt8] = [8, 0, 8, 0, 8, 1, 1, 0x11, 0]
        let samples = (0..<64).flatMap { [UInt8($0), UInt8(30)] }
        let dji =
            Radiometric.segment(0xE1, names) + Radiometric.segment(0xE3, Array(samples.prefix(50)))
            + Radiometric.segment(0xE3, Array(samples.dropFirst(50))) + Radiometric.segment(0xC0, frame)
        return [Array(Radiometric.jpeg(flir: record).dropFirst(2)), dji, Radiometric.segment(0xC0, frame)]
    }

    static func run(_ bytes: [UInt8]) { Radiometric.check([0xFF, 0xD8] + bytes) }
}

enum Radiometric {
    static func segment(_ marker: UInt8, _ body: [UInt8]) -> [UInt8] {
        [0xFF, marker, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 255)] + body
    }

    /// A JPEG without a picture around a record.
    static func jpeg(flir record: [UInt8]) -> [UInt8] {
        let starts = Array(stride(from: 0, to: max(record.count, 1), by: 1000)).prefix(256)
        let segments = starts.enumerated().flatMap { index, start in
            segment(
                0xE1,
                Array("FLIR\0".utf8) + [1, UInt8(index), UInt8(starts.count - 1)] + record[start..<min(start + 1000, record.count)])
        }
        return [0xFF, 0xD8] + segments + [0xFF, 0xD9]
    }

    /// Reads a file and does what a pipeline does with it. Faults are what such files deserve; what is read must make sense.
    static func check(_ bytes: [UInt8]) {
        _ = RadiometricReader.looksRadiometric(bytes)
        var limits = Limits()
        // The fuzzer looks for faults of the reader, not for the patience of the machine.
        limits.pixels = 1 << 20
        do {
            guard case .record(let record) = try RadiometricReader.read(jpeg: bytes, limits: limits) else { return }
            let (plane, storage, _) = try RadiometricInput.counts(of: record, options: DecodeOptions(limits: limits))
            guard plane.size == record.size, plane.format == .u16, !storage.isEmpty else { fatalError("a frame of \(plane.size)") }
            if let line = Radiometry(text: record.radiometry.line), line.source != record.radiometry.source {
                fatalError("the line of text changed its source")
            }
            _ = try? Palette(of: record.radiometry).apply(to: plane)
            let scale = try TemperatureScale(of: record.radiometry, what: "file")
            let kelvin = scale.kelvin(of: plane)
            guard case .f32(let values) = kelvin.samples, values.allSatisfy({ $0.isNaN || $0 > 0 && $0.isFinite }) else {
                fatalError("a temperature that is none")
            }
            _ = try? SpotStatistics(of: kelvin)
        } catch is any Fault {
            // What such a file deserves.
        } catch {
            fatalError("an error that is not a fault: \(error)")
        }
    }
}

/// A record with a frame of 8×8.
private struct SmallRecord {
    private(set) var bytes: [UInt8]
    private let order: ByteOrder

    init(order: ByteOrder, isPNG: Bool) throws {
        self.order = order
        bytes = [UInt8](repeating: 0, count: 64 + 32 * 3)
        let samples = (0..<64).map { UInt16(7000 + $0 * 3) }
        var frame = [UInt8](repeating: 0, count: 32)
        Self.put(UInt16(2), in: &frame, at: 0, order)
        Self.put(UInt16(8), in: &frame, at: 2, order)
        Self.put(UInt16(8), in: &frame, at: 4, order)
        if isPNG {
            let plane = Plane(
                size: Size(width: 8, height: 8), samples: .u16(order == .little ? samples.map(\.byteSwapped) : samples))
            frame += try ImageEncoder.encode(Image(planes: [plane], colour: .grey), as: .png)
        } else {
            for sample in samples {
                frame += [0, 0]
                Self.put(sample, in: &frame, at: frame.count - 2, order)
            }
        }
        var info = [UInt8](repeating: 0, count: 0x320)
        Self.put(UInt16(2), in: &info, at: 0, order)
        let numbers: [(Int, Float)] = [
            (0x20, 0.95), (0x24, 2), (0x28, 290), (0x2C, 291), (0x30, 292), (0x34, 1), (0x3C, 0.5), (0x58, 17096), (0x5C, 1428),
            (0x60, 1), (0x70, 0.006569), (0x74, 0.01262), (0x78, -0.002276), (0x7C, -0.00667), (0x80, 1.9), (0x30C, 0.0465),
        ]
        for (offset, value) in numbers { Self.put(value.bitPattern, in: &info, at: offset, order) }
        Self.put(Int32(-267), in: &info, at: 0x308, order)
        let palette: [UInt8] = [4] + [UInt8](repeating: 0, count: 0x6F) + (0..<12).map { UInt8($0 * 20) }
        bytes.replaceSubrange(0..<3, with: Array("FFF".utf8))
        Self.put(UInt32(100), in: &bytes, at: 0x14, order)
        Self.put(UInt32(64), in: &bytes, at: 0x18, order)
        Self.put(UInt32(3), in: &bytes, at: 0x1C, order)
        for (i, (kind, record)) in [(UInt16(1), frame), (0x20, info), (0x22, palette)].enumerated() {
            Self.put(kind, in: &bytes, at: 64 + 32 * i, order)
            Self.put(UInt32(bytes.count), in: &bytes, at: 64 + 32 * i + 12, order)
            Self.put(UInt32(record.count), in: &bytes, at: 64 + 32 * i + 16, order)
            bytes += record
        }
    }

    private static func put<T: FixedWidthInteger>(_ value: T, in bytes: inout [UInt8], at offset: Int, _ order: ByteOrder) {
        let ordered = order == .little ? value.littleEndian : value.bigEndian
        withUnsafeBytes(of: ordered) { source in for (i, byte) in source.enumerated() { bytes[offset + i] = byte } }
    }
}
