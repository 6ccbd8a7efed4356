/// Which rows of an input the rows of an output need.
///
/// Rows are counted in the whole image; the results may lie outside it, where the caller cuts them off.
enum RowReach: Sendable, Hashable {
    /// Output row y reads the rows y · stride − pad ..< y · stride − pad + span.
    case window(stride: Int, pad: Int, span: Int)
    /// Output row y reads row y / factor, rounded down.
    case enlarged(Int)
    /// Every output row reads every input row.
    case whole

    /// Row by row.
    static let same = RowReach.window(stride: 1, pad: 0, span: 1)

    /// Far outside every image, and far from overflowing.
    static let far = 1 << 40

    /// The first input row that output row `row` reads; it never falls as `row` grows.
    func first(_ row: Int) -> Int {
        switch self {
        case .window(let stride, let pad, _): row * stride - pad
        case .enlarged(let factor): row.floorDivided(by: factor)
        case .whole: -Self.far
        }
    }

    /// One past the last input row that the output rows before `end` read.
    func end(_ end: Int) -> Int {
        switch self {
        case .window(let stride, let pad, let span): (end - 1) * stride - pad + span
        case .enlarged(let factor): (end - 1).floorDivided(by: factor) + 1
        case .whole: Self.far
        }
    }
}

extension Int {
    /// Rounded towards minus infinity.
    func floorDivided(by divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }

    /// The next multiple of `unit` that is not smaller, for negative numbers as well.
    func raised(to unit: Int) -> Int { -((-self).floorDivided(by: unit) * unit) }
}
