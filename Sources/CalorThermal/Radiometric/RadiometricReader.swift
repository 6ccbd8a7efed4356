import CalorBase
import CalorImage

/// Finds the radiometric record in a JPEG.
public enum RadiometricReader {
    public enum Outcome: Sendable {
        case record(RadiometricRecord)
        /// The camera writes radiometric files, but this one's frame cannot be read: the 8-bit picture is what there is.
        case pictureOnly(reason: String)
        case notRadiometric
    }

    /// Whether the first bytes of a file promise a record; when they do not hold all segments, the whole file tells.
    public static func looksRadiometric(_ head: [UInt8]) -> Bool {
        guard head.starts(with: [0xFF, 0xD8]) else { return false }
        guard let records = try? JPEGRecords(head, limits: Limits()) else { return true }
        return records.flir != nil || records.flirProblem != nil || !records.app3.isEmpty
    }

    /// *Throws*: `radiometry.damaged` for a record that breaks its own structure, `limit.NAME` before anything is allocated for it.
    public static func read(jpeg bytes: [UInt8], limits: Limits = Limits()) throws(ThermalFault) -> Outcome {
        guard bytes.starts(with: [0xFF, 0xD8]) else { return .notRadiometric }
        let records = try JPEGRecords(bytes, limits: limits)
        if let problem = records.flirProblem { throw .record("FLIR", problem) }
        if let flir = records.flir {
            guard let record = try FLIRReader.read(flir, limits: limits) else {
                return .pictureOnly(reason: "its FLIR record holds no raw frame")
            }
            return .record(record)
        }
        return dji(records)
    }

    /// DJI: the raw frame is the joined APP3 segments, without a header. Its size is that of the picture, or the picture's divided by
    /// a whole number, where cameras enlarge what they show.
    private static func dji(_ records: JPEGRecords) -> Outcome {
        guard records.maker == "DJI", !records.app3.isEmpty, let picture = records.pictureSize else { return .notRadiometric }
        let frame = records.app3
        for factor in 1...4 where picture.width % factor == 0 && picture.height % factor == 0 {
            let size = Size(width: picture.width / factor, height: picture.height / factor)
            guard size.pixels > 0, size.pixels * 2 == frame.count else { continue }
            var radiometry = Radiometry(source: .dji)
            radiometry.camera = records.model
            radiometry.storage = "u16, little-endian"
            var record = RadiometricRecord(
                size: size, payload: .samples(samples16(frame[...], order: .little)), radiometry: radiometry)
            record.notes = ["DJI publishes no calibration: these counts have no temperature without the maker's own software"]
            return .record(record)
        }
        let name = records.model.map { "DJI \($0)" } ?? "DJI"
        return .pictureOnly(
            reason:
                "\(name): APP3 holds \(frame.count) bytes, no frame of \(picture) (\(picture.pixels * 2) bytes) or a whole part of it"
        )
    }
}
