import CalorTensor

/// How a direct kernel cuts its output: patches of `rows` × `columns` outputs whose padded inputs fit in the second cache.
///
/// Each output is summed in the same order wherever the cuts are, so they never change a bit.
struct Patch {
    let rows: Int
    let columns: Int
    /// Rows and columns of the padded copy of the input.
    let inputRows: Int
    let inputColumns: Int

    /// - Parameters:
    ///   - groups: input blocks, or input channels for planar input.
    ///   - overhang: outputs that a kernel may compute beyond the last column.
    ///   - floats: what the copy should not exceed.
    @inline(__always)
    init(_ g: ConvolutionGeometry, groups: Int, lanes: Int, outputWidth: Int, overhang: Int, floats: Int) {
        let spanHeight = (g.kernelHeight &- 1) &* g.dilationHeight &+ 1
        let spanWidth = (g.kernelWidth &- 1) &* g.dilationWidth &+ 1
        var columns = min(outputWidth, 96)
        // Rows share the borders of the kernel; where there are none, a longer patch is only colder.
        var rows = spanHeight == 1 ? 1 : 4
        @inline(__always) func needed() -> Int {
            groups &* lanes &* ((rows &- 1) &* g.strideHeight &+ spanHeight)
                &* ((columns &+ overhang) &* g.strideWidth &+ spanWidth)
        }
        while rows > 1 && needed() > floats { rows &-= 1 }
        while columns > 24 && needed() > floats { columns &-= 24 }
        self.rows = rows
        self.columns = columns
        inputRows = (rows &- 1) &* g.strideHeight &+ spanHeight
        inputColumns = (columns &+ overhang) &* g.strideWidth &+ spanWidth
    }

    /// Copies the input of the patch at output (`y`, `x`) for one block (8 lanes) or plane (1 lane), zeros outside the image.
    @inline(__always)
    func copyInput(
        _ job: ConvolutionJob, _ plane: Source, _ y: Int, _ x: Int, _ lanes: Int, _ to: Target
    ) {
        let g = job.geometry
        let (height, width) = (job.inputHeight, job.inputWidth)
        let top = y &* g.strideHeight &- g.padTop
        let left = x &* g.strideWidth &- g.padLeft
        let first = min(max(0, 0 &- left), inputColumns)
        let end = max(first, min(inputColumns, width &- left))
        for row in 0..<inputRows {
            let out = to + row &* inputColumns &* lanes
            let source = top &+ row
            if source < 0 || source >= height {
                out.update(repeating: 0, count: inputColumns &* lanes)
                continue
            }
            out.update(repeating: 0, count: first &* lanes)
            let from = plane + (source % job.inputWindow.rows &* width &+ left &+ first) &* lanes
            if lanes == 8 {
                copy(from, out + first &* 8, (end &- first) &* 8)
            } else {
                (out + first).update(from: from, count: end &- first)
            }
            (out + end &* lanes).update(repeating: 0, count: (inputColumns &- end) &* lanes)
        }
    }
}
