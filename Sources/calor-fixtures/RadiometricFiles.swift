import CalorBase
import CalorCodecs
import CalorImage
import CalorThermal

/// Radiometric JPEGs with known temperatures, in the ways in which cameras write them, and what damage makes of them.
struct RadiometricFiles {
    /// Sound files and damaged ones, by name.
    private(set) var files: [(name: String, bytes: [UInt8])] = []

    /// Temperatures of every frame, in kelvin.
    static let size = Size(width: 80, height: 64)
    static let planck = Radiometry.Planck(r1: 17096.453125, r2: 0.046582058072, b: 1428, f: 1, o: -342)
    static let scene = Radiometry.Scene(
        emissivity: 0.95, distanceMetres: 8, reflected: Kelvin(celsius: 12), atmospheric: Kelvin(celsius: 18),
        relativeHumidity: 0.5,
        window: Kelvin(celsius: 20), windowTransmission: 1)

    static func kelvin() -> Plane {
        Plane(
            size: Size(width: 320, height: 256), samples: .f32(ThermalScene(seed: 71).kelvin(size: Size(width: 320, height: 256)))
        )
        .resampled(to: size, using: .bicubic)
    }

    init() throws(CodecFault) {
        let model: PlanckModel
        do { model = try PlanckModel(planck: Self.planck, scene: Self.scene) } catch {
            throw .badOption("the fixture's own constants make no sense: \(error.message)", advice: "mend RadiometricFiles")
        }
        let kelvin = Self.kelvin()
        let counts = Plane(size: Self.size, floats: kelvin.floats().map { Float(model.counts(kelvin: Double($0))) }, format: .u16)
        let preview = try Self.preview(kelvin)
        let file = FLIRFile(counts: counts, planck: Self.planck, scene: Self.scene)
        try addSound(file, preview)
        addDJI(counts, preview)
        try addDamaged(file, preview)
    }

    private static func preview(_ kelvin: Plane) throws(CodecFault) -> [UInt8] {
        let grey = Plane(size: size, floats: kelvin.floats().map { ($0 - 258) / 54 * 255 }, format: .u8)
        return try ImageEncoder.encode(Image(planes: [grey], colour: .grey), as: .jpeg)
    }

    private mutating func add(_ name: String, _ segments: [(marker: UInt8, body: [UInt8])], _ picture: [UInt8]) {
        files.append((name, JPEGSegment.inserting(segments, into: picture)))
    }

    // MARK: - Sound

    private mutating func addSound(_ file: FLIRFile, _ preview: [UInt8]) throws(CodecFault) {
        add("flir-raw", JPEGSegment.flir(try file.bytes()), preview)

        var swapped = file
        swapped.payload = .png
        add("flir-png-swapped", JPEGSegment.flir(try swapped.bytes()), preview)

        var ordered = swapped
        ordered.frameOrder = .big
        ordered.infoOrder = .big
        add("flir-png-ordered", JPEGSegment.flir(try ordered.bytes()), preview)

        // The mark says one order, the samples are in the other.
        var lying = swapped
        lying.counts = Plane(size: file.counts.size, floats: file.counts.floats(), format: .u16)
        if case .u16(let samples) = lying.counts.samples { lying.counts.samples = .u16(samples.map(\.byteSwapped)) }
        add("flir-png-contradicted", JPEGSegment.flir(try lying.bytes()), preview)

        var whole = file
        whole.directoryOrder = .little
        whole.palette = (0..<224).map { .init(red: UInt8($0), green: UInt8($0 / 2), blue: UInt8(223 - $0)) }
        let small = Plane(size: Size(width: 40, height: 32), format: .u8, repeating: 90)
        whole.visible = try ImageEncoder.encode(Image(planes: [small, small, small], colour: .rgb), as: .jpeg)
        whole.visibleSize = small.size
        // Out of order, as nothing forbids.
        add("flir-many-segments", JPEGSegment.flir(try whole.bytes(), bytesEach: 1_500).reversed(), preview)
    }

    private mutating func addDJI(_ counts: Plane, _ preview: [UInt8]) {
        guard case .u16(let samples) = counts.samples else { return }
        var frame = RecordWriter(count: 2 * samples.count, order: .little)
        for (i, sample) in samples.enumerated() { frame.put(sample, at: 2 * i) }
        let parts = stride(from: 0, to: frame.bytes.count, by: 4_000).map { start in
            (marker: UInt8(0xE3), body: Array(frame.bytes[start..<min(start + 4_000, frame.bytes.count)]))
        }
        add("dji-app3", [JPEGSegment.exif(maker: "DJI", model: "FIXTURE")] + parts, preview)
        add(
            "dji-no-frame", [JPEGSegment.exif(maker: "DJI", model: "FIXTURE S"), (0xE3, [UInt8](repeating: 7, count: 512))], preview
        )
    }

    // MARK: - Damaged

    private mutating func addDamaged(_ file: FLIRFile, _ preview: [UInt8]) throws(CodecFault) {
        let sound = try file.bytes()
        func changed(_ change: (inout RecordWriter) -> Void) -> [UInt8] {
            var writer = RecordWriter(count: 0, order: .big)
            writer.append(sound)
            change(&writer)
            return writer.bytes
        }
        add("damaged-truncated-record", JPEGSegment.flir(Array(sound.prefix(sound.count / 2))), preview)
        add("damaged-truncated-header", JPEGSegment.flir(Array(sound.prefix(20))), preview)
        add("damaged-offset", JPEGSegment.flir(changed { $0.put(UInt32.max - 3, at: 64 + 12) }), preview)
        add("damaged-length", JPEGSegment.flir(changed { $0.put(UInt32.max, at: 64 + 16) }), preview)
        add("damaged-count", JPEGSegment.flir(changed { $0.put(UInt32.max, at: 0x1C) }), preview)
        add("damaged-version", JPEGSegment.flir(changed { $0.put(UInt32(7), at: 0x14) }), preview)
        let frame = 64 + 32 * 4
        add("damaged-absurd-size", JPEGSegment.flir(changed { $0.put(UInt32.max, at: frame + 2) }), preview)
        add("damaged-zero-size", JPEGSegment.flir(changed { $0.put(UInt32(0), at: frame + 2) }), preview)
        add("damaged-missing-segment", Array(JPEGSegment.flir(sound, bytesEach: 2_000).dropFirst(2)), preview)

        var emissivity = file
        emissivity.scene.emissivity = 0
        add("damaged-emissivity", JPEGSegment.flir(try emissivity.bytes()), preview)
        var notANumber = file
        notANumber.planck.r1 = .nan
        notANumber.planck.b = 0
        add("damaged-constants", JPEGSegment.flir(try notANumber.bytes()), preview)
        var notAPicture = file
        notAPicture.payload = .png
        var bytes = try notAPicture.bytes()
        for i in bytes.indices where i > frame + 60 && i < frame + 200 { bytes[i] = 0xA5 }
        add("damaged-png", JPEGSegment.flir(bytes), preview)
        // A PNG of another size than the record says.
        var otherSize = notAPicture
        otherSize.counts = file.counts.cropped(to: Region(x: 0, y: 0, width: 40, height: 32))
        var other = RecordWriter(count: 0, order: .little)
        other.append(try otherSize.bytes())
        other.put(UInt16(Self.size.width), at: frame + 2)
        add("damaged-png-size", JPEGSegment.flir(other.bytes), preview)
    }
}
