import CCalorTIFF
import CalorBase
import CalorImage

/// TIFF and BigTIFF through libtiff: strips and tiles, chunky and planar, in every depth that has a place in u8, u16 or f32.
enum TIFFDecoder {
    static func header(of bytes: [UInt8], options: DecodeOptions) throws(CodecFault) -> ImageHeader {
        try bytes.withUnsafeBufferPointer { (buffer) throws(CodecFault) -> ImageHeader in
            try TIFFPage(bytes, buffer: buffer, options: options).header
        }
    }

    static func decode(_ bytes: [UInt8], options: DecodeOptions) throws(CodecFault) -> DecodedImage {
        try bytes.withUnsafeBufferPointer { (buffer) throws(CodecFault) -> DecodedImage in
            let page = try TIFFPage(bytes, buffer: buffer, options: options)
            try LimitCheck.held(page.header, of: bytes.count, limits: options.limits)
            var warnings = page.plan.warnings
            var image: Image
            if page.plan.meaning == .converted {
                image = try converted(page)
            } else {
                var bands = TIFFBands(options: options)
                image = try bands.image(of: page, bands: 0..<TIFFBands.count(of: page))
                warnings += bands.warnings(of: page)
            }
            image.metadata = page.metadata(limits: options.limits, warnings: &warnings)
            if page.handle.orientation != .topLeft {
                image = image.oriented(by: page.handle.orientation)
                if image.metadata.georeference != nil {
                    image.metadata.georeference = nil
                    warnings.append("the georeference was dropped: it does not hold for the turned picture")
                }
            }
            return DecodedImage(image: image, header: page.header, warnings: warnings)
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
}
