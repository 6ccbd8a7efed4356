import CalorBase
import CalorCodecs
import CalorImage
import CalorPipeline
import CalorThermal
import Foundation

/// What `calor inspect` says about a radiometric record.
struct RadiometryReport {
    /// Counts and what they mean; nil when the file holds none.
    let counts: Plane?
    let radiometry: Radiometry?
    let visible: RadiometricRecord.Visible?
    /// How the raw frame has to be turned to lie as the picture is shown, and as `run` writes it.
    private var orientation = Orientation.topLeft
    let notes: [String]
    /// Why the record cannot be read.
    let fault: (any Fault)?

    /// nil when nothing in the file is radiometric.
    init?(bytes: [UInt8], image: Image, options: DecodeOptions) {
        do {
            switch try RadiometricReader.read(jpeg: bytes, limits: options.limits) {
            case .record(let record):
                let (plane, storage, notes) = try RadiometricInput.counts(of: record, options: options)
                counts = plane
                var radiometry = record.radiometry
                radiometry.storage = storage
                self.radiometry = radiometry
                visible = record.visible
                self.notes = record.notes + notes
                let header = try? ImageDecoder.header(of: bytes, options: options)
                orientation = header.flatMap { Orientation(rawValue: $0.orientation) } ?? .topLeft
                fault = nil
            case .pictureOnly(let reason):
                (counts, radiometry, visible, notes, fault) = (nil, nil, nil, ["no raw frame: \(reason)"], nil)
            case .notRadiometric:
                // Counts that an earlier run wrote, with their meaning in the description.
                guard image.format == .u16, image.colour.isGrey,
                    let known = image.metadata.texts.lazy.compactMap({ Radiometry(text: $0.value) }).first
                else { return nil }
                (counts, radiometry, visible, notes, fault) = (image.planes[0], known, nil, [], nil)
            }
        } catch {
            guard let error = error as? any Fault else { return nil }
            (counts, radiometry, visible, notes, fault) = (nil, nil, nil, [], error)
        }
    }

    /// Kelvin of every pixel with the file's own constants, or why there are none.
    private var kelvin: Result<SpotStatistics, ThermalFault>? {
        guard let counts, let radiometry else { return nil }
        do throws(ThermalFault) {
            let scale = try TemperatureScale(of: radiometry, what: "file")
            let upright = Image(planes: [counts], colour: .grey).oriented(by: orientation).planes[0]
            return .success(try SpotStatistics(of: scale.kelvin(of: upright)))
        } catch { return .failure(error) }
    }

    // MARK: - JSON

    var json: [String: Any] {
        var document: [String: Any] = ["notes": notes]
        if let fault {
            document["error"] = fault.identifier
            document["message"] = fault.message
        }
        if let radiometry {
            document["source"] = radiometry.source.rawValue
            document["camera"] = radiometry.camera
            document["serialNumber"] = radiometry.serialNumber
            document["storage"] = radiometry.storage
            for (name, value) in radiometry.numbers { if let value, value.isFinite { document[name] = value } }
            if let range = radiometry.measurable {
                document["measurableCelsius"] = [range.lowerBound.celsius, range.upperBound.celsius]
            }
            document["paletteColours"] = radiometry.palette.count
            document["paletteName"] = radiometry.paletteName
        }
        if let counts {
            let statistics = PlaneStatistics(of: counts)
            document["rawWidth"] = counts.width
            document["rawHeight"] = counts.height
            document["rawMin"] = statistics.minimum
            document["rawMax"] = statistics.maximum
            document["rawMean"] = statistics.mean
            document["rawSHA256"] = Self.digest(of: counts)
        }
        if let visible {
            document["visible"] = [
                "width": visible.size.width, "height": visible.size.height, "format": visible.format, "bytes": visible.bytes.count,
            ]
        }
        switch kelvin {
        case .success(let spots):
            document["temperature"] = [
                "minCelsius": Kelvin(spots.coldest.value).celsius, "maxCelsius": Kelvin(spots.hottest.value).celsius,
                "meanCelsius": Kelvin(spots.mean).celsius, "hotX": spots.hottest.x, "hotY": spots.hottest.y,
                "coldX": spots.coldest.x,
                "coldY": spots.coldest.y,
            ]
        case .failure(let fault): document["noTemperature"] = fault.message
        case nil: break
        }
        return document
    }

    /// Of the counts in row-major order as little-endian 16-bit numbers.
    private static func digest(of counts: Plane) -> String? {
        guard case .u16(let samples) = counts.samples else { return nil }
        return SHA256.hex(of: samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] })
    }

    // MARK: - Text

    /// Names and values for the lines of the report.
    var lines: [(String, String)] {
        var lines: [(String, String)] = []
        if let fault { lines.append(("radiometry", fault.message)) }
        if let radiometry {
            let camera = radiometry.camera.map { ", \($0)" } ?? ""
            lines.append(("radiometry", radiometry.source.rawValue + camera))
        }
        if let counts {
            let statistics = PlaneStatistics(of: counts)
            let storage = radiometry.map { $0.storage.isEmpty ? "" : ", \($0.storage)" } ?? ""
            lines.append(
                (
                    "raw frame",
                    String(
                        format: "\(counts.size)\(storage), counts %.0f to %.0f, mean %.3f", statistics.minimum, statistics.maximum,
                        statistics.mean)
                ))
        }
        switch kelvin {
        case .success(let spots):
            lines.append(
                (
                    "temperature",
                    String(
                        format: "%.2f °C at (%d, %d) to %.2f °C at (%d, %d), mean %.2f °C", Kelvin(spots.coldest.value).celsius,
                        spots.coldest.x, spots.coldest.y, Kelvin(spots.hottest.value).celsius, spots.hottest.x, spots.hottest.y,
                        Kelvin(spots.mean).celsius)
                ))
        case .failure(let fault): lines.append(("temperature", fault.message))
        case nil: break
        }
        if let planck = radiometry?.planck {
            lines.append(
                (
                    "planck",
                    String(format: "R1 %.9g, R2 %.9g, B %.9g, F %.9g, O %.9g", planck.r1, planck.r2, planck.b, planck.f, planck.o)
                ))
        }
        if let scene = radiometry?.scene {
            lines.append(
                (
                    "scene",
                    String(
                        format: "emissivity %.4g, %.4g m, reflected %.2f °C, air %.2f °C, humidity %.4g, window %.4g at %.2f °C",
                        scene.emissivity, scene.distanceMetres, scene.reflected.celsius, scene.atmospheric.celsius,
                        scene.relativeHumidity, scene.windowTransmission, scene.window.celsius)
                ))
        }
        if let air = radiometry?.atmosphere {
            lines.append(
                (
                    "air",
                    String(
                        format: "α1 %.6g, α2 %.6g, β1 %.6g, β2 %.6g, X %.6g", air.alpha1, air.alpha2, air.beta1, air.beta2, air.x)
                ))
        }
        if let range = radiometry?.measurable {
            lines.append(("measures", String(format: "%.1f to %.1f °C", range.lowerBound.celsius, range.upperBound.celsius)))
        }
        if let radiometry, !radiometry.palette.isEmpty {
            lines.append(("palette", "\(radiometry.palette.count) colours" + (radiometry.paletteName.map { ", \($0)" } ?? "")))
        }
        if let visible { lines.append(("visible", "\(visible.size) pixels, \(visible.format), \(visible.bytes.count) bytes")) }
        return lines + notes.map { ("note", $0) }
    }
}
