import CalorBase
import CalorCodecs
import CalorImage
import CalorQuality
import Foundation

/// What `calor inspect` says about one file, as JSON or as text.
struct InspectReport {
    let file: String
    let bytes: [UInt8]
    /// How the file was read.
    let options: DecodeOptions

    /// Shares of the samples that lie below the percentiles shown.
    private static let percents = [0.5, 50, 99.5]

    // MARK: - JSON

    func json(_ decoded: DecodedImage) -> [String: Any] {
        let header = decoded.header
        let image = decoded.image
        var document: [String: Any] = [
            "file": file, "bytes": bytes.count, "sha256": SHA256.hex(of: bytes), "format": header.format.rawValue,
            "width": image.width, "height": image.height, "bits": header.bitsPerSample, "samples": image.format.rawValue,
            "colour": image.colour.rawValue, "alpha": image.colour.hasAlpha, "meaning": image.meaning.rawValue,
            "compression": header.compression, "orientation": header.orientation, "pages": header.pages,
            "progressive": header.isInterlacedOrProgressive, "warnings": decoded.warnings,
            "greyContent": image.colour.isGrey || image.hasEqualColourPlanes,
            "statistics": zip(Self.names(image.colour), image.planes).map { Self.statistics($0, $1) },
            "metadata": Self.metadata(image.metadata),
        ]
        if let radiometry = radiometry(image) { document["radiometry"] = radiometry.json }
        let grey = image.greyPlane()
        if let value = try? entropy(of: grey) { document["entropyBits"] = value }
        if let value = try? noiseEstimate(of: grey) { document["noise"] = value }
        return document
    }

    private func radiometry(_ image: Image) -> RadiometryReport? {
        RadiometryReport(bytes: bytes, image: image, options: options)
    }

    private static func names(_ colour: ColourModel) -> [String] {
        switch colour {
        case .grey: ["grey"]
        case .greyAlpha: ["grey", "alpha"]
        case .rgb: ["red", "green", "blue"]
        case .rgbAlpha: ["red", "green", "blue", "alpha"]
        }
    }

    private static func statistics(_ name: String, _ plane: Plane) -> [String: Any] {
        let statistics = PlaneStatistics(of: plane)
        let order = OrderStatistics(of: plane)
        return [
            "plane": name, "min": statistics.minimum, "max": statistics.maximum, "mean": statistics.mean,
            "standardDeviation": statistics.standardDeviation, "nonFinite": statistics.nonFinite, "finite": statistics.isFinite,
            "percentiles": Dictionary(uniqueKeysWithValues: percents.map { (String(format: "%g", $0), order.percentile($0)) }),
        ]
    }

    private static func metadata(_ metadata: Metadata) -> [String: Any] {
        var document: [String: Any] = [:]
        for (key, block) in blocks(metadata) { document[key + "Bytes"] = block.count }
        if !metadata.texts.isEmpty { document["texts"] = metadata.texts.map { ["key": $0.key, "value": $0.value] } }
        if let resolution = metadata.resolution { document["pixelsPerMetre"] = [resolution.x, resolution.y] }
        if let gamma = metadata.gamma { document["gamma"] = Double(gamma) / 100_000 }
        if let intent = metadata.srgbIntent { document["srgbIntent"] = Int(intent) }
        if let values = metadata.chromaticities { document["chromaticities"] = values.map { Double($0) / 100_000 } }
        if let cicp = metadata.cicp { document["cicp"] = cicp.map(Int.init) }
        if let place = metadata.georeference {
            document["georeference"] = [
                "pixelScale": place.pixelScale, "tiePoints": place.tiePoints, "transformation": place.transformation,
                "pixelIsPoint": place.isPixelPoint, "keys": place.keys.map(Int.init),
            ]
        }
        return document
    }

    private static func blocks(_ metadata: Metadata) -> [(String, [UInt8])] {
        [("icc", metadata.icc), ("exif", metadata.exif), ("xmp", metadata.xmp), ("iptc", metadata.iptc)]
            .compactMap { name, block in block.map { (name, $0) } }
    }

    // MARK: - Text

    func text(_ decoded: DecodedImage) -> String {
        let header = decoded.header
        let image = decoded.image
        var lines = [file]
        func add(_ name: String, _ value: String) {
            lines.append("  " + name.padding(toLength: 13, withPad: " ", startingAt: 0) + value)
        }
        add("size", "\(image.size) pixels, \(bytes.count) bytes")
        add("file", "\(header.format.name), \(header.compression)" + (header.isInterlacedOrProgressive ? ", progressive" : ""))
        let isGreyInColour = !image.colour.isGrey && image.hasEqualColourPlanes
        add(
            "samples",
            "\(header.bitsPerSample) bits, \(image.format.rawValue), \(image.colour.rawValue)"
                + (isGreyInColour ? " (equal planes: grey content)" : "") + ", \(image.meaning.rawValue)")
        if header.orientation != 1 { add("orientation", "\(header.orientation) in the file, shown upright") }
        if header.pages > 1 { add("pages", "\(header.pages); one is shown, --page N shows another") }
        if isGreyInColour {
            add("each colour", Self.line(image.planes[0]))
            if let alpha = image.alpha { add("alpha", Self.line(alpha)) }
        } else {
            for (name, plane) in zip(Self.names(image.colour), image.planes) { add(name, Self.line(plane)) }
        }
        let grey = image.greyPlane()
        if let entropy = try? entropy(of: grey), let noise = try? noiseEstimate(of: grey) {
            add("content", String(format: "entropy %.2f bits, noise about %.4g", entropy, noise))
        }
        for (name, block) in Self.blocks(image.metadata) { add(name, "\(block.count) bytes") }
        if let resolution = image.metadata.resolution {
            add("resolution", String(format: "%.6g × %.6g pixels per metre", resolution.x, resolution.y))
        }
        if let place = image.metadata.georeference {
            let scale = place.pixelScale.map { String(format: "%.9g", $0) }.joined(separator: " × ")
            add("georeference", scale.isEmpty ? "by a matrix" : "pixels of \(scale) model units")
        }
        for (name, value) in radiometry(image)?.lines ?? [] { add(name, printable(value)) }
        for text in image.metadata.texts { add("text", printable("\(text.key): \(text.value)")) }
        for warning in decoded.warnings { add("warning", printable(warning)) }
        return lines.joined(separator: "\n")
    }

    private static func line(_ plane: Plane) -> String {
        let statistics = PlaneStatistics(of: plane)
        let order = OrderStatistics(of: plane)
        let bounds = String(
            format: "min %.6g, max %.6g, mean %.6g, deviation %.5g", statistics.minimum, statistics.maximum, statistics.mean,
            statistics.standardDeviation)
        let ranks = percents.map { String(format: "%.6g", order.percentile($0)) }.joined(separator: " / ")
        let bad = statistics.nonFinite > 0 ? ", \(statistics.nonFinite) NaN or infinite" : ""
        return "\(bounds), 0.5 / 50 / 99.5 %: \(ranks)\(bad)"
    }
}
