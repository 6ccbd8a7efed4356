import CalorBase
import CalorGraph
import CalorImage
import CalorTensor
import Foundation

/// A network over planes of one picture, run in strips of rows so that its activations fit a budget.
///
/// All inputs and the output lie on one grid, each at its own whole number of samples for a pixel of the grid.
///
/// *Precision*: the same bits for every pool, and for every cut where the receptive field is finite; elsewhere strips overlap and are
/// blended. With an ensemble as well: each turned picture is cut by itself, and the results are summed in a fixed order.
struct StripNetwork: Sendable {
    let session: Session
    /// For messages.
    let model: String
    let outputName: String
    /// In pixels of the grid; nil where it is not finite.
    let receptiveField: Int?
    /// Width and height of the grid that the network is given are multiples of this.
    let multiple: Int
    /// Whether strips of a network without a finite receptive field may be blended; otherwise the picture stays whole.
    var blends = false

    /// Planes for one input; each has the grid's size times `scale`.
    struct Feed: Sendable {
        var name: String
        var planes: [[Float]]
        var scale = 1
    }

    struct Output: Sendable {
        var channels: Int
        var scale: Int
    }

    func rounded(_ n: Int) -> Int { (n + multiple - 1) / multiple * multiple }

    /// One input, for planning.
    typealias Input = (name: String, channels: Int, scale: Int)

    /// What a picture may take at once.
    struct Budget: Sendable {
        var stripPixels: Int
        /// Rows of a strip, whatever it takes; nil leaves them to the other limits.
        var stripRows: Int?
        /// For networks that the engine runs in strips of its own.
        var tensorBytes: Int
        var threads: Int

        init(_ options: RestoreOptions, threads: Int) {
            stripPixels = options.stripPixels
            stripRows = options.stripRows
            tensorBytes = options.tensorBytes
            self.threads = threads
        }

        func rows(width: Int) -> Int { stripRows ?? max(1, stripPixels / width) }
    }

    /// How a picture is cut.
    func strips(
        _ inputs: [Input], extras: [String: Shape], grid: Size, output: Output, budget: Budget
    ) throws(RestorationFault) -> [Strips.Strip] {
        let (width, height) = (rounded(grid.width), rounded(grid.height))
        var rows = budget.rows(width: width)
        guard receptiveField != nil || !blends else {
            return BlendedStrips(height: height, maximumRows: rows, multiple: multiple).strips.map { .init(core: $0, padded: $0) }
        }
        if height > rows, receptiveField != nil, budget.stripRows == nil {
            let whole = try plan(inputs, extras, rows: height, width: width, threads: budget.threads)
            // In strips of the engine the whole height may take no more than `rows` rows in the plain order.
            if whole.arenaBytes <= whole.plainArenaBytes / height * rows {
                rows = max(rows, budget.tensorBytes / (4 * samples(inputs, output) * width))
            }
        }
        return Strips(height: height, receptiveField: receptiveField, maximumRows: rows).strips
    }

    /// Samples of all tensors for a pixel of the grid.
    private func samples(_ inputs: [Input], _ output: Output) -> Int {
        inputs.reduce(output.channels * output.scale * output.scale) { $0 + $1.channels * $1.scale * $1.scale }
    }

    private func plan(
        _ inputs: [Input], _ extras: [String: Shape], rows: Int, width: Int, threads: Int
    ) throws(RestorationFault) -> Plan {
        var shapes = extras
        for input in inputs { shapes[input.name] = Shape([1, input.channels, rows * input.scale, width * input.scale]) }
        do { return try session.plan(for: shapes, threads: threads) } catch { throw RestorationFault(error, model: model) }
    }

    /// What `run` made, and in how many strips.
    typealias Made = (planes: [[Float]], strips: Int)

    /// The planes of the output. `extras` are inputs that are not pictures.
    ///
    /// *Throws*: the network's fault, `notAnImageNetwork` for an output of another shape, `notFinite`, `cancelled`.
    func run(
        _ feeds: [Feed], extras: [String: Tensor] = [:], grid: Size, output: Output, options: RestoreOptions,
        pool: WorkerPool?, cancelled: @Sendable () -> Bool
    ) throws(RestorationFault) -> Made {
        var made = try pass(
            feeds, extras: extras, grid: grid, output: output, options: options, pool: pool, cancelled: cancelled)
        guard options.ensemble > 1 else { return made }
        for symmetry in PictureSymmetry.all[1..<options.ensemble] {
            let turned = feeds.map { feed in
                var feed = feed
                let size = grid.scaled(by: feed.scale)
                for i in feed.planes.indices { feed.planes[i] = symmetry.applied(to: feed.planes[i], size: size) }
                return feed
            }
            let next = try pass(
                turned, extras: extras, grid: symmetry.size(of: grid), output: output, options: options, pool: pool,
                cancelled: cancelled)
            for i in made.planes.indices {
                symmetry.add(next.planes[i], to: &made.planes[i], size: grid.scaled(by: output.scale))
            }
            made.strips += next.strips
        }
        // A power of two: exact.
        let share = 1 / Float(options.ensemble)
        for i in made.planes.indices { for k in made.planes[i].indices { made.planes[i][k] *= share } }
        return made
    }

    /// The planes of the output for the picture as it lies.
    private func pass(
        _ feeds: [Feed], extras: [String: Tensor], grid: Size, output: Output, options: RestoreOptions,
        pool: WorkerPool?, cancelled: @Sendable () -> Bool
    ) throws(RestorationFault) -> Made {
        var planes = [[Float]](
            repeating: [Float](repeating: 0, count: grid.scaled(by: output.scale).pixels), count: output.channels)
        let budget = Budget(options, threads: pool?.threads ?? 1)
        let blend =
            receptiveField == nil && blends
            ? BlendedStrips(
                height: rounded(grid.height), maximumRows: budget.rows(width: rounded(grid.width)), multiple: multiple)
            : nil
        let cut = try strips(
            feeds.map { ($0.name, $0.planes.count, $0.scale) }, extras: extras.mapValues(\.shape), grid: grid, output: output,
            budget: budget)
        for (index, strip) in cut.enumerated() {
            guard !cancelled() else { throw .cancelled }
            var inputs = extras
            for feed in feeds { inputs[feed.name] = tensor(feed, strip: strip, grid: grid) }
            let result: [String: Tensor]
            do { result = try session.run(inputs, pool: pool) } catch { throw RestorationFault(error, model: model) }
            let weights = blend.flatMap { $0.strips.count > 1 ? $0.weights(index) : nil }
            try copy(result, of: strip, grid: grid, output: output, weights: weights, into: &planes)
        }
        let broken = planes.reduce(0) { $0 + $1.reduce(0) { $1.isFinite ? $0 : $0 + 1 } }
        guard broken == 0 else { throw .notFinite(model: model, count: broken) }
        return (planes, cut.count)
    }

    // MARK: - Memory and arithmetic

    /// What a run over a picture takes: the network's arena with its tensors, and its arithmetic, with one thread for every core.
    func estimate(
        _ inputs: [Input], extras: [String: Shape] = [:], grid: Size, output: Output, options: RestoreOptions
    ) throws(RestorationFault) -> (peakBytes: Int, flops: Double) {
        let plain = try passEstimate(inputs, extras: extras, grid: grid, output: output, options: options)
        guard options.ensemble > 1 else { return plain }
        var transposed = (peakBytes: 0, flops: 0.0)
        let turns = PictureSymmetry.all[..<options.ensemble].count { $0.isTransposed }
        if turns > 0 {
            transposed = try passEstimate(
                inputs, extras: extras, grid: Size(width: grid.height, height: grid.width), output: output, options: options)
        }
        // The turned input and its result lie beside the sum.
        return (
            max(plain.peakBytes, transposed.peakBytes) + 4 * samples(inputs, output) * grid.pixels,
            plain.flops * Double(options.ensemble - turns) + transposed.flops * Double(turns)
        )
    }

    private func passEstimate(
        _ inputs: [Input], extras: [String: Shape], grid: Size, output: Output, options: RestoreOptions
    ) throws(RestorationFault) -> (peakBytes: Int, flops: Double) {
        let budget = Budget(options, threads: ProcessInfo.processInfo.activeProcessorCount)
        let strips = try strips(inputs, extras: extras, grid: grid, output: output, budget: budget)
        let tallest = strips.map(\.padded.count).max() ?? 0
        let width = rounded(grid.width)
        let plan = try plan(inputs, extras, rows: tallest, width: width, threads: budget.threads)
        let rows = strips.reduce(0) { $0 + $1.padded.count }
        return (
            plan.peakBytes(threads: budget.threads) + 4 * samples(inputs, output) * width * tallest,
            plan.flops * Double(rows) / Double(max(tallest, 1))
        )
    }

    // MARK: - Tensors

    /// Rows and columns beyond the picture repeat its last ones, so that sizes become multiples of what the network needs.
    private func tensor(_ feed: Feed, strip: Strips.Strip, grid: Size) -> Tensor {
        let size = grid.scaled(by: feed.scale)
        let width = rounded(grid.width) * feed.scale
        let height = strip.padded.count * feed.scale
        var tensor = Tensor(.f32, Shape([1, feed.planes.count, height, width]))
        tensor.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
            let all = bytes.bindMemory(to: Float.self)
            for channel in feed.planes.indices {
                for row in 0..<height {
                    let source = min(strip.padded.lowerBound * feed.scale + row, size.height - 1) * size.width
                    let base = (channel * height + row) * width
                    for x in 0..<width { all[base + x] = feed.planes[channel][source + min(x, size.width - 1)] }
                }
            }
        }
        return tensor
    }

    private func copy(
        _ result: [String: Tensor], of strip: Strips.Strip, grid: Size, output: Output, weights: [Float]?,
        into planes: inout [[Float]]
    ) throws(RestorationFault) {
        let scale = output.scale
        let expected = Shape([1, output.channels, strip.padded.count * scale, rounded(grid.width) * scale])
        guard let tensor = result[outputName], tensor.dtype == .f32, tensor.shape == expected else {
            let found = result[outputName].map { "\($0.dtype.rawValue) \($0.shape)" } ?? "nothing"
            throw .notAnImageNetwork(model: model, reason: "output \(outputName) is \(found), not f32 \(expected)")
        }
        let first = (strip.core.lowerBound - strip.padded.lowerBound) * scale
        let rows = (min(strip.core.upperBound, grid.height) - strip.core.lowerBound) * scale
        let width = grid.width * scale
        tensor.withUnsafeBytes { bytes in
            let all = bytes.bindMemory(to: Float.self)
            for channel in planes.indices {
                planes[channel].withUnsafeMutableBufferPointer { target in
                    for row in 0..<max(rows, 0) {
                        let source = ((channel * expected[2]) + first + row) * expected[3]
                        let start = (strip.core.lowerBound * scale + row) * width
                        guard let weights else {
                            for x in 0..<width { target[start + x] = all[source + x] }
                            continue
                        }
                        let weight = weights[row / scale]
                        for x in 0..<width { target[start + x] += weight * all[source + x] }
                    }
                }
            }
        }
    }
}
