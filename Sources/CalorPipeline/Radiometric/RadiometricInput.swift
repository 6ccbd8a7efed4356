import CalorBase
import CalorCodecs
import CalorImage
import CalorThermal

/// What an input takes from a file that holds several pictures.
public enum RadiometricUse: String, Sendable, CaseIterable {
    /// The counts where the file has them, otherwise the picture; `rgb` inputs take the picture.
    case auto
    /// The counts; files without them are refused.
    case counts
    /// The 8-bit picture that every viewer shows.
    case preview
    /// The picture of the camera's other sensor.
    case visible

    init(_ text: String, input: String, place: Place) throws(PipelineFault) {
        guard let known = RadiometricUse(rawValue: text) else {
            throw .parameterValue(
                place: place, stage: input, parameter: "radiometric", found: "\"\(text)\"",
                expected: "one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = known
    }

    func reads(_ kind: ImageKind) -> RadiometricUse { self == .auto && kind == .rgb ? .preview : self }
}

/// Decodes files that may be radiometric: joins the records that CalorThermal finds with the pictures that CalorCodecs decodes.
public struct RadiometricInput: Sendable {
    public var use: RadiometricUse
    public var kind: ImageKind
    public var options: DecodeOptions

    public init(use: RadiometricUse = .auto, kind: ImageKind = .infrared, options: DecodeOptions = DecodeOptions()) {
        self.use = use.reads(kind)
        self.kind = kind
        self.options = options
    }

    // MARK: - Header

    /// True when `head` is not enough to know the size of the image, because a record further on decides it.
    func needsWholeFile(_ head: [UInt8]) -> Bool { use != .preview && RadiometricReader.looksRadiometric(head) }

    /// As the image will come out of `decode`.
    func header(of bytes: [UInt8]) throws(PipelineFault) -> ImageHeader {
        let header: ImageHeader
        do { header = try ImageDecoder.header(of: bytes, options: options) } catch { throw PipelineFault(error) }
        guard let record = try record(in: bytes, header: header).record else { return header }
        if use == .visible {
            do { return try ImageDecoder.header(of: try visible(in: record).bytes, options: options) } catch {
                throw PipelineFault(error)
            }
        }
        return Self.header(of: record, in: header)
    }

    /// Of a file that holds no record as far as its head shows.
    func header(of file: OpenFile) throws(PipelineFault) -> ImageHeader {
        let header: ImageHeader
        do { header = try ImageDecoder.header(of: file, options: options) } catch { throw PipelineFault(error) }
        _ = try record(absentFrom: header)
        return header
    }

    private static func header(of record: RadiometricRecord, in header: ImageHeader) -> ImageHeader {
        var header = header
        header.size = (Orientation(rawValue: header.orientation) ?? .topLeft).swapsSides ? record.size.transposed : record.size
        header.sampleFormat = .u16
        header.colour = .grey
        header.bitsPerSample = 16
        header.compression = record.radiometry.storage
        return header
    }

    // MARK: - Image

    public func decode(_ bytes: [UInt8]) throws(PipelineFault) -> DecodedImage {
        let header: ImageHeader
        do { header = try ImageDecoder.header(of: bytes, options: options) } catch { throw PipelineFault(error) }
        let (record, reason) = try record(in: bytes, header: header)
        guard let record else {
            var decoded: DecodedImage
            do { decoded = try ImageDecoder.decode(bytes, options: options) } catch { throw PipelineFault(error) }
            if decoded.image.format == .u16 { decoded.image.metadata.radiometry = decoded.image.metadata.describedRadiometry }
            if let reason { decoded.warnings.append("the 8-bit picture is used: \(reason)") }
            return decoded
        }
        do {
            if use == .visible { return try VisiblePicture.decode(try visible(in: record), options: options) }
            let picture = try ImageDecoder.decode(bytes, options: options)
            return try Self.counts(of: record, picture: picture, options: options)
        } catch { throw PipelineFault(error) }
    }

    /// The counts with the metadata of the picture they came with.
    private static func counts(
        of record: RadiometricRecord, picture: DecodedImage, options: DecodeOptions
    ) throws -> DecodedImage {
        let (plane, storage, notes) = try Self.counts(of: record, options: options)
        // What describes the 8-bit picture (its profile, its rendering) does not describe counts.
        var metadata = Metadata()
        metadata.exif = picture.image.metadata.exif
        metadata.xmp = picture.image.metadata.xmp
        metadata.iptc = picture.image.metadata.iptc
        metadata.texts = picture.image.metadata.texts
        metadata.radiometry = record.radiometry
        metadata.radiometry?.storage = storage
        var image = Image(planes: [plane], colour: .grey, meaning: .counts, metadata: metadata)
        // The frame lies in the file as the picture does.
        if let orientation = Orientation(rawValue: picture.header.orientation), orientation != .topLeft {
            image = image.oriented(by: orientation)
        }
        var decoded = picture
        decoded.image = image
        decoded.header = Self.header(of: record, in: picture.header)
        decoded.header.compression = storage
        decoded.warnings = record.notes + notes
        return decoded
    }

    /// The raw frame, with the PNG that it may be decoded.
    public static func counts(
        of record: RadiometricRecord, options: DecodeOptions
    ) throws -> (plane: Plane, storage: String, notes: [String]) {
        guard case .png(let bytes, _) = record.payload else { return try record.counts() }
        let header = try ImageDecoder.header(of: bytes, options: options)
        guard header.size == record.size, header.format == .png, header.sampleFormat == .u16, header.colour == .grey else {
            throw ThermalFault.record(
                record.radiometry.source.rawValue,
                "its raw frame is a \(header.format.name) of \(header.size) with \(header.bitsPerSample) bits, not 16-bit grey of \(record.size)"
            )
        }
        return try record.counts(decoded: ImageDecoder.decode(bytes, options: options).image.planes[0])
    }

    // MARK: - Record

    /// The record, or why there is none although the camera is one that writes them.
    private func record(
        in bytes: [UInt8], header: ImageHeader
    ) throws(PipelineFault) -> (record: RadiometricRecord?, reason: String?) {
        guard use != .preview else { return (nil, nil) }
        let outcome: RadiometricReader.Outcome
        do {
            outcome = header.format == .jpeg ? try RadiometricReader.read(jpeg: bytes, limits: options.limits) : .notRadiometric
        } catch { throw PipelineFault(error) }
        switch outcome {
        case .record(let record): return (record, nil)
        case .pictureOnly(let reason):
            guard use == .auto else { throw .wrapped(ThermalFault.notRadiometric(what: header.format.name, reason: reason)) }
            return (nil, reason)
        case .notRadiometric: return (try record(absentFrom: header), nil)
        }
    }

    /// No record, where that may be: a 16-bit or floating-point file is counts or kelvin itself.
    private func record(absentFrom header: ImageHeader) throws(PipelineFault) -> RadiometricRecord? {
        guard use == .auto || use == .preview || (use == .counts && header.sampleFormat != .u8) else {
            throw .wrapped(ThermalFault.notRadiometric(what: header.format.name, reason: nil))
        }
        return nil
    }

    private func visible(in record: RadiometricRecord) throws(ThermalFault) -> RadiometricRecord.Visible {
        guard let visible = record.visible else {
            throw .noVisiblePicture
        }
        return visible
    }
}
