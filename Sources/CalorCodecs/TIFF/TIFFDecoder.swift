import CCalorTIFF
import CalorBase
import CalorImage

/// TIFF and BigTIFF through libtiff: strips and tiles, chunky and planar, in every depth that fits u8, u16 or f32 exactly.
enum TIFFDecoder {
    static func header(of bytes: [UInt8], options: DecodeOptions) throws(CodecFault) -> ImageHeader {
        try bytes.withUnsafeBufferPointer { (buffer) throws(CodecFault) -> ImageHeader in
            try TIFFPage(bytes, buffer: buffer, options: options).header
        }
    }

    static func decode(_ bytes: [UInt8], options: DecodeOptions) throws(CodecFault) -> DecodedImage {
        try bytes.withUnsafeBufferPointer { (buffer) throws(CodecFault) -> DecodedImage in
            let page = try TIFFPage(bytes, buffer: buffer, options: options)
            var warnings = page.plan.warnings
            var image = try pixels(of: page, options: options, warnings: &warnings)
            image.metadata = TIFFMetadata.read(page.file, entries: page.entries, limits: options.limits, warnings: &warnings)
            if page.plan.meaning == .cmyk { image.metadata.icc = nil }
            if page.handle.orientation != .topLeft { image = image.oriented(by: page.handle.orientation) }
            return DecodedImage(image: image, header: page.header, warnings: warnings)
        }
    }

    private static func pixels(
        of page: borrowing TIFFPage, options: DecodeOptions, warnings: inout [String]
    ) throws(CodecFault) -> Image {
        let plan = page.plan
        let bits = Int(page.handle.raw.bits)
        switch (plan.meaning, plan.storage) {
        case (.converted, _):
            return try converted(page)
        case (.palette, _) where bits <= 8:
            let indices: PlaneStore<UInt8> = try integers(page, options, &warnings)
            return TIFFColour.lookUp(indices.planes[0], size: indices.size, palette: page.handle.palette).image(
                colour: .rgb, wrap: Samples.u8)
        case (.palette, _):
            let indices: PlaneStore<UInt16> = try integers(page, options, &warnings)
            return TIFFColour.lookUp(indices.planes[0], size: indices.size, palette: page.handle.palette).image(
                colour: .rgb, wrap: Samples.u8)
        case (_, .unsigned(1...8)):
            var store: PlaneStore<UInt8> = try integers(page, options, &warnings)
            TIFFColour.finish(&store, plan: plan, bits: bits)
            return store.image(colour: plan.colour, wrap: Samples.u8)
        case (_, .unsigned(9...16)):
            var store: PlaneStore<UInt16> = try integers(page, options, &warnings)
            TIFFColour.finish(&store, plan: plan, bits: bits)
            return store.image(colour: plan.colour, wrap: Samples.u16)
        default:
            var store = try floats(page, options, &warnings)
            TIFFColour.finish(&store, plan: plan)
            return store.image(colour: plan.colour, wrap: Samples.f32)
        }
    }

    // MARK: - By type of sample

    private static func integers<Sample: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>(
        _ page: borrowing TIFFPage, _ options: DecodeOptions, _ warnings: inout [String]
    ) throws(CodecFault) -> PlaneStore<Sample> {
        let bits = Int(page.handle.raw.bits)
        let hasOpenDifferences = page.plan.hasOpenDifferences
        let channels = page.handle.raw.planar == 2 ? 1 : page.plan.channels
        return try chunks(of: page, options: options, zero: Sample.zero, warnings: &warnings) { bytes, shape, out in
            TIFFUnpacking.unsigned(
                bytes, bits: bits, rowBytes: shape.rowBytes, rowSamples: shape.rowSamples, rows: shape.rows, to: out)
            if hasOpenDifferences {
                TIFFUnpacking.undoDifferences(out, bits: bits, channels: channels, rowSamples: shape.rowSamples, rows: shape.rows)
            }
            return true
        }
    }

    private static func floats(
        _ page: borrowing TIFFPage, _ options: DecodeOptions, _ warnings: inout [String]
    ) throws(CodecFault) -> PlaneStore<Float> {
        let plan = page.plan
        return try chunks(of: page, options: options, zero: Float.zero, warnings: &warnings) { bytes, shape, out in
            TIFFUnpacking.floats(
                bytes, plan: plan, rowBytes: shape.rowBytes, rowSamples: shape.rowSamples, rows: shape.rows, to: out)
        }
    }

    /// YCbCr that is not JPEG, and old-style JPEG.
    private static func converted(_ page: borrowing TIFFPage) throws(CodecFault) -> Image {
        let size = page.handle.storedSize
        let raster = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: size.pixels)
        defer { raster.deallocate() }
        raster.initialize(repeating: 0)
        try page.handle.readRGBA(into: raster)
        var store = PlaneStore<UInt8>(size: size, count: 3)
        for plane in 0..<3 {
            let shift = UInt32(8 * plane)
            store.update(plane: plane) { samples in
                for i in samples.indices { samples[i] = UInt8(truncatingIfNeeded: raster[i] >> shift) }
            }
        }
        return store.image(colour: .rgb, wrap: Samples.u8)
    }

    // MARK: - Strips and tiles

    private struct ChunkShape {
        var rowBytes: Int
        var rowSamples: Int
        var rows: Int
    }

    /// Decodes every strip or tile and hands it to `unpack`, which says whether its samples could be kept exactly.
    private static func chunks<Sample: BitwiseCopyable & Numeric & Sendable>(
        of page: borrowing TIFFPage, options: DecodeOptions, zero: Sample, warnings: inout [String],
        unpack: (UnsafeRawBufferPointer, ChunkShape, UnsafeMutableBufferPointer<Sample>) -> Bool
    ) throws(CodecFault) -> PlaneStore<Sample> {
        let raw = page.handle.raw
        let plan = page.plan
        let size = page.handle.storedSize
        let isPlanar = raw.planar == 2 && plan.channels > 1
        let kept = Array(0..<plan.colourChannels) + (plan.alpha.map { [$0.index] } ?? [])
        let width = Int(raw.chunkWidth)
        let height = Int(raw.chunkHeight)
        let channels = isPlanar ? 1 : plan.channels
        let across = (size.width + width - 1) / width
        let perPlane = across * ((size.height + height - 1) / height)
        guard Int(raw.chunkCount) >= perPlane * (isPlanar ? plan.channels : 1) else {
            throw .damaged(.tiff, .damaged, "\(raw.chunkCount) strips or tiles are too few for \(size) pixels")
        }

        let rowSamples = width * channels
        let rowBytes = Int(raw.rowBytes)
        guard (rowSamples * Int(raw.bits) + 7) / 8 <= rowBytes, rowBytes * height <= Int(raw.chunkBytes) else {
            throw .damaged(.tiff, .damaged, "strips or tiles are too small for their rows")
        }
        let encoded = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(raw.chunkBytes), alignment: 16)
        let block = UnsafeMutableBufferPointer<Sample>.allocate(capacity: rowSamples * height)
        defer {
            encoded.deallocate()
            block.deallocate()
        }
        block.initialize(repeating: zero)

        var store = PlaneStore<Sample>(size: size, count: kept.count)
        var missing = 0
        for index in 0..<(perPlane * (isPlanar ? plan.channels : 1)) {
            let plane = isPlanar ? kept.firstIndex(of: index / perPlane) : 0
            guard let plane else { continue }
            let y = index % perPlane / across * height
            let rows = raw.isTiled != 0 ? height : min(height, size.height - y)
            encoded.initializeMemory(as: UInt8.self, repeating: 0)
            let result = page.handle.readChunk(index, into: encoded)
            if let fault = result.fault {
                guard options.toleratesTruncation, !fault.isUnsupported else { throw fault }
                missing += 1
            } else if result.bytes < (rows - 1) * rowBytes + (rowSamples * Int(raw.bits) + 7) / 8 {
                guard options.toleratesTruncation else {
                    throw .damaged(.tiff, .truncated, "strip or tile \(index) has \(result.bytes) bytes")
                }
                missing += 1
            }
            let shape = ChunkShape(rowBytes: rowBytes, rowSamples: rowSamples, rows: rows)
            guard unpack(UnsafeRawBufferPointer(encoded), shape, block) else {
                throw .unsupported(
                    .tiff, "\(raw.bits)-bit integers beyond what f32 keeps exactly",
                    advice: "Convert it to 16-bit or float samples first.")
            }
            let from = UnsafeBufferPointer(block)
            let x = index % across * width
            if isPlanar {
                store.put(from, channel: 0, of: 1, plane: plane, columns: width, rows: rows, rowStride: rowSamples, x: x, y: y)
            } else {
                for (plane, channel) in kept.enumerated() {
                    store.put(
                        from, channel: channel, of: channels, plane: plane, columns: width, rows: rows, rowStride: rowSamples, x: x,
                        y: y)
                }
            }
        }
        if missing > 0 { warnings.append("\(missing) strips or tiles are missing or damaged; what is missing is black") }
        return store
    }
}

extension CodecFault {
    var isUnsupported: Bool {
        if case .unsupported = self { true } else { false }
    }
}
