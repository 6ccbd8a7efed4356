import CalorTensor

/// The tiles of 4×4 outputs that a Winograd convolution computes for its rows.
///
/// With dilation d, the outputs whose rows and columns have the same remainders by d depend on such inputs only: d² interleaved images,
/// each with an ordinary convolution. So the tiles of a row of tiles belong to one remainder after the other, and d rows of tiles, one of
/// each remainder, cover a band of 4·d rows.
struct TileGrid {
    /// Pixels from one output of a tile to the next, and from one input to the next: the dilation.
    let step: Int
    /// Tiles of a row of tiles.
    let across: Int
    let count: Int
    private let firstRow: Int
    /// Tiles of a row of tiles whose columns have the same remainder.
    private let run: Int

    @inline(__always)
    init(_ job: ConvolutionJob) {
        step = job.geometry.dilationWidth
        let band = step &* 4
        let rows = job.endRow &- job.firstRow
        firstRow = job.firstRow
        run = (job.outputWidth &+ band &- 1) / band
        across = run &* min(step, job.outputWidth)
        count = (rows / band &* step &+ min(step, rows % band)) &* across
    }

    /// The first output row of a row of tiles.
    @inline(__always)
    func row(_ tileRow: Int) -> Int {
        step == 1 ? firstRow &+ tileRow &* 4 : firstRow &+ tileRow / step &* step &* 3 &+ tileRow
    }

    /// The first output column of a tile.
    @inline(__always)
    func column(_ tile: Int) -> Int {
        if step == 1 { return tile &* 4 }
        let remainder = tile / run
        return remainder &+ (tile &- remainder &* run) &* step &* 4
    }

    /// Tiles side by side, the first of them `tile`, of the same remainder.
    @inline(__always)
    func neighbours(_ tile: Int) -> Int { run &- tile % run }

    /// How many of a tile's four rows, from `row` on, there are before `end`, or columns.
    @inline(__always)
    func within(_ first: Int, _ end: Int) -> Int { min(4, (end &- first &+ step &- 1) / step) }
}
