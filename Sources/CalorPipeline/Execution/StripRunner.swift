import CalorBase
import CalorImage

// Goals, in order: the same samples however the rows are cut; memory of a few strips beside input and output; both cores busy.

/// Runs a chain of region operations strip by strip: each strip goes through the whole chain while it is in the cache.
struct StripRunner {
    /// Rows of a strip are chosen so that the strip of the widest image in the chain has about this many pixels: 256 k floats fit the
    /// second-level cache of common cores.
    static let stripPixels = 1 << 18

    let operations: [any RegionOperation]
    var rowsPerStrip: Int?

    struct Outcome {
        var image: Image
        /// Of each operation, summed over strips.
        var nanoseconds: [UInt64]
    }

    func run(_ image: Image, in environment: StageEnvironment) throws(PipelineFault) -> Outcome {
        guard let size = operations.last?.outputSize else { return Outcome(image: image, nanoseconds: []) }
        let widest = max(image.width, operations.map(\.outputSize.width).max() ?? 1, 1)
        let height = rowsPerStrip ?? max(8, Self.stripPixels / widest)
        let strips = stride(from: 0, to: size.height, by: height).map { $0..<min($0 + height, size.height) }
        var assembler = RowAssembler(size: size)
        var nanoseconds = [UInt64](repeating: 0, count: operations.count)
        // A group of strips at a time keeps the memory of finished strips bounded.
        let group = environment.pool.map { $0.threads * 2 } ?? 1
        for first in stride(from: 0, to: strips.count, by: group) {
            guard !environment.cancelled() else { throw .cancelled }
            let part = Array(strips[first..<min(first + group, strips.count)])
            for result in results(of: part, from: image, pool: environment.pool) {
                let (strip, times) = try result.get()
                assembler.append(strip)
                for i in times.indices { nanoseconds[i] += times[i] }
            }
        }
        return Outcome(image: assembler.finished(), nanoseconds: nanoseconds)
    }

    private typealias StripResult = Result<(Image, [UInt64]), PipelineFault>

    private func results(of strips: [Range<Int>], from image: Image, pool: WorkerPool?) -> [StripResult] {
        guard let pool, strips.count > 1 else { return strips.map { result(of: $0, from: image) } }
        return [StripResult](unsafeUninitializedCapacity: strips.count) { slots, count in
            // SAFETY: every part writes the slot of its own strip alone, and the pool returns after the last part.
            nonisolated(unsafe) let slots = slots
            pool.parallel(strips.count) { i in slots.initializeElement(at: i, to: result(of: strips[i], from: image)) }
            count = strips.count
        }
    }

    private func result(of rows: Range<Int>, from image: Image) -> StripResult {
        // Backward: what each operation needs of its input.
        var needed = [rows]
        for operation in operations.reversed() { needed.insert(operation.inputRows(for: needed[0]), at: 0) }
        var part = image.rows(needed[0], of: 0..<image.height)
        var times: [UInt64] = []
        for (i, operation) in operations.enumerated() {
            let start = nanosecondsNow()
            do { part = try operation.apply(to: part, covering: needed[i], producing: needed[i + 1]) } catch {
                return .failure(error)
            }
            times.append(nanosecondsNow() - start)
        }
        return .success((part, times))
    }
}

/// A clock that only goes forward.
func nanosecondsNow() -> UInt64 {
    let duration = ContinuousClock.now - clockStart
    return UInt64(max(0, duration.components.seconds)) * 1_000_000_000
        + UInt64(max(0, duration.components.attoseconds / 1_000_000_000))
}

private let clockStart = ContinuousClock.now
