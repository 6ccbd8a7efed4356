/// A range of rows in pieces that are contiguous in every one of several windows.
public struct RowPieces: Sequence, IteratorProtocol {
    private var rest: Range<Int>
    private let windows: [Int]

    /// - Parameter windows: the rows that each window holds.
    public init(_ rows: Range<Int>, _ windows: [Int]) {
        precondition(rows.lowerBound >= 0 && windows.allSatisfy { $0 > 0 }, "rows \(rows) in windows of \(windows)")
        rest = rows
        self.windows = windows
    }

    public mutating func next() -> Range<Int>? {
        if rest.isEmpty { return nil }
        var end = rest.upperBound
        for rows in windows { end = Swift.min(end, (rest.lowerBound / rows + 1) * rows) }
        defer { rest = end..<rest.upperBound }
        return rest.lowerBound..<end
    }
}
