import CalorBase

// Rows are shared out to threads; what each gives is kept in the order of the rows, so that sums do not depend on the threads.

/// `body` for every index, in order.
func inParallel<T>(_ count: Int, pool: WorkerPool?, _ body: @Sendable (Int) -> T) -> [T] {
    guard let pool, count > 1 else { return (0..<count).map(body) }
    return [T](unsafeUninitializedCapacity: count) { slots, initialised in
        // SAFETY: every part writes its own slot alone, and the pool returns after the last part.
        nonisolated(unsafe) let slots = slots
        pool.parallel(count) { i in slots.initializeElement(at: i, to: body(i)) }
        initialised = count
    }
}

/// `planes` planes of `width` × `height` whose rows `body` fills; `body` gets the same row of every plane.
func rowsInParallel(
    _ height: Int, pool: WorkerPool?, planes: Int, width: Int, _ body: @Sendable (Int, [UnsafeMutableBufferPointer<Float>]) -> Void
) -> [[Float]] {
    var storage = [Float](repeating: 0, count: planes * width * height)
    storage.withUnsafeMutableBufferPointer { all in
        // SAFETY: every row is written by one part alone.
        nonisolated(unsafe) let all = all
        @Sendable func row(_ y: Int) {
            body(
                y,
                (0..<planes).map { k in
                    let start = (k * height + y) * width
                    return UnsafeMutableBufferPointer(rebasing: all[start..<start + width])
                })
        }
        if let pool { pool.parallel(height) { row($0) } } else { for y in 0..<height { row(y) } }
    }
    let count = width * height
    return (0..<planes).map { Array(storage[$0 * count..<($0 + 1) * count]) }
}
