import CalorImage

/// Colours for grey values: 256 entries between control points.
public struct Palette: Sendable, Equatable {
    public let name: String
    /// What it is good for, in a few words.
    public let summary: String
    /// 256 entries of red, green and blue, as levels from 0 to 255, not rounded.
    let red: [Float]
    let green: [Float]
    let blue: [Float]

    /// - Parameter points: control points at places from 0 to 1 in ascending order, the first at 0 and the last at 1, in 0xRRGGBB.
    init(_ name: String, _ summary: String, _ points: [(Double, UInt32)]) {
        precondition(points.first?.0 == 0 && points.last?.0 == 1, "a palette runs from 0 to 1")
        self.name = name
        self.summary = summary
        func channel(_ shift: UInt32) -> [Float] {
            (0..<256).map { entry in
                let place = Double(entry) / 255
                let above = points.firstIndex { $0.0 >= place } ?? points.count - 1
                let (end, last) = (points[above].0, Double(points[above].1 >> shift & 255))
                guard above > 0 else { return Float(last) }
                let (start, first) = (points[above - 1].0, Double(points[above - 1].1 >> shift & 255))
                return Float(first + (last - first) * (place - start) / (end - start))
            }
        }
        red = channel(16)
        green = channel(8)
        blue = channel(0)
    }

    /// The palette that a radiometric file brings, from cold to hot.
    ///
    /// *Throws*: `thermal.no-file-palette` when it has fewer than two colours.
    public init(of radiometry: Radiometry?) throws(ThermalFault) {
        let colours = radiometry?.palette ?? []
        guard colours.count > 1 else { throw .noFilePalette }
        self.init(
            "file", "the palette of the file itself",
            colours.enumerated().map { i, colour in
                let code = UInt32(colour.red) << 16 | UInt32(colour.green) << 8 | UInt32(colour.blue)
                return (Double(i) / Double(colours.count - 1), code)
            })
    }

    /// The colour of an entry, rounded.
    public func colour(at entry: UInt8) -> (red: UInt8, green: UInt8, blue: UInt8) {
        func round(_ value: Float) -> UInt8 { UInt8(value.rounded(.toNearestOrEven)) }
        let i = Int(entry)
        return (round(red[i]), round(green[i]), round(blue[i]))
    }

    /// The palette with that name, in any case of letters.
    public static func named(_ name: String) throws(ThermalFault) -> Palette {
        guard let palette = all.first(where: { $0.name == name.lowercased() }) else { throw .unknownPalette(name) }
        return palette
    }

    public static var allNames: [String] { all.map(\.name) }

    /// Three u8 planes: red, green, blue.
    ///
    /// u8 planes pick entries. u16 and f32 planes are placed between entries by `range` (the values of the first and the last
    /// entry; full scale when nil), and colours are mixed, so that 16 bits show no steps. NaN takes the first entry.
    public func apply(to plane: Plane, range: ClosedRange<Double>? = nil) -> [Plane] {
        let low = range?.lowerBound ?? 0
        let high = range?.upperBound ?? Double(plane.format.fullScale)
        let scale = high > low ? 255 / (high - low) : 0
        let places = plane.floats().map { value -> Float in
            let place = (Double(value) - low) * scale
            return place > 0 ? Float(min(place, 255)) : 0
        }
        return [red, green, blue].map { table in
            Plane(
                size: plane.size,
                samples: .u8(
                    places.map { place in
                        let entry = min(Int(place), 254)
                        let share = place - Float(entry)
                        return UInt8((table[entry] + (table[entry + 1] - table[entry]) * share).rounded(.toNearestOrEven))
                    }))
        }
    }

    /// A grey image in colour (u8 RGB, alpha kept); an RGB image is taken by its luma.
    public func apply(to image: Image, range: ClosedRange<Double>? = nil) -> Image {
        let colours = apply(to: image.greyPlane(), range: range)
        guard let alpha = image.alpha else { return image.replacing(planes: colours, colour: .rgb, meaning: .display) }
        let scale = 255 / alpha.format.fullScale
        let opacity = Plane(size: alpha.size, floats: alpha.floats().map { $0 * scale }, format: .u8)
        return image.replacing(planes: colours + [opacity], colour: .rgbAlpha, meaning: .display)
    }
}
