import CalorImage

/// How much of an enhancer's change is taken, so that a picture which needs none passes nearly unchanged.
///
/// Noise, stripes and compression damage lie on every part of a picture; what an enhancer takes from a clean one lies on its textures
/// alone. The lower quartile of the changes of 8×8 blocks tells the two apart: on the test sets it is below 2 levels for clean pictures
/// (with few exceptions) and above 2 for damaged ones.
///
/// *Source*: ours; thresholds from docs/restoration.md, "Enhancement".
struct NoHarm: Sendable, Equatable {
    static let block = 8
    /// Levels of 255 of the network's range: at the first and below it the least share is taken, from the second on everything.
    static let few = 0.5
    static let many = 2.0
    static let leastShare = 0.35

    /// The lower quartile of the root mean square changes of blocks, in levels of 255.
    let change: Double

    var share: Double {
        let rise = min(max((change - Self.few) / (Self.many - Self.few), 0), 1)
        return Self.leastShare + (1 - Self.leastShare) * rise
    }

    init(change: Double) { self.change = change }

    /// *Units*: planes in a range of length `span`.
    init(of outputs: [[Float]], from inputs: [[Float]], size: Size, span: Float) {
        var changes: [Float] = []
        for top in stride(from: 0, to: size.height, by: Self.block) {
            for left in stride(from: 0, to: size.width, by: Self.block) {
                let rows = top..<min(top + Self.block, size.height)
                let columns = left..<min(left + Self.block, size.width)
                var sum: Float = 0
                for channel in outputs.indices {
                    for y in rows {
                        for x in columns {
                            let d = outputs[channel][y * size.width + x] - inputs[channel][y * size.width + x]
                            sum += d * d
                        }
                    }
                }
                changes.append(sum / Float(outputs.count * rows.count * columns.count))
            }
        }
        changes.sort()
        change = changes.isEmpty ? 0 : Double(changes[(changes.count - 1) / 4]).squareRoot() * 255 / Double(span)
    }
}
