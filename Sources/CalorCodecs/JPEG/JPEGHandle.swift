import CCalorJPEG
import CalorBase
import CalorImage

/// One open JPEG: owns the reader of the C shim and turns its statuses and warnings into faults.
struct JPEGHandle: ~Copyable {
    private let reader: OpaquePointer
    let raw: CalorJPEGHeader
    let message = MessageBuffer(capacity: CALOR_JPEG_MESSAGE)

    /// Everything is checked against the limits before the decoder may allocate for the picture.
    init(_ bytes: UnsafeBufferPointer<UInt8>, limits: Limits) throws(CodecFault) {
        var header = CalorJPEGHeader()
        var status: Int32 = 0
        let opened = calorJPEGOpen(
            bytes.baseAddress, bytes.count, UInt64(limits.decoderBytes), UInt32(clamping: limits.scans),
            UInt32(clamping: limits.seconds), &header, &status, message.pointer)
        guard let opened else { throw LimitCheck.memory(of: .jpeg) }
        do throws(CodecFault) {
            guard status == CALOR_JPEG_OK.status else { throw Self.fault(status, message.text) }
            try Self.check(header, of: bytes, limits: limits)
        } catch {
            calorJPEGClose(opened)
            throw error
        }
        reader = opened
        raw = header
    }

    private static func check(_ header: CalorJPEGHeader, of bytes: UnsafeBufferPointer<UInt8>, limits: Limits) throws(CodecFault) {
        guard header.outputChannels > 0 else {
            throw .unsupported(
                .jpeg, "\(header.components) components of unknown meaning",
                advice: "Convert it to grey or RGB with another program.")
        }
        try LimitCheck.size(
            Size(width: Int(header.width), height: Int(header.height)), planes: Int(header.outputChannels), bytesPerSample: 1,
            of: .jpeg, fileBytes: bytes.count, limits: limits)
        try LimitCheck.decoderBytes(header.coefficientBytes, for: "the coefficients of a JPEG in several scans", limits: limits)
        // Every scan visits every coefficient, however few bytes it has. A sound file spends at least a bit on each block, so that its
        // scans together touch less than a quarter of what the limit allows.
        let (work, overflow) = Int(clamping: header.coefficientBytes).multipliedReportingOverflow(by: scanCount(bytes, header))
        try LimitCheck.expansion((overflow ? Int.max : work) / 4, of: bytes.count, limits: limits)
    }

    /// Start-of-scan marks; 0 for a picture in one scan.
    private static func scanCount(_ bytes: UnsafeBufferPointer<UInt8>, _ header: CalorJPEGHeader) -> Int {
        guard header.coefficientBytes > 0 else { return 0 }
        var count = 0
        for at in 1..<bytes.count where bytes[at] == 0xDA && bytes[at - 1] == 0xFF { count += 1 }
        return count
    }

    deinit { calorJPEGClose(reader) }

    var storedSize: Size { Size(width: Int(raw.width), height: Int(raw.height)) }

    func start() throws(CodecFault) { try check(calorJPEGStart(reader, message.pointer)) }

    func readRows(_ rows: Int, into pixels: UnsafeMutablePointer<UInt8>, rowBytes: Int) throws(CodecFault) {
        try check(calorJPEGReadRows(reader, pixels, rowBytes, UInt32(clamping: rows), message.pointer))
    }

    func finish() throws(CodecFault) { try check(calorJPEGFinish(reader, message.pointer)) }

    /// What libjpeg had to say: faults where samples are wrong or missing, texts where they are not.
    func warnings(toleratesTruncation: Bool) throws(CodecFault) -> [String] {
        var raw = CalorJPEGWarnings()
        calorJPEGTakeWarnings(reader, &raw)
        let truncation = Self.text(raw.truncation)
        if raw.truncations > 0, !toleratesTruncation { throw .damaged(.jpeg, .truncated, truncation) }
        // Behind the cut libjpeg may meet codes that make no sense: they belong to the truncation.
        if raw.damages > 0, raw.truncations == 0 { throw .damaged(.jpeg, .damaged, Self.text(raw.damage)) }
        var out: [String] = []
        if raw.truncations > 0 { out.append("the file ends too early; what is missing is filled (\(truncation))") }
        if raw.missingDetail > 0 { out.append("the progressive scans are not complete: fine detail is missing") }
        if raw.harmless > 0 { out.append("libjpeg: \(Self.text(raw.other))") }
        return out
    }

    func header(orientation: Orientation) -> ImageHeader {
        ImageHeader(
            format: .jpeg, size: orientation.swapsSides ? storedSize.transposed : storedSize, sampleFormat: .u8,
            colour: raw.outputChannels == 1 ? .grey : .rgb, bitsPerSample: Int(raw.bits),
            isInterlacedOrProgressive: raw.isProgressive != 0, compression: raw.isArithmetic != 0 ? "arithmetic" : "huffman",
            orientation: orientation.rawValue)
    }

    /// From the JFIF header, where it gives one.
    var resolution: Metadata.Resolution? {
        guard raw.densityX > 0, raw.densityY > 0 else { return nil }
        let perMetre: Double
        switch raw.densityUnit {
        case 1: perMetre = 1 / 0.0254
        case 2: perMetre = 100
        default: return nil
        }
        return .init(x: Double(raw.densityX) * perMetre, y: Double(raw.densityY) * perMetre)
    }

    private func check(_ status: Int32) throws(CodecFault) {
        if status != CALOR_JPEG_OK.status { throw Self.fault(status, message.text) }
    }

    private static func fault(_ status: Int32, _ text: String) -> CodecFault {
        switch status {
        case CALOR_JPEG_TRUNCATED.status: .damaged(.jpeg, .truncated, text)
        case CALOR_JPEG_UNSUPPORTED.status:
            .unsupported(.jpeg, text, advice: "Lossless and 12-bit JPEG are not read; convert it to TIFF or PNG.")
        case CALOR_JPEG_LIMIT.status:
            text.contains("scans")
                ? .limit(name: "scans", text)
                : text.contains("time") ? .limit(name: "seconds", text) : .limit(name: "decoderBytes", "JPEG: \(text)")
        case CALOR_JPEG_MEMORY.status: LimitCheck.memory(of: .jpeg)
        default: text.hasPrefix("Empty JPEG image") ? .damaged(.jpeg, .zeroSize, text) : .damaged(.jpeg, .damaged, text)
        }
    }

    private static func text<Tuple>(_ field: Tuple) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
