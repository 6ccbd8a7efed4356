import CalorImage

/// Planes that are filled row by row from interleaved samples. What is never filled stays zero.
///
/// *Complexity*: one pass over the samples; the buffers are reached without a bounds check per sample.
struct PlaneStore<Sample: BitwiseCopyable & Numeric & Sendable> {
    let size: Size
    private(set) var planes: [[Sample]]

    init(size: Size, count: Int) {
        self.size = size
        planes = (0..<count).map { _ in [Sample](repeating: 0, count: size.pixels) }
    }

    /// Copies `columns` × `rows` interleaved pixels to (`x`, `y`); the part outside the picture is dropped.
    ///
    /// *Shapes*: `from` holds `rows` rows of `rowStride` samples, each with `columns` × `channels` samples, of which the first
    /// `planes.count` are kept.
    mutating func put(
        _ from: UnsafeBufferPointer<Sample>, channels: Int, columns: Int, rows: Int, rowStride: Int, x: Int = 0, y: Int = 0
    ) {
        for index in planes.indices where index < channels {
            put(from, channel: index, of: channels, plane: index, columns: columns, rows: rows, rowStride: rowStride, x: x, y: y)
        }
    }

    /// As `put`, one channel to one plane.
    mutating func put(
        _ from: UnsafeBufferPointer<Sample>, channel: Int, of channels: Int, plane: Int, columns: Int, rows: Int, rowStride: Int,
        x: Int = 0, y: Int = 0
    ) {
        let width = min(columns, size.width - x)
        let height = min(rows, size.height - y)
        guard width > 0, height > 0 else { return }
        precondition(
            (height - 1) * rowStride + (width - 1) * channels + channel < from.count, "the block is smaller than announced")
        let pixelsPerRow = size.width
        planes[plane].withUnsafeMutableBufferPointer { to in
            guard let target = to.baseAddress, let source = from.baseAddress else { return }
            for row in 0..<height {
                let out = target + (y + row) * pixelsPerRow + x
                let line = source + row * rowStride + channel
                if channels == 1 {
                    out.update(from: line, count: width)
                } else {
                    for column in 0..<width { out[column] = line[column * channels] }
                }
            }
        }
    }

    /// Changes every sample of one plane.
    mutating func update(plane: Int, _ body: (inout UnsafeMutableBufferPointer<Sample>) -> Void) {
        planes[plane].withUnsafeMutableBufferPointer { body(&$0) }
    }

    mutating func drop(plane: Int) { planes.remove(at: plane) }

    func image(colour: ColourModel, wrap: ([Sample]) -> Samples) -> Image {
        Image(planes: planes.map { Plane(size: size, samples: wrap($0)) }, colour: colour)
    }
}

/// Interleaves rows of planes.
enum Interleaving {
    /// Writes rows `rows` of `planes` as interleaved samples to `out`, which must hold them.
    static func put<Sample: BitwiseCopyable>(
        _ planes: [[Sample]], width: Int, rows: Range<Int>, to out: UnsafeMutableBufferPointer<Sample>
    ) {
        let channels = planes.count
        let first = rows.lowerBound * width
        let count = rows.count * width
        precondition(out.count >= count * channels, "the block is smaller than announced")
        for (channel, plane) in planes.enumerated() {
            plane.withUnsafeBufferPointer { from in
                guard let target = out.baseAddress, let source = from.baseAddress else { return }
                if channels == 1 {
                    target.update(from: source + first, count: count)
                } else {
                    for i in 0..<count { target[i * channels + channel] = source[first + i] }
                }
            }
        }
    }
}
