import CalorKernels
import CalorTensor

/// The memory of a run as the steps of a segment see it: whole values, and windows of values that exist only inside the segment.
struct StripMemory: Sendable {
    let state: RunState
    /// Rows that each window holds, by base.
    let windows: [Int: Int]

    /// Rows of planes, wherever they lie.
    struct View {
        let pointer: UnsafeMutablePointer<Float>
        let window: RowWindow
        let rowFloats: Int

        /// Row `row` of plane `plane`, counted in the whole image.
        func row(_ plane: Int, _ row: Int) -> UnsafeMutablePointer<Float> {
            pointer + plane * window.plane + row % window.rows * rowFloats
        }
    }

    func view(_ planes: RowPlanes) -> View {
        var place = planes.place
        var rows = planes.height
        if let held = windows[place.base] {
            // An offset is a number of channels; in a window they have fewer rows.
            place.offset = place.offset / planes.height * held
            rows = held
        }
        return View(
            pointer: state.write(place), window: RowWindow(rows: rows, rowFloats: planes.rowFloats), rowFloats: planes.rowFloats)
    }

    func scratch(_ part: Int) -> UnsafeMutableRawPointer { state.scratch(part) }
}

extension RowPieces {
    /// The pieces of `rows` that are contiguous in all of `views`.
    init(_ rows: Range<Int>, in views: StripMemory.View...) { self.init(rows, views.map(\.window.rows)) }
}
