import CalorCodecs
import CalorImage
import CalorThermal

/// The picture of a thermal camera's visible-light sensor.
enum VisiblePicture {
    /// Cameras that store it as a PNG store luma and the two colour differences where other PNGs have red, green and blue.
    static func decode(_ visible: RadiometricRecord.Visible, options: DecodeOptions) throws(CodecFault) -> DecodedImage {
        var decoded = try ImageDecoder.decode(visible.bytes, options: options)
        guard decoded.header.format == .png, decoded.image.colour == .rgb, decoded.image.format == .u8 else { return decoded }
        let (y, cb, cr) = (decoded.image.planes[0].floats(), decoded.image.planes[1].floats(), decoded.image.planes[2].floats())
        func plane(_ blue: Float, _ red: Float) -> Plane {
            Plane(
                size: decoded.image.size, floats: y.indices.map { y[$0] + blue * (cb[$0] - 128) + red * (cr[$0] - 128) },
                format: .u8)
        }
        decoded.image = decoded.image.replacing(planes: [plane(0, 1.402), plane(-0.344136, -0.714136), plane(1.772, 0)])
        return decoded
    }
}

extension PipelinePlan.Input {
    /// Decodes the files of this input.
    func reader(options: DecodeOptions) -> RadiometricInput { RadiometricInput(use: radiometric, kind: kind, options: options) }
}
