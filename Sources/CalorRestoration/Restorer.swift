import CalorBase
import CalorGraph
import CalorImage
import CalorTensor
import Foundation

/// What a stage may ask of a restoration.
public struct RestoreOptions: Sendable, Equatable {
    /// 0 gives the input (enlarged, where the network enlarges), 1 the network's full effect.
    public var strength: Float = 1
    /// Pixels of input that the network is given at once; larger images are cut into strips of rows, with the same result.
    public var stripPixels = 1_500_000
    /// Bytes of the network's input and output at once, for networks that the engine runs in strips of its own, whose memory does
    /// not grow with the height: they are cut here only when even these would become too large.
    public var tensorBytes = 512 << 20

    public init() {}
}

/// A loaded network that turns images into images. Loaded once, shared by all jobs.
///
/// *Precision*: the same input gives the same bits for every pool and every `stripPixels`.
public final class Restorer: Sendable {
    public let model: ModelDescription
    private let session: Session

    /// *Throws*: when the file is missing, is not the one that its sidecar describes, or holds a network that is not supported.
    public init(model: ModelDescription) throws(RestorationFault) {
        self.model = model
        session = try NetworkFile.session(of: model)
    }

    public func outputSize(for size: Size) -> Size { size.scaled(by: model.scale) }

    /// Memory and arithmetic for one image of `size` with one thread for every core, for the planner.
    public func estimate(for size: Size, options: RestoreOptions = .init()) throws(RestorationFault) -> (
        peakBytes: Int, flops: Double
    ) {
        let width = rounded(size.width)
        let height = rounded(size.height)
        let threads = ProcessInfo.processInfo.activeProcessorCount
        let strips = try cut(width: width, height: height, options: options, threads: threads).strips
        let tallest = strips.map(\.padded.count).max() ?? height
        let plan = try plan(Shape([1, model.channels, tallest, width]), threads: threads)
        let rows = strips.reduce(0) { $0 + $1.padded.count }
        let planes = model.channels * 4 * (size.pixels + outputSize(for: size).pixels)
        let tensors = 4 * model.channels * width * tallest * (1 + model.scale * model.scale)
        return (plan.peakBytes(threads: threads) + planes + tensors, plan.flops * Double(rows) / Double(tallest))
    }

    /// *Shapes*: output width and height are `model.scale` times the input's; sample format, colour model, meaning and metadata stay.
    /// *Units*: counts and kelvin keep their unit: the network works in a normalised range and the affine map is undone exactly.
    public func restore(
        _ image: Image, options: RestoreOptions = .init(), pool: WorkerPool? = nil, cancelled: @Sendable () -> Bool = { false }
    ) throws(RestorationFault) -> (image: Image, values: [String: Double]) {
        try checkChannels(image)
        try checkFinite(image)
        let range = CountRange(of: image)
        let inputs = try networkPlanes(image, range: range)
        let target = outputSize(for: image.size)
        var outputs = [[Float]](repeating: [Float](repeating: 0, count: target.pixels), count: inputs.count)
        let width = rounded(image.width)
        let height = rounded(image.height)
        let cut = try cut(width: width, height: height, options: options, threads: pool?.threads ?? 1)
        for strip in cut.strips {
            guard !cancelled() else { throw .cancelled }
            try run(strip, of: inputs, size: image.size, paddedWidth: width, into: &outputs, pool: pool)
        }
        let broken = outputs.reduce(0) { $0 + $1.reduce(0) { $1.isFinite ? $0 : $0 + 1 } }
        guard broken == 0 else { throw .notFinite(model: model.name, count: broken) }
        if options.strength != 1 { blend(&outputs, inputs, size: image.size, strength: options.strength) }
        return (assemble(image, outputs, size: target, range: range), values(outputs, range: range, strips: cut.strips.count))
    }

    // MARK: - Planes in and out

    private func checkChannels(_ image: Image) throws(RestorationFault) {
        guard model.channels == 1 || model.channels == 3 else {
            throw .notAnImageNetwork(model: model.name, reason: "a network of \(model.channels) channels cannot be given an image")
        }
        if model.channels == 1, !image.colour.isGrey { throw .channels(model: model.name, wanted: 1, found: image.colour.rawValue) }
    }

    /// Found before the network, which would be blamed for what it was given.
    private func checkFinite(_ image: Image) throws(RestorationFault) {
        var count = 0
        for plane in image.colourPlanes {
            if case .f32(let samples) = plane.samples { count += samples.reduce(0) { $1.isFinite ? $0 : $0 + 1 } }
        }
        guard count == 0 else { throw .inputNotFinite(count: count) }
    }

    /// Planes in the network's range. A grey image becomes three equal planes for a network of three channels.
    private func networkPlanes(_ image: Image, range: CountRange) throws(RestorationFault) -> [[Float]] {
        let span = model.range.upperBound - model.range.lowerBound
        let gain = span / (range.high - range.low)
        let planes = image.colourPlanes.map { plane in
            plane.floats().map { ($0 - range.low) * gain + model.range.lowerBound }
        }
        return model.channels == planes.count ? planes : [[Float]](repeating: planes[0], count: model.channels)
    }

    private func assemble(_ image: Image, _ outputs: [[Float]], size: Size, range: CountRange) -> Image {
        let gain = (range.high - range.low) / (model.range.upperBound - model.range.lowerBound)
        let lower = model.range.lowerBound
        func plane(_ values: [Float]) -> Plane {
            Plane(size: size, floats: values.map { ($0 - lower) * gain + range.low }, format: image.format)
        }
        var planes: [Plane]
        if image.colour.colourPlanes == outputs.count {
            planes = outputs.map(plane)
        } else {
            // A grey image through a network of three channels: the mean of its three equal readings.
            planes = [plane((0..<size.pixels).map { (outputs[0][$0] + outputs[1][$0] + outputs[2][$0]) / 3 })]
        }
        if let alpha = image.alpha { planes.append(model.scale == 1 ? alpha : alpha.resampled(to: size, using: .bicubic)) }
        return image.replacing(planes: planes)
    }

    private func blend(_ outputs: inout [[Float]], _ inputs: [[Float]], size: Size, strength: Float) {
        let target = outputSize(for: size)
        for channel in outputs.indices {
            let plain = Plane(size: size, samples: .f32(inputs[channel]))
            let base = model.scale == 1 ? plain.floats() : plain.resampled(to: target, using: .bicubic).floats()
            for i in 0..<target.pixels { outputs[channel][i] = base[i] + strength * (outputs[channel][i] - base[i]) }
        }
    }

    private func values(_ outputs: [[Float]], range: CountRange, strips: Int) -> [String: Double] {
        let low = outputs.map { $0.min() ?? 0 }.min() ?? 0
        let high = outputs.map { $0.max() ?? 0 }.max() ?? 0
        let gain = (range.high - range.low) / (model.range.upperBound - model.range.lowerBound)
        func unit(_ v: Float) -> Double { Double((v - model.range.lowerBound) * gain + range.low) }
        return [
            "min": unit(low), "max": unit(high), "rangeLow": Double(range.low), "rangeHigh": Double(range.high),
            "strips": Double(strips),
        ]
    }

    // MARK: - The network

    private func rounded(_ n: Int) -> Int { (n + model.multiple - 1) / model.multiple * model.multiple }

    private func run(
        _ strip: Strips.Strip, of inputs: [[Float]], size: Size, paddedWidth: Int, into outputs: inout [[Float]], pool: WorkerPool?
    ) throws(RestorationFault) {
        let shape = Shape([1, inputs.count, strip.padded.count, paddedWidth])
        var tensor = Tensor(.f32, shape)
        tensor.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
            let all = bytes.bindMemory(to: Float.self)
            for channel in inputs.indices {
                for (row, y) in strip.padded.enumerated() {
                    // Rows and columns beyond the image repeat its last ones, so that sizes become multiples of what the network needs.
                    let source = min(y, size.height - 1) * size.width
                    let base = (channel * strip.padded.count + row) * paddedWidth
                    for x in 0..<paddedWidth { all[base + x] = inputs[channel][source + min(x, size.width - 1)] }
                }
            }
        }
        let result: [String: Tensor]
        do { result = try session.run([model.inputName: tensor], pool: pool) } catch {
            throw RestorationFault(error, model: model.name)
        }
        let expected = Shape([1, inputs.count, strip.padded.count * model.scale, paddedWidth * model.scale])
        guard let output = result[model.outputName], output.dtype == .f32, output.shape == expected else {
            let found = result[model.outputName].map { "\($0.dtype.rawValue) \($0.shape)" } ?? "nothing"
            throw .notAnImageNetwork(model: model.name, reason: "output \(model.outputName) is \(found), not f32 \(expected)")
        }
        let scale = model.scale
        let first = (strip.core.lowerBound - strip.padded.lowerBound) * scale
        let rows = (min(strip.core.upperBound, size.height) - strip.core.lowerBound) * scale
        let width = size.width * scale
        output.withUnsafeBytes { bytes in
            let all = bytes.bindMemory(to: Float.self)
            for channel in outputs.indices {
                outputs[channel].withUnsafeMutableBufferPointer { target in
                    for row in 0..<max(rows, 0) {
                        let source = ((channel * expected[2]) + first + row) * expected[3]
                        let start = (strip.core.lowerBound * scale + row) * width
                        for x in 0..<width { target[start + x] = all[source + x] }
                    }
                }
            }
        }
    }

    /// How an image of this size, already a multiple of what the network needs, is cut.
    private func cut(width: Int, height: Int, options: RestoreOptions, threads: Int) throws(RestorationFault) -> Strips {
        var rows = max(1, options.stripPixels / width)
        if height > rows, model.receptiveField != nil {
            let whole = try plan(Shape([1, model.channels, height, width]), threads: threads)
            // In strips of the engine the whole height may take no more than `rows` rows in the plain order.
            if whole.arenaBytes <= whole.plainArenaBytes / height * rows {
                rows = max(rows, options.tensorBytes / (4 * model.channels * width * (1 + model.scale * model.scale)))
            }
        }
        return Strips(height: height, receptiveField: model.receptiveField, maximumRows: rows)
    }

    private func plan(_ shape: Shape, threads: Int) throws(RestorationFault) -> Plan {
        do { return try session.plan(for: [model.inputName: shape], threads: threads) } catch {
            throw RestorationFault(error, model: model.name)
        }
    }
}
