import CCalorTIFF
import CalorBase
import CalorImage

/// The pixels of a page, a band at a time: the full width of one row of strips or tiles, with every plane of it.
///
/// What does not fit a picture of one pass is counted here, so that it can be said once for the whole page.
struct TIFFBands {
    let options: DecodeOptions
    private(set) var missing = 0
    private(set) var isRounded = false
    private let deadline: Deadline

    init(options: DecodeOptions) {
        self.options = options
        deadline = Deadline(options.limits)
    }

    static func count(of page: borrowing TIFFPage) -> Int {
        (page.handle.storedSize.height - 1) / Int(page.handle.raw.chunkHeight) + 1
    }

    /// What the user should know once the last band is read.
    func warnings(of page: borrowing TIFFPage) -> [String] {
        var out: [String] = []
        if missing > 0 { out.append("\(missing) strips or tiles are missing or damaged; what is missing is black") }
        let bits = Int(page.handle.raw.bits)
        switch page.plan.storage {
        case .unsigned(25...) where page.plan.meaning != .palette, .signed(32...):
            out.append(
                "the \(bits)-bit integers \(isRounded ? "were rounded to f32, 24 significant bits" : "are kept exactly, as f32")")
        default: break
        }
        return out
    }

    /// The rows of `bands` as the planes that are shown.
    mutating func image(of page: borrowing TIFFPage, bands: Range<Int>) throws(CodecFault) -> Image {
        let plan = page.plan
        let bits = Int(page.handle.raw.bits)
        switch (plan.meaning, plan.storage) {
        case (.palette, _) where bits <= 8:
            let indices: PlaneStore<UInt8> = try integers(page, bands)
            return TIFFColour.lookUp(indices.planes[0], size: indices.size, palette: page.handle.palette).image(
                colour: .rgb, wrap: Samples.u8)
        case (.palette, _):
            let indices: PlaneStore<UInt16> = try integers(page, bands)
            return TIFFColour.lookUp(indices.planes[0], size: indices.size, palette: page.handle.palette).image(
                colour: .rgb, wrap: Samples.u8)
        case (_, .unsigned(1...8)):
            var store: PlaneStore<UInt8> = try integers(page, bands)
            TIFFColour.finish(&store, plan: plan, bits: bits)
            return store.image(colour: plan.colour, wrap: Samples.u8)
        case (_, .unsigned(9...16)):
            var store: PlaneStore<UInt16> = try integers(page, bands)
            TIFFColour.finish(&store, plan: plan, bits: bits)
            return store.image(colour: plan.colour, wrap: Samples.u16)
        default:
            var store = try floats(page, bands)
            TIFFColour.finish(&store, plan: plan)
            return store.image(colour: plan.colour, wrap: Samples.f32)
        }
    }

    // MARK: - By type of sample

    private mutating func integers<Sample: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>(
        _ page: borrowing TIFFPage, _ bands: Range<Int>
    ) throws(CodecFault) -> PlaneStore<Sample> {
        let bits = Int(page.handle.raw.bits)
        let hasOpenDifferences = page.plan.hasOpenDifferences
        let channels = page.handle.raw.planar == 2 ? 1 : page.plan.channels
        return try chunks(of: page, bands: bands, zero: Sample.zero) { bytes, shape, out in
            TIFFUnpacking.unsigned(
                bytes, bits: bits, rowBytes: shape.rowBytes, rowSamples: shape.rowSamples, rows: shape.rows, to: out)
            if hasOpenDifferences {
                TIFFUnpacking.undoDifferences(out, bits: bits, channels: channels, rowSamples: shape.rowSamples, rows: shape.rows)
            }
            return true
        }
    }

    private mutating func floats(_ page: borrowing TIFFPage, _ bands: Range<Int>) throws(CodecFault) -> PlaneStore<Float> {
        let plan = page.plan
        return try chunks(of: page, bands: bands, zero: Float.zero) { bytes, shape, out in
            TIFFUnpacking.floats(
                bytes, plan: plan, rowBytes: shape.rowBytes, rowSamples: shape.rowSamples, rows: shape.rows, to: out)
        }
    }

    // MARK: - Strips and tiles

    private struct ChunkShape {
        var rowBytes: Int
        var rowSamples: Int
        var rows: Int
    }

    /// Decodes the strips or tiles of `bands` and hands each to `unpack`, which says whether its samples were kept exactly.
    private mutating func chunks<Sample: BitwiseCopyable & Numeric & Sendable>(
        of page: borrowing TIFFPage, bands: Range<Int>, zero: Sample,
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
        let perPlane = across * Self.count(of: page)
        guard Int(raw.chunkCount) >= perPlane * (isPlanar ? plan.channels : 1) else {
            throw .damaged(.tiff, .damaged, "\(raw.chunkCount) strips or tiles are too few for \(size) pixels")
        }
        let rowSamples = width * channels
        let rowBytes = Int(raw.rowBytes)
        let usedBytes = (rowSamples * Int(raw.bits) + 7) / 8
        guard usedBytes <= rowBytes, rowBytes * height <= Int(raw.chunkBytes) else {
            throw .damaged(.tiff, .damaged, "strips or tiles are too small for their rows")
        }
        let encoded = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(raw.chunkBytes), alignment: 16)
        let block = UnsafeMutableBufferPointer<Sample>.allocate(capacity: rowSamples * height)
        defer {
            encoded.deallocate()
            block.deallocate()
        }
        encoded.initializeMemory(as: UInt8.self, repeating: 0)
        block.initialize(repeating: zero)

        let top = bands.lowerBound * height
        var store = PlaneStore<Sample>(
            size: Size(width: size.width, height: min(bands.upperBound * height, size.height) - top), count: kept.count)
        for channel in isPlanar ? kept : [0] {
            for place in bands.lowerBound * across..<bands.upperBound * across {
                try deadline.check()
                let y = place / across * height
                let rows = raw.isTiled != 0 ? height : min(height, size.height - y)
                // Only what is missing shows what was there before.
                if options.toleratesTruncation { encoded.initializeMemory(as: UInt8.self, repeating: 0) }
                let index = (isPlanar ? channel * perPlane : 0) + place
                let result = page.handle.readChunk(index, into: encoded)
                if let fault = result.fault {
                    guard options.toleratesTruncation, !fault.isUnsupported else { throw fault }
                    missing += 1
                } else if result.bytes < (rows - 1) * rowBytes + usedBytes {
                    guard options.toleratesTruncation else {
                        throw .damaged(.tiff, .truncated, "strip or tile \(index) has \(result.bytes) bytes")
                    }
                    missing += 1
                }
                let shape = ChunkShape(rowBytes: rowBytes, rowSamples: rowSamples, rows: rows)
                if !unpack(UnsafeRawBufferPointer(encoded), shape, block) { isRounded = true }
                for (plane, source) in kept.enumerated() where !isPlanar || source == channel {
                    store.put(
                        UnsafeBufferPointer(block), channel: isPlanar ? 0 : source, of: channels, plane: plane, columns: width,
                        rows: rows, rowStride: rowSamples, x: place % across * width, y: y - top)
                }
            }
        }
        return store
    }
}

extension CodecFault {
    var isUnsupported: Bool {
        if case .unsupported = self { true } else { false }
    }
}
