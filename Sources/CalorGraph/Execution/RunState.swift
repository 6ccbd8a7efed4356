import CalorBase
import CalorTensor

/// The memory of one run: a pointer for every base of the plan, and the tensors that keep them valid.
///
/// SAFETY: `@unchecked Sendable` because the workers of a run share it. Only the thread that walks the steps changes `tensors` and
/// `pointers`, between loops; inside a loop the workers read them and write disjoint parts of the memory they point to.
final class RunState: @unchecked Sendable {
    private(set) var tensors: [Tensor?]
    private var pointers: [UnsafeMutableRawPointer?]
    private let lease: ArenaLease
    private let scratch: UnsafeMutableRawPointer
    private let scratchStride: Int
    let pool: WorkerPool?
    let threads: Int

    /// The caller's memory for outputs, by base.
    private let storage: [Int: AlignedBytes]

    /// - Parameter storage: memory for outputs, by base; the others get new memory.
    init(plan: Plan, inputs: [Tensor], storage: [Int: AlignedBytes], lease: consuming ArenaLease, pool: WorkerPool?) {
        let memory = lease.memory
        self.lease = lease
        self.pool = pool
        threads = pool?.threads ?? 1
        self.storage = storage
        scratch = memory.pointer + plan.arenaBytes
        scratchStride = plan.scratchBytes
        tensors = []
        pointers = []
        tensors.reserveCapacity(plan.bases.count)
        pointers.reserveCapacity(plan.bases.count)
        for (index, base) in plan.bases.enumerated() {
            var tensor: Tensor?
            var pointer: UnsafeMutableRawPointer?
            switch base {
            case .arena: pointer = memory.pointer + plan.offsets[index]
            case .input(let position): tensor = inputs[position]
            case .output(let type):
                let memory = storage[index] ?? AlignedBytes(count: type.byteCount, zeroed: false)
                tensor = Tensor(type.dtype, type.shape, storage: memory, offset: 0)
            case .constant(let constant): tensor = constant
            case .slot: break
            }
            if let tensor { pointer = Self.address(of: tensor) }
            tensors.append(tensor)
            pointers.append(pointer)
        }
    }

    /// The memory that backs `tensor`; `tensors` keeps it alive.
    private static func address(of tensor: Tensor) -> UnsafeMutableRawPointer? {
        tensor.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
    }

    // MARK: - What steps use

    func read(_ place: Place) -> UnsafePointer<Float> { UnsafePointer(write(place)) }

    func write(_ place: Place) -> UnsafeMutablePointer<Float> {
        guard let pointer = pointers[place.base] else { preconditionFailure("a step reads base \(place.base) before it exists") }
        return (pointer + place.offset).assumingMemoryBound(to: Float.self)
    }

    /// Scratch of one part of a loop; a loop that uses it has at most `threads` parts.
    func scratch(_ part: Int) -> UnsafeMutableRawPointer { scratch + part * scratchStride }

    func setSlot(_ base: Int, to tensor: Tensor) {
        tensors[base] = tensor
        pointers[base] = Self.address(of: tensor)
    }

    func drop(_ base: Int) {
        tensors[base] = nil
        pointers[base] = nil
    }

    /// Says that `rows` of an output are done, so that they need not stay in memory.
    func release(_ rows: Range<Int>, of planes: RowPlanes) {
        guard let memory = storage[planes.place.base] else { return }
        let rowBytes = planes.rowFloats * 4
        let first = planes.firstChannel / planes.lanes
        for plane in first..<first + planes.planes {
            let start = planes.place.offset + plane * planes.height * rowBytes
            memory.release(start + rows.lowerBound * rowBytes..<start + rows.upperBound * rowBytes)
        }
    }

    /// Splits `0..<count` into one range for each thread, every boundary a multiple of `alignment`, and runs them.
    ///
    /// Whoever calls this computes the same bits for every split.
    func split(_ count: Int, alignment: Int = 1, _ body: @Sendable (_ part: Int, _ range: Range<Int>) -> Void) {
        let units = (count + alignment - 1) / alignment
        let parts = min(threads, units)
        guard parts > 1, let pool else { return body(0, 0..<count) }
        pool.parallel(parts) { part in
            let start = units * part / parts * alignment
            let end = min(units * (part + 1) / parts * alignment, count)
            body(part, start..<end)
        }
    }
}
