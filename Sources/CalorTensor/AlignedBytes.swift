import CalorBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A block of memory aligned for the widest vector load, released when the last reference goes.
///
/// SAFETY: `@unchecked Sendable` because the pointer is handed out raw. Writers hold the only reference: `Tensor` copies before it
/// writes to a shared block or to a mapped file, and an executor writes disjoint ranges from its workers.
public final class AlignedBytes: @unchecked Sendable {
    public static let alignment = 64
    /// Large blocks ask for pages of this size: fewer misses of the address cache, 3 to 7 % in convolutions of 64 channels and more.
    private static let largePage = 2 << 20

    public let pointer: UnsafeMutableRawPointer
    public let count: Int
    /// What the memory is, and so how it is given back.
    private let owner: Owner

    private enum Owner {
        case allocation
        /// Pages of the system's, zero until they are written: this block and so many bytes of it.
        case pages(UnsafeMutableRawPointer, Int)
        /// A file, which nobody may write to.
        case file(MappedFile)
        /// A file that is being written.
        case output(MappedOutput)
    }

    public var isWritable: Bool { if case .file = owner { false } else { true } }

    /// `count` zero bytes, or bytes of any value when `zeroed` is false. 64 bytes beyond the end may be read, never written.
    public init(count: Int, zeroed: Bool = true) {
        self.count = count
        let isLarge = count >= 2 * Self.largePage
        #if os(Linux)
            // Fresh pages are zero already: the weights of a large model need not be written twice.
            let size = count + Self.alignment + Self.largePage
            if isLarge, zeroed, let pages = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                pages != UnsafeMutableRawPointer(bitPattern: -1)
            {
                pointer = pages.alignedUp(toMultipleOf: Self.largePage)
                owner = .pages(pages, size)
                madvise(pointer, count / Self.largePage * Self.largePage, MADV_HUGEPAGE)
                return
            }
        #endif
        owner = .allocation
        pointer = .allocate(
            byteCount: max(count, 1) + Self.alignment, alignment: isLarge ? Self.largePage : Self.alignment)
        #if os(Linux)
            if isLarge { madvise(pointer, count / Self.largePage * Self.largePage, MADV_HUGEPAGE) }
        #endif
        if zeroed {
            pointer.initializeMemory(as: UInt8.self, repeating: 0, count: count + Self.alignment)
        } else {
            (pointer + count).initializeMemory(as: UInt8.self, repeating: 0, count: Self.alignment)
        }
    }

    /// The bytes of a file, without a copy.
    public init(_ file: MappedFile) {
        owner = .file(file)
        count = file.count
        pointer = UnsafeMutableRawPointer(mutating: file.pointer)
    }

    /// The bytes of a file that is being written. Its pointer must be aligned as blocks of memory are.
    public init(_ output: MappedOutput) {
        precondition(UInt(bitPattern: output.pointer) % UInt(Self.alignment) == 0, "elements of a file that are not aligned")
        owner = .output(output)
        count = output.count
        pointer = output.pointer
    }

    /// Says that the bytes in `range` will hardly be touched again: those of a file that is being written leave the memory.
    public func release(_ range: Range<Int>) { if case .output(let output) = owner { output.release(range) } }

    deinit {
        switch owner {
        case .allocation: pointer.deallocate()
        case .pages(let start, let size): munmap(start, size)
        case .file, .output: break
        }
    }
}
