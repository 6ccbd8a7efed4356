import CalorCodecs
import CalorImage
import Testing

@Suite struct GeoTIFFTests {
    private static var reference: Georeference {
        var place = Georeference()
        place.pixelScale = [10, 10, 0]
        place.tiePoints = [0, 0, 0, 500_000, 5_400_000, 0]
        place.keys = [1, 1, 0, 1, 1025, 0, 1, 1]
        place.keyNumbers = [6_378_137, 298.25]
        place.keyTexts = Array("WGS 84|\0".utf8)
        place.gdalNoData = Array("-9999\0".utf8)
        return place
    }

    @Test(arguments: [false, true]) func georeferencesAndEXIFComeBack(_ isBig: Bool) throws {
        var image = Ramp.image(Size(width: 30, height: 20), .grey, .u16)
        image.metadata = MetadataTests.full("GRAY")
        image.metadata.georeference = Self.reference
        var options = EncodeOptions()
        options.tiffIsBig = isBig
        let bytes = try ImageEncoder.encode(image, as: .tiff, options: options)
        #expect(bytes[2] == (isBig ? 43 : 42))
        let back = try ImageDecoder.decode(bytes).image
        #expect(back.planes == image.planes)
        #expect(back.metadata.georeference == image.metadata.georeference)
        #expect(back.metadata.exif != nil && back.metadata.icc == image.metadata.icc && back.metadata.xmp == image.metadata.xmp)
        // What was read is written as the same bytes again.
        #expect(try ImageEncoder.encode(back, as: .tiff, options: options) == bytes)
    }

    /// Found by fuzzing: what no place can be is not carried on, nor shown as JSON.
    @Test(arguments: [Double.nan, .infinity]) func placesThatAreNoNumbersAreDropped(_ value: Double) throws {
        var image = Ramp.image(Size(width: 30, height: 20), .grey, .u16)
        image.metadata.georeference = Self.reference
        image.metadata.georeference?.tiePoints[4] = value
        let back = try ImageDecoder.decode(ImageEncoder.encode(image, as: .tiff)).image
        #expect(back.metadata.georeference?.tiePoints == [] && back.metadata.georeference?.pixelScale == [10, 10, 0])
    }

    @Test(arguments: [FileFormat.png, .jpeg]) func formatsWithoutRoomSaySo(_ format: FileFormat) throws {
        var image = Ramp.image(Size(width: 30, height: 20), .grey, .u8)
        image.metadata.georeference = Self.reference
        #expect(try ImageEncoder.encodeReporting(image, as: format).warnings.contains { $0.contains("georeference") })
    }
}
