import CalorBase
import CalorCodecs
import CalorImage

/// What sensors and files do to a picture; every kind with known strength, in levels or counts.
enum Damage {
    /// Gaussian noise of one deviation on every sample.
    static func noise(_ image: Image, deviation: Float, seed: UInt64) -> Image {
        let noise = CounterNoise(seed: seed)
        return image.replacing(
            planes: image.planes.enumerated().map { channel, plane in
                var values = plane.floats()
                for i in values.indices {
                    values[i] += deviation * noise.normal(x: i % plane.width, y: i / plane.width, channel: channel)
                }
                return Plane(size: plane.size, floats: values, format: plane.format)
            })
    }

    /// An offset of its own for every column.
    static func stripes(_ image: Image, deviation: Float, seed: UInt64) -> Image {
        let noise = CounterNoise(seed: seed)
        return image.replacing(
            planes: image.planes.map { plane in
                var values = plane.floats()
                for i in values.indices { values[i] += deviation * noise.normal(x: i % plane.width, y: -1) }
                return Plane(size: plane.size, floats: values, format: plane.format)
            })
    }

    static func jpeg(_ image: Image, quality: Int) throws(CodecFault) -> [UInt8] {
        var options = EncodeOptions()
        options.jpegQuality = quality
        options.jpegSubsampling = .quarter
        return try ImageEncoder.encode(image, as: .jpeg, options: options)
    }
}
