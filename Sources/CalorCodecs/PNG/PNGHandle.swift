import CCalorPNG
import CalorBase
import CalorImage

/// One open PNG: owns the reader of the C shim and turns its statuses into faults.
struct PNGHandle: ~Copyable {
    private let reader: OpaquePointer
    private(set) var raw: CalorPNGHeader
    let message = MessageBuffer(capacity: CALOR_PNG_MESSAGE)
    let fileBytes: Int
    let limits: Limits

    /// Keeps the file open as long as the reader needs it.
    private let file: OpenFile?

    init(_ source: PictureSource, options: DecodeOptions) throws(CodecFault) {
        let limits = options.limits
        try Self.checkSize(source, limits: limits)
        var policy = CalorPNGLimits(
            memoryBytes: UInt64(limits.decoderBytes), chunkBytes: UInt64(limits.metadataBytes),
            chunkItems: UInt32(clamping: limits.metadataItems), sidePixels: UInt32(clamping: limits.sidePixels),
            piece: options.toleratesTruncation ? 16 : 8192)
        var header = CalorPNGHeader()
        var status: Int32 = 0
        let opened = calorPNGOpen(
            source.address, source.descriptor, source.count, &policy, &header, &status, message.pointer)
        guard let opened else { throw LimitCheck.memory(of: .png) }
        guard status == CALOR_PNG_OK.status else {
            calorPNGClose(opened)
            throw Self.fault(status, message.text)
        }
        reader = opened
        raw = header
        fileBytes = source.count
        self.limits = limits
        file = source.file
    }

    deinit { calorPNGClose(reader) }

    /// IHDR comes first in every PNG; libpng would refuse a size that it does not like without saying which.
    private static func checkSize(_ source: PictureSource, limits: Limits) throws(CodecFault) {
        let head = ByteReader(source.head(24))
        guard head.holds("IHDR", at: 12), let width: UInt32 = head.integer(at: 16), let height: UInt32 = head.integer(at: 20)
        else { return }
        try LimitCheck.size(
            Size(width: Int(width), height: Int(height)), planes: 1, bytesPerSample: 0, of: .png, fileBytes: source.count,
            limits: limits)
    }

    var storedSize: Size { Size(width: Int(raw.width), height: Int(raw.height)) }
    var warning: String { String(cString: calorPNGWarning(reader)) }

    func readRows(_ rows: Int, into pixels: UnsafeMutablePointer<UInt8>, rowBytes: Int) -> Int32 {
        calorPNGReadRows(reader, pixels, rowBytes, UInt32(clamping: rows), message.pointer)
    }

    mutating func finish() -> Int32 { calorPNGFinish(reader, &raw, message.pointer) }

    func fault(_ status: Int32) -> CodecFault { Self.fault(status, message.text) }

    static func fault(_ status: Int32, _ text: String) -> CodecFault {
        switch status {
        case CALOR_PNG_TRUNCATED.status: .damaged(.png, .truncated, text)
        case CALOR_PNG_CRC.status: .damaged(.png, .crc, text)
        case CALOR_PNG_LIMIT.status:
            text.contains("too large")
                ? .limit(name: "metadataBytes", "PNG: \(text)") : .limit(name: "decoderBytes", "PNG: \(text)")
        case CALOR_PNG_MEMORY.status: LimitCheck.memory(of: .png)
        default: .damaged(.png, .damaged, text)
        }
    }

    // MARK: - Header and metadata

    func header(orientation: Orientation) throws(CodecFault) -> ImageHeader {
        let colour: ColourModel =
            switch raw.outputChannels {
            case 1: .grey
            case 2: .greyAlpha
            case 3: .rgb
            default: .rgbAlpha
            }
        let format: SampleFormat = raw.outputBits == 16 ? .u16 : .u8
        try LimitCheck.size(
            storedSize, planes: colour.planes, bytesPerSample: format.bytes, of: .png, fileBytes: fileBytes, limits: limits)
        return ImageHeader(
            format: .png, size: orientation.swapsSides ? storedSize.transposed : storedSize, sampleFormat: format, colour: colour,
            bitsPerSample: Int(raw.bitDepth), isInterlacedOrProgressive: raw.interlaced != 0, compression: "deflate",
            orientation: orientation.rawValue)
    }

    /// All that was read so far; complete after `finish`.
    func metadata() -> (Metadata, Orientation) {
        var out = Metadata()
        if let icc = raw.icc { out.icc = Array(UnsafeBufferPointer(start: icc, count: Int(raw.iccCount))) }
        var orientation = Orientation.topLeft
        if let exif = raw.exif {
            var block = Array(UnsafeBufferPointer(start: exif, count: Int(raw.exifCount)))
            orientation = OrientationTag.take(fromEXIF: &block)
            out.exif = block
        }
        if raw.hasGamma != 0 { out.gamma = raw.gamma }
        if raw.hasIntent != 0 { out.srgbIntent = raw.intent }
        if raw.hasChromaticities != 0 {
            out.chromaticities = withUnsafeBytes(of: raw.chromaticities) { Array($0.bindMemory(to: UInt32.self)) }
        }
        if raw.hasCICP != 0 { out.cicp = withUnsafeBytes(of: raw.cicp) { Array($0) } }
        if raw.hasResolution != 0 { out.resolution = .init(x: Double(raw.xPerMetre), y: Double(raw.yPerMetre)) }
        for index in 0..<raw.textCount {
            var text = CalorPNGText()
            guard calorPNGTextAt(reader, index, &text) != 0, let key = text.key else { continue }
            let keyText = Latin1.string(bytes(key, text.keyCount))
            let value = text.value.map { bytes($0, text.valueCount) } ?? []
            take(keyText, value, isUTF8: text.isUTF8 != 0, into: &out)
        }
        return (out, orientation)
    }

    private func bytes(_ pointer: UnsafePointer<CChar>, _ count: Int) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: pointer, count: count))
    }

    private func take(_ key: String, _ value: [UInt8], isUTF8: Bool, into out: inout Metadata) {
        let text = isUTF8 ? String(decoding: value, as: UTF8.self) : Latin1.string(value)
        if key == "XML:com.adobe.xmp" {
            var packet = value
            OrientationTag.reset(inXMP: &packet)
            out.xmp = packet
        } else if key == RawProfile.iptcKey, let block = RawProfile.decode(text, maximum: limits.metadataBytes) {
            // ExifTool and ImageMagick keep the records inside a Photoshop resource.
            out.iptc = ByteReader(block).holds("8BIM") ? JPEGSegments.iptc(in: block) : block
        } else {
            out.texts.append(.init(key: key, value: text))
        }
    }
}

extension BinaryInteger {
    /// The C shims declare their statuses as an unnamed enum, which each platform imports as its own integer.
    var status: Int32 { Int32(truncatingIfNeeded: self) }
}
