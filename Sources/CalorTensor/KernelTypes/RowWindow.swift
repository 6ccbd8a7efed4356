/// Where the rows of an activation lie: row y of plane p begins `p · plane` + `(y mod rows) ·` (floats of a row) after the first float.
///
/// A whole activation has all its rows. A window keeps only the last `rows` of them, in turn: the depth-first order writes row y over row
/// y − `rows`, which nobody needs any more. A plane is a channel of NCHW or a block of eight channels of NCHW8c.
public struct RowWindow: Sendable, Hashable {
    public var rows: Int
    /// Floats from one plane to the next.
    public var plane: Int

    public init(rows: Int, plane: Int) {
        self.rows = rows
        self.plane = plane
    }

    /// `rows` rows of `floats` floats each, plane after plane.
    public init(rows: Int, rowFloats floats: Int) { self.init(rows: rows, plane: rows * floats) }
}
