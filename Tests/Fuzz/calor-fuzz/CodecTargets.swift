import CalorBase
import CalorCodecs
import CalorImage
import Foundation

/// Any bytes as a PNG, a JPEG or a TIFF: decoded strictly and with tolerance, whole and by rows, written in every format that holds
/// the picture, and read again.
enum PNGTarget: FuzzTarget {
    static let name = "png"
    static let summary = "bytes as a PNG: decode, by rows, write, read again"
    static func seeds() throws -> [[UInt8]] { try CodecSeeds.files(.png) }
    static func run(_ bytes: [UInt8]) { CodecCheck.run(bytes) }
}

enum JPEGTarget: FuzzTarget {
    static let name = "jpeg"
    static let summary = "bytes as a JPEG: decode, write, read again"
    static func seeds() throws -> [[UInt8]] { try CodecSeeds.files(.jpeg) }
    static func run(_ bytes: [UInt8]) { CodecCheck.run(bytes) }
}

enum TIFFTarget: FuzzTarget {
    static let name = "tiff"
    static let summary = "bytes as a TIFF: decode, by rows, write, read again"
    static func seeds() throws -> [[UInt8]] { try CodecSeeds.files(.tiff) }
    static func run(_ bytes: [UInt8]) { CodecCheck.run(bytes) }
}

/// Small files of every colour, depth and compression that our encoders write, some with all metadata.
private enum CodecSeeds {
    static func files(_ file: FileFormat) throws -> [[UInt8]] {
        var out: [[UInt8]] = []
        for (width, height) in [(1, 1), (5, 3), (17, 9)] {
            let size = Size(width: width, height: height)
            for colour in ColourModel.allCases {
                for format in SampleFormat.allCases
                where ImageEncoder.canHold(format: format, colour: colour, size: size, as: file) == nil {
                    for options in options(file) {
                        var image = picture(size, colour, format)
                        out.append(try ImageEncoder.encode(image, as: file, options: options))
                        image.metadata = metadata
                        if width == 17 { out.append(try ImageEncoder.encode(image, as: file, options: options)) }
                    }
                }
            }
        }
        return out
    }

    private static func options(_ file: FileFormat) -> [EncodeOptions] {
        switch file {
        case .png: return [EncodeOptions()]
        case .jpeg:
            return JPEGSubsampling.allCases.flatMap { subsampling in
                [false, true].map { isProgressive in
                    var options = EncodeOptions()
                    (options.jpegSubsampling, options.jpegIsProgressive) = (subsampling, isProgressive)
                    return options
                }
            }
        case .tiff:
            return TIFFCompression.allCases.flatMap { compression in
                [false, true].map { isBig in
                    var options = EncodeOptions()
                    (options.tiffCompression, options.tiffIsBig) = (compression, isBig)
                    return options
                }
            }
        }
    }

    private static func picture(_ size: Size, _ colour: ColourModel, _ format: SampleFormat) -> Image {
        let planes = (0..<colour.planes).map { channel in
            let values = (0..<size.pixels).map { Float((37 * $0 + 11 * channel) % 256) / 255 * format.fullScale }
            return Plane(size: size, floats: values, format: format)
        }
        return Image(planes: planes, colour: colour)
    }

    private static var metadata: Metadata {
        var out = Metadata()
        out.exif = Array("II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
        out.xmp = Array("<x:xmpmeta xmlns:x='adobe:ns:meta/' tiff:Orientation='6'/>".utf8)
        out.iptc = [0x1C, 2, 5, 0, 3, 0x61, 0x62, 0x63]
        out.texts = [.init(key: "Comment", value: "a text"), .init(key: "Title", value: "温度")]
        out.resolution = .init(x: 11_800, y: 5_900)
        var place = Georeference()
        place.pixelScale = [10, 10, 0]
        place.tiePoints = [0, 0, 0, 500_000, 5_400_000, 0]
        place.keys = [1, 1, 0, 1, 1025, 0, 1, 1]
        out.georeference = place
        return out
    }
}

private enum CodecCheck {
    /// Small, so that one input takes milliseconds: the program's own limits are larger, the ways through the code are the same.
    private static let limits: Limits = {
        var limits = Limits()
        limits.pixels = 1 << 20
        limits.decodedBytes = 16 << 20
        limits.decoderBytes = 16 << 20
        limits.metadataBytes = 1 << 20
        limits.pages = 64
        limits.scans = 20
        limits.seconds = 3600  // libFuzzer's own time limit finds what hangs; a busy machine is no finding
        limits.expansion = 1000
        limits.bombFloorBytes = 1 << 20
        return limits
    }()

    static func run(_ bytes: [UInt8]) {
        for isTolerant in [false, true] {
            let options = DecodeOptions(limits: limits, toleratesTruncation: isTolerant, page: isTolerant ? 1 : 0)
            _ = try? ImageDecoder.header(of: bytes, options: options)
            guard let decoded = try? ImageDecoder.decode(bytes, options: options) else { continue }
            checkRows(bytes, decoded, options)
            if decoded.image.bytes < 1 << 16 { checkRoundTrip(decoded.image) }
        }
    }

    /// Rows read from a file are those of the whole picture.
    private static func checkRows(_ bytes: [UInt8], _ decoded: DecodedImage, _ options: DecodeOptions) {
        let path = FileManager.default.temporaryDirectory.path + "/calor-fuzz-\(getpid())"
        FileManager.default.createFile(atPath: path, contents: Data(bytes))
        defer { unlink(path) }
        guard let file = OpenFile(reading: path), let rows = try? RowDecoder.open(file, options: options) else { return }
        var y = 0
        do {
            while let part = try rows.next() {
                let region = Region(x: 0, y: y, width: part.width, height: part.height)
                guard decoded.image.cropped(to: region).isSame(as: part) else { fatalError("rows \(region.rows) differ") }
                guard part.metadata == decoded.image.metadata else { fatalError("the metadata of the rows differ") }
                y += part.height
            }
        } catch { fatalError("the picture is read whole, but not by rows: \(error)") }
        guard y == decoded.image.height else { fatalError("\(y) rows of \(decoded.image.height)") }
    }

    /// What a format holds, it gives back.
    private static func checkRoundTrip(_ image: Image) {
        for format in FileFormat.allCases
        where ImageEncoder.canHold(format: image.format, colour: image.colour, size: image.size, as: format) == nil {
            do {
                let again = try ImageDecoder.decode(ImageEncoder.encode(image, as: format)).image
                guard again.size == image.size, again.colour == image.colour else { fatalError("another picture came back") }
                guard format == .jpeg || again.isSame(as: image) else { fatalError("other samples came back") }
            } catch { fatalError("\(format.name) does not take back what it wrote: \(error)") }
        }
    }
}

extension Image {
    /// The same samples, NaN included.
    fileprivate func isSame(as other: Image) -> Bool {
        guard size == other.size, format == other.format, colour == other.colour else { return false }
        return zip(planes, other.planes).allSatisfy { a, b in
            if case .f32(let x) = a.samples, case .f32(let y) = b.samples {
                return zip(x, y).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
            }
            return a == b
        }
    }
}
