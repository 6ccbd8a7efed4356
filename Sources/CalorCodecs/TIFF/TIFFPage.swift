import CCalorTIFF
import CalorBase
import CalorImage

/// A page that has been found, measured against the limits, and planned; its pixels are not read yet.
struct TIFFPage: ~Copyable {
    let file: TIFFStructure
    let entries: [TIFFStructure.Entry]
    let handle: TIFFHandle
    let plan: TIFFPlan
    let pages: Int

    init(_ bytes: [UInt8], buffer: UnsafeBufferPointer<UInt8>, options: DecodeOptions) throws(CodecFault) {
        try self.init(TIFFBytes(bytes[...]), source: .memory(buffer), options: options)
    }

    init(_ file: OpenFile, options: DecodeOptions) throws(CodecFault) {
        try self.init(TIFFBytes(file), source: .file(file), options: options)
    }

    private init(_ bytes: TIFFBytes, source: PictureSource, options: DecodeOptions) throws(CodecFault) {
        let limits = options.limits
        guard let file = TIFFStructure(bytes) else { throw .damaged(.tiff, .damaged, "the header is not complete") }
        let directories = try file.directories(limits: limits, toleratesTruncation: options.toleratesTruncation)
        guard !directories.isEmpty else { throw .damaged(.tiff, .truncated, "there is no directory where the header says") }
        guard directories.indices.contains(options.page) else {
            throw .damaged(
                .tiff, .noSuchPage, "there is no page \(options.page): the file has \(directories.count)")
        }
        let offset = directories[options.page]
        let entries = file.entries(at: offset)
        try Self.checkDirectory(file, entries, limits: limits)
        let handle = try TIFFHandle(source, directory: offset, limits: limits)
        guard handle.raw.isCodecKnown != 0 else {
            throw .unsupported(
                .tiff, "compression \(Self.compressionName(handle.raw.compression))",
                advice: "Convert it to Deflate or LZW compression with another program.")
        }
        let predictor = entries.first { $0.tag == 317 }.flatMap { file.integer($0) } ?? 1
        let plan = try TIFFPlan(handle.raw, predictor: predictor, hasExtraTag: entries.contains { $0.tag == 338 })
        try Self.checkPixels(handle.raw, size: handle.storedSize, plan: plan, fileBytes: bytes.count, limits: limits)
        self.file = file
        self.entries = entries
        self.handle = handle
        self.plan = plan
        pages = directories.count
    }

    var header: ImageHeader {
        let orientation = handle.orientation
        let size = handle.storedSize
        return ImageHeader(
            format: .tiff, size: orientation.swapsSides ? size.transposed : size, sampleFormat: plan.sampleFormat,
            holdsIntegers: plan.holdsIntegers, colour: plan.colour, bitsPerSample: Int(handle.raw.bits), pages: pages,
            compression: Self.compressionName(handle.raw.compression), orientation: orientation.rawValue)
    }

    /// A profile of inks does not describe the colours they became.
    func metadata(limits: Limits, warnings: inout [String]) -> Metadata {
        var out = TIFFMetadata.read(file, entries: entries, limits: limits, warnings: &warnings)
        if plan.meaning == .cmyk { out.icc = nil }
        return out
    }

    // MARK: - Limits

    /// libtiff loads every known tag of a directory; many tags may point at the same bytes. Its own cap on the sum came later than
    /// the versions that we must run with, so the sum is taken here, before it opens the file.
    private static func checkDirectory(
        _ file: TIFFStructure, _ entries: [TIFFStructure.Entry], limits: Limits
    ) throws(CodecFault) {
        // Offsets and sizes of strips and tiles become 8 bytes each, whatever their type in the file.
        let chunkTables: Set<Int> = [273, 279, 324, 325]
        var sum: UInt64 = 0
        for entry in entries { sum += UInt64(chunkTables.contains(entry.tag) ? entry.count * 16 : entry.byteCount * 2) }
        try LimitCheck.decoderBytes(sum, for: "the directory", limits: limits)
        func value(_ tag: Int) -> Int? { entries.first { $0.tag == tag }.flatMap { file.integer($0) } }
        if let width = value(256), let height = value(257) {
            try LimitCheck.size(
                Size(width: width, height: height), planes: 1, bytesPerSample: 0, of: .tiff, fileBytes: file.reader.count,
                limits: limits)
        }
    }

    private static func checkPixels(
        _ raw: CalorTIFFHeader, size: Size, plan: TIFFPlan, fileBytes: Int, limits: Limits
    ) throws(CodecFault) {
        let storedBytes = plan.meaning == .converted ? 4 : max((Int(raw.bits) + 7) / 8, plan.sampleFormat.bytes)
        let planes = plan.meaning == .converted ? 2 : max(plan.channels, plan.colour.planes)
        try LimitCheck.size(size, planes: planes, bytesPerSample: storedBytes, of: .tiff, fileBytes: fileBytes, limits: limits)
        guard raw.chunkBytes > 0, raw.chunkWidth > 0, raw.chunkHeight > 0, raw.rowBytes > 0 else {
            throw .damaged(.tiff, .damaged, "a strip or tile has no size")
        }
        try LimitCheck.decoderBytes(raw.chunkBytes, for: "a strip or tile", limits: limits)
        let (all, overflow) = raw.chunkBytes.multipliedReportingOverflow(by: UInt64(raw.chunkCount))
        guard !overflow, let decoded = Int(exactly: all), decoded <= limits.decodedBytes else {
            throw .limit(name: "decodedBytes", "\(raw.chunkCount) strips or tiles of \(raw.chunkBytes) bytes")
        }
        try LimitCheck.expansion(decoded, of: fileBytes, limits: limits)
    }

    private static func compressionName(_ value: UInt16) -> String {
        switch value {
        case 1: "none"
        case 2: "ccitt-rle"
        case 3: "ccitt-group3"
        case 4: "ccitt-group4"
        case 5: "lzw"
        case 6: "old-jpeg"
        case 7: "jpeg"
        case 8, 32_946: "deflate"
        case 32_773: "packbits"
        case 34_887: "lerc"
        case 34_925: "lzma"
        case 50_000: "zstd"
        case 50_001: "webp"
        default: "\(value)"
        }
    }
}
