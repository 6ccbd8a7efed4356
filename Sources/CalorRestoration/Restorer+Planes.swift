import CalorBase
import CalorImage

/// Planes of images in, planes of images out.
extension Restorer {
    func checkChannels(_ image: Image) throws(RestorationFault) {
        guard model.channels == 1 || model.channels == 3 else {
            throw .notAnImageNetwork(model: model.name, reason: "a network of \(model.channels) channels cannot be given an image")
        }
        if model.channels == 1, !image.colour.isGrey { throw .channels(model: model.name, wanted: 1, found: image.colour.rawValue) }
    }

    /// Found before the network, which would be blamed for what it was given: samples that are no numbers, and those that the file
    /// itself calls no data. In pictures of 8 bits that value is black or white, and harmless.
    func checkSamples(_ image: Image) throws(RestorationFault) {
        let noData = image.metadata.georeference?.noData
        var (broken, missing) = (0, 0)
        for plane in image.colourPlanes {
            switch plane.samples {
            case .u8: break
            case .u16(let samples):
                guard let value = noData.flatMap({ UInt16(exactly: $0) }) else { continue }
                missing += samples.reduce(0) { $1 == value ? $0 + 1 : $0 }
            case .f32(let samples):
                broken += samples.reduce(0) { $1.isFinite ? $0 : $0 + 1 }
                if let noData { missing += samples.reduce(0) { $1 == noData ? $0 + 1 : $0 } }
            }
        }
        guard broken == 0 else { throw .inputNotFinite(count: broken) }
        if missing > 0, let noData { throw .inputNoData(value: noData, count: missing) }
    }

    /// Planes in the network's range. A grey image becomes three equal planes for a network of three channels.
    func networkPlanes(_ image: Image, range: CountRange) throws(RestorationFault) -> [[Float]] {
        let span = model.range.upperBound - model.range.lowerBound
        let gain = span / (range.high - range.low)
        let planes = image.colourPlanes.map { plane in
            plane.floats().map { ($0 - range.low) * gain + model.range.lowerBound }
        }
        return model.channels == planes.count ? planes : [[Float]](repeating: planes[0], count: model.channels)
    }

    /// The network's planes in the unit of the image, one for each of its colour planes.
    func unitPlanes(_ outputs: [[Float]], image: Image, range: CountRange) -> [[Float]] {
        let gain = (range.high - range.low) / (model.range.upperBound - model.range.lowerBound)
        let lower = model.range.lowerBound
        func units(_ v: Float) -> Float { (v - lower) * gain + range.low }
        if image.colour.colourPlanes == outputs.count { return outputs.map { $0.map(units) } }
        // A grey image through a network of three channels: the mean of its three equal readings.
        return [outputs[0].indices.map { units((outputs[0][$0] + outputs[1][$0] + outputs[2][$0]) / 3) }]
    }

    /// Makes the planes agree with the image they came from, where the options ask for it. Returns values for the metrics.
    func agree(
        _ planes: inout [[Float]], with image: Image, options: RestoreOptions, pool: WorkerPool?
    ) -> [String: Double] {
        guard options.consistency != .none, model.scale > 1 else { return [:] }
        let given = image.colourPlanes.map { $0.floats() }
        let noise = options.consistency == .noisy ? given.map { noiseDeviation(of: $0, size: image.size) }.max() ?? 0 : 0
        let consistency = DataConsistency(
            low: image.size, scale: model.scale, format: image.format,
            slack: options.consistency.slack(noise: noise, isInteger: image.format != .f32))
        var reports: [DataConsistency.Report] = []
        for i in planes.indices { reports.append(consistency.apply(to: &planes[i], low: given[i], pool: pool)) }
        var values: [String: Double] = [:]
        values["consistencyRMSBefore"] = reports.map(\.rmsBefore).max()
        values["consistencyRMSAfter"] = reports.map(\.rmsAfter).max()
        values["consistencyMaximum"] = reports.map(\.maximumAfter).max()
        values["consistencyRounds"] = reports.map { Double($0.rounds) }.max()
        if options.consistency == .noisy {
            values["noise"] = noise
            values["consistencySlack"] = consistency.slack
        }
        return values
    }

    func assemble(_ image: Image, _ values: [[Float]], size: Size) -> Image {
        var planes = values.map { Plane(size: size, floats: $0, format: image.format) }
        if let alpha = image.alpha { planes.append(model.scale == 1 ? alpha : alpha.resampled(to: size, using: .bicubic)) }
        return image.replacing(planes: planes)
    }

    func blend(_ outputs: inout [[Float]], _ inputs: [[Float]], size: Size, strength: Float) {
        let target = outputSize(for: size)
        for channel in outputs.indices {
            let plain = Plane(size: size, samples: .f32(inputs[channel]))
            let base = model.scale == 1 ? plain.floats() : plain.resampled(to: target, using: .bicubic).floats()
            for i in 0..<target.pixels { outputs[channel][i] = base[i] + strength * (outputs[channel][i] - base[i]) }
        }
    }

    func values(_ planes: [[Float]], range: CountRange) -> [String: Double] {
        [
            "min": Double(planes.map { $0.min() ?? 0 }.min() ?? 0), "max": Double(planes.map { $0.max() ?? 0 }.max() ?? 0),
            "rangeLow": Double(range.low), "rangeHigh": Double(range.high),
        ]
    }
}
