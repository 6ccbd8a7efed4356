import CalorBase

/// The directory of a FLIR file: typed records at offsets.
///
/// *Source*: the layout that ExifTool's documentation of FLIR tags describes (header of 64 bytes, entries of 32 bytes).
struct FFFDirectory {
    enum Kind: UInt16 {
        case rawData = 0x01
        case embeddedImage = 0x0E
        case cameraInfo = 0x20
        case palette = 0x22
    }

    private let reader: ByteReader
    private let entries: [(kind: UInt16, offset: Int, length: Int)]

    init(_ bytes: [UInt8], limits: Limits) throws(ThermalFault) {
        var reader = ByteReader(bytes)
        guard reader.holds("FFF\0") || reader.holds("AFF\0") else {
            throw .record("FLIR", "it does not begin with FFF")
        }
        // The version, 100 to 199, tells the byte order of the directory.
        let versions = [ByteOrder.big, .little].filter { order in
            reader.order = order
            return (100..<200).contains(reader.integer(at: 0x14, as: UInt32.self) ?? 0)
        }
        guard let order = versions.first else { throw .record("FLIR", "the version of the header makes no sense") }
        reader.order = order
        guard let start = reader.integer(at: 0x18, as: UInt32.self), let count = reader.integer(at: 0x1C, as: UInt32.self) else {
            throw .record("FLIR", "it ends within the header")
        }
        guard Int(count) <= limits.metadataItems else {
            throw .limit(name: "metadataItems", detail: "the FLIR record lists \(count) parts, \(limits.metadataItems) allowed")
        }
        guard reader.slice(at: Int(start), count: Int(count) * 32) != nil else {
            throw .record("FLIR", "it ends within its directory of \(count) parts")
        }
        var entries: [(UInt16, Int, Int)] = []
        for i in 0..<Int(count) {
            let entry = Int(start) + 32 * i
            guard let kind = reader.integer(at: entry, as: UInt16.self), kind != 0,
                let offset = reader.integer(at: entry + 12, as: UInt32.self),
                let length = reader.integer(at: entry + 16, as: UInt32.self)
            else { continue }
            entries.append((kind, Int(offset), Int(length)))
        }
        self.reader = reader
        self.entries = entries
    }

    /// The first record of a kind, in its own byte order; nil when there is none.
    ///
    /// The first number of a record is below 256 in the right order.
    func record(_ kind: Kind) throws(ThermalFault) -> ByteReader? {
        guard let entry = entries.first(where: { $0.kind == kind.rawValue }) else { return nil }
        guard let bytes = reader.slice(at: entry.offset, count: entry.length) else {
            throw .record(
                "FLIR",
                "its part \(kind) lies at \(entry.offset) with \(entry.length) bytes, beyond the \(reader.count) that there are")
        }
        var record = ByteReader(bytes, order: .little)
        guard let mark = record.integer(at: 0, as: UInt16.self) else { throw .record("FLIR", "its part \(kind) is empty") }
        if mark >= 0x100 { record.order = .big }
        return record
    }
}
