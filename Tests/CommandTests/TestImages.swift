import CalorCodecs
import CalorImage
import Foundation

/// Small pictures made on the spot.
enum TestImages {
    /// A grey scene with gradients, an edge and fine structure; `seed` shifts it.
    static func grey(_ width: Int, _ height: Int, format: SampleFormat = .u8, seed: Int = 0, low: Float = 0, high: Float? = nil)
        -> Image
    {
        let top = high ?? format.fullScale
        let values = (0..<width * height).map { i -> Float in
            let x = i % width
            let y = i / width
            let wave = 0.5 + 0.25 * Float((x * 7 + y * 3 + seed * 11) % 32) / 32 + (x > width / 2 ? 0.2 : -0.2)
            return low + (top - low) * min(max(wave - 0.1 * Float(y) / Float(height), 0), 1)
        }
        return Image(planes: [Plane(size: Size(width: width, height: height), floats: values, format: format)], colour: .grey)
    }

    static func rgb(_ width: Int, _ height: Int, seed: Int = 0) -> Image {
        let planes = (0..<3).map { grey(width, height, seed: seed + $0 * 5).planes[0] }
        return Image(planes: planes, colour: .rgb)
    }

    static func png(_ image: Image) throws -> [UInt8] { try ImageEncoder.encode(image, as: .png, options: EncodeOptions()) }
    static func tiff(_ image: Image) throws -> [UInt8] { try ImageEncoder.encode(image, as: .tiff, options: EncodeOptions()) }

    static func decode(_ data: Data) throws -> Image { try ImageDecoder.decode([UInt8](data), options: DecodeOptions()).image }

    /// A PNG whose header says `side` × `side` pixels of 8-bit grey, with a correct checksum and hardly any data.
    static func bombPNG(side: UInt32) -> [UInt8] {
        func big(_ v: UInt32) -> [UInt8] { [UInt8(v >> 24), UInt8(v >> 16 & 255), UInt8(v >> 8 & 255), UInt8(v & 255)] }
        func crc(_ bytes: [UInt8]) -> UInt32 {
            ~bytes.reduce(UInt32.max) { sum, byte in
                (0..<8).reduce(sum ^ UInt32(byte)) { s, _ in s & 1 == 1 ? s >> 1 ^ 0xEDB8_8320 : s >> 1 }
            }
        }
        func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
            let body = Array(name.utf8) + data
            return big(UInt32(data.count)) + body + big(crc(body))
        }
        let header = big(side) + big(side) + [8, 0, 0, 0, 0]
        // zlib: an empty stored block.
        let data: [UInt8] = [0x78, 0x01, 0x01, 0, 0, 0xFF, 0xFF, 0, 0, 0, 1]
        return [137, 80, 78, 71, 13, 10, 26, 10] + chunk("IHDR", header) + chunk("IDAT", data) + chunk("IEND", [])
    }
}
