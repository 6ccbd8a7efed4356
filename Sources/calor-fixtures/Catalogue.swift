import CalorBase
import CalorCodecs
import CalorImage

/// Every file of `fixtures/`, made from seeds.
struct Catalogue {
    struct File {
        /// Relative to `fixtures/`.
        var path: String
        var bytes: [UInt8]
    }

    private(set) var files: [File] = []

    init() throws(CodecFault) {
        for (name, seed) in [("street", 11), ("crossing", 23), ("yard", 37)] as [(String, UInt64)] {
            try addInfrared(name, seed: seed)
        }
        for (name, seed) in [("shelf", 5), ("desk", 17), ("window", 29)] as [(String, UInt64)] {
            try addColour(name, seed: seed)
        }
        try addFormats()
        try addPairs()
        for (name, bytes) in try RadiometricFiles().files { files.append(File(path: "radiometric/\(name).jpg", bytes: bytes)) }
    }

    private mutating func add(_ path: String, _ image: Image, as format: FileFormat) throws(CodecFault) {
        var options = EncodeOptions()
        options.pngCompressionLevel = 9
        files.append(File(path: path, bytes: try ImageEncoder.encode(image, as: format, options: options)))
    }

    // MARK: - Infrared

    /// Truth of 640×512, its reduction by 4, damaged pictures of 320×256 with their truth, and counts and kelvin of 160×128.
    private mutating func addInfrared(_ name: String, seed: UInt64) throws(CodecFault) {
        let size = Size(width: 640, height: 512)
        let kelvin = ThermalScene(seed: seed).kelvin(size: size)
        // 258 K to 312 K over 8 bits; hotter parts saturate as they do in a camera.
        let levels = Self.grey(size, kelvin.map { ($0 - 258) / 54 * 255 }, .u8)
        // A trace of noise, as every sensor has.
        let truth = Damage.noise(levels, deviation: 0.5, seed: seed)
        try add("infrared/hr/\(name).png", truth, as: .png)
        try add("infrared/lr/\(name).png", truth.resampled(to: Size(width: 160, height: 128), using: .bicubic), as: .png)

        let clean = levels.resampled(to: Size(width: 320, height: 256), using: .bicubic)
        try add("infrared/clean/\(name).png", clean, as: .png)
        let noisy = Damage.noise(clean, deviation: 6, seed: seed &+ 1)
        switch name {
        case "street":
            try add("infrared/damaged/\(name).png", Damage.stripes(noisy, deviation: 5, seed: seed &+ 2), as: .png)
        case "crossing": try add("infrared/damaged/\(name).png", noisy, as: .png)
        default:
            let bytes = try Damage.jpeg(Damage.noise(clean, deviation: 3, seed: seed &+ 3), quality: 50)
            files.append(File(path: "infrared/damaged/\(name).jpg", bytes: bytes))
        }
        try addCounts(name, kelvin: Plane(size: size, samples: .f32(kelvin)), seed: seed)
    }

    private mutating func addCounts(_ name: String, kelvin: Plane, seed: UInt64) throws(CodecFault) {
        let small = kelvin.resampled(to: Size(width: 160, height: 128), using: .bicubic)
        // 25 counts a kelvin over a range in the middle of 16 bits, as a 14-bit sensor gives them.
        func counts(_ plane: Plane) -> Image {
            var image = Self.grey(plane.size, plane.floats().map { 7000 + 25 * ($0 - 262) }, .u16)
            image.meaning = .counts
            return image
        }
        let clean = counts(small)
        switch name {
        case "street":
            try add("infrared/counts/\(name).tiff", clean, as: .tiff)
            try add("infrared/striped/\(name).tiff", Damage.stripes(clean, deviation: 25, seed: seed &+ 4), as: .tiff)
            var image = Image(planes: [small], colour: .grey, meaning: .kelvin)
            image.metadata.texts = [.init(key: "ImageDescription", value: "temperatures in kelvin")]
            try add("infrared/kelvin/\(name).tiff", image, as: .tiff)
        case "crossing": try add("infrared/counts/\(name).png", clean, as: .png)
        default: try add("infrared/counts/\(name).png", Damage.noise(clean, deviation: 3, seed: seed &+ 5), as: .png)
        }
    }

    private static func grey(_ size: Size, _ values: [Float], _ format: SampleFormat) -> Image {
        Image(planes: [Plane(size: size, floats: values, format: format)], colour: .grey)
    }

    // MARK: - Colour

    private static func colour(seed: UInt64, size: Size, format: SampleFormat) -> Image {
        let planes = ColourScene(seed: seed).planes(size: size).map { values in
            Plane(size: size, floats: values.map { $0 * format.fullScale }, format: format)
        }
        return Image(planes: planes, colour: .rgb)
    }

    private mutating func addColour(_ name: String, seed: UInt64) throws(CodecFault) {
        let clean = Self.colour(seed: seed, size: Size(width: 256, height: 192), format: .u8)
        try add("rgb/clean/\(name).png", clean, as: .png)
        let noisy = Damage.noise(clean, deviation: 15, seed: seed &+ 1)
        files.append(File(path: "rgb/damaged/\(name).jpg", bytes: try Damage.jpeg(noisy, quality: 60)))
    }

    // MARK: - Pairs

    /// Infrared and visible pictures of three squares: aligned; moved and scaled; of two sizes and with 16-bit counts.
    private mutating func addPairs() throws(CodecFault) {
        let size = Size(width: 240, height: 192)
        func levels(_ scene: PairScene, _ seed: UInt64) -> Image {
            let kelvin = scene.kelvin(size, .init(size: size))
            return Damage.noise(Self.grey(size, kelvin.map { ($0 - 258) / 54 * 255 }, .u8), deviation: 1.5, seed: seed)
        }
        func picture(_ scene: PairScene, _ size: Size, _ view: PairScene.View, _ seed: UInt64) -> Image {
            let planes = scene.colours(size, view).map { Plane(size: size, floats: $0.map { $0 * 255 }, format: .u8) }
            return Damage.noise(Image(planes: planes, colour: .rgb), deviation: 3, seed: seed)
        }
        let market = PairScene(seed: 3)
        try add("pairs/ir/market.png", levels(market, 31), as: .png)
        try add("pairs/rgb/market.png", picture(market, size, .init(size: size), 32), as: .png)
        let station = PairScene(seed: 8)
        try add("pairs/ir/station.png", levels(station, 81), as: .png)
        let moved = PairScene.View(scale: 1.05, shift: (9.5, -6.25), size: size)
        try add("pairs/rgb/station.png", picture(station, size, moved, 82), as: .png)
        let bridge = PairScene(seed: 14)
        let kelvin = bridge.kelvin(size, .init(size: size))
        var counts = Self.grey(size, kelvin.map { 7000 + 25 * ($0 - 262) }, .u16)
        counts.meaning = .counts
        try add("pairs/ir/bridge.tiff", Damage.noise(counts, deviation: 8, seed: 141), as: .tiff)
        let larger = Size(width: 360, height: 288)
        let view = PairScene.View(scale: 0.96, shift: (-12, 10.5), size: larger)
        files.append(File(path: "pairs/rgb/bridge.jpg", bytes: try Damage.jpeg(picture(bridge, larger, view, 142), quality: 85)))
    }

    // MARK: - Formats

    /// One small picture in the ways that files hold pictures.
    private mutating func addFormats() throws(CodecFault) {
        let size = Size(width: 96, height: 64)
        let rgb = Self.colour(seed: 5, size: size, format: .u8)
        let rgb16 = Self.colour(seed: 5, size: size, format: .u16)
        func opacity(_ format: SampleFormat) -> Plane {
            let values = (0..<size.pixels).map { i in
                let (x, y) = (Float(i % size.width) - 48, Float(i / size.width) - 32)
                return min(max((30 - (x * x + y * y).squareRoot()) / 8, 0), 1) * format.fullScale
            }
            return Plane(size: size, floats: values, format: format)
        }
        let grey = rgb.greyPlane()
        try add("formats/rgb.png", rgb, as: .png)
        try add("formats/rgb-16.png", rgb16, as: .png)
        try add("formats/rgb-16.tiff", rgb16, as: .tiff)
        try add("formats/rgb-alpha.png", Image(planes: rgb.planes + [opacity(.u8)], colour: .rgbAlpha), as: .png)
        try add(
            "formats/grey-alpha-16.png", Image(planes: [rgb16.greyPlane(), opacity(.u16)], colour: .greyAlpha), as: .png)
        try add("formats/grey.jpg", Image(planes: [grey], colour: .grey), as: .jpeg)
        try add("formats/grey-as-rgb.png", Image(planes: [grey, grey, grey], colour: .rgb), as: .png)
        try add(
            "formats/grey-float.tiff",
            Image(planes: [Plane(size: size, samples: .f32(grey.floats().map { $0 / 255 }))], colour: .grey), as: .tiff)
        for orientation in Orientation.allCases where orientation == .rightTop || orientation == .topRight {
            // The pixels are stored so that a reader which obeys the tag shows formats/rgb.png.
            var stored = rgb.oriented(by: orientation.inverse)
            stored.metadata.exif = Self.exif(orientation)
            try add("formats/orientation-\(orientation.rawValue).jpg", stored, as: .jpeg)
        }
    }

    /// An EXIF block with one entry: tag 0x0112, type SHORT, one value.
    private static func exif(_ orientation: Orientation) -> [UInt8] {
        let header: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0]
        let entry: [UInt8] = [1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, UInt8(orientation.rawValue), 0, 0, 0]
        return header + entry + [0, 0, 0, 0]
    }
}
