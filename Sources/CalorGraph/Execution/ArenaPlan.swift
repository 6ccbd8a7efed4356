/// Where every buffer of a run lies in one block of memory.
///
/// Goals, in order: buffers that are alive at the same time never overlap; few bytes. Large buffers are placed first, each into the
/// smallest gap that its neighbours in time leave.
struct ArenaPlan: Sendable, Equatable {
    /// A buffer and the steps (both included) between which its bytes matter.
    struct Buffer: Sendable, Equatable {
        var bytes: Int
        var first: Int
        var last: Int

        func overlapsInTime(_ other: Buffer) -> Bool { first <= other.last && other.first <= last }
    }

    static let alignment = 64

    private(set) var offsets: [Int]
    private(set) var bytes = 0

    init(_ buffers: [Buffer]) {
        offsets = [Int](repeating: 0, count: buffers.count)
        let order = buffers.indices.sorted { (buffers[$0].bytes, -$0) > (buffers[$1].bytes, -$1) }
        var placed: [Int] = []
        for index in order {
            let size = Self.rounded(buffers[index].bytes)
            // Ranges that are taken while this buffer lives, by offset.
            let taken = placed.filter { buffers[$0].overlapsInTime(buffers[index]) }
                .map { (offsets[$0], offsets[$0] + Self.rounded(buffers[$0].bytes)) }.sorted { $0 < $1 }
            var best: (offset: Int, gap: Int)?
            var end = 0
            for (start, stop) in taken {
                if start - end >= size, start - end < best?.gap ?? .max { best = (end, start - end) }
                end = max(end, stop)
            }
            let offset = best?.offset ?? end
            offsets[index] = offset
            bytes = max(bytes, offset + size)
            placed.append(index)
        }
    }

    private static func rounded(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }
}
