import CalorBase
import CalorCodecs
import CalorImage
import Foundation

/// A small picture inside a page.
struct Thumbnail {
    static let side = 320
    /// What a page may take from one file, before it is decoded.
    static let limits: Limits = {
        var limits = Limits()
        limits.fileBytes = 256 << 20
        limits.pixels = 100_000_000
        return limits
    }()

    /// `data:image/png;base64,…`, or nil when the file is not there or is no picture.
    static func dataAddress(of path: String) -> String? {
        guard let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int, size <= limits.fileBytes,
            let bytes = FileManager.default.contents(atPath: path),
            let image = try? ImageDecoder.decode([UInt8](bytes), options: DecodeOptions(limits: limits)).image,
            let png = try? ImageEncoder.encode(shown(image), as: .png)
        else { return nil }
        return "data:image/png;base64," + Data(png).base64EncodedString()
    }

    /// At most `side` pixels, 8 bits, without metadata; counts and kelvin between their 0.5 and 99.5 percentiles.
    static func shown(_ image: Image) -> Image {
        let scale = min(1, Double(side) / Double(max(image.width, image.height)))
        let size = Size(
            width: max(1, Int((Double(image.width) * scale).rounded())),
            height: max(1, Int((Double(image.height) * scale).rounded())))
        let small = image.resampled(to: size, using: .bicubic)
        let planes = small.colourPlanes.map { plane -> Plane in
            if plane.format == .u8 { return plane }
            var (low, high) = (0.0, Double(plane.format.fullScale))
            if small.colour.isGrey {
                let order = OrderStatistics(of: plane)
                if order.count > 0 { (low, high) = (order.percentile(0.5), order.percentile(99.5)) }
            }
            let gain = high > low ? 255 / (high - low) : 0
            return Plane(size: size, floats: plane.floats().map { Float((Double($0) - low) * gain) }, format: .u8)
        }
        return Image(planes: planes, colour: small.colour.isGrey ? .grey : .rgb)
    }
}
