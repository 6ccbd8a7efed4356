import CalorBase
import CalorImage

/// Writes a picture from the top to the bottom, a few rows at a time, so that nobody has to hold all of it.
///
/// However the rows are cut, the bytes are the same.
public final class RowEncoder {
    private let writer: any RowWriter
    private let size: Size
    private let colour: ColourModel
    private let format: SampleFormat
    private var rows = 0
    private var warnings: [String] = []

    /// - Parameter descriptor: an open, empty file for reading and writing that the bytes go to; nil keeps them in memory.
    ///
    /// *Throws*: what `ImageEncoder.canHold` says; `image.bad-option`; `FORMAT.encoder`.
    public init(
        size: Size, colour: ColourModel, format: SampleFormat, metadata: Metadata, as file: FileFormat,
        options: EncodeOptions = EncodeOptions(), descriptor: Int32? = nil
    ) throws(CodecFault) {
        try ImageEncoder.check(options)
        if let fault = ImageEncoder.canHold(format: format, colour: colour, size: size, as: file) { throw fault }
        (self.size, self.colour, self.format) = (size, colour, format)
        var metadata = options.keepsMetadata ? metadata : Metadata()
        metadata.exif = metadata.exif.map { EXIFBlock.fitted($0, to: size) }
        if metadata.icc != nil, metadata.profile(for: colour) == nil {
            warnings.append("the ICC profile was dropped: it is not one for \(colour.isGrey ? "grey" : "RGB") pictures")
        }
        if metadata.georeference != nil, file != .tiff {
            warnings.append("the georeference was dropped: \(file.name) has no place for it")
        }
        let form = PictureForm(size: size, colour: colour, format: format, metadata: metadata)
        switch file {
        case .png: writer = try PNGRowWriter(form, options: options, descriptor: descriptor ?? -1)
        case .jpeg: writer = try JPEGRowWriter(form, options: options, warnings: &warnings)
        case .tiff: writer = try TIFFRowWriter(form, options: options, descriptor: descriptor ?? -1, warnings: &warnings)
        }
    }

    /// The next rows: the full width, of the colour and format that were announced.
    public func write(_ part: Image) throws(CodecFault) {
        precondition(part.width == size.width && part.colour == colour && part.format == format, "rows of another picture")
        precondition(rows + part.height <= size.height, "more rows than announced")
        rows += part.height
        try writer.write(part)
    }

    /// The finished file. Its bytes are empty when they are in the file that was given; those of a JPEG always come here.
    public func finish() throws(CodecFault) -> EncodedImage {
        precondition(rows == size.height, "\(rows) rows of \(size.height)")
        let bytes = try writer.finish(warnings: &warnings)
        return EncodedImage(bytes: bytes, warnings: warnings)
    }
}

/// What an encoder must know before the first row.
struct PictureForm {
    var size: Size
    var colour: ColourModel
    var format: SampleFormat
    var metadata: Metadata

    var rowBytes: Int { size.width * colour.planes * format.bytes }
}

/// One format's part of `RowEncoder`.
protocol RowWriter: AnyObject {
    func write(_ part: Image) throws(CodecFault)
    func finish(warnings: inout [String]) throws(CodecFault) -> [UInt8]
}

extension Image {
    /// Hands out the rows in blocks of at most `count`, as interleaved bytes.
    func interleavedBlocks(
        of count: Int, _ body: (UnsafePointer<UInt8>, _ rowBytes: Int, _ rows: Int) throws(CodecFault) -> Void
    ) throws(CodecFault) {
        switch format {
        case .u8: try interleavedBlocks(of: planes.map(\.u8Samples), count, body)
        case .u16: try interleavedBlocks(of: planes.map(\.u16Samples), count, body)
        case .f32: try interleavedBlocks(of: planes.map(\.f32Samples), count, body)
        }
    }

    private func interleavedBlocks<Sample: BitwiseCopyable>(
        of planes: [[Sample]], _ count: Int,
        _ body: (UnsafePointer<UInt8>, _ rowBytes: Int, _ rows: Int) throws(CodecFault) -> Void
    ) throws(CodecFault) {
        guard height > 0 else { return }
        let rowSamples = width * planes.count
        let block = UnsafeMutableBufferPointer<Sample>.allocate(capacity: rowSamples * min(max(count, 1), height))
        defer { block.deallocate() }
        for y in stride(from: 0, to: height, by: max(count, 1)) {
            let rows = y..<min(y + max(count, 1), height)
            Interleaving.put(planes, width: width, rows: rows, to: block)
            guard let bytes = UnsafeRawPointer(block.baseAddress)?.assumingMemoryBound(to: UInt8.self) else { return }
            try body(bytes, rowSamples * MemoryLayout<Sample>.stride, rows.count)
        }
    }
}

extension Plane {
    /// The samples of a plane that is known to be u8.
    var u8Samples: [UInt8] {
        guard case .u8(let samples) = samples else { preconditionFailure("the plane is \(format), not u8") }
        return samples
    }

    /// The samples of a plane that is known to be u16.
    var u16Samples: [UInt16] {
        guard case .u16(let samples) = samples else { preconditionFailure("the plane is \(format), not u16") }
        return samples
    }

    /// The samples of a plane that is known to be f32.
    var f32Samples: [Float] {
        guard case .f32(let samples) = samples else { preconditionFailure("the plane is \(format), not f32") }
        return samples
    }
}
