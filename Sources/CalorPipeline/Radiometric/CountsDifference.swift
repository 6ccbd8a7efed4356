import CalorImage
import CalorThermal

/// By how much a restored infrared image, reduced to the size of its input, differs from that input: in its own unit, and in kelvin
/// where the file says what counts mean.
struct CountsDifference {
    let rms: Double
    let maximum: Double
    let rmsKelvin: Double?
    let maximumKelvin: Double?

    /// nil unless both are counts or kelvin and the sizes fit.
    init?(input: Image, result: Image) {
        guard input.meaning != .display, result.meaning == input.meaning, input.colour.isGrey, input.size.pixels > 0,
            result.width % input.width == 0, result.height % input.height == 0
        else { return nil }
        let before = input.planes[0].floats()
        let after =
            result.size == input.size
            ? result.planes[0].floats()
            : Resampler(from: result.size, to: input.size, using: .bicubic)
                .resample(result.planes[0].floats(), covering: Region(result.size), to: Region(input.size))
        var sums = Sums()
        var kelvin: Sums?
        let scale = input.meaning == .counts ? try? TemperatureScale(of: input.metadata.radiometry, what: "image") : nil
        if scale != nil { kelvin = Sums() }
        for (a, b) in zip(before, after) {
            sums.add(Double(b) - Double(a))
            if let scale { kelvin?.add(scale.kelvin(counts: Double(b)) - scale.kelvin(counts: Double(a))) }
        }
        (rms, maximum) = (sums.rms, sums.maximum)
        if input.meaning == .kelvin {
            (rmsKelvin, maximumKelvin) = (rms, maximum)
        } else {
            (rmsKelvin, maximumKelvin) = (kelvin?.rms, kelvin?.maximum)
        }
    }

    /// Differences that are finite; NaN stands for counts without a temperature.
    private struct Sums {
        var squares = 0.0
        var maximum = 0.0
        var count = 0
        var rms: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }

        mutating func add(_ difference: Double) {
            guard difference.isFinite else { return }
            squares += difference * difference
            maximum = max(maximum, abs(difference))
            count += 1
        }
    }

    func values(for meaning: SampleMeaning) -> [String: JSON] {
        var values: [String: JSON] = [:]
        if meaning == .counts {
            values["differenceCountsRMS"] = .number(rms)
            values["differenceCountsMaximum"] = .number(maximum)
        }
        if let rmsKelvin, let maximumKelvin {
            values["differenceKelvinRMS"] = .number(rmsKelvin)
            values["differenceKelvinMaximum"] = .number(maximumKelvin)
        }
        return values
    }

    /// One sentence for the file.
    func sentence(stage: String, meaning: SampleMeaning) -> String {
        func text(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }
        var parts: [String] = []
        if meaning == .counts { parts.append("\(text(rms)) counts RMS, \(text(maximum)) at most") }
        if let rmsKelvin, let maximumKelvin { parts.append("\(text(rmsKelvin)) K RMS, \(text(maximumKelvin)) K at most") }
        return "\(stage): reduced to the size of its input it differs by \(parts.joined(separator: "; "))"
    }
}

extension Metadata {
    /// Adds a line to the description of the picture.
    mutating func describe(_ line: String) {
        let keys = ["ImageDescription", "Description", "Comment"]
        if let at = texts.firstIndex(where: { keys.contains($0.key) }) {
            if !texts[at].value.split(separator: "\n").contains(Substring(line)) { texts[at].value += "\n" + line }
        } else {
            texts.append(.init(key: "ImageDescription", value: line))
        }
    }

    /// Radiometry that an earlier run wrote into the description.
    var describedRadiometry: Radiometry? {
        for text in texts { if let found = Radiometry(text: text.value) { return found } }
        return nil
    }
}

extension Image {
    /// As it is written: an image of counts tells what its counts mean.
    var describedForFile: Image {
        guard meaning == .counts, let radiometry = metadata.radiometry else { return self }
        var image = self
        image.metadata.describe(radiometry.line)
        return image
    }
}
