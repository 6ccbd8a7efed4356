import CalorBase
import CalorImage

/// Reads the FLIR record of a radiometric JPEG: raw frame, calibration, scene, palette, and the visible picture.
///
/// *Source*: the tags that ExifTool's documentation of FLIR lists.
enum FLIRReader {
    static func read(_ bytes: [UInt8], limits: Limits) throws(ThermalFault) -> RadiometricRecord? {
        let directory = try FFFDirectory(bytes, limits: limits)
        guard let raw = try directory.record(.rawData) else { return nil }
        let (size, payload, storage) = try frame(raw, limits: limits)
        var radiometry = Radiometry(source: .flir)
        radiometry.storage = storage
        var notes: [String] = []
        if let info = try directory.record(.cameraInfo) { describe(info, in: &radiometry) }
        if radiometry.planck == nil { notes.append("the FLIR record has no calibration (Planck constants)") }
        // Palette and visible picture are extras: a damaged one is left out.
        do throws(ThermalFault) {
            if let palette = try directory.record(.palette) { describe(palette: palette, in: &radiometry) }
        } catch { notes.append("the palette was left out: \(error.message)") }
        var record = RadiometricRecord(size: size, payload: payload, radiometry: radiometry, notes: notes)
        do throws(ThermalFault) {
            record.visible = try directory.record(.embeddedImage).flatMap(visible)
        } catch { record.notes.append("the visible picture was left out: \(error.message)") }
        return record
    }

    // MARK: - Frame

    private static func frame(
        _ record: ByteReader, limits: Limits
    ) throws(ThermalFault) -> (Size, RadiometricRecord.Payload, String) {
        guard let width = record.integer(at: 2, as: UInt16.self), let height = record.integer(at: 4, as: UInt16.self),
            let content = record.slice(at: 32, count: record.count - 32)
        else { throw .record("FLIR", "its raw frame ends within the header") }
        let size = Size(width: Int(width), height: Int(height))
        guard width > 0, height > 0 else { throw .record("FLIR", "its raw frame has no pixels (\(size))") }
        guard size.width <= limits.sidePixels, size.height <= limits.sidePixels, size.pixels <= limits.pixels,
            size.pixels * 2 <= limits.decodedBytes
        else { throw .limit(name: "pixels", detail: "a raw frame of \(size), \(limits.pixels) pixels allowed") }
        let image = ByteReader(content, order: record.order)
        if content.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            return (size, .png(Array(content), order: record.order), "PNG 16-bit")
        }
        guard let samples = image.slice(at: 0, count: size.pixels * 2) else {
            throw .record("FLIR", "its raw frame of \(size) needs \(size.pixels * 2) bytes and has \(content.count)")
        }
        return (
            size, .samples(samples16(samples, order: record.order)),
            "u16, \(record.order == .little ? "little" : "big")-endian"
        )
    }

    // MARK: - Camera

    private static func describe(_ info: ByteReader, in radiometry: inout Radiometry) {
        func number(_ offset: Int) -> Double? {
            info.integer(at: offset, as: UInt32.self).map { Double(Float(bitPattern: $0)) }
        }
        func text(_ offset: Int, _ count: Int) -> String? { info.slice(at: offset, count: count).flatMap(printableText) }
        radiometry.camera = text(0xD4, 32)
        radiometry.serialNumber = text(0x104, 16)
        if let r1 = number(0x58), let b = number(0x5C), let f = number(0x60), let o = info.integer(at: 0x308, as: Int32.self),
            let r2 = number(0x30C)
        {
            radiometry.planck = .init(r1: r1, r2: r2, b: b, f: f, o: Double(o))
        }
        if let alpha1 = number(0x70), let alpha2 = number(0x74), let beta1 = number(0x78), let beta2 = number(0x7C),
            let x = number(0x80)
        {
            radiometry.atmosphere = .init(alpha1: alpha1, alpha2: alpha2, beta1: beta1, beta2: beta2, x: x)
        }
        if let emissivity = number(0x20), let distance = number(0x24), let reflected = number(0x28), let air = number(0x2C),
            let window = number(0x30), let transmission = number(0x34), let humidity = number(0x3C)
        {
            radiometry.scene = .init(
                emissivity: emissivity, distanceMetres: distance, reflected: Kelvin(reflected), atmospheric: Kelvin(air),
                // Some cameras write percent.
                relativeHumidity: humidity > 2 ? humidity / 100 : humidity, window: Kelvin(window), windowTransmission: transmission
            )
        }
        if let high = number(0x90), let low = number(0x94), low.isFinite, high.isFinite, low < high {
            radiometry.measurable = Kelvin(low)...Kelvin(high)
        }
    }

    // MARK: - Palette

    /// Entries are Y, Cr, Cb.
    private static func describe(palette: ByteReader, in radiometry: inout Radiometry) {
        guard let count = palette.integer(at: 0, as: UInt8.self), count > 1,
            let colours = palette.slice(at: 0x70, count: 3 * Int(count))
        else { return }
        let entries = Array(colours)
        radiometry.palette = (0..<Int(count)).map { i in
            colour(y: entries[3 * i], cr: entries[3 * i + 1], cb: entries[3 * i + 2])
        }
        radiometry.paletteName = palette.slice(at: 0x50, count: 32).flatMap(printableText)
    }

    /// *Source*: ITU-R BT.601 with the narrow range, 16 to 235, that video of these cameras has.
    private static func colour(y: UInt8, cr: UInt8, cb: UInt8) -> Radiometry.Colour {
        let light = 255.0 / 219 * (Double(y) - 16)
        let (u, v) = (255.0 / 224 * (Double(cb) - 128), 255.0 / 224 * (Double(cr) - 128))
        func level(_ value: Double) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }
        return .init(
            red: level(light + 1.402 * v), green: level(light - 0.344136 * u - 0.714136 * v), blue: level(light + 1.772 * u))
    }

    // MARK: - Visible picture

    private static func visible(_ record: ByteReader) -> RadiometricRecord.Visible? {
        guard let width = record.integer(at: 2, as: UInt16.self), let height = record.integer(at: 4, as: UInt16.self),
            let content = record.slice(at: 32, count: record.count - 32)
        else { return nil }
        let format: String
        if content.starts(with: [0xFF, 0xD8, 0xFF]) {
            format = "JPEG"
        } else if content.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            format = "PNG (Y, Cb, Cr)"
        } else {
            return nil
        }
        return .init(bytes: Array(content), size: Size(width: Int(width), height: Int(height)), format: format)
    }
}

/// 16-bit numbers from pairs of bytes; an odd byte at the end is dropped.
func samples16(_ bytes: ArraySlice<UInt8>, order: ByteOrder) -> [UInt16] {
    bytes.withUnsafeBytes { raw in
        (0..<raw.count / 2).map { i in
            let value = raw.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
            return order == .little ? UInt16(littleEndian: value) : UInt16(bigEndian: value)
        }
    }
}
