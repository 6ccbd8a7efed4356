/// How many output channels a convolution kernel takes together, and so the order of its weights.
///
/// Output channels go in groups of `blocks` blocks of eight; the last group has the lanes that its blocks need, rounded up to `granule`.
struct ChannelGrouping: Sendable {
    let blocks: Int
    let granule: Int

    /// Two registers of eight.
    static let pairs = ChannelGrouping(blocks: 2, granule: 8)
    /// Two registers of sixteen.
    static let quads = ChannelGrouping(blocks: 4, granule: 16)

    var channels: Int { blocks * 8 }

    func count(_ outBlocks: Int) -> Int { (outBlocks + blocks - 1) / blocks }

    /// Lanes of group `group`.
    func lanes(_ group: Int, of outBlocks: Int) -> Int {
        let wanted = min(outBlocks - group * blocks, blocks) * 8
        return (wanted + granule - 1) / granule * granule
    }

    /// Lanes of all groups together.
    func totalLanes(_ outBlocks: Int) -> Int { (0..<count(outBlocks)).reduce(0) { $0 + lanes($1, of: outBlocks) } }
}
