import CalorBase
import CalorCodecs
import CalorImage

/// Makes the FLIR record of a radiometric JPEG from counts and constants that are known.
struct FLIRFile {
    enum Payload {
        case raw
        /// A PNG whose samples have their bytes swapped where the record's mark is little-endian.
        case png
    }

    var counts: Plane
    var payload = Payload.raw
    /// Of the raw frame's record; the others and the directory have their own.
    var frameOrder = ByteOrder.little
    var infoOrder = ByteOrder.little
    var directoryOrder = ByteOrder.big
    var planck: Radiometry.Planck
    var scene: Radiometry.Scene
    var camera = "Calor fixture"
    var palette: [Radiometry.Colour] = []
    var visible: [UInt8]?
    var visibleSize = Size(width: 0, height: 0)

    private struct Record {
        var kind: UInt16
        var bytes: [UInt8]
    }

    /// The bytes that the APP1 segments hold together.
    func bytes() throws(CodecFault) -> [UInt8] {
        var records = [Record(kind: 0x01, bytes: try frame()), Record(kind: 0x20, bytes: info())]
        if !palette.isEmpty { records.append(Record(kind: 0x22, bytes: paletteRecord())) }
        if let visible { records.append(Record(kind: 0x0E, bytes: visibleRecord(visible))) }
        // Free entries follow those in use, as cameras write them.
        let entries = records.count + 2
        var file = RecordWriter(count: 64 + 32 * entries, order: directoryOrder)
        file.put("FFF", at: 0, count: 3)
        file.put("CALOR", at: 4, count: 16)
        file.put(UInt32(100), at: 0x14)
        file.put(UInt32(64), at: 0x18)
        file.put(UInt32(entries), at: 0x1C)
        for (i, record) in records.enumerated() {
            let entry = 64 + 32 * i
            file.put(record.kind, at: entry)
            file.put(UInt16(payload == .png ? 3 : 2), at: entry + 2)
            file.put(UInt32(100), at: entry + 4)
            file.put(UInt32(i + 1), at: entry + 8)
            file.put(UInt32(file.bytes.count), at: entry + 12)
            file.put(UInt32(record.bytes.count), at: entry + 16)
            file.append(record.bytes)
        }
        return file.bytes
    }

    private func frame() throws(CodecFault) -> [UInt8] {
        guard case .u16(let samples) = counts.samples else { return [] }
        var record = RecordWriter(count: 32, order: frameOrder)
        record.put(UInt16(2), at: 0)
        record.put(UInt16(counts.width), at: 2)
        record.put(UInt16(counts.height), at: 4)
        record.put(UInt16(counts.width - 1), at: 12)
        record.put(UInt16(counts.height - 1), at: 16)
        switch payload {
        case .raw:
            var frame = RecordWriter(count: 2 * samples.count, order: frameOrder)
            for (i, sample) in samples.enumerated() { frame.put(sample, at: 2 * i) }
            record.append(frame.bytes)
        case .png:
            let stored = frameOrder == .little ? samples.map(\.byteSwapped) : samples
            let image = Image(planes: [Plane(size: counts.size, samples: .u16(stored))], colour: .grey)
            record.append(try ImageEncoder.encode(image, as: .png))
        }
        return record.bytes
    }

    private func info() -> [UInt8] {
        var record = RecordWriter(count: 0x320, order: infoOrder)
        record.put(UInt16(2), at: 0)
        record.put(UInt16(counts.width), at: 2)
        record.put(UInt16(counts.height), at: 4)
        record.put(scene.emissivity, at: 0x20)
        record.put(scene.distanceMetres, at: 0x24)
        record.put(scene.reflected.value, at: 0x28)
        record.put(scene.atmospheric.value, at: 0x2C)
        record.put(scene.window.value, at: 0x30)
        record.put(scene.windowTransmission, at: 0x34)
        record.put(scene.relativeHumidity, at: 0x3C)
        record.put(planck.r1, at: 0x58)
        record.put(planck.b, at: 0x5C)
        record.put(planck.f, at: 0x60)
        let air = Radiometry.Atmosphere.usual
        for (offset, value) in [(0x70, air.alpha1), (0x74, air.alpha2), (0x78, air.beta1), (0x7C, air.beta2), (0x80, air.x)] {
            record.put(value, at: offset)
        }
        record.put(Kelvin(celsius: 250).value, at: 0x90)
        record.put(Kelvin(celsius: -20).value, at: 0x94)
        record.put(camera, at: 0xD4, count: 32)
        record.put("000001", at: 0x104, count: 16)
        record.put(Int32(planck.o), at: 0x308)
        record.put(planck.r2, at: 0x30C)
        return record.bytes
    }

    /// Y, Cr, Cb with the narrow range.
    private func paletteRecord() -> [UInt8] {
        var record = RecordWriter(count: 0x70 + 3 * palette.count, order: .little)
        record.put(UInt8(palette.count), at: 0)
        record.put("fixture.pal", at: 0x30, count: 32)
        record.put("Fixture", at: 0x50, count: 32)
        func byte(_ value: Double) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }
        for (i, colour) in palette.enumerated() {
            let (r, g, b) = (Double(colour.red), Double(colour.green), Double(colour.blue))
            let y = 0.299 * r + 0.587 * g + 0.114 * b
            record.put(byte(16 + 219 / 255.0 * y), at: 0x70 + 3 * i)
            record.put(byte(128 + 224 / 255.0 * (r - y) / 1.402), at: 0x71 + 3 * i)
            record.put(byte(128 + 224 / 255.0 * (b - y) / 1.772), at: 0x72 + 3 * i)
        }
        return record.bytes
    }

    private func visibleRecord(_ picture: [UInt8]) -> [UInt8] {
        var record = RecordWriter(count: 32, order: .little)
        record.put(UInt16(3), at: 0)
        record.put(UInt16(visibleSize.width), at: 2)
        record.put(UInt16(visibleSize.height), at: 4)
        record.append(picture)
        return record.bytes
    }
}
