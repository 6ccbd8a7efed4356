import CalorCodecs
import CalorImage
import Foundation
import Testing

@Suite struct RoundTripTests {
    static let sizes = [(1, 1), (1, 7), (7, 1), (3, 5), (16, 16), (17, 33), (255, 2), (300, 401)].map {
        Size(width: $0.0, height: $0.1)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var size: Size
        var colour: ColourModel
        var format: SampleFormat
        var file: FileFormat
        var compression = TIFFCompression.deflate
        var testDescription: String { "\(file.rawValue) \(format.rawValue) \(colour.rawValue) \(size) \(compression.rawValue)" }
    }

    static let lossless: [Case] = sizes.flatMap { size in
        ColourModel.allCases.flatMap { colour in
            [SampleFormat.u8, .u16].map { Case(size: size, colour: colour, format: $0, file: .png) }
                + SampleFormat.allCases.flatMap { format in
                    TIFFCompression.allCases.map { Case(size: size, colour: colour, format: format, file: .tiff, compression: $0) }
                }
        }
    }

    @Test(arguments: lossless) func losslessFormatsGiveBackEverySample(_ item: Case) throws {
        let image = Ramp.image(item.size, item.colour, item.format)
        var options = EncodeOptions()
        options.tiffCompression = item.compression
        let bytes = try ImageEncoder.encode(image, as: item.file, options: options)
        #expect(try ImageDecoder.decode(bytes).image == image, "\(item)")
        #expect(try ImageEncoder.encode(image, as: item.file, options: options) == bytes, "the same bytes again: \(item)")
    }

    @Test(arguments: sizes, JPEGSubsampling.allCases) func jpegComesBackClose(_ size: Size, _ subsampling: JPEGSubsampling) throws {
        for colour in [ColourModel.grey, .rgb] {
            for isProgressive in [false, true] {
                // Smooth enough for chroma at half size.
                let planes = (0..<colour.planes).map { channel in
                    Plane(
                        size: size,
                        floats: (0..<size.pixels).map { Float(60 * channel + 40 + ($0 % size.width) / 4 + ($0 / size.width) / 5) },
                        format: .u8)
                }
                let image = Image(planes: planes, colour: colour)
                var options = EncodeOptions()
                options.jpegQuality = 100
                options.jpegSubsampling = subsampling
                options.jpegIsProgressive = isProgressive
                let bytes = try ImageEncoder.encode(image, as: .jpeg, options: options)
                let decoded = try ImageDecoder.decode(bytes)
                #expect(decoded.header.isInterlacedOrProgressive == isProgressive)
                #expect(decoded.image.size == size && decoded.image.colour == colour)
                for (got, want) in zip(decoded.image.planes, planes) {
                    let worst = zip(got.u8Values, want.u8Values).map { abs(Int($0) - Int($1)) }.max() ?? 0
                    #expect(worst <= 4, "\(size) \(subsampling.rawValue) \(colour.rawValue) progressive \(isProgressive)")
                }
                #expect(try ImageEncoder.encode(image, as: .jpeg, options: options) == bytes, "the same bytes again")
            }
        }
    }

    @Test func floatsKeepTheirBits() throws {
        let values: [Float] = [
            0, -0, 1, -1, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 273.15, 1e-30,
        ]
        let image = Image(planes: [Plane(size: Size(width: values.count, height: 1), samples: .f32(values))], colour: .grey)
        guard case .f32(let back) = try ImageDecoder.decode(ImageEncoder.encode(image, as: .tiff)).image.planes[0].samples else {
            Issue.record("not f32")
            return
        }
        #expect(back.map(\.bitPattern) == values.map(\.bitPattern))
    }

    // MARK: - What a format has no room for

    @Test(arguments: FileFormat.allCases, SampleFormat.allCases) func canHoldAgreesWithEncode(
        _ file: FileFormat, _ format: SampleFormat
    ) {
        for colour in ColourModel.allCases {
            let size = Size(width: 2, height: 2)
            let answer = ImageEncoder.canHold(format: format, colour: colour, size: size, as: file)
            var thrown: CodecFault?
            do throws(CodecFault) { _ = try ImageEncoder.encode(Ramp.image(size, colour, format), as: file) } catch {
                thrown = error
            }
            #expect(answer == thrown, "\(file.rawValue) \(format.rawValue) \(colour.rawValue)")
            if let answer {
                #expect(answer.kind == .usage && answer.advice != nil, "\(answer)")
            }
        }
    }

    @Test func sizesBeyondAFormat() {
        let wide = Size(width: 65_501, height: 1)
        #expect(ImageEncoder.canHold(format: .u8, colour: .rgb, size: wide, as: .jpeg)?.identifier == "jpeg.cannot-hold")
        #expect(ImageEncoder.canHold(format: .u8, colour: .rgb, size: wide, as: .png) == nil)
        #expect(
            ImageEncoder.canHold(format: .u8, colour: .rgb, size: Size(width: 0, height: 1), as: .png)?.identifier
                == "png.cannot-hold")
    }

    @Test(arguments: [0, 101, -5]) func qualitiesThatDoNotExist(_ quality: Int) {
        var options = EncodeOptions()
        options.jpegQuality = quality
        #expect(throws: CodecFault.self) {
            try ImageEncoder.encode(Ramp.image(Size(width: 2, height: 2), .grey, .u8), as: .jpeg, options: options)
        }
    }
}
